"""Every configuration shown in docs/inbound-auth.md is complete."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from proxy.callers import callers, refusals
from proxy.settings import load
from tests.inbound.conftest import Given, jwt_of
from tests.inbound.issuer import Issuer
from tests.mcp_wire import MODERN
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

DOC = Path(__file__).resolve().parents[2] / "docs" / "inbound-auth.md"
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
BLOCKS = [text for kind, text in FENCED if not kind]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_configuration_in_the_docs_starts(block: str) -> None:
    settings = load(dict(line.split("=", 1) for line in block.splitlines()))
    callers(settings, Given())
    assert refusals(settings, []) == []


def test_the_docs_show_every_mode() -> None:
    modes = {line.removeprefix("MCP_PROXY_INBOUND=") for block in BLOCKS for line in block.splitlines()}
    assert {"jwt", "oauth", "platform"} <= modes


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine: the command of docs/inbound-auth.md")
async def test_the_command_in_the_docs_lists_the_tools(issuer: Issuer, tmp_path: Path) -> None:
    (command,) = [text for kind, text in FENCED if kind == "sh"]
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, **jwt_of(issuer)) as running,
    ):
        process = await asyncio.create_subprocess_shell(
            command.replace("https://mcp.example.com/mcp", running.url).replace("curl ", "curl --silent "),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "TOKEN": issuer.token(), "NO_PROXY": "*"},
        )
        answer, _ = await asyncio.wait_for(process.communicate(), 20)
    assert json.loads(answer)["result"]["tools"]
