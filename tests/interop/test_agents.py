"""The examples on other frameworks, in the environment that has them, against the emulated Runtime."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.agents.plane import ROOT, Deployed, Ran, deployed, run
from tests.inbound.issuer import Issuer
from tests.inbound.issuer import serving as issuing

from .conftest import Installed
from .installs import CLIENTS
from .running import proxy

pytestmark = pytest.mark.interop

TOOLS = "tools: get_customer_profile, check_warranty_status, search_knowledge, update_order, send_update\n"
OURS = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/policy_proxy-AbCdEf1234"
examples = pytest.mark.parametrize("example", ["strands_agent.py", "langchain_adapter.py"])


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with proxy(tmp_path_factory.mktemp("proxy"), "--inbound", "platform") as url:
        yield url.removesuffix("/mcp")


@pytest.fixture
async def there(installed: Installed, origin: str) -> AsyncIterator[Deployed]:
    await asyncio.to_thread(installed, CLIENTS)
    async with deployed(origin) as there:
        yield there


async def agent(script: str, there: Deployed, **environ: str) -> Ran:
    given = {**there.environment, "LANGSMITH_TRACING": "false", **environ}
    return await run(script, there.arn, environ=given, python=str(CLIENTS.bin / "python"))


@examples
async def test_an_agent_signs_lists_and_calls(example: str, there: Deployed) -> None:
    ran = await agent(f"examples/{example}", there)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(TOOLS)
    found = json.loads(ran.out.splitlines()[-1])
    assert (found["customer_id"], found["email"][-18:]) == ("CUST001", ".token.example.com")


@examples
async def test_an_agent_with_a_wrong_key_is_refused_with_a_clear_message(example: str, there: Deployed) -> None:
    refused = await agent(f"examples/{example}", there, AWS_SECRET_ACCESS_KEY="canary-7f3a")
    assert (refused.code, refused.out) == (1, "")
    assert "127.0.0.1 answered 403: the AWS credentials are refused (InvalidSignatureException)" in refused.err
    assert "canary-7f3a" not in refused.err


@examples
async def test_an_agent_brings_a_token_and_is_refused_with_an_old_one(
    example: str, installed: Installed, origin: str
) -> None:
    await asyncio.to_thread(installed, CLIENTS)
    async with issuing(Issuer()) as issuer:
        discovery = f"{issuer.name}/.well-known/openid-configuration"
        async with deployed(origin, discoveryUrl=discovery, allowedClients=["agent"]) as there:
            ran = await agent(f"examples/{example}", there, PROXY_TOKEN=issuer.token())
            old = await agent(f"examples/{example}", there, PROXY_TOKEN=issuer.token(exp=1))
    assert ran.code == 0, ran.err
    assert ran.out.startswith(TOOLS)
    assert (old.code, old.out) == (1, "")
    assert "127.0.0.1 answered 401: the token is not accepted: it has ended" in old.err


async def test_what_the_docs_show_for_the_sdk_of_major_version_1_runs(there: Deployed, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if "_httpx" in block]
    assert len(blocks) == 1
    script = tmp_path / "snippet.py"
    script.write_text(blocks[0].replace(OURS, there.arn))
    ran = await agent(str(script), there)
    assert (ran.code, "CUST001" in ran.out) == (0, True), ran.err
