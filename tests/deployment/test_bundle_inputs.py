"""What goes into an artifact: the lock, the users' files and their dependencies, and the sentences for what may not."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployment import bundle_lock, bundle_requirements, bundle_strip, bundle_users
from deployment.bundle_strip import Needs
from deployment.bundle_target import Target, interpreter, markers, target
from deployment.errors import ConfigError, DeployError
from tests.deployment.built import PYTHON, ROOT, wheel

LOCKED = bundle_lock.read(ROOT / "requirements.lock")
LEAST = Needs(presidio=False, botocore_data=False, phone_data=False)


@pytest.fixture(scope="module")
def aarch64() -> Target:
    return target("aarch64", PYTHON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies as people have them."""
    (tmp_path / "policies.toml").write_text('[[policy]]\nuse = "audit"\n')
    (tmp_path / "rules.py").write_text("A = 1\n")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "list.txt").write_text("a\n")
    (tmp_path / "words" / "__init__.py").write_text("")
    return tmp_path


def test_without_presidio_the_lock_is_the_core_lock() -> None:
    left = bundle_lock.without(LOCKED, {"boto3", "presidio-analyzer"})
    core = bundle_lock.read(ROOT / "requirements-core.lock")
    assert {name: pin.version for name, pin in left.items()} == {name: pin.version for name, pin in core.items()}


def test_what_only_the_deployer_needs_is_dropped_with_it_and_what_others_need_stays() -> None:
    assert set(LOCKED) - set(bundle_lock.without(LOCKED, {"boto3"})) == {"boto3", "s3transfer"}


def test_markers_are_those_of_the_target_whatever_this_machine_is(
    aarch64: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    newer = replace(aarch64, interpreter=replace(aarch64.interpreter, version="3.13.2"))
    cases = {
        'platform_machine == "aarch64" and sys_platform == "linux"': True,
        'sys_platform == "win32" or platform_machine == "x86_64"': False,
        'python_full_version < "3.12"': False,
        'python_version >= "3.13"': True,
        'extra == "more"': False,
    }
    assert {text: newer.holds(markers.Marker(text)) for text in cases} == cases
    assert newer.holds(markers.Marker('extra == "more"'), ["more"])
    assert newer.abi == "cp313"
    assert {tag.interpreter for tag in newer.ranks if tag.abi == "cp313"} == {"cp313"}


def test_wheels_for_a_newer_system_than_the_runtimes_are_not_taken(aarch64: Target) -> None:
    assert "manylinux_2_34_aarch64" in aarch64.platforms
    assert "manylinux_2_35_aarch64" not in aarch64.platforms
    assert not [name for name in aarch64.platforms if not name.endswith("_aarch64")]


def test_a_python_that_is_not_there_is_one_sentence_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(DeployError, match=r"runtime PYTHON_3_19 needs a released Python 3\.19.*set runtime to PYTHON_"):
        interpreter("3.19")


def test_a_launcher_without_a_python_behind_it_is_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / "python3.19"
    launcher.write_text("#!/bin/sh\necho 'python3.19: command not found' >&2\nexit 127\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(DeployError, match=r"python3\.19 on the PATH is none"):
        interpreter("3.19")


def test_the_python_that_runs_this_is_taken_for_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert interpreter(PYTHON).version.startswith(f"{PYTHON}.")


def test_files_keep_their_place_beside_the_policies_file_which_is_called_policies_toml(folder: Path) -> None:
    (folder / "prod.toml").write_text("")
    include = [folder / "rules.py", folder / "words"]
    users = bundle_users.collected(folder / "prod.toml", include, Path("/nowhere"))
    assert users.files == {
        "policies.toml": folder / "prod.toml",
        "rules.py": folder / "rules.py",
        "words/__init__.py": folder / "words" / "__init__.py",
        "words/list.txt": folder / "words" / "list.txt",
    }


def test_a_whole_folder_may_be_included_with_its_policies_file(folder: Path) -> None:
    users = bundle_users.collected(folder / "policies.toml", [folder], folder)
    assert set(users.files) == {"policies.toml", "rules.py", "words/__init__.py", "words/list.txt"}


def test_without_a_policies_file_things_keep_their_place_in_the_configs_folder(folder: Path) -> None:
    assert set(bundle_users.collected(None, [folder / "rules.py"], folder).files) == {"rules.py"}


def test_caches_tests_and_what_is_hidden_is_left_out_and_named(folder: Path) -> None:
    for name in (
        "__pycache__/rules.cpython-311.pyc",
        ".git/config",
        "tests/test_a.py",
        "test_b.py",
        ".venv/pyvenv.cfg",
    ):
        place = folder / "words" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
    users = bundle_users.collected(folder / "policies.toml", [folder / "words"], folder)
    assert {name for name in users.files if name.startswith("words/")} == {"words/__init__.py", "words/list.txt"}
    assert {Path(path).name for path in users.left_out} == {"__pycache__", ".git", "tests", "test_b.py", ".venv"}


def _secret(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "words" / name).write_text("hush")

    return make


def _outside(folder: Path) -> None:
    (folder.parent / "far.py").write_text("")


def _link(folder: Path) -> None:
    (folder / "words" / "link.txt").symlink_to("/etc/hostname")


def _linked(folder: Path) -> None:
    (folder / "away").symlink_to(folder / "words")


def _ours(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).mkdir()
        (folder / name / "x.py").write_text("")

    return make


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(folder / "words")
        try:
            bound.bind("s")
        finally:
            os.chdir(here)


def _nothing(folder: Path) -> None:
    pass


def _module(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_text("")

    return make


@pytest.mark.parametrize(
    ("make", "include", "said"),
    [
        (_secret(".env"), "words", "looks like a secret"),
        (_secret("server.pem"), "words", "looks like a secret"),
        (_secret("signing.key"), "words/signing.key", "looks like a secret"),
        (_secret("credentials"), "words", "looks like a secret"),
        (_secret("credentials.json"), "words", "looks like a secret"),
        (_outside, "../far.py", "lies outside"),
        (_link, "words", "link.txt is a symbolic link"),
        (_linked, "away", "away is a symbolic link"),
        (_ours("proxy"), "proxy", "the proxy's own proxy"),
        (_ours("policies"), "policies", "the proxy's own policies"),
        (_ours("lib"), "lib", "the proxy's own lib"),
        (_module("main.py"), "main.py", "the proxy's own main.py"),
        (_module("proxy.py"), "proxy.py", "the proxy's own proxy.py"),
        (_module("MAIN.py"), ".", "the proxy's own MAIN.py"),
        (_socket, "words", "neither a file nor a folder"),
        (_nothing, "no_such.py", "there is no"),
    ],
)
def test_what_may_not_ship_is_refused_in_one_sentence(
    make: Callable[[Path], None], include: str, said: str, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    (inner / "words").mkdir(parents=True)
    (inner / "policies.toml").write_text("")
    make(inner)
    with pytest.raises(ConfigError) as caught:
        bundle_users.collected(inner / "policies.toml", [inner / include], inner)
    assert len(caught.value.findings) == 1
    assert caught.value.findings[0].startswith("include: ")
    assert said in caught.value.findings[0]
    assert "hush" not in str(caught.value)


def test_everything_that_is_wrong_with_the_files_is_said_at_once(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        bundle_users.collected(folder / "absent.toml", [folder / "a.py", folder / "b.py"], folder)
    assert len(caught.value.findings) == 3


MINE = '[[policy]]\nuse = "mine:Mine"\n'


@pytest.mark.parametrize(
    ("chain", "source", "needed"),
    [
        (None, "", False),
        ('[[policy]]\nuse = "redact"\n', "", False),
        ('[[policy]]\nuse = "redact"\n[policy.config]\naction = "mask"\n', "", False),
        ('[[policy]]\nuse = "redact"\n[policy.config.presidio]\nnlp = "auto"\n', "", True),
        ('[[policy]]\nuse = "redact"\nmode = "off"\nconfig = { presidio = {} }\n', "", True),
        ('[[policy]]\nuse = "audit"\n[[policy]]\nuse = "tokenize"\nconfig = { presidio = {} }\n', "", True),
        (MINE + 'config = { presidio = { files = ["a.yaml"] } }\n', "", True),
        (MINE + "config = { presidio = true }\n", "", False),
        (MINE, "from policies.redact import Redact\n", False),
        (MINE, "from policies import model, redact\n", False),
        (MINE, "import presidio_analyzer\n", True),
        (None, "from policies.presidio.finder import PresidioFinder\n", True),
        (None, "from spacy.util import load_model_from_init_py, get_model_meta\n", True),
        (None, "import spacy\n", False),
    ],
)
def test_presidio_is_needed_where_a_policys_config_or_the_users_code_names_it_or_a_model_ships(
    chain: str | None, source: str, needed: bool, tmp_path: Path
) -> None:
    file = None
    if chain is not None:
        file = tmp_path / "policies.toml"
        file.write_text(chain)
    assert bundle_users.needs(file, [source]).presidio is needed


def test_users_code_that_calls_aws_or_looks_up_numbers_gets_all_the_data() -> None:
    found = bundle_users.needs(None, ["import boto3\nfrom phonenumbers import geocoder\n"])
    assert (found.botocore_data, found.phone_data) == (True, True)


RULES = '[[policy]]\nuse = "secrets"\nconfig = { rules = ["%s"] }\n'


@pytest.mark.parametrize(
    ("chain", "include", "said"),
    [
        (RULES % "rules.toml", (), "[[policy]] 1 (secrets): rules: rules.toml would not ship: add it to include"),
        (RULES % "rules.toml", ("rules.toml",), None),
        (RULES % "./rules.toml", ("rules.toml",), None),
        (RULES % "words/list.txt", ("words",), None),
        (RULES % "words/list.txt", ("rules.toml",), "words/list.txt would not ship"),
        (RULES % "rule.toml", (".",), "there is no file"),
        (RULES % "words", (".",), "there is no file"),
        (RULES % "../rules.toml", (".",), "../rules.toml does not lie beside policies.toml"),
        (RULES % "/etc/hostname", (".",), "/etc/hostname does not lie beside policies.toml"),
        (
            '[[policy]]\nuse = "redact"\nname = "r"\nconfig.presidio.files = ["a.yaml"]\n',
            (),
            "(r): presidio.files: there",
        ),
        (
            '[[policy]]\nuse = "policies.secrets:Secrets"\nconfig.rules = ["rules.toml"]\n',
            (),
            "rules.toml would not ship",
        ),
        ('[[policy]]\nuse = "secrets"\nmode = "off"\nconfig.rules = ["rules.toml"]\n', (), None),
        ('[[policy]]\nuse = "mine:Mine"\nconfig.rules = ["rules.toml"]\n', (), None),
        ('[[policy]]\nuse = "secrets"\nconfig.rules = "rules.toml"\n', (), None),
        ('policy = ["a"]\n', (), None),
    ],
)
def test_a_file_that_a_built_in_policy_names_must_ship(
    chain: str, include: tuple[str, ...], said: str | None, folder: Path
) -> None:
    (folder / "policies.toml").write_text(chain)
    (folder / "rules.toml").write_text("")
    paths = [folder / each for each in include]
    if said is None:
        assert "policies.toml" in bundle_users.collected(folder / "policies.toml", paths, folder).files
        return
    with pytest.raises(ConfigError) as caught:
        bundle_users.collected(folder / "policies.toml", paths, folder)
    (finding,) = caught.value.findings
    assert finding.startswith(f"{folder / 'policies.toml'}: [[policy]] 1 (")
    assert said in finding


@pytest.mark.parametrize(
    ("path", "ours", "ships"),
    [
        ("pkg/__init__.py", True, True),
        ("pkg/tests/test_a.py", True, False),
        ("pkg/tests/test_a.py", False, False),
        ("pkg/tests.py", True, True),
        ("pkg/core.pyx", True, False),
        ("pkg/__init__.pyi", True, False),
        ("pkg/__init__.pyi", False, True),
        ("pkg/__pycache__/a.cpython-311.pyc", False, False),
        ("odd.pth", False, False),
        ("pkg-1.dist-info/METADATA", True, True),
        ("pkg-1.dist-info/entry_points.txt", True, True),
        ("pkg-1.dist-info/licenses/LICENSE", True, True),
        ("pkg-1.dist-info/LICENSE.txt", True, True),
        ("pkg-1.dist-info/RECORD", True, False),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", True, False),
        ("botocore/data/sts/2011-06-15/service-2.json.gz", True, True),
        ("botocore/data/endpoints.json", True, True),
        ("phonenumbers/geodata/data0.py", True, False),
    ],
)
def test_what_of_a_wheel_ships(path: str, ours: bool, ships: bool) -> None:
    assert bool(bundle_strip.shipped([path], {}, ours=ours, needs=LEAST)) is ships


def test_what_compilers_read_stays_where_a_source_reads_it_too() -> None:
    sources = {"pkg/run.py": b"KERNELS = (HERE / 'kernels.cu').read_text()\n"}
    paths = ["pkg/kernels.cu", "pkg/other.cu", "pkg/run.py"]
    assert bundle_strip.shipped(paths, sources, ours=True, needs=LEAST) == ["pkg/kernels.cu", "pkg/run.py"]


def test_tests_that_the_package_itself_imports_stay() -> None:
    sources = {"pkg/run.py": b"from pkg.tests.data import X\n", "pkg/tests/data.py": b"X = 1\n"}
    assert bundle_strip.imports_tests(sources)
    assert not bundle_strip.imports_tests({"pkg/tests/a.py": b"from pkg.tests.data import X\n"})
    assert not bundle_strip.imports_tests({"pkg/run.py": b"from pkg import latest\nimport pkg.testing\n"})


@pytest.mark.parametrize(
    ("inside", "place"),
    [
        ("pkg/a.py", "pkg/a.py"),
        ("pkg-1.data/purelib/pkg/b.py", "pkg/b.py"),
        ("pkg-1.data/scripts/run", None),
        ("pkg-1.data/headers/x.h", None),
    ],
)
def test_files_of_a_wheel_go_where_an_installer_puts_them(inside: str, place: str | None) -> None:
    assert bundle_strip.placed(inside) == place


def asked(folder: Path, text: str) -> bundle_requirements.Asked:
    file = folder / "requirements.txt"
    file.write_text(f"--no-index\n--find-links wheels\n{text}")
    return bundle_requirements.asked(file)


def test_a_requirement_that_conflicts_with_the_lock_is_one_error_that_names_the_package(
    tmp_path: Path, aarch64: Target
) -> None:
    with pytest.raises(ConfigError) as caught:
        bundle_requirements.resolved(asked(tmp_path, "orjson<3\nPyYAML==1.0\n"), LOCKED, aarch64, tmp_path)
    orjson, pyyaml = caught.value.findings
    assert orjson.startswith(
        f"requirements: requirements.txt, line 3: orjson<3 conflicts with orjson {LOCKED['orjson'].version}"
    )
    assert "line 4: PyYAML==1.0 conflicts with pyyaml" in pyyaml


def test_a_conflict_further_down_names_the_locked_package_too(tmp_path: Path, aarch64: Target) -> None:
    wheel(tmp_path / "wheels", "deep", "1.0", {"deep.py": ""}, requires=("orjson<3",))
    with pytest.raises(ConfigError) as caught:
        bundle_requirements.resolved(asked(tmp_path, "deep\n"), LOCKED, aarch64, tmp_path)
    (found,) = caught.value.findings
    assert "conflicts with orjson" in found
    assert "deep 1.0 depends on orjson<3" in found


def test_requirements_are_those_of_the_target_and_kept_for_the_next_time(
    tmp_path: Path, aarch64: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    there = 'there; platform_machine == "aarch64" and platform_system == "Linux"'
    here = 'here; platform_machine == "no such machine"'
    wheel(wheels, "asked", "1.0", {"asked.py": ""}, requires=(there, here))
    wheel(wheels, "there", "2.0", {"there.py": ""})
    file = tmp_path / "requirements.txt"
    file.write_text("asked\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    told = bundle_requirements.asked(file)
    pins = bundle_requirements.resolved(told, LOCKED, aarch64, tmp_path / "kept")
    assert [(pin.name, pin.version) for pin in pins] == [("asked", "1.0"), ("there", "2.0")]
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert bundle_requirements.resolved(told, LOCKED, aarch64, tmp_path / "kept") == pins


def test_constraints_ask_for_nothing_and_nested_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("one>=1\n")
    (tmp_path / "not.txt").write_text("two<2\n")
    lines = asked(tmp_path, "-r more.txt\n-c not.txt\nthree \\\n  ; python_version > '3'\n").lines
    assert [(line.where, line.text, line.constraint) for line in lines[2:]] == [
        ("more.txt, line 1", "one>=1", False),
        ("not.txt, line 1", "two<2", True),
        ("requirements.txt, line 5", "three    ; python_version > '3'", False),
    ]


def test_what_is_not_to_be_had_as_a_wheel_is_named(tmp_path: Path, aarch64: Target) -> None:
    with pytest.raises(ConfigError, match=r"pip cannot resolve requirements\.txt.*no_such_thing"):
        bundle_requirements.resolved(asked(tmp_path, "no_such_thing\n"), LOCKED, aarch64, tmp_path)
