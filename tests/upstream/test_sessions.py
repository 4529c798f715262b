"""Upstream sessions: one a caller, never shared, bounded, renewed when lost, given up at the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.errors import RpcError, UpstreamError
from proxy.retry import Backoff
from proxy.upstream import Origin
from tests.upstream.fake import HANDSHAKE, MODERN, Fake, Seen, handshake, hang, modern

CALL: dict[str, Any] = {"name": "echo", "arguments": {}}


def caller(name: str | None) -> Origin:
    return Origin(version=HANDSHAKE, session=name)


OWN = Origin(version=HANDSHAKE, own=True)


def used(fake: Fake, method: str = "tools/call") -> list[str | None]:
    return [seen.headers.get("mcp-session-id") for seen in fake.asked(method)]


async def test_each_caller_keeps_a_session_of_its_own(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.pages("tools/list", OWN)
        for name in ("a", "b", "a", "b"):
            await upstream.request("tools/call", CALL, caller(name))
        sessions = used(fake)
        assert sessions[:2] == sessions[2:]
        assert len({*sessions, *used(fake, "tools/list")}) == 3
        assert set(used(fake, "notifications/initialized")) == {*sessions, *used(fake, "tools/list")}
        assert used(fake, "initialize") == [None, None, None]


async def test_a_session_is_not_shared_with_who_brings_another_credential(to: Any) -> None:
    def origin(token: str, own: bool = False) -> Origin:
        return Origin(version=HANDSHAKE, session=None if own else "guessed", own=own, authorization=token)

    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        for own in (True, False):
            for token in ("one", "two", "one"):
                await upstream.request("tools/call", CALL, origin(token, own))
        by_caller = [
            (seen.headers["authorization"], seen.headers["mcp-session-id"]) for seen in fake.asked("tools/call")
        ]
        assert len(set(by_caller)) == len({session for _, session in by_caller}) == 4


async def test_calls_of_one_caller_at_once_open_one_session(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        await asyncio.gather(*(upstream.request("tools/call", CALL, caller("a")) for _ in range(10)))
        assert len(fake.asked("initialize")) == 2
        assert len(set(used(fake))) == 1


async def test_a_call_that_stands_alone_gets_a_session_for_itself(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        for _ in range(2):
            await upstream.request("tools/call", CALL, caller(None))
        await fake.until("DELETE", 2)
        assert len(set(used(fake))) == 2
        assert set(used(fake, "DELETE")) == set(used(fake))


async def test_the_session_of_a_probe_for_a_call_that_stands_alone_is_given_up(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/call", CALL, caller(None))
        await fake.until("DELETE", 2)
        assert set(used(fake, "DELETE")) == {"s1", "s2"}


@pytest.mark.parametrize("lost", [(404, None), (404, -32600), (400, -32000)])
@pytest.mark.parametrize("method", ["tools/list", "tools/call"])
async def test_a_lost_session_is_renewed_and_what_did_not_run_is_repeated(to: Any, lost: Any, method: str) -> None:
    answer = handshake(sessions=True, lost=lost)
    async with Fake(answer) as fake:
        upstream = await to(fake.url)
        await upstream.request(method, CALL, caller("a"))
        answer.live.clear()
        if method == "tools/call" and lost[0] == 400:
            with pytest.raises(UpstreamError) as caught:
                await upstream.request(method, CALL, caller("a"))
            assert (caught.value.kind, caught.value.sent) == ("session", True)
            assert len(fake.asked(method)) == 2
        await upstream.request(method, CALL, caller("a"), repeatable=False)
        first, *_, last = used(fake, method)
        assert first != last
        assert used(fake, "initialize") == [None] * len(fake.asked("initialize")), "no stale id in a handshake"


async def test_a_repeatable_call_is_repeated_whatever_the_status(to: Any) -> None:
    answer = handshake(sessions=True, lost=(400, -32000))
    async with Fake(answer) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/call", CALL, caller("a"))
        answer.live.clear()
        assert await upstream.request("tools/call", CALL, caller("a"), repeatable=True)


async def test_a_session_lost_for_ever_is_an_error_and_not_a_loop(to: Any) -> None:
    async def gone(seen: Seen) -> None:
        await seen.out.body(b"", 404, "text/plain")

    async with Fake(handshake(sessions=True, tools_call=gone)) as fake:
        with pytest.raises(UpstreamError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, caller("a"))
        assert caught.value.kind == "session"
        assert len(fake.asked("tools/call")) == 2


async def test_an_unknown_method_in_404_is_no_lost_session(to: Any) -> None:
    async def unknown(seen: Seen) -> None:
        await seen.error(-32601, 404)

    async with Fake(handshake(sessions=True, tools_call=unknown)) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, caller("a"))
        assert caught.value.code == -32601
        assert len(fake.asked("tools/call")) == 1


async def test_sessions_are_bounded_and_the_least_recently_used_goes(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url, sessions=3)
        await upstream.hello()
        for name in ("a", "b", "a", "c", "d"):
            await upstream.request("tools/call", CALL, caller(name))
        await fake.until("DELETE", 2)
        a, b, _, c, d = used(fake)
        assert set(used(fake, "DELETE")) == {"s1", b}
        assert len(upstream._greeter.sessions) == 3
        await upstream.close()
        assert set(used(fake, "DELETE")) == {"s1", b, a, c, d}


async def test_a_session_in_use_is_not_taken_away(to: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> None:
        if seen.params["arguments"]:
            await go.wait()
        await seen.result({"content": []})

    async with Fake(handshake(sessions=True, tools_call=slow)) as fake:
        upstream = await to(fake.url, sessions=1)
        working = asyncio.create_task(upstream.request("tools/call", {"name": "e", "arguments": {"x": 1}}, caller("a")))
        await fake.until("tools/call")
        await upstream.request("tools/call", CALL, caller("b"))
        assert used(fake)[0] not in used(fake, "DELETE")
        go.set()
        await working


async def test_sessions_that_appear_later_are_noticed(to: Any) -> None:
    async with Fake(handshake()) as fake:
        upstream = await to(fake.url)
        assert not (await upstream.hello()).sessions
        fake.answer = handshake(sessions=True)
        upstream._greeter._probed -= 10
        assert await upstream.request("tools/call", CALL, caller("a"))
        assert upstream.known().sessions


async def test_closing_is_bounded_when_the_upstream_hangs(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/list", {}, OWN)
        fake.answer = hang
        began = asyncio.get_running_loop().time()
        await upstream.close()
        assert asyncio.get_running_loop().time() - began < 4


async def test_a_modern_upstream_gets_no_session_id(to: Any) -> None:
    async def stamped(seen: Seen) -> None:
        await seen.result({"resultType": "complete", "content": []}, mcp_session_id="foreign")

    async with Fake(modern(tools_call=stamped)) as fake:
        upstream = await to(fake.url)
        for _ in range(2):
            await upstream.request("tools/call", CALL, Origin(version=MODERN, session="a"))
        assert used(fake) == [None, None]


@pytest.mark.parametrize("lost", [(404, None), (404, -32600), (400, -32000)])
async def test_every_call_under_way_on_a_lost_session_is_repeated_on_one_new_session(to: Any, lost: Any) -> None:
    arrived = asyncio.Barrier(6)
    answer = handshake(sessions=True, lost=lost)

    async def together(seen: Seen) -> None:
        if seen.method == "tools/call" and len(fake.asked("tools/call")) > 1 and seen.headers["mcp-session-id"] == "s2":
            await arrived.wait()
            await asyncio.sleep(0.01 * seen.connection)  # some learn of it when others have a new session already
        await answer(seen)

    async with Fake(together) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        await upstream.request("tools/call", CALL, caller("a"))
        answer.live.clear()
        calls = (upstream.request("tools/call", CALL, caller("a"), repeatable=lost[0] == 400) for _ in range(6))
        assert len([result["content"] for result in await asyncio.gather(*calls)]) == 6
        assert used(fake)[1:7] == ["s2"] * 6
        assert set(used(fake)[7:]) == {"s3"}
        assert len(fake.asked("tools/call")) == 13


async def test_the_session_of_a_caller_who_left_during_the_handshake_is_given_up(to: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> None:
        if seen.method == "initialize" and len(fake.asked("initialize")) > 1:
            await go.wait()
        await answer(seen)

    answer = handshake(sessions=True)
    async with Fake(slow) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        task = asyncio.create_task(upstream.request("tools/call", CALL, caller(None)))
        await fake.until("initialize", 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        await fake.until("DELETE")
        assert used(fake, "DELETE") == ["s2"]
        assert fake.asked("tools/call") == []


async def test_a_session_that_cannot_be_completed_is_given_up(to: Any) -> None:
    async def dropped(seen: Seen) -> None:
        if len(fake.asked("notifications/initialized")) > 1:
            seen.out.drop()
        await seen.out.body(b"", 202)

    async with Fake(handshake(sessions=True, notifications_initialized=dropped)) as fake:
        upstream = await to(fake.url, backoff=Backoff(tries=1))
        await upstream.hello()
        with pytest.raises(UpstreamError):
            await upstream.request("tools/call", CALL, caller("a"))
        await fake.until("DELETE")
        assert used(fake, "DELETE") == ["s2"]


async def test_a_released_session_ends_and_the_next_call_opens_another(to: Any) -> None:
    async with Fake(handshake(sessions=True)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        for name in ("a", "b"):
            await upstream.request("tools/call", CALL, caller(name))
        upstream.release("a")
        upstream.release("a")
        upstream.release("b", "another credential")
        await fake.until("DELETE")
        await upstream.request("tools/call", CALL, caller("a"))
        a, b, again = used(fake)
        assert used(fake, "DELETE") == [a]
        assert len({a, b, again}) == 3


async def test_a_release_waits_for_the_calls_under_way(to: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> None:
        await go.wait()
        await seen.result({"content": []})

    async with Fake(handshake(sessions=True, tools_call=slow)) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/list", {}, OWN)
        working = asyncio.create_task(upstream.request("tools/call", CALL, caller("a")))
        await fake.until("tools/call")
        upstream.release("a")
        await asyncio.sleep(0.05)
        assert fake.asked("DELETE") == []
        go.set()
        await working
        await fake.until("DELETE")
        assert used(fake, "DELETE") == used(fake)


async def test_what_the_upstream_is_can_be_asked_anew_without_disturbing_calls(to: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> None:
        await go.wait()
        await seen.result({"content": []})

    answer = handshake(sessions=True, tools_call=slow)
    async with Fake(answer) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/list", {}, OWN)
        before = upstream.known()
        working = asyncio.create_task(upstream.request("tools/call", CALL, OWN))
        await fake.until("tools/call")
        assert await upstream.refresh_hello(OWN) is before
        go.set()
        await working
        await fake.until("DELETE")
        assert used(fake, "DELETE") == used(fake) == ["s1"], "after the call, as another took its place"
        fake.answer = modern()
        assert (await upstream.refresh_hello(OWN)).era == "modern"
        fake.answer = refuse
        assert (await upstream.refresh_hello(OWN)).era == "modern"
        assert upstream.known().era == "modern"


async def refuse(seen: Seen) -> None:
    await seen.out.body(b"", 500, "text/plain")
