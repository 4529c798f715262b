"""A running proxy lets nobody through either door without a sound token, and tells each caller what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from tests.inbound.conftest import jwt_of
from tests.inbound.issuer import Issuer, compact, hs256_with, new_key, unsigned
from tests.mcp_wire import HANDSHAKE, MODERN, Reply, request, rpc
from tests.rich_upstream import RichUpstream
from tests.running import Running, proxy_before

DOORS: dict[str, dict[str, Any]] = {
    "lane": {"method": "tools/call", "params": {"name": "echo", "arguments": {}}},
    "relay": {"method": "prompts/list"},
}


@dataclass(frozen=True)
class Front:
    """A proxy that takes the issuer's tokens, and the upstream behind it."""

    running: Running
    upstream: RichUpstream

    async def call(self, door: str, **headers: str) -> Reply:
        return await rpc(self.running.url, **DOORS[door], headers=headers)


@pytest.fixture
async def front(issuer: Issuer, tmp_path: Path) -> AsyncIterator[Front]:
    flags = jwt_of(issuer, inbound_scopes="read", inbound_client_ids="agent")
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, **flags) as running,
    ):
        yield Front(running, upstream)


Make = Callable[[Issuer], str]
NOW = int(time.time())
REFUSED: dict[str, tuple[int, str, Make]] = {
    "expired": (401, "invalid_token", lambda i: i.token(exp=NOW - 1)),
    "not yet valid": (401, "invalid_token", lambda i: i.token(nbf=NOW + 3600)),
    "wrong audience": (401, "invalid_token", lambda i: i.token(aud="else")),
    "wrong issuer": (401, "invalid_token", lambda i: i.token(iss="https://issuer.example")),
    "wrong key": (401, "invalid_token", lambda i: i.token(key=new_key("one"))),
    "alg none": (401, "invalid_token", lambda i: unsigned(i.claims())),
    "HS256 with the public key": (401, "invalid_token", lambda i: hs256_with(i.signing, i.claims())),
    "changed": (401, "invalid_token", lambda i: i.token().replace(".", f".{compact(b'{}')[:2]}", 1)),
    "scope missing": (403, "insufficient_scope", lambda i: i.token(scope="write")),
    "wrong client": (401, "invalid_token", lambda i: i.token(client_id="else")),
    "garbage": (401, "invalid_token", lambda _: "garbage"),
    "oversized": (401, "invalid_token", lambda i: i.token(padding="x" * 20_000)),
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_sound_token_opens_either_door_and_never_goes_upstream(front: Front, issuer: Issuer, door: str) -> None:
    token = issuer.token()
    for _ in range(2):
        reply = await front.call(door, authorization=f"Bearer {token}")
        assert (reply.status, "result" in reply.messages[-1]) == (200, True)
    assert _called(front) == 2
    assert token not in str(front.upstream.received)
    assert not any("authorization" in map(str.lower, headers) for headers, _ in front.upstream.received)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", REFUSED)
async def test_an_unfit_token_opens_neither_door(front: Front, issuer: Issuer, case: str, door: str) -> None:
    status, error, make = REFUSED[case]
    before = _called(front)
    reply = await front.call(door, authorization=f"Bearer {make(issuer)}")
    assert (reply.status, reply.messages[0]["error"]) == (status, error)
    said = reply.messages[0]["error_description"]
    root = front.running.url.removesuffix("/mcp")
    assert reply.headers["WWW-Authenticate"] == (
        f'Bearer error="{error}", error_description="{said}", scope="read", '
        f'resource_metadata="{root}/.well-known/oauth-protected-resource/mcp"'
    )
    assert _called(front) == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("headers", [{}, {"x-authorization": "TOKEN"}, {"cookie": "token=TOKEN"}])
async def test_without_a_token_where_it_belongs_the_challenge_leads_to_the_metadata(
    front: Front, issuer: Issuer, door: str, headers: dict[str, str]
) -> None:
    token = f"Bearer {issuer.token()}"
    reply = await front.call(door, **{name: value.replace("TOKEN", token) for name, value in headers.items()})
    challenge = reply.headers["WWW-Authenticate"]
    assert reply.status == 401
    assert "error" not in challenge
    url = challenge.partition('resource_metadata="')[2].rstrip('"')
    async with aiohttp.ClientSession() as session, session.get(url) as answered:
        document = await answered.json()
    assert document["resource"] == front.running.url
    assert document["authorization_servers"] == [issuer.name]


@pytest.mark.parametrize("door", DOORS)
async def test_two_tokens_in_two_headers_of_one_name_are_refused(front: Front, issuer: Issuer, door: str) -> None:
    sound = f"Bearer {issuer.token()}"
    for values in ([sound, sound], [sound, "Bearer else"], ["Bearer else", sound]):
        headers = CIMultiDict([("authorization", value) for value in values])
        reply = await rpc_with(front.running.url, door, headers)
        assert reply == 400


async def test_strangers_learn_no_more_than_that_the_proxy_is_ready(front: Front) -> None:
    url = front.running.url.removesuffix("/mcp") + "/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found = await answer.json()
    assert (answer.status, set(found), found["status"]) == (200, {"status", "door"}, "ready")


async def rpc_with(url: str, door: str, headers: CIMultiDict[str]) -> int:
    body, own = request(DOORS[door]["method"], DOORS[door].get("params"))
    headers.extend({**own, "content-type": "application/json"})
    async with aiohttp.ClientSession() as session, session.post(url, data=json.dumps(body), headers=headers) as answer:
        return answer.status


def _called(front: Front) -> int:
    """Calls of a caller that reached the upstream; what the proxy asks for itself is not among them."""
    mine = ("tools/call", "prompts/list")
    return sum(1 for _, body in front.upstream.received if body["method"] in mine)


WHO = """
from policies.model import ALLOW, Deny
from policies.policy import Policy

class OnlyAlice(Policy):
    per_caller = True

    async def on_call(self, call):
        return ALLOW if call.caller.subject == "alice" else Deny("not_alice")


class AliceSees(Policy):
    per_caller = True

    async def on_tool(self, tool, caller):
        return ALLOW if caller.subject == "alice" else Deny("not_alice")
"""


@pytest.mark.parametrize("door", DOORS)
async def test_a_policy_decides_by_who_the_token_says_and_not_by_what_headers_claim(
    issuer: Issuer, tmp_path: Path, door: str
) -> None:
    (tmp_path / f"only_by_{door}.py").write_text(WHO)
    chain = f'[[policy]]\nuse = "only_by_{door}:OnlyAlice"\n'
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, chain, **jwt_of(issuer)) as running,
    ):
        front = Front(running, upstream)
        claims = {"x-amzn-bedrock-agentcore-runtime-user-id": "alice", "mcp-session-id": "alice"}
        for _ in range(2):
            assert "not_alice" in str(
                (await front.call(door, authorization=f"Bearer {issuer.token(sub='bob')}", **claims)).messages
            )
            reply = await front.call(door, authorization=f"Bearer {issuer.token()}", **claims)
            assert (reply.status, "not_alice" in str(reply.messages)) == (200, False)


async def test_a_list_that_policies_judge_by_caller_is_private_also_for_who_sees_it_whole(
    issuer: Issuer, tmp_path: Path
) -> None:
    """A shared cache would give it to one who may see less (2026-07-28, Caching)."""
    (tmp_path / "alice_sees.py").write_text(WHO)
    chain = '[[policy]]\nuse = "alice_sees:AliceSees"\n'
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, chain, **jwt_of(issuer)) as running,
    ):
        for who, count in (("alice", upstream.page_size), ("bob", 0)):
            headers = {"authorization": f"Bearer {issuer.token(sub=who)}"}
            page = (await rpc(running.url, "tools/list", {}, MODERN, headers=headers)).result
            assert (len(page["tools"]), page["cacheScope"]) == (count, "private")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_other_methods_are_not_let_in_either(front: Front, method: str) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, front.running.url) as answer:
        assert answer.status == 401


async def test_a_key_rotated_at_the_issuer_works_without_a_restart(front: Front, issuer: Issuer) -> None:
    assert (await front.call("lane", authorization=f"Bearer {issuer.token()}")).status == 200
    issuer.rotate("two")
    for door in DOORS:
        assert (await front.call(door, authorization=f"Bearer {issuer.token()}")).status == 200


async def test_a_proxy_starts_without_its_issuer_and_answers_503_until_it_is_back(
    issuer: Issuer, tmp_path: Path
) -> None:
    issuer.away = True
    async with (
        RichUpstream(HANDSHAKE).running() as upstream,
        proxy_before(upstream.url, tmp_path, **jwt_of(issuer)) as running,
    ):
        front = Front(running, upstream)
        reply = await front.call("lane", authorization=f"Bearer {issuer.token()}")
        assert (reply.status, reply.headers["Retry-After"]) == (503, "2")
        assert reply.messages[0]["error"] == "temporarily_unavailable"
        issuer.away = False
        deadline = time.monotonic() + 10
        while reply.status == 503 and time.monotonic() < deadline:
            reply = await front.call("lane", authorization=f"Bearer {issuer.token()}")
        assert reply.status == 200


@pytest.mark.parametrize("token", ["TOKEN", None])
async def test_behind_the_platform_a_caller_with_or_without_a_token_is_let_in(
    issuer: Issuer, tmp_path: Path, token: str | None
) -> None:
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, inbound="platform") as running,
    ):
        headers = {"authorization": f"Bearer {issuer.token()}"} if token else {}
        assert (await Front(running, upstream).call("lane", **headers)).status == 200


def test_nothing_of_inbound_authentication_loads_fastmcp_before_it_is_needed() -> None:
    script = (
        "import sys, proxy.callers, proxy.callers_jwt, proxy.callers_platform, proxy.callers_oauth\n"
        "print(sorted({'fastmcp', 'mcp', 'starlette', 'joserfc', 'httpx2', 'aiohttp'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


def test_listening_to_strangers_without_inbound_authentication_ends_in_one_clear_sentence() -> None:
    command = [sys.executable, "-m", "proxy", "serve", "--host", "0.0.0.0", "--port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    (line,) = [line for line in ran.stderr.splitlines() if "not loopback" in line]
    assert "set MCP_PROXY_INBOUND to jwt, oauth or platform" in line
