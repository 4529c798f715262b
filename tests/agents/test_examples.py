"""The examples, run as their users run them, against the emulated Runtime with a real proxy behind it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.agents.plane import ROOT, Ran, deployed, run
from tests.inbound.issuer import Issuer
from tests.inbound.issuer import serving as issuing

pytestmark = pytest.mark.interop

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TOOLS = "tools: get_customer_profile, check_warranty_status, search_knowledge, update_order, send_update\n"


def profile(ran: Ran) -> dict[str, object]:
    """The customer on the last line of the output, redacted by the proxy."""
    assert ran.code == 0, ran.err
    found: dict[str, object] = json.loads(ran.out.splitlines()[-1])
    assert (found["customer_id"], found["email"][-18:]) == ("CUST001", ".token.example.com")
    return found


async def test_fastmcps_client_signs_and_is_refused_with_a_wrong_key(proxy: str) -> None:
    async with deployed(proxy) as there:
        ran = await run("examples/fastmcp_client.py", there.arn, environ=there.environment)
        assert profile(ran)
        assert ran.out.startswith(TOOLS)
        assert ran.err == ""
        wrong = {**there.environment, "AWS_SECRET_ACCESS_KEY": "canary-7f3a"}
        refused = await run("examples/fastmcp_client.py", there.arn, environ=wrong)
    assert (refused.code, refused.out) == (1, "")
    assert "127.0.0.1 answered 403: the AWS credentials are refused (InvalidSignatureException)" in refused.err
    assert refused.err.count("answered 403") == 1
    assert "canary-7f3a" not in refused.err


async def test_fastmcps_client_brings_a_token_and_is_refused_with_an_old_one(proxy: str) -> None:
    async with issuing(Issuer()) as issuer:
        discovery = f"{issuer.name}/.well-known/openid-configuration"
        async with deployed(proxy, discoveryUrl=discovery, allowedClients=["agent"]) as there:
            token = {**there.environment, "PROXY_TOKEN": issuer.token()}
            assert profile(await run("examples/fastmcp_client.py", there.arn, environ=token))
            old = {**there.environment, "PROXY_TOKEN": issuer.token(exp=1)}
            refused = await run("examples/fastmcp_client.py", there.arn, environ=old)
            signed = await run("examples/fastmcp_client.py", there.arn, environ=there.environment)
    assert (refused.code, signed.code) == (1, 1)
    assert "127.0.0.1 answered 401: the token is not accepted: it has ended" in refused.err
    assert "the Runtime wants a token of its JWT authorizer" in signed.err


async def test_no_credentials_at_all_are_one_clear_error(proxy: str) -> None:
    async with deployed(proxy) as there:
        bare = {key: value for key, value in there.environment.items() if not key.endswith(("_KEY", "_KEY_ID"))}
        ran = await run("examples/fastmcp_client.py", there.arn, environ=bare)
    assert ran.code == 1
    assert "AWS credentials: none found; set AWS_PROFILE" in ran.err


async def test_plain_boto3_calls_and_is_refused_with_a_wrong_key(proxy: str) -> None:
    async with deployed(proxy) as there:
        assert profile(await run("examples/boto3_invoke.py", there.arn, environ=there.environment))
        wrong = {**there.environment, "AWS_SECRET_ACCESS_KEY": "canary-7f3a"}
        refused = await run("examples/boto3_invoke.py", there.arn, environ=wrong)
        there.world.faults.invocation_errors = [-32010]
        failed = await run("examples/boto3_invoke.py", there.arn, environ=there.environment)
    assert (refused.code, failed.code) == (1, 1)
    assert "InvalidSignatureException" in refused.err
    assert failed.err.startswith("-32010: ")


async def test_plain_boto3_cannot_call_a_runtime_that_wants_a_token(proxy: str) -> None:
    async with issuing(Issuer()) as issuer:
        discovery = f"{issuer.name}/.well-known/openid-configuration"
        async with deployed(proxy, discoveryUrl=discovery, allowedClients=["agent"]) as there:
            refused = await run("examples/boto3_invoke.py", there.arn, environ=there.environment)
    assert refused.code == 1
    assert "AccessDeniedException" in refused.err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_how_to_run_it_and_is_read_in_one_look(path: Path) -> None:
    text = path.read_text()
    told = ast.get_docstring(ast.parse(text)) or ""
    assert f"python examples/{path.name} ARN" in told
    assert len(text.splitlines()) <= 60
    assert f"examples/{path.name}" in (ROOT / "docs" / "agents.md").read_text()
