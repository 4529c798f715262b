"""The answer of the lane: JSON, until something has to be said before it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy import stream
from proxy.errors import RpcError
from proxy.stream import Stream, Watch
from tests.mcp_wire import ERAS, events, request, rpc
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY, proxy_before, until


class Sent:
    """Takes what an ASGI app sends."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def kind(self) -> bytes:
        return bytes(dict(self.messages[0]["headers"])[b"content-type"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def ended(self) -> bool:
        return self.messages[-1].get("more_body") is not True


async def silent() -> Any:
    """A client that stays."""
    await asyncio.sleep(3600)


async def test_an_answer_alone_is_json() -> None:
    sent = Sent()
    await Stream(sent, 7, modern=True).result({"ok": True})
    assert (sent.status, sent.kind) == (200, b"application/json")
    assert json.loads(sent.body) == {"jsonrpc": "2.0", "id": 7, "result": {"ok": True}}


@pytest.mark.parametrize(
    ("code", "modern", "status"), [(-32602, True, 400), (-32601, True, 404), (-32603, True, 200), (-32602, False, 200)]
)
async def test_an_error_has_a_status_of_its_own_in_the_modern_era_alone(code: int, modern: bool, status: int) -> None:
    sent = Sent()
    await Stream(sent, "a", modern=modern).error(RpcError(code, "no", {"why": None}))
    assert sent.status == status
    assert json.loads(sent.body)["error"] == {"code": code, "message": "no", "data": {"why": None}}


async def test_from_the_first_notification_on_it_is_a_stream() -> None:
    sent = Sent()
    answering = Stream(sent, 1, modern=True)
    await answering.notify("notifications/message", {"level": "info", "data": "one"})
    await answering.error(RpcError(-32602, "no"))
    assert (sent.status, sent.kind) == (200, b"text/event-stream")
    first, last = events(sent.body.decode())
    assert first == {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "one"}}
    assert last["error"] == {"code": -32602, "message": "no"}
    assert sent.ended


async def test_no_frame_holds_a_character_that_a_client_may_take_for_the_end_of_a_line() -> None:
    sent, text = Sent(), "a\u2028b\u2029c\u0085d"
    answering = Stream(sent, 1, modern=True)
    await answering.notify("notifications/message", {"data": text})
    await answering.result({"text": text})
    lines = sent.body.decode().splitlines()
    assert [line[:6] for line in lines if line] == ["event:", "data: "] * 2
    assert [m.get("params", m.get("result")) for m in events(sent.body.decode())] == [{"data": text}, {"text": text}]


async def test_a_result_that_json_cannot_say_is_an_error() -> None:
    sent = Sent()
    await Stream(sent, 1, modern=True).result({"text": "\ud800"})
    assert json.loads(sent.body)["error"]["code"] == -32603


async def test_a_caller_that_waits_long_hears_a_ping_and_then_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_S", 0.02)
    monkeypatch.setattr(stream, "ARMED_S", 0.01)
    sent = Sent()
    answering = Stream(sent, 1, modern=True)
    watch = Watch(answering, silent)
    await until(lambda: sent.body.count(b": ping\r\n\r\n") >= 2)
    watch.stop()
    await answering.result({})
    before = len(sent.messages)
    await asyncio.sleep(0.06)
    assert len(sent.messages) == before
    assert events(sent.body.decode())[-1] == {"jsonrpc": "2.0", "id": 1, "result": {}}


async def test_a_call_that_ends_soon_starts_no_task_to_watch_over_it() -> None:
    watch = Watch(Stream(Sent(), 1, modern=True), silent)
    before = len(asyncio.all_tasks())
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) == before
    watch.stop()


@pytest.mark.parametrize("era", ERAS)
async def test_a_caller_that_goes_away_ends_its_call(
    era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with RichUpstream(era).running() as upstream, proxy_before(upstream.url, tmp_path, AUDIT_ONLY) as running:
        body, headers = request("tools/call", {"name": "slow"}, era)
        async with aiohttp.ClientSession() as session:
            waiting = asyncio.create_task(session.post(running.url, json=body, headers=headers))
            await until(lambda: len(upstream.bodies("tools/call")) == 1)
            waiting.cancel()
        await until(lambda: running.proxy.exchanges.in_flight == 0)
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        (line,) = [line for line in lines if line["method"] == "tools/call"]
        assert (line["door"], line["outcome"], line["reason"]) == ("lane", "failed", "cancelled")


@pytest.mark.parametrize("era", ERAS)
async def test_progress_of_the_upstream_arrives_before_the_answer(era: str, tmp_path: Path) -> None:
    async with RichUpstream(era).running() as upstream, proxy_before(upstream.url, tmp_path) as running:
        params = {"name": "chatty", "_meta": {"progressToken": "mine"}}
        reply = await rpc(running.url, "tools/call", params, era)
        assert reply.headers["Content-Type"] == "text/event-stream"
        assert [n["method"] for n in reply.notifications].count("notifications/progress") >= 1
        assert {n["params"].get("progressToken", "mine") for n in reply.notifications} == {"mine"}
        assert "content" in reply.result
