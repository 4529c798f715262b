"""The twin of the artifact for this machine: unpacked, started as a Runtime starts it, checked, and called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import free_port
from deployment import bundle_check
from deployment.bundle_contents import Inputs
from deployment.errors import ConfigError
from proxy.client import Client
from tests.deployment.built import PYTHON, alone, built, interpreter, project, reachable, unpacked, users, with_presidio

pytestmark = pytest.mark.interop

ONLY_PRESIDIO = ("presidio", "spacy", "numpy", "phonenumbers", "tldextract")

ENVIRONMENT = {"MCP_PROXY_INBOUND": "platform", "MCP_PROXY_HOST": "0.0.0.0", "AUTH_MODE": "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An unpacked twin, and the folder of what it was built from."""

    folder: Path
    source: Path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """With a policy module of the user's, and what that needs."""
    yield from _placed(tmp_path_factory.mktemp("small"), users)


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """With the default chain."""
    yield from _placed(tmp_path_factory.mktemp("default"), lambda _: {})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """With a chain that asks for Presidio."""
    yield from _placed(tmp_path_factory.mktemp("whole"), with_presidio)


def _placed(base: Path, files: Callable[[Path], dict[str, Any]]) -> Iterator[Placed]:
    source = project(base / "source")
    theirs = files(source)
    yield Placed(folder=unpacked(built(source, "host", **theirs).path, base / "task"), source=source)
    shutil.rmtree(base)


@contextmanager
def started(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The URL of a process with no variable but these, as the platform starts it: from another working directory."""
    port = free_port()
    own = {"PATH": os.defpath, "MCP_PROXY_PORT": str(port)}
    stderr = folder.parent / "stderr"
    with stderr.open("w") as errors:
        process = subprocess.Popen(
            [interpreter(), str(folder / "main.py")],
            cwd="/",
            env={**own, **ENVIRONMENT, **environment},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        _listening(process, port, stderr)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        assert process.wait(20) == 0


def _listening(process: subprocess.Popen[bytes], port: int, stderr: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, stderr.read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1) as answer:
            assert json.load(answer) == {"status": "Healthy"}
            return
        time.sleep(0.02)
    raise AssertionError(stderr.read_text())


def test_the_twin_answers_a_call_through_the_users_own_policy_and_its_dependency(small: Placed) -> None:
    with started(small.folder, {"MCP_PROXY_POLICIES": "policies.toml"}) as url, closing(Client(url)) as client:
        assert {tool["name"] for tool in client.tools()} >= {"get_customer_profile"}
        result = client.call("get_customer_profile", {"customer_id": "cust001"})
    assert result["structuredContent"]["customer_id"] == "CUST001"
    assert not result.get("isError")


def test_the_default_chain_redacts_in_the_twin_which_has_no_presidio(default: Placed) -> None:
    with started(default.folder, {}) as url, closing(Client(url)) as client:
        told = json.dumps(client.call("get_customer_profile", {"customer_id": "CUST001"}))
    assert "US_SSN" in told
    assert "CREDIT_CARD" in told
    assert "@example.com" in told
    assert "maria" not in told
    assert "4111" not in told
    assert not [path.name for path in (default.folder / "lib").iterdir() if path.name.startswith(ONLY_PRESIDIO)]


def test_recognizers_of_presidio_and_of_an_included_file_redact_in_the_twin(whole: Placed) -> None:
    note = "resident number 900101-1234568, claim CLM-482130, mail jane.doe@example.com"
    with started(whole.folder, {"MCP_PROXY_POLICIES": "policies.toml"}) as url, closing(Client(url)) as client:
        order = {"order_id": "ORD-10021", "status": "shipped", "note": note}
        result = client.call("update_order", order)
    assert result["structuredContent"]["note"] == "resident number <KR_RRN>, claim <CLAIM>, mail <EMAIL_ADDRESS>"
    assert "900101" not in json.dumps(result)


def test_the_door_behind_the_lane_opens_too(small: Placed) -> None:
    with started(small.folder, {}) as url:
        until = time.monotonic() + 20
        while (state := _ready(url))["door"] == "opening" and time.monotonic() < until:
            time.sleep(0.05)
    assert state["door"] == "open"


def _ready(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url.replace("/mcp", "/readyz"), timeout=5) as answer:
        found: dict[str, str] = json.load(answer)
    return found


def test_nothing_of_this_repository_or_its_environment_is_on_the_path(small: Placed) -> None:
    asked = "import json, sys, runpy; runpy.run_path('main.py', run_name='x')['_settle'](); import proxy, loud, yarl"
    code = f"{asked}; print(json.dumps([sys.path, proxy.__file__, loud.__file__, yarl.__file__]))"
    done = subprocess.run(
        [interpreter(), "-S", "-c", code], cwd=small.folder, env={}, capture_output=True, text=True, check=True
    )
    path, *files = json.loads(done.stdout)
    assert path[0] == str(small.folder / "lib")
    assert str(small.folder) not in path
    assert all(file.startswith(str(small.folder / "lib")) for file in files)


def test_a_module_of_the_users_called_as_one_of_pythons_shadows_nothing(small: Placed, tmp_path: Path) -> None:
    folder = shutil.copytree(small.folder, tmp_path / "task")
    (folder / "types.py").write_text("raise SystemExit('shadowed')\n")
    (folder / "yarl.py").write_text("raise SystemExit('shadowed')\n")
    with started(folder, {"MCP_PROXY_POLICIES": "policies.toml"}) as url, closing(Client(url)) as client:
        assert client.tools()


def test_every_service_whose_model_ships_can_be_called(default: Placed) -> None:
    services = ("bedrock-agentcore", "secretsmanager", "sts", "kms", "cognito-idp", "sso", "sso-oidc")
    code = (
        "import botocore.session as b; s = b.Session(); "
        f"print([s.create_client(n, 'us-east-1').meta.endpoint_url for n in {services}])"
    )
    done = bundle_check.run(default.folder, PYTHON, ["-c", code], {})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("https://") == len(services)


def test_the_check_runs_inside_what_ships_and_once(small: Placed) -> None:
    theirs = users(small.source)
    inputs, told = Inputs(folder=small.source, python=PYTHON, **theirs), []
    environment = {**ENVIRONMENT, "MCP_PROXY_POLICIES": "policies.toml"}
    with alone(), reachable():
        bundle_check.check(inputs, environment, told.append)
        assert told[-1:] == ["checking the chain inside the artifact"]
        bundle_check.check(inputs, environment, told.append)
        assert told.count("checking the chain inside the artifact") == 1


@pytest.mark.parametrize(
    ("module", "environment", "said"),
    [
        ("import absent\n", {}, "module 'shouting' imports 'absent', which is not installed"),
        ("class Shout: pass\n", {}, "'shouting:Shout' is not a subclass"),
        (None, {"AUTH_MODE": "nonsense"}, "auth_mode"),
        (None, {"MCP_PROXY_INBOUND": "none"}, "inbound"),
    ],
)
def test_what_the_check_finds_ends_the_deployment_before_it_begins(
    module: str | None, environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    theirs = users(project(tmp_path))
    if module is not None:
        (tmp_path / "shouting.py").write_text(module)
    inputs = Inputs(folder=tmp_path, python=PYTHON, **theirs)
    with alone(), reachable(), pytest.raises(ConfigError) as caught:
        bundle_check.check(inputs, {**ENVIRONMENT, "MCP_PROXY_POLICIES": "policies.toml", **environment})
    assert len(caught.value.findings) == 1
    assert said in caught.value.findings[0]
    shutil.rmtree(tmp_path / ".build" / "trees")


def test_a_file_that_a_policy_names_and_nobody_includes_is_found_before_anything_is_built(tmp_path: Path) -> None:
    theirs = with_presidio(project(tmp_path))
    inputs = Inputs(folder=tmp_path, python=PYTHON, policies=theirs["policies"])
    with alone(), reachable(), pytest.raises(ConfigError, match=r"presidio\.files: recognizers\.yaml would not ship"):
        bundle_check.check(inputs, ENVIRONMENT)


def test_a_dependency_that_is_missing_from_the_requirements_is_found_before_anything_is_uploaded(
    tmp_path: Path,
) -> None:
    theirs = users(project(tmp_path))
    del theirs["requirements"]
    inputs = Inputs(folder=tmp_path, python=PYTHON, **theirs)
    with alone(), reachable(), pytest.raises(ConfigError, match="imports 'loud', which is not installed"):
        bundle_check.check(inputs, {**ENVIRONMENT, "MCP_PROXY_POLICIES": "policies.toml"})
    shutil.rmtree(tmp_path / ".build" / "trees")
