"""What is sent once more: what certainly did not run always, all else only where a repeat does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from proxy.connect import connect, is_agentcore
from proxy.errors import RpcError, UpstreamError
from proxy.retry import Backoff
from proxy.settings import load
from proxy.upstream import Origin
from tests.upstream.conftest import Token
from tests.upstream.fake import HANDSHAKE, MODERN, Fake, Seen, handshake, modern

NOW = Origin(version=MODERN)
CALL: dict[str, Any] = {"name": "echo", "arguments": {}}


def status(code: int, **headers: str) -> Callable[[Seen], Awaitable[None]]:
    async def answer(seen: Seen) -> None:
        await seen.out.body(b"", code, "text/plain", headers)

    return answer


def error(code: int, data: Any = None) -> Callable[[Seen], Awaitable[None]]:
    async def answer(seen: Seen) -> None:
        await seen.error(code, 200, data)

    return answer


async def drop(seen: Seen) -> None:
    seen.out.drop()


async def drop_midway(seen: Seen) -> None:
    await seen.out.raw(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
    seen.out.drop()


async def drop_after_notice(seen: Seen) -> None:
    await seen.out.stream()
    await seen.out.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": 1}})
    await asyncio.sleep(0.05)
    seen.out.drop()


async def busy_after_notice(seen: Seen) -> None:
    await seen.out.stream()
    await seen.out.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": 1}})
    await seen.out.event({"jsonrpc": "2.0", "id": seen.message["id"], "error": {"code": -32003, "message": "no"}})
    await seen.out.end()


async def ignore(method: str, params: Any) -> None:
    pass


CASES = [
    # what happens once                          tools/call  repeatable  a list
    ("429", status(429), True, True, True),
    ("429 with a wait", status(429, retry_after="0"), True, True, True),
    ("throttled", error(-32003, {"retryAfter": 0.01}), False, True, True),
    ("session busy", error(-32005), False, True, True),
    ("busy after a notification", busy_after_notice, False, False, False),
    ("503", status(503), False, True, True),
    ("409", status(409), False, True, True),
    ("424", status(424), False, True, True),
    ("500", status(500), False, False, False),
    ("502", status(502), False, False, False),
    ("dropped", drop, False, True, True),
    ("dropped midway", drop_midway, False, True, True),
    ("dropped after a notification", drop_after_notice, False, False, False),
    ("an error of the tool's", error(-32000), False, False, False),
]


@pytest.mark.parametrize("era", [modern, handshake])
@pytest.mark.parametrize(("case", "fault", "call", "repeatable", "listing"), CASES, ids=[case[0] for case in CASES])
async def test_only_what_may_be_repeated_is_repeated(
    to: Any, case: str, fault: Any, call: bool, repeatable: bool, listing: bool, era: Any
) -> None:
    for method, safe, again in (
        ("tools/call", False, call),
        ("tools/call", True, repeatable),
        ("tools/list", False, listing),
    ):
        async with Fake(era()) as fake:
            upstream = await to(fake.url)
            await upstream.hello()

            async def once(seen: Seen, fake: Fake = fake, method: str = method) -> None:
                await (fault(seen) if len(fake.asked(method)) == 1 else era()(seen))

            fake.answer = era(tools_call=once, tools_list=once)
            try:
                await upstream.request(method, CALL, NOW, repeatable=safe, notify=ignore)
                passed = True
            except RpcError:
                passed = False
            assert passed is again, (method, safe)
            assert len(fake.asked(method)) == 1 + again
            ids = {seen.message["id"] for seen in fake.asked(method)}
            assert len(ids) == 1 + again, "a repeat has an id of its own"


async def test_tries_are_bounded_and_the_last_error_is_told(to: Any) -> None:
    async with Fake(modern(tools_call=error(-32003, {"retryAfter": 0.01, "limitKey": "k"}))) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, NOW, repeatable=True)
        assert (caught.value.code, caught.value.data["limitKey"]) == (-32003, "k")
        assert len(fake.asked("tools/call")) == 3


@pytest.mark.parametrize("code", [-32003, -32005])
@pytest.mark.parametrize(("agentcore", "heard", "sent"), [(True, False, 2), (True, True, 1), (False, False, 1)])
async def test_the_busy_codes_of_agentcore_mean_not_executed_on_agentcore_alone(
    to: Any, code: int, agentcore: bool, heard: bool, sent: int
) -> None:
    async def busy_once(seen: Seen) -> None:
        if len(fake.asked("tools/call")) > 1:
            await modern()(seen)
        else:
            await (busy_after_notice if heard else error(code))(seen)

    async with Fake(modern(tools_call=busy_once)) as fake:
        asked = (await to(fake.url, agentcore=agentcore)).request("tools/call", CALL, NOW, notify=ignore)
        if sent == 1:
            with pytest.raises(RpcError):
                await asked
        else:
            await asked
        assert len(fake.asked("tools/call")) == sent


LIMIT = {"limitKey": "calls-per-minute", "metric": "INVOCATIONS", "retryAfter": 0.3}


async def test_a_limit_of_a_gateway_is_known_by_its_data_whatever_its_host_and_waited_for(to: Any) -> None:
    async def limited_once(seen: Seen) -> None:
        await (error(-32003, LIMIT) if len(fake.asked("tools/call")) == 1 else modern())(seen)

    async with Fake(modern(tools_call=limited_once)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        began = asyncio.get_running_loop().time()
        await upstream.request("tools/call", CALL, NOW)
        assert asyncio.get_running_loop().time() - began >= LIMIT["retryAfter"]


@pytest.mark.parametrize(
    ("data", "bounds"),
    [
        ({**LIMIT, "retryAfter": 30}, {}),
        ({**LIMIT, "retryAfter": 10**400}, {}),
        ({**LIMIT, "retryAfter": 0.5}, {"call_s": 0.4}),
    ],
    ids=["longer than a retry may wait", "longer than a float", "past the end of the call"],
)
async def test_a_limit_that_outlasts_the_call_is_told_with_its_data_and_not_waited_for(
    to: Any, data: dict[str, Any], bounds: dict[str, float]
) -> None:
    async with Fake(modern(tools_call=error(-32003, data))) as fake:
        upstream = await to(fake.url, **bounds)
        await upstream.hello()
        began = asyncio.get_running_loop().time()
        with pytest.raises(RpcError) as caught:
            await upstream.request("tools/call", CALL, NOW)
        assert (caught.value.code, caught.value.data) == (-32003, data)
        assert asyncio.get_running_loop().time() - began < 0.4
        assert len(fake.asked("tools/call")) == 1


async def test_a_busy_session_is_tried_again_after_growing_waits(to: Any) -> None:
    at: list[float] = []

    async def busy_twice(seen: Seen) -> None:
        at.append(asyncio.get_running_loop().time())
        await (error(-32005) if len(at) < 3 else modern())(seen)

    async with Fake(modern(tools_call=busy_twice)) as fake:
        upstream = await to(fake.url, backoff=Backoff(base_s=0.1), agentcore=True)
        await upstream.request("tools/call", CALL, NOW)
    first, second = (later - earlier for earlier, later in pairwise(at))
    assert first >= 0.05
    assert second >= 0.1


@pytest.mark.parametrize(
    ("upstream", "mode", "agentcore"),
    [
        ("https://g.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp", "none", True),
        ("https://g.gateway.bedrock-agentcore.us-east-1.api.aws/mcp", "none", True),
        ("https://mcp.example.com/mcp", "iam", True),
        ("https://mcp.example.com/mcp", "none", False),
        ("https://amazonaws.com.example/mcp", "none", False),
    ],
)
def test_agentcore_is_known_by_its_host_or_its_signature(upstream: str, mode: str, agentcore: bool) -> None:
    assert connect(load({}, upstream=upstream, auth_mode=mode), Token())._agentcore is agentcore


@pytest.mark.parametrize("fault", [status(429, retry_after="600"), error(-32003, {"retryAfter": 600})])
async def test_a_wait_that_is_too_long_is_not_waited(to: Any, fault: Any) -> None:
    async with Fake(modern(tools_call=fault)) as fake:
        upstream = await to(fake.url)
        with pytest.raises(RpcError):
            await asyncio.wait_for(upstream.request("tools/call", CALL, NOW, repeatable=True), 3)
        assert len(fake.asked("tools/call")) == 1


async def test_the_wait_that_the_upstream_asks_for_is_kept(to: Any) -> None:
    async def busy_once(seen: Seen) -> None:
        await (error(-32003, {"retryAfter": 0.3}) if len(fake.asked("tools/call")) == 1 else modern())(seen)

    async with Fake(modern(tools_call=busy_once)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        began = asyncio.get_running_loop().time()
        await upstream.request("tools/call", CALL, NOW, repeatable=True)
        assert asyncio.get_running_loop().time() - began >= 0.3


async def test_an_upstream_that_starts_while_it_is_called_is_reached(to: Any) -> None:
    fake = Fake(handshake())
    await fake.start()
    await fake.stop()
    upstream = await to(fake.url, backoff=Backoff(tries=5, base_s=0.1))
    calling = asyncio.create_task(upstream.request("tools/call", CALL, Origin(version=HANDSHAKE)))
    await asyncio.sleep(0.05)
    async with fake:
        assert await calling


async def test_no_repeat_starts_after_the_budget(to: Any) -> None:
    async with Fake(modern(tools_call=status(429))) as fake:
        upstream = await to(fake.url, backoff=Backoff(tries=99, base_s=0.05, budget_s=0.2))
        with pytest.raises(UpstreamError):
            await upstream.request("tools/call", CALL, NOW)
        assert 2 <= len(fake.asked("tools/call")) <= 5


@pytest.mark.parametrize(
    ("endpoint", "settings", "expected"),
    [
        ("https://tools.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp", {}, True),
        ("https://tools.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp", {"auth_mode": "none"}, True),
        ("https://tools.example.com/mcp", {}, True),
        ("https://tools.example.com/mcp", {"auth_mode": "none"}, False),
        ("https://tools.example.com/mcp", {"service": "execute-api"}, False),
        ("https://abc.execute-api.us-east-1.amazonaws.com/mcp", {}, False),
        ("https://abc.lambda-url.us-east-1.on.aws/mcp", {}, False),
        ("https://balancer.us-east-1.elb.amazonaws.com/mcp", {}, False),
    ],
)
def test_codes_are_taken_for_agentcores_own_where_agentcore_answers(
    endpoint: str, settings: dict[str, str], expected: bool
) -> None:
    given = load({}, **{"upstream": endpoint, "auth_mode": "iam", "region": "us-east-1", **settings})
    assert is_agentcore(given, endpoint) is expected
