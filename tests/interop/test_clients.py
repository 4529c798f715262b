"""Real clients in front of the proxy, which runs with its default chain in front of its demo upstream.

Every client runs as a process of its own, in the environment that its versions need, and prints one JSON report:
`tools` (names), `result` (of `get_customer_profile`), and `version` (the negotiated revision, where the client tells).
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from .conftest import Installed
from .installs import CLIENTS, NODE
from .running import AUDIT_ONLY, REPOSITORY, environ, proxy, proxy_command
from .wire import Json, http

pytestmark = pytest.mark.interop

SCRIPTS = Path(__file__).parent / "clients"
LONGEST_RUN = 60.0
"""Seconds."""
TOOLS = {"get_customer_profile", "check_warranty_status", "search_knowledge", "update_order", "send_update"}
PROFILE = {"name": "get_customer_profile", "arguments": {"customer_id": "CUST001"}}
PERSONAL = {
    "e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+\w"),
    "social security number": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "card number": re.compile(r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b"),
    "phone number": re.compile(r"(?:\+\d{1,2}[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b"),
}


def python(script: str, *arguments: str) -> Json:
    """A client of the environment for SDK 1.x; its telemetry, if it has any, stays off."""
    return _report([str(CLIENTS.bin / "python"), str(SCRIPTS / script), *arguments])


def own_python(script: str, *arguments: str) -> Json:
    return _report([sys.executable, str(SCRIPTS / script), *arguments])


def node(script: str, *arguments: str) -> Json:
    """The script goes in by stdin, so that its imports resolve in the environment and not beside the file."""
    command = [str(NODE.bin / "node"), "--input-type=module", "-", *arguments]
    return _report(command, stdin=(SCRIPTS / script).read_text(), cwd=NODE.folder)


def inspector(url: str, home: Path) -> Json:
    command = [str(NODE.bin / "mcp-inspector"), "--cli", url, "--transport", "http", "--method"]
    call = ["tools/call", "--tool-name", "get_customer_profile", "--tool-arg", "customer_id=CUST001"]
    listed = _report([*command, "tools/list"], home=home)
    return {"tools": [tool["name"] for tool in listed["tools"]], "result": _report([*command, *call], home=home)}


def _report(command: Sequence[str], *, stdin: str = "", cwd: Path = REPOSITORY, home: Path | None = None) -> Json:
    env = environ() | {"PATH": NODE.environ()["PATH"], "LANGSMITH_TRACING": "false", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"HOME": str(home)} if home else {}
    done = subprocess.run(command, input=stdin, cwd=cwd, env=env, capture_output=True, text=True, timeout=LONGEST_RUN)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-3000:]}"
    return dict(json.loads(done.stdout))


CLIENTS_OVER_HTTP: dict[str, tuple[str | None, Callable[[str, Path], Json]]] = {
    "MCP Inspector CLI": (None, inspector),
    "TypeScript SDK 1": ("2025-11-25", lambda url, _: node("sdk_1.mjs", "--url", url)),
    "TypeScript client 2, handshake": ("2025-11-25", lambda url, _: node("sdk_2.mjs", "legacy", "--url", url)),
    "TypeScript client 2, modern": ("2026-07-28", lambda url, _: node("sdk_2.mjs", "2026-07-28", "--url", url)),
    "mcp 1.30": ("2025-11-25", lambda url, _: python("mcp_sdk_1.py", "--url", url)),
    "mcp 2, handshake": ("2025-11-25", lambda url, _: own_python("mcp_sdk_2.py", "legacy", "--url", url)),
    "mcp 2, modern": ("2026-07-28", lambda url, _: own_python("mcp_sdk_2.py", "2026-07-28", "--url", url)),
    "fastmcp, handshake": ("2025-11-25", lambda url, _: own_python("fastmcp_client.py", "legacy", "--url", url)),
    "fastmcp, modern": ("2026-07-28", lambda url, _: own_python("fastmcp_client.py", "2026-07-28", "--url", url)),
    "strands": (None, lambda url, _: python("strands_client.py", "--url", url)),
    "langchain": (None, lambda url, _: python("langchain_client.py", "--url", url)),
}
DESKTOP = proxy_command("--transport", "stdio")
CLIENTS_OVER_STDIO: dict[str, tuple[str, Callable[[], Json]]] = {
    "mcp 1.30": ("2025-11-25", lambda: python("mcp_sdk_1.py", "--command", *DESKTOP)),
    "mcp 2, handshake": ("2025-11-25", lambda: own_python("mcp_sdk_2.py", "legacy", "--command", *DESKTOP)),
    "mcp 2, modern": ("2026-07-28", lambda: own_python("mcp_sdk_2.py", "2026-07-28", "--command", *DESKTOP)),
}


@pytest.fixture(scope="module")
def default_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with proxy(tmp_path_factory.mktemp("default")) as url:
        yield url


@pytest.fixture(scope="module")
def plain_profile(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The demo's profile as it is when no policy changes it."""

    async def ask(url: str) -> Json:
        async with http(url, era="handshake") as wire:
            return dict((await wire.ask("tools/call", PROFILE)).body["result"])

    with proxy(tmp_path_factory.mktemp("plain"), policies=AUDIT_ONLY) as url:
        return asyncio.run(ask(url))


@pytest.mark.parametrize("kind", PERSONAL)
def test_the_plain_profile_holds_every_kind_of_personal_data(plain_profile: Json, kind: str) -> None:
    """Without it the absence of personal data behind the redacting chain would prove nothing."""
    text = "\n".join(block.get("text", "") for block in plain_profile["content"])
    for place in (text, json.dumps(plain_profile["structuredContent"])):
        assert PERSONAL[kind].search(place)


@pytest.mark.parametrize("client", CLIENTS_OVER_HTTP)
def test_a_client_lists_the_tools_and_gets_the_redacted_profile(
    installed: Installed, default_proxy: str, plain_profile: Json, tmp_path: Path, client: str
) -> None:
    version, run = CLIENTS_OVER_HTTP[client]
    installed(NODE if run is inspector or client.startswith("TypeScript") else CLIENTS)
    _check(run(default_proxy, tmp_path), version, plain_profile)


@pytest.mark.parametrize("client", CLIENTS_OVER_STDIO)
def test_a_desktop_client_gets_the_redacted_profile_over_stdio(
    installed: Installed, plain_profile: Json, client: str
) -> None:
    installed(CLIENTS)
    version, run = CLIENTS_OVER_STDIO[client]
    _check(run(), version, plain_profile)


def _check(report: Json, version: str | None, plain: Json) -> None:
    result = report["result"]
    assert not result.get("isError"), result
    assert report.get("version") == version
    assert sorted(report["tools"]) == sorted(TOOLS)
    assert _shape(result["structuredContent"]) == _shape(plain["structuredContent"])
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert [value for value in _personal_values(plain) if value in json.dumps(report, ensure_ascii=False)] == []


def _personal_values(profile: Json) -> set[str]:
    text = json.dumps(profile, ensure_ascii=False)
    return {found for pattern in PERSONAL.values() for found in pattern.findall(text)}


def _shape(value: object) -> object:
    """The keys at every level, without the values."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return None
