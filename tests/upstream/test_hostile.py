"""Upstreams that are absent, hang, break or lie: a clear error within a bound, and recovery without a restart."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yarl

from proxy.answers import Answers
from proxy.bodies import whole
from proxy.errors import RpcError, UpstreamError
from proxy.http1 import Client
from proxy.http1_response import Response
from proxy.upstream import Origin
from proxy.wire import Outgoing, WireError
from tests.upstream.fake import HANDSHAKE, MODERN, Fake, Seen, handshake, hang, modern

NOW = Origin(version=MODERN)
OLD = Origin(version=HANDSHAKE)
CALL: dict[str, Any] = {"name": "echo", "arguments": {"text": "x"}}


def quick(kind: str) -> dict[str, float]:
    """Short waits where waiting is the point, so that a busy machine breaks no other test."""
    return {"read_s": 0.3, "call_read_s": 0.3} if kind == "timeout" else {}


def replying(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Any:
    async def reply(seen: Seen) -> None:
        await seen.out.body(body.replace(b"$ID", str(seen.message["id"]).encode()), status, kind, headers)

    return reply


def result(body: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":$ID,"result":' + body + b"}"


async def cut(seen: Seen) -> None:
    await seen.out.raw(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{")
    seen.out.drop()


async def cut_before(seen: Seen) -> None:
    seen.out.drop()


async def no_http(seen: Seen) -> None:
    await seen.out.raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


async def endless_header(seen: Seen) -> None:
    await seen.out.raw(b"HTTP/1.1 200 X\r\nx: " + b"y" * 100_000 + b"\r\n\r\n")


async def stalled(seen: Seen) -> None:
    await seen.out.stream()
    await hang(seen)


async def stream_without_answer(seen: Seen) -> None:
    await seen.out.stream()
    await seen.out.end()


async def foreign_in_stream(seen: Seen) -> None:
    await seen.out.stream()
    await seen.out.event({"jsonrpc": "2.0", "id": "other", "result": {}})
    await hang(seen)


FAULTS = {
    "hanging": (hang, "timeout"),
    "stalled stream": (stalled, "timeout"),
    "empty body": (replying(b""), "malformed"),
    "accepted without an answer": (replying(b"", 202, "text/plain"), "malformed"),
    "500": (replying(b"oops", 500, "text/plain"), "status"),
    "503 for ever": (replying(b"", 503, retry_after="9"), "status"),
    "redirect": (replying(b"", 307, location="http://127.0.0.1:1/elsewhere"), "status"),
    "login page": (replying(b"<html>", 200, "text/html"), "malformed"),
    "malformed JSON": (replying(b'{"jsonrpc":'), "malformed"),
    "NaN": (replying(result(b'{"a":NaN}')), "malformed"),
    "nested too deeply": (replying(result(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}")), "malformed"),
    "nested absurdly": (replying(b"[" * 100_000), "malformed"),
    "a lone surrogate": (replying(result(b'{"a":"\\ud800"}')), "malformed"),
    "not an object": (replying(b'"hello"'), "malformed"),
    "no result": (replying(b'{"jsonrpc":"2.0","id":$ID}'), "malformed"),
    "a result that is a list": (replying(result(b"[]")), "malformed"),
    "an error that is a string": (replying(b'{"jsonrpc":"2.0","id":$ID,"error":"no"}'), "malformed"),
    "foreign id": (replying(b'{"jsonrpc":"2.0","id":7,"result":{}}'), "malformed"),
    "the id as a string": (replying(b'{"jsonrpc":"2.0","id":"$ID","result":{}}'), "malformed"),
    "foreign id in a stream": (foreign_in_stream, "malformed"),
    "a stream without an answer": (stream_without_answer, "closed"),
    "dropped mid-body": (cut, "closed"),
    "dropped before the head": (cut_before, "closed"),
    "another protocol": (no_http, "malformed"),
    "an endless header": (endless_header, "malformed"),
    "an unknown encoding": (replying(b"x", content_encoding="br"), "malformed"),
    "a broken encoding": (replying(b"x" * 50, content_encoding="gzip"), "malformed"),
    "a cut encoding": (replying(gzip.compress(b"{}" * 500)[:-9], content_encoding="gzip"), "malformed"),
}


@pytest.mark.parametrize("era", [modern, handshake])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_answer_is_a_clear_error_and_the_next_call_works(to: Any, fault: str, era: Any) -> None:
    answer, kind = FAULTS[fault]
    async with Fake(era()) as fake:
        upstream = await to(fake.url, **quick(kind))
        await upstream.hello()
        fake.answer = era(tools_call=answer)
        began = time.monotonic()
        with pytest.raises(UpstreamError) as caught:
            await upstream.request("tools/call", CALL, NOW)
        assert caught.value.kind == kind
        assert time.monotonic() - began < 5
        fake.answer = era()
        assert (await upstream.request("tools/call", CALL, NOW))["structuredContent"]["name"] == "echo"


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("503 for ever",)])
async def test_a_broken_upstream_at_first_contact_is_a_clear_error_and_is_found_later(to: Any, fault: str) -> None:
    answer, kind = FAULTS[fault]
    async with Fake(answer) as fake:
        upstream = await to(fake.url, **quick(kind))
        with pytest.raises(UpstreamError) as caught:
            await upstream.hello()
        assert caught.value.kind == kind
        assert upstream.known() is None
        fake.answer = modern()
        assert (await upstream.request("tools/list", {}, NOW))["tools"]


async def test_an_absent_upstream_is_unreachable_and_is_found_when_it_comes(to: Any) -> None:
    fake = Fake(modern())
    await fake.start()
    await fake.stop()
    upstream = await to(fake.url)
    with pytest.raises(UpstreamError) as caught:
        await upstream.request("tools/call", CALL, NOW)
    assert (caught.value.kind, caught.value.sent) == ("unreachable", False)
    async with fake:
        assert (await upstream.request("tools/call", CALL, NOW))["structuredContent"]["name"] == "echo"


async def test_an_upstream_that_restarts_as_the_other_era_is_followed(to: Any) -> None:
    async def refuse_modern(seen: Seen) -> None:
        if seen.headers.get("mcp-protocol-version") == MODERN:
            return await seen.error(-32000, 400)
        return await handshake()(seen)

    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        assert (await upstream.hello()).era == "modern"
        fake.answer = refuse_modern
        upstream._greeter._probed -= 10
        assert (await upstream.request("tools/call", CALL, NOW))["resultType"] == "complete"
        assert upstream.known().era == "handshake"


async def test_a_large_answer_within_the_bound_arrives_and_one_over_it_is_refused(to: Any) -> None:
    async def large(seen: Seen) -> None:
        await seen.result({"text": "x" * seen.params["arguments"]["size"]})

    async def streamed(seen: Seen) -> None:
        await seen.out.stream()
        answer = {
            "jsonrpc": "2.0",
            "id": seen.message["id"],
            "result": {"text": "x" * seen.params["arguments"]["size"]},
        }
        await seen.out.event(answer)
        await seen.out.end()

    for answer in (large, streamed):
        async with Fake(modern(tools_call=answer)) as fake:
            upstream = await to(fake.url)
            found = await upstream.request("tools/call", {"name": "echo", "arguments": {"size": 20_000_000}}, NOW)
            assert len(found["text"]) == 20_000_000
            with pytest.raises(UpstreamError) as caught:
                await upstream.request("tools/call", {"name": "echo", "arguments": {"size": 40_000_000}}, NOW)
            assert caught.value.kind == "too_large"


def bomb(megabytes: int) -> bytes:
    """Fully flushed deflate blocks stand alone, so one can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    return head + megabytes * (packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH))


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_compression_bomb_stops_at_the_bound(to: Any, kind: str) -> None:
    packed = bomb(512)
    async with Fake(modern(tools_call=replying(packed, 200, kind, content_encoding="gzip"))) as fake:
        upstream = await to(fake.url, answer_bytes=2**20)
        began = time.process_time()
        with pytest.raises(UpstreamError) as caught:
            await upstream.request("tools/call", CALL, NOW)
        assert caught.value.kind == ("too_large" if kind == "application/json" else "malformed")
        assert time.process_time() - began < 0.5


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_compressed_answer_never_holds_the_event_loop(to: Any, kind: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b"\n" * 60_000_000) + packer.flush()
    async with Fake(modern(tools_call=replying(packed, 200, kind, content_encoding="gzip"))) as fake:
        upstream = await to(fake.url, answer_bytes=2**26)
        await upstream.hello()
        async with longest_wait() as waits:
            with pytest.raises(UpstreamError):
                await upstream.request("tools/call", CALL, NOW)
        assert max(waits) < 0.5


async def test_inflating_leaves_the_others_their_turn_after_every_piece() -> None:
    packed = replying(gzip.compress(b"x" * 20 * 2**20), content_encoding="gzip")
    async with Fake(packed) as fake, client_of(fake.url) as client:
        response = await client.request("POST", {}, b'{"id":1}')
        async with longest_wait() as waits:
            assert len(await whole(response, 2**25)) == 20 * 2**20
        assert len(waits) > 40


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    client = Client(yarl.URL(url, encoded=True), limit=9, connect_s=5)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def longest_wait() -> AsyncIterator[list[float]]:
    """How long the event loop did not come round, each time, in seconds."""
    waits = [0.0]

    async def turn() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0)
            waits.append(time.monotonic() - began)

    turning = asyncio.create_task(turn())
    try:
        yield waits
    finally:
        turning.cancel()


@pytest.mark.parametrize("flood", [b"\n" * 65_536, b":\n" * 32_768, b"event: x\ndata: y\n\n" * 3_000])
async def test_a_stream_that_brings_no_event_ends_at_the_bound(to: Any, flood: bytes) -> None:
    async def flooding(seen: Seen) -> None:
        await seen.out.stream()
        while True:
            await seen.out.chunk(flood)

    async with Fake(modern(tools_call=flooding)) as fake:
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for((await to(fake.url, answer_bytes=2**20)).request("tools/call", CALL, NOW), 5)
        assert caught.value.kind == "too_large"


async def test_a_flood_of_notifications_in_one_read_leaves_the_others_their_turn(to: Any) -> None:
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'

    async def flooding(seen: Seen) -> None:
        await seen.out.body(note * 5_000, 200, "text/event-stream")

    async def busy(method: str, params: Any) -> None:
        time.sleep(0.0001)  # noqa: ASYNC251 - the work of a chain

    async with Fake(modern(tools_call=flooding)) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        async with longest_wait() as waits:
            with pytest.raises(UpstreamError):
                await upstream.request("tools/call", CALL, NOW, notify=busy)
        assert max(waits) < 0.3


@pytest.mark.parametrize("retry", [b"retry: 0\n", b"retry: 1\n"])
async def test_a_stream_that_always_breaks_is_not_resumed_in_a_tight_loop(to: Any, retry: bytes) -> None:
    numbers = itertools.count(1)

    async def breaking(seen: Seen) -> None:
        await seen.out.body(retry + b"id: %d\ndata:\n\n" % next(numbers), 200, "text/event-stream")

    async def get_too(seen: Seen) -> None:
        await (breaking if seen.verb == "GET" else handshake(tools_call=breaking))(seen)

    async with Fake(get_too) as fake:
        upstream = await to(fake.url, call_s=1)
        await upstream.hello()
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for(upstream.request("tools/call", CALL, OLD), 5)
        assert caught.value.kind == "timeout"
        assert 2 <= len(fake.asked("GET")) <= 5


async def test_resumes_are_bounded_though_each_brings_something_new() -> None:
    resumed: list[str] = []
    numbers = itertools.count(1)

    async def breaking(seen: Seen) -> None:
        await seen.out.body(b"retry: 0\nid: %d\ndata:\n\n" % next(numbers), 200, "text/event-stream")

    async with Fake(breaking) as fake, client_of(fake.url) as client:

        async def resume(out: Outgoing, last_id: str) -> Response:
            resumed.append(last_id)
            return await client.request("GET", {})

        answers = Answers(cap=1_000, depth=9, resume=resume, refuse=lambda message, out: None, resumes=3)
        out = Outgoing(id=1, method="x", params={}, version=HANDSHAKE, modern=False, origin=OLD, gap_s=5, deadline=None)
        with pytest.raises(WireError) as caught:
            await answers.read(await client.request("GET", {}), out)
        assert (caught.value.kind, resumed) == ("closed", ["1", "2", "3"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_that_was_not_asked_for_is_read(to: Any, encoding: str) -> None:
    async def packed(seen: Seen) -> None:
        assert seen.headers["accept-encoding"] == "identity"
        data = json.dumps({"jsonrpc": "2.0", "id": seen.message["id"], "result": {"big": "y" * 10**6}}).encode()
        await seen.out.body(
            gzip.compress(data) if encoding == "gzip" else zlib.compress(data), headers={"content-encoding": encoding}
        )

    async with Fake(modern(tools_call=packed)) as fake:
        assert len((await (await to(fake.url)).request("tools/call", CALL, NOW))["big"]) == 10**6


async def test_one_hung_call_delays_none_of_fifty_others(to: Any) -> None:
    async def some_hang(seen: Seen) -> None:
        if seen.params["arguments"].get("hang"):
            await hang(seen)
        await seen.result({"content": []})

    async with Fake(modern(tools_call=some_hang)) as fake:
        upstream = await to(fake.url, call_read_s=30)
        await upstream.hello()
        hung = asyncio.create_task(upstream.request("tools/call", {"name": "e", "arguments": {"hang": True}}, NOW))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await asyncio.gather(*(upstream.request("tools/call", {"name": "e", "arguments": {}}, NOW) for _ in range(50)))
        assert time.monotonic() - began < 10
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung


async def test_a_whole_call_is_bounded_though_the_upstream_keeps_talking(to: Any) -> None:
    async def chatter(seen: Seen) -> None:
        await seen.out.stream()
        while True:
            await seen.out.chunk(b": ping\n\n")
            await asyncio.sleep(0.05)

    async with Fake(modern(tools_call=chatter, tools_list=chatter)) as fake:
        upstream = await to(fake.url, call_s=0.4, read_s=0.2)
        for method in ("tools/call", "tools/list"):
            began = time.monotonic()
            with pytest.raises(UpstreamError) as caught:
                await upstream.request(method, CALL, NOW)
            assert caught.value.kind == "timeout"
            assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("cursors", "kind"),
    [([None], None), (["", None], None), (["a", "b", None], None), (["a", "a"], "malformed"), (["", ""], "malformed")],
)
async def test_lists_are_paged_to_the_end_and_cycles_are_refused(to: Any, cursors: list[Any], kind: str | None) -> None:
    async def page(seen: Seen) -> None:
        turn = len(fake.asked("tools/list")) - 1
        assert ("cursor" in seen.params) == (turn > 0)
        cursor = cursors[turn % len(cursors)]
        await seen.result({"tools": [{"name": f"t{turn}"}], **({} if cursor is None else {"nextCursor": cursor})})

    async with Fake(handshake(tools_list=page)) as fake:
        upstream = await to(fake.url)
        if kind is None:
            assert len(await upstream.pages("tools/list", OLD)) == len(cursors)
            return
        with pytest.raises(UpstreamError) as caught:
            await upstream.pages("tools/list", OLD)
        assert caught.value.kind == kind


async def test_a_list_without_end_stops_at_the_bound(to: Any) -> None:
    async def page(seen: Seen) -> None:
        await seen.result({"tools": TEN, "nextCursor": str(len(fake.seen))})

    TEN = [{"name": f"t{number}"} for number in range(10)]  # noqa: N806
    async with Fake(modern(tools_list=page)) as fake:
        with pytest.raises(UpstreamError) as caught:
            await (await to(fake.url, tools=55)).pages("tools/list", NOW)
        assert caught.value.kind == "too_large"
        assert len(fake.asked("tools/list")) == 6


@pytest.mark.parametrize(
    ("fields", "bounds", "kind"),
    [
        ({"pad": "x" * 100_000}, {"answer_bytes": 250_000}, "too_large"),
        ({"tools": [{"name": "x" * 100_000}]}, {"answer_bytes": 250_000}, "too_large"),
        ({"wait": 0.2}, {"first_list_s": 0.1}, "timeout"),
    ],
)
async def test_a_list_is_bounded_in_all_and_not_page_by_page(to: Any, fields: Any, bounds: Any, kind: str) -> None:
    async def page(seen: Seen) -> None:
        await asyncio.sleep(fields.get("wait", 0))
        await seen.result({"tools": [], **fields, "nextCursor": str(len(fake.seen))})

    async with Fake(modern(tools_list=page)) as fake:
        upstream = await to(fake.url, **bounds)
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for(upstream.pages("tools/list", NOW), 5)
        assert caught.value.kind == kind
        assert 3 <= len(fake.asked("tools/list")) <= 4


async def test_of_a_page_only_its_items_and_its_age_are_kept(to: Any) -> None:
    async def page(seen: Seen) -> None:
        await seen.result({"resultType": "complete", "tools": [], "ttlMs": 7, "pad": "x"})

    async with Fake(modern(tools_list=page)) as fake:
        assert await (await to(fake.url)).pages("tools/list", NOW) == [{"tools": [], "ttlMs": 7}]


async def test_no_text_of_the_upstream_enters_our_errors_or_logs(to: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = b"CANARY-4711"
    bodies = [
        replying(secret, 500, "text/plain"),
        replying(secret),
        replying(b'{"jsonrpc":"2.0","id":"' + secret + b'","result":{}}'),
        replying(b"", 302, location="http://127.0.0.1/" + secret.decode()),
        replying(secret, content_encoding=secret.decode()),
        replying(secret, 200, secret.decode()),
        replying(secret, 429, secret.decode(), retry_after=secret.decode()),
    ]
    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        for body in bodies:
            fake.answer = modern(tools_call=body)
            with pytest.raises(RpcError) as caught:
                await upstream.request("tools/call", CALL, NOW)
            assert "CANARY" not in str(caught.value)
            assert "CANARY" not in str(caught.value.data)
    assert "CANARY" not in caplog.text
