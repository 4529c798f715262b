"""Behind a platform that checked the caller: claims are read, broken or ended tokens are refused all the same."""

from __future__ import annotations

import time
from typing import Any

import pytest

from policies.model import ANYONE
from tests.inbound.conftest import checking, refused, with_token
from tests.inbound.issuer import Issuer, compact

CLAIMS: dict[str, Any] = {"iss": "https://issuer.example", "sub": "alice", "exp": int(time.time()) + 600}


def token(**given: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **given}.items() if value is not None}
    return f"{compact({'alg': 'RS256', 'kid': 'k'}, claims)}.c2lnbmF0dXJl"


async def test_the_claims_of_a_token_tell_who_calls_at_once() -> None:
    async with checking(inbound="platform") as who:
        caller = who.known(with_token(token(), x_amzn_bedrock_agentcore_runtime_user_id="bob"))
    assert caller is not None
    assert (caller.subject, caller.issuer, caller.asserted) == ("alice", "https://issuer.example", {"user": "bob"})


TOKENLESS = pytest.mark.parametrize(
    "headers", [[], [(b"authorization", b"AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=y")]]
)


@TOKENLESS
async def test_without_a_token_there_is_no_subject(headers: list[tuple[bytes, bytes]]) -> None:
    async with checking(inbound="platform") as who:
        assert who.known(headers) == ANYONE
        claimed = [*headers, (b"x-amzn-bedrock-agentcore-runtime-user-id", b"bob")]
        caller = await who.identify(claimed)
    assert (caller.subject, caller.asserted) == (None, {"user": "bob"})


@TOKENLESS
@pytest.mark.parametrize("asked", ["inbound_issuer", "inbound_audience", "inbound_client_ids", "inbound_scopes"])
async def test_where_the_settings_ask_for_claims_nobody_passes_without_a_token(
    asked: str, headers: list[tuple[bytes, bytes]]
) -> None:
    async with checking(inbound="platform", **{asked: "https://issuer.example"}) as who:
        answered = await refused(who, headers)
    assert (answered.status, answered.body["error"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "unfit", ["garbage", "", token(exp=1), token(exp="x"), token(nbf=9e12), token(token_use="id"), token(sub=1)]
)
async def test_a_broken_or_ended_token_is_refused(unfit: str) -> None:
    async with checking(inbound="platform") as who:
        answered = await refused(who, with_token(unfit))
    assert answered.status == 401
    assert answered.challenge.startswith('Bearer error="invalid_token", error_description="The token ')
    assert "resource_metadata" not in answered.challenge


async def test_what_the_settings_name_is_checked_once_more() -> None:
    flags = {"inbound": "platform", "inbound_issuer": "https://issuer.example", "inbound_client_ids": "agent"}
    async with checking(**flags, inbound_scopes="read") as who:
        assert (await refused(who, with_token(token(client_id="other", scope="read")))).status == 401
        assert (await refused(who, with_token(token(client_id="agent")))).status == 403
        assert (await refused(who, with_token(token(iss="https://x.example", client_id="agent")))).status == 401
        assert who.known(with_token(token(client_id="agent", scope="read"))) is not None


async def test_the_platform_is_the_protected_resource_so_none_is_published_here() -> None:
    async with checking(inbound="platform") as who:
        assert who.app_for("/.well-known/oauth-protected-resource") is None


async def test_no_signature_is_verified_so_the_issuer_is_never_asked(issuer: Issuer) -> None:
    async with checking(inbound="platform", inbound_issuer=issuer.name) as who:
        assert who.known(with_token(issuer.token())) is not None
    assert issuer.asked == []
