"""The proxy as a desktop client runs it: it speaks MCP on its own stdin and stdout."""

import shlex
from pathlib import Path

import pytest

from .conftest import Installed
from .installs import NODE
from .running import AUDIT_ONLY, REPOSITORY, environ, proxy_command
from .upstreams import FILESYSTEM
from .wire import Era, stdio

pytestmark = pytest.mark.interop
ERAS: tuple[Era, ...] = ("handshake", "modern")


@pytest.mark.parametrize("era", ERAS)
async def test_stdout_carries_nothing_but_the_protocol(era: Era) -> None:
    """A banner or an audit line on stdout would end the connection of a desktop client."""
    async with stdio(proxy_command("--transport", "stdio"), era=era, env=environ(), cwd=str(REPOSITORY)) as wire:
        profile = {"name": "get_customer_profile", "arguments": {"customer_id": "CUST001"}}
        result = (await wire.ask("tools/call", profile)).body["result"]
        assert result["structuredContent"]


async def test_a_local_server_wrapped_for_a_desktop_client_answers_as_it_does_unwrapped(
    installed: Installed, tmp_path: Path
) -> None:
    installed(NODE)
    data = (tmp_path / "data").resolve()
    FILESYSTEM.prepare(data)
    policies = tmp_path / "policies.toml"
    policies.write_text(AUDIT_ONLY)
    direct = list(FILESYSTEM.command(data))
    wrapped = proxy_command("--transport", "stdio", "--stdio", shlex.join(direct), "--policies", str(policies))
    read = {"name": "read_text_file", "arguments": {"path": str(data / "notes.txt")}}
    answers = []
    for command in (direct, wrapped):
        async with stdio(command, era="handshake", env=environ(), cwd=str(REPOSITORY)) as wire:
            answers.append([await wire.ask("tools/list"), await wire.ask("tools/call", read)])
    assert answers[0] == answers[1]
