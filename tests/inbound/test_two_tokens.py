"""Two tokens: X-Authorization is for the proxy (issuer A), Authorization for the upstream (issuer B), never swapped.

The upstream is a server of its own that checks Authorization: another proxy, in front of one that takes anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inbound.conftest import jwt_of
from tests.inbound.issuer import Issuer, serving
from tests.mcp_wire import MODERN, Reply, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

DOORS = {"lane": ("tools/call", {"name": "echo", "arguments": {}}), "relay": ("prompts/list", None)}


@dataclass(frozen=True)
class Chain:
    url: str
    upstream_url: str
    a: Issuer
    b: Issuer
    last: RichUpstream

    async def call(self, door: str = "lane", **tokens: str) -> Reply:
        method, params = DOORS[door]
        headers = {name.replace("_", "-"): f"Bearer {token}" for name, token in tokens.items()}
        return await rpc(self.url, method, params, headers=headers)

    @property
    def reached(self) -> int:
        return sum(1 for _, body in self.last.received if body["method"] in ("tools/call", "prompts/list"))


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with contextlib.AsyncExitStack() as stack:
        a, b = [await stack.enter_async_context(serving(Issuer())) for _ in range(2)]
        last = await stack.enter_async_context(RichUpstream(MODERN).running())
        # The upstream hands on what it gets, so that a header that should not be there is seen at the end.
        flags = jwt_of(b, inbound_audience="upstream", forward_headers="x-authorization")
        upstream = await stack.enter_async_context(proxy_before(last.url, tmp_path, **flags))
        flags = jwt_of(a, inbound_header="X-Authorization", auth_mode="passthrough")
        front = await stack.enter_async_context(proxy_before(upstream.url, tmp_path, **flags))
        yield Chain(front.url, upstream.url, a, b, last)


@pytest.mark.parametrize("door", DOORS)
async def test_each_side_checks_its_own_token_and_the_proxys_goes_no_further(chain: Chain, door: str) -> None:
    mine, theirs = chain.a.token(), chain.b.token(aud="upstream", sub="bob")
    reply = await chain.call(door, x_authorization=mine, authorization=theirs)
    assert (reply.status, "result" in reply.messages[-1], chain.reached) == (200, True, 1)
    assert mine not in str(chain.last.received)
    assert not any("x-authorization" in map(str.lower, headers) for headers, _ in chain.last.received)


@pytest.mark.parametrize("door", DOORS)
async def test_swapped_tokens_are_refused_at_the_front(chain: Chain, door: str) -> None:
    reply = await chain.call(door, x_authorization=chain.b.token(aud="upstream"), authorization=chain.a.token())
    assert (reply.status, reply.messages[0]["error"], chain.reached) == (401, "invalid_token", 0)


@pytest.mark.parametrize("door", DOORS)
async def test_a_token_in_the_header_of_the_other_opens_nothing(chain: Chain, door: str) -> None:
    assert (await chain.call(door, authorization=chain.a.token())).status == 401
    assert (await chain.call(door, authorization=chain.b.token(aud="upstream"))).status == 401
    assert chain.reached == 0


@pytest.mark.parametrize("door", DOORS)
async def test_the_proxys_token_does_not_open_the_upstream(chain: Chain, door: str) -> None:
    token = chain.a.token()
    for tokens in ({}, {"authorization": token}, {"authorization": chain.b.token(aud="proxy")}):
        reply = await chain.call(door, x_authorization=token, **tokens)
        assert reply.status != 401  # the front let the caller in
        assert "Denied" in str(reply.messages) or "error" in reply.messages[-1]
    assert chain.reached == 0
