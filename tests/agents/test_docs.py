"""Every snippet and command of docs/agents.md runs. What needs the SDK 1 runs in the interop suite."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from proxy.arns import invocation_url
from proxy.client_runtime import PATIENCE_S
from tests.agents.front import ARN
from tests.agents.plane import ROOT, deployed, run
from tests.auth.identity_provider import Provider
from tests.auth.identity_provider import running as giving
from tests.inbound.issuer import Issuer
from tests.inbound.issuer import serving as issuing

pytestmark = pytest.mark.interop

TEXT = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [text for kind, text in BLOCKS if kind == "python" and "_httpx" not in text]
SIGNING = [text for text in PYTHON if "SigV4Auth" in text]
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
TOKEN_URL = "https://example.auth.us-east-1.amazoncognito.com/oauth2/token"


def test_the_page_has_what_this_file_runs() -> None:
    assert (len(PYTHON), len(SIGNING), len(COMMANDS)) == (3, 2, 2)
    assert all(ARN in text for text in [*PYTHON, *COMMANDS])
    assert f"for {PATIENCE_S:g} s in all" in TEXT


@pytest.mark.parametrize("text", SIGNING, ids=["FastMCP", "MCP SDK 2"])
async def test_a_snippet_that_signs_calls_the_tool(text: str, proxy: str, tmp_path: Path) -> None:
    script = tmp_path / "snippet.py"
    async with deployed(proxy) as there:
        script.write_text(text.replace(ARN, there.arn))
        ran = await run(str(script), environ=there.environment)
    assert (ran.code, ".token.example.com" in ran.out) == (0, True), ran.err


async def test_the_snippet_of_client_credentials_gets_a_token_and_calls(proxy: str, tmp_path: Path) -> None:
    (text,) = (text for text in PYTHON if "ClientCredentials" in text)
    script = tmp_path / "snippet.py"
    async with issuing(Issuer()) as issuer, giving(Provider()) as provider:
        provider.answer["access_token"] = issuer.token()
        discovery = f"{issuer.name}/.well-known/openid-configuration"
        async with deployed(proxy, discoveryUrl=discovery, allowedClients=["agent"]) as there:
            script.write_text(text.replace(ARN, there.arn).replace(TOKEN_URL, f"{provider.url}/oauth2/token"))
            ran = await run(str(script), environ={**there.environment, "CLIENT_SECRET": "s3cret"})
    assert (ran.code, ".token.example.com" in ran.out) == (0, True), ran.err
    assert provider.forms == [{"grant_type": "client_credentials", "scope": "proxy/invoke"}]


@pytest.mark.parametrize("command", COMMANDS, ids=["tools", "call"])
async def test_a_command_asks_the_runtime(command: str, proxy: str) -> None:
    async with deployed(proxy) as there:
        words = shlex.split(command.replace(ARN, there.arn))
        ran = await run("-m", "proxy", *words[1:], environ=there.environment)
    assert (ran.code, "customer" in ran.out) == (0, True), ran.err


def test_the_url_of_the_page_is_the_one_that_is_called(keys: pytest.MonkeyPatch) -> None:
    (url,) = (text.strip() for kind, text in BLOCKS if not kind)
    assert invocation_url(ARN) == url.replace("REGION", "us-east-1").replace(
        "ENCODED_ARN", ARN.replace(":", "%3A").replace("/", "%2F")
    )
