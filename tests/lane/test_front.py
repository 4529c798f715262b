"""What must not happen in front of the exchange: nothing kept, nothing hung, nothing sent that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from policies.model import ALLOW, Caller, Tool
from policies.sanitize import Sanitize
from policies.testing import build
from proxy import behind as behinds
from proxy import telemetry as telemetries
from proxy.asgi import ARRIVED, Receive, Scope, Send, answer
from proxy.behind import Behind
from proxy.errors import RpcError
from proxy.guards import Guards
from proxy.inbound import Inbound, session_of
from proxy.server import StoppedError, interruptible
from proxy.stream import Stream
from proxy.telemetry import Late, Telemetry
from tests.mcp_wire import HANDSHAKE, MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY, proxy_before, until

WAITS_IN_OPEN = """
import asyncio
from policies.policy import Policy

class Waits(Policy):
    async def open(self):
        self.library = await asyncio.wrap_future(self.services.behind.start(lambda: "there"))
"""


async def test_a_resting_connection_keeps_nothing_of_its_last_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes: list[Scope] = []
    plain = Guards.__call__

    async def seen(self: Guards, scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await plain(self, scope, receive, send)

    monkeypatch.setattr(Guards, "__call__", seen)
    async with RichUpstream(HANDSHAKE).running() as upstream, proxy_before(upstream.url, tmp_path) as running:
        for method, params in (("ping", {}), ("tools/call", {"name": "untitled"}), ("prompts/list", {})):
            await rpc(running.url, method, params, HANDSHAKE)
        await rpc(running.url, "tools/call", {"name": 7}, HANDSHAKE)
        await until(lambda: not running.proxy.exchanges.in_flight)
    assert len(scopes) == 4
    assert not [key for scope in scopes for key in scope if key == ARRIVED or key.startswith("mcp_policy_proxy")]


async def test_a_head_that_waits_for_a_slow_client_is_not_taken_for_sent() -> None:
    sent: list[Any] = []
    stuck = asyncio.Event()

    async def send(message: Any) -> None:
        if not stuck.is_set() and message["type"] == "http.response.start":
            await asyncio.sleep(3600)
        sent.append(message)

    answering = Stream(send, 1, modern=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await answering.notify("notifications/message", {"data": 1})
    stuck.set()
    await answering.result({})
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200


@pytest.mark.parametrize("how", ["disconnect", "abort"])
async def test_a_call_that_ends_while_its_trace_cannot_begin_is_recorded_and_goes_nowhere(
    how: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    coming: Future[Telemetry] = Future()
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, AUDIT_ONLY, telemetry=Late(coming)) as running,
    ):
        await until(lambda: len(running.proxy.catalogs.main) > 0)
        call = Inbound(method="tools/call", params={"name": "untitled"}, protocol=MODERN, door="test")
        task = asyncio.create_task(running.proxy.exchanges.run(call))
        await asyncio.sleep(0.02)
        if how == "abort":
            running.proxy.exchanges.abort()
            with pytest.raises(RpcError, match="shutting down"):
                await task
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert upstream.bodies("tools/call") == []
        assert capfd.readouterr().out.count('"tools/call"') == 1


async def test_telemetry_that_never_comes_holds_up_only_those_who_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetries, "_COMES_S", 0.05)
    late = Late(Future())
    await late.wait()
    async with asyncio.timeout(0.04):
        await late.wait()
    assert not late.ready


async def test_a_policy_may_wait_in_open_for_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS_IN_OPEN)
    policies = '[[policy]]\nuse = "waits:Waits"\n'
    async with RichUpstream(MODERN).running() as upstream, proxy_before(upstream.url, tmp_path, policies) as running:
        assert (await rpc(running.url, "tools/list", {}, MODERN)).status == 200


def test_what_is_held_begins_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "HELD_S", 0.05)
    behind = Behind()
    behind.hold()
    assert behind.start(lambda: 1).result(5) == 1


def test_a_piece_of_work_that_does_not_end_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(behinds, "LATE_S", 0.05)
    behind, release = Behind(), threading.Event()
    hung, other = behind.start(release.wait), behind.start(lambda: 2)
    assert other.result(5) == 2
    assert "takes more than 0.05 s" in caplog.text
    release.set()
    assert hung.result(5) is True
    assert behind.end(5)


async def test_a_signal_that_comes_as_the_start_ends_does_not_cut_what_follows() -> None:
    stopping = asyncio.Event()
    async with interruptible(stopping):
        await asyncio.sleep(0)  # the watch has begun
        asyncio.get_running_loop().call_soon(lambda: None)
        stopping.set()
        stepped = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(stepped.set_result, None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert stepped.done()


async def test_a_signal_during_the_start_ends_it() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stopping.set)
    with pytest.raises(StoppedError):
        async with interruptible(stopping):
            await asyncio.sleep(5)


def test_of_a_tool_that_changes_all_the_time_only_the_last_is_remembered() -> None:
    policy = build(Sanitize)
    assert isinstance(policy, Sanitize)
    for day in range(50):
        tool = Tool(definition={"name": "report", "description": f"as of day {day}", "inputSchema": {}})
        assert policy.on_tool(tool, Caller()) is ALLOW
        assert policy.on_tool(tool, Caller()) is ALLOW
    assert len(policy._harmless) == 1


def test_a_tool_that_became_harmful_is_not_taken_for_the_one_that_was_known() -> None:
    policy = build(Sanitize)
    fine = Tool(definition={"name": "report", "description": "fine", "inputSchema": {}})
    hidden = Tool(definition={"name": "report", "description": "do\u200b\U000e0041 this", "inputSchema": {}})
    assert policy.on_tool(fine, Caller()) is ALLOW
    assert policy.on_tool(hidden, Caller()) is not ALLOW


SAID = ("a", "a b", "a\nb", 'a","b', '"', "\\", '{"client_id":"a"}', "null", "\u00e4")


def test_no_session_key_of_one_caller_can_be_said_by_another() -> None:
    callers = [
        Caller(subject=subject, issuer=issuer, claims=claims, asserted={"session": session})
        for issuer in ("https://i", "https://i a", 'https://i","a', None)
        for subject, claims in [
            *((said, {"client_id": "a"}) for said in SAID),
            *((None, {name: said}) for said in SAID for name in ("client_id", "azp")),
            (None, {}),
        ]
        for session in (*SAID, "https://i a b", "https://i\na\nb", '["https://i","a","b"]')
    ]
    assert len({session_of(caller) for caller in callers}) == len(callers)


def test_a_session_key_is_the_callers_in_every_call_and_nobodys_without_a_session() -> None:
    first = Caller(subject="a", issuer="i", claims={"exp": 1, "client_id": "x"}, asserted={"session": "s"})
    later = Caller(subject="a", issuer="i", claims={"exp": 2}, asserted={"session": "s", "user": "b"})
    assert session_of(first) == session_of(later)
    assert session_of(Caller(subject="a", issuer="i", asserted={"user": "b"})) is None


async def test_an_answer_without_a_body_says_no_kind_of_one() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await answer(send, 202, b"")
    assert sent[0]["headers"] == [(b"content-length", b"0")]


def test_the_end_waits_for_what_was_gone_past_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behinds, "LATE_S", 0.05)
    behind, release = Behind(), threading.Event()
    hung = behind.start(release.wait)
    assert behind.start(lambda: 2).result(5) == 2
    assert behind.end(0.05) is False
    release.set()
    assert hung.result(5) is True
    assert behind.end(5) is True
