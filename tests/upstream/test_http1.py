"""The HTTP client before servers that say any bytes at any time: one request, exactly one answer, in bounded time."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time

import pytest
import yarl

from proxy import http1_pool
from proxy.http1 import Client
from proxy.http1_errors import ClosedError, ConnectError, FramingError, HeaderError
from proxy.http1_response import HOLD_BYTES, Response
from proxy.http1_route import Route, _first
from tests.running import until
from tests.upstream.raw_server import OK, Peer, Serve, client_to, serving

HEAD = b"HTTP/1.1 200 OK\r\n"
STREAM = HEAD + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def body(response: Response) -> bytes:
    found = b""
    while piece := await response.read():
        found += piece
    assert response.at_eof
    return found


async def ask(client: Client, sent: bytes = b"{}", **bounds: float) -> tuple[int, bytes]:
    response = await client.request("POST", {}, sent, **bounds)
    return response.status, await body(response)


def saying(*pieces: bytes, pause: float = 0, end: bool = False) -> Serve:
    async def answer(peer: Peer) -> None:
        await peer.say(*pieces, pause=pause)
        if end:
            peer.writer.close()
            await peer.left()

    return answer


# What goes out.


async def test_a_request_goes_out_as_written_in_one_piece() -> None:
    target = "/runtimes/arn%3Aaws%3Ax%2Fy/invocations?a=%2F&b"
    async with serving(saying(OK)) as server, client_to(f"http://127.0.0.1:{server.port}{target}") as client:
        response = await client.request("POST", {"Accept": "a/b", "X-A": "grün"}, b"{}")
        assert (response.status, await response.read(), await response.read()) == (200, b"{}", b"")
        host = f"Host: 127.0.0.1:{server.port}"
        sent = [f"POST {target} HTTP/1.1", host, "Accept: a/b", "X-A: grün", "Content-Length: 2", "", ""]
        assert server.heads == ["\r\n".join(sent)]
        await (await client.request("DELETE", {})).read()
        assert server.heads[1] == "\r\n".join([f"DELETE {target} HTTP/1.1", host, "", ""])
        assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("http://example.com", " / HTTP/1.1\r\nHost: example.com\r\n"),
        ("https://example.com:443/a?", " /a HTTP/1.1\r\nHost: example.com\r\n"),
        ("https://example.com:80/a", " /a HTTP/1.1\r\nHost: example.com:80\r\n"),
        ("http://[::1]:8000/a", " /a HTTP/1.1\r\nHost: [::1]:8000\r\n"),
        ("http://example.com./a", " /a HTTP/1.1\r\nHost: example.com\r\n"),
    ],
)
def test_the_host_header_names_the_port_where_it_is_not_the_schemes_own(url: str, start: str) -> None:
    assert Client(yarl.URL(url, encoded=True), limit=1, connect_s=1)._start == start


@pytest.mark.parametrize("url", ["ftp://example.com/", "/mcp", "http://h/a b", "http://h/ä"])
def test_a_url_that_cannot_be_requested_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Client(yarl.URL(url, encoded=True), limit=1, connect_s=1)


@pytest.mark.parametrize(
    "headers",
    [
        *({"X": value} for value in ("a\r\nX-Evil: 1", "a\nb", "a\rb", "\r\n", "a\0b", "€", "\ud800")),
        *({name: "a"} for name in ("", "X Y", "X:", "X\r\nY", "Ä", "Host", "content-LENGTH", "Transfer-Encoding")),
    ],
    ids=repr,
)
async def test_a_header_that_cannot_be_sent_is_a_clear_error_and_nothing_is_sent(headers: dict[str, str]) -> None:
    async with serving(saying(OK)) as server, client_to(server.url) as client:
        with pytest.raises(HeaderError):
            await client.request("POST", {"A": "b", **headers}, b"{}")
        assert server.peers == []


async def test_a_large_body_is_sent_whole_while_others_have_their_turn() -> None:
    large = bytes(range(256)) * 2**15  # 8 MiB

    async with serving(saying(OK)) as server, client_to(server.url) as client:
        asking = asyncio.create_task(ask(client, large))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0)
            turns += 1
        assert await asking == (200, b"{}")
        assert server.bodies == [large]
        assert turns > 10
        assert await ask(client) == (200, b"{}")
        assert len(server.peers) == 1


async def test_a_server_that_stops_reading_is_given_up_after_the_gap() -> None:
    async def deaf(peer: Peer) -> None:
        await asyncio.sleep(5)

    async with serving(deaf, whole=False) as server, client_to(server.url) as client:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await ask(client, b"x" * 2**26, gap_s=0.3)
        assert time.monotonic() - began < 2


async def test_a_slow_reader_that_goes_on_reading_is_waited_for() -> None:
    async def slow(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        for _ in range(24):
            await peer.reader.readexactly(2**20)
            await asyncio.sleep(0.05)
        await peer.say(OK)

    async with serving(slow, whole=False) as server, client_to(server.url) as client:
        assert await ask(client, b"x" * 24 * 2**20, gap_s=0.6) == (200, b"{}")


async def test_an_answer_before_the_request_was_out_is_read_and_ends_the_connection() -> None:
    async def early(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await peer.left()

    async with serving(early, whole=False) as server, client_to(server.url) as client:
        assert await ask(client, b"x" * 2**26) == (413, b"big")
        await until(lambda: server.live == 0)
        assert await ask(client, b"x" * 2**26) == (413, b"big")
        assert len(server.peers) == 2


# How an answer's length is told.


async def test_a_chunked_answer_is_read_however_it_is_split() -> None:
    whole = STREAM + b"3;note=1\r\nabc\r\n0005\r\nde\r\nf\r\n1\r\n\n\r\n0\r\nx-trailer: 1\r\n\r\n"
    cuts = itertools.chain.from_iterable(itertools.repeat(size, 1) for size in range(1, 40))

    async def split(peer: Peer) -> None:
        size = next(cuts)
        await peer.say(*(whole[at : at + size] for at in range(0, len(whole), size)))

    async with serving(split) as server, client_to(server.url) as client:
        for _ in range(1, 40):
            response = await client.request("POST", {}, b"{}")
            assert (response.content_type, response.content_length) == ("text/event-stream", None)
            assert await body(response) == b"abcde\r\nf\n"
            assert response.header("x-trailer") is None
        assert len(server.peers) == 1


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.0 200 OK\r\n", b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n"])
async def test_an_answer_without_a_length_ends_with_its_connection(head: bytes) -> None:
    async with serving(saying(head, b"\r\nab", b"cd", end=True)) as server, client_to(server.url) as client:
        assert [await ask(client) for _ in range(2)] == [(200, b"abcd")] * 2
        assert len(server.peers) == 2


@pytest.mark.parametrize("extra", [b"", b"content-length: 5\r\n", b"content-type: application/json\r\n"])
@pytest.mark.parametrize("status", [b"204", b"304"])
async def test_a_status_without_a_body_keeps_its_connection(status: bytes, extra: bytes) -> None:
    async with serving(saying(b"HTTP/1.1 " + status + b" X\r\n" + extra + b"\r\n")) as server:
        async with client_to(server.url) as client:
            assert [await ask(client) for _ in range(3)] == [(int(status), b"")] * 3
        assert len(server.peers) == 1


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" * 3])
@pytest.mark.parametrize("pause", [0, 0.01])
async def test_interim_answers_are_skipped(interim: bytes, pause: float) -> None:
    pieces = (interim, OK) if pause else (interim + OK,)
    async with serving(saying(*pieces, pause=pause)) as server, client_to(server.url) as client:
        response = await client.request("POST", {}, b"{}")
        assert (response.header("link"), await body(response)) == (None, b"{}")
        assert await ask(client) == (200, b"{}")
        assert len(server.peers) == 1


async def test_an_offer_to_upgrade_is_no_upgrade() -> None:
    offer = HEAD + b"connection: upgrade\r\nupgrade: h2,h2c\r\ncontent-length: 2\r\n\r\n{}"
    async with serving(saying(offer)) as server, client_to(server.url) as client:
        assert await ask(client) == (200, b"{}")


FAULTS = {
    "both lengths": HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "both lengths, the other way": HEAD + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{}\r\n",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a list of lengths": HEAD + b"content-length: 2, 2\r\n\r\n{}",
    "a signed length": HEAD + b"content-length: +2\r\n\r\n{}",
    "an unknown coding": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a coding alone": HEAD + b"transfer-encoding: xchunked\r\n\r\n{}",
    "two codings": HEAD + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00",
    "another protocol, unsaid": b"HTTP/1.1 101 Switching\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n",
    "a folded line": HEAD + b"x: a\r\n b: c\r\ncontent-length: 2\r\n\r\n{}",
    "a space before the colon": HEAD + b"content-length : 2\r\n\r\n{}",
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
    "a NUL": HEAD + b"x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "a long line": HEAD + b"x: " + b"y" * 17_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    "many headers": HEAD + b"x: y\r\n" * 40_000 + b"content-length: 2\r\n\r\n{}",
    "an endless line": HEAD + b"x: " + b"y" * 2**21,
    "an endless name": HEAD + b"x" * 2**21,
    "an endless reason": b"HTTP/1.1 200 " + b"x" * 2**21,
    "interim answers without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
}


@pytest.mark.parametrize("pause", [0, 0.001])
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_no_answer_is_an_error_and_the_next_request_has_a_new_connection(
    fault: str, pause: float
) -> None:
    data = FAULTS[fault]
    size = max(len(data) // 20, 1) if pause else len(data)

    async def lying(peer: Peer) -> None:
        pieces = [data[at : at + size] for at in range(0, len(data), size)] if peer.number == 0 else [OK]
        await peer.say(*pieces, pause=pause)

    async with serving(lying) as server, client_to(server.url) as client:
        with pytest.raises(FramingError):
            await ask(client, gap_s=2)
        assert await ask(client) == (200, b"{}")
        assert len(server.peers) == 2


BROKEN = {
    "no size of a chunk": b"zz\r\n",
    "a huge size of a chunk": b"f" * 17 + b"\r\n",
    "no end of a chunk": b"2\r\nabcd\r\n",
    "bare line feeds": b"2\nab\n0\n\n",
    "endless trailers": b"0\r\n" + b"x: y\r\n" * 40_000,
    "an endless trailer": b"0\r\nx: " + b"y" * 2**21,
    "an endless extension": b"2;" + b"y" * 2**21,
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_body_whose_framing_breaks_is_an_answer_that_ended(fault: str) -> None:
    async with serving(saying(STREAM, b"2\r\nab\r\n", BROKEN[fault], pause=0.02)) as server:
        async with client_to(server.url) as client:
            response = await client.request("POST", {}, b"{}", gap_s=2)
            with pytest.raises(ClosedError):
                await body(response)
        await until(lambda: server.live == 0)


# Connections, kept and not.


async def test_connections_are_used_again_the_last_one_first() -> None:
    async with serving(saying(OK)) as server, client_to(server.url) as client:
        await asyncio.gather(*(ask(client) for _ in range(5)))
        opened = len(server.peers)
        assert opened <= 5
        for _ in range(20):
            await ask(client)
        assert len(server.peers) == opened


@pytest.mark.parametrize("again", [b"", b"connection: close\r\n"])
async def test_a_connection_that_shall_close_is_not_used_again(again: bytes) -> None:
    answer = HEAD + again + b"content-length: 2\r\n\r\n{}"
    async with serving(saying(answer)) as server, client_to(server.url) as client:
        assert [await ask(client) for _ in range(3)] == [(200, b"{}")] * 3
        assert len(server.peers) == (3 if again else 1)


@pytest.mark.parametrize("pause", [0, 0.02])
@pytest.mark.parametrize("extra", [b"x", OK, b"HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n"])
async def test_bytes_that_nobody_asked_for_end_the_connection_and_answer_nothing(extra: bytes, pause: float) -> None:
    evil = extra.replace(b"{}", b"!!")
    async with serving(saying(OK, evil, pause=pause) if pause else saying(OK + evil)) as server:
        async with client_to(server.url) as client:
            for _ in range(3):
                assert await ask(client) == (200, b"{}")
                await asyncio.sleep(3 * pause)
        assert len(server.peers) == 3


async def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    async with serving(saying(OK, end=True)) as server, client_to(server.url) as client:
        for _ in range(3):
            assert await ask(client) == (200, b"{}")
            await asyncio.sleep(0.03)
        assert len(server.heads) == len(server.peers) == 3


async def test_idle_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_pool, "IDLE_S", 0.2)
    async with serving(saying(OK, pause=0.02)) as server, client_to(server.url) as client:
        await asyncio.gather(*(ask(client) for _ in range(3)))
        assert server.live == 3
        await asyncio.sleep(0.1)
        await ask(client)
        await until(lambda: server.live == 1)
        await until(lambda: server.live == 0)
        assert await ask(client) == (200, b"{}")
        assert len(server.peers) == 4


async def test_no_more_connections_than_the_limit_and_everyone_has_a_turn() -> None:
    async with serving(saying(OK, pause=0.01)) as server, client_to(server.url, limit=2) as client:
        assert await asyncio.gather(*(ask(client) for _ in range(20))) == [(200, b"{}")] * 20
        assert (server.most, len(server.peers)) == (2, 2)


async def test_the_wait_for_a_free_connection_ends_as_one_for_a_connection() -> None:
    async with serving(saying(pause=9)) as server, client_to(server.url, limit=1, connect_s=0.2) as client:
        first = asyncio.create_task(ask(client))
        await until(lambda: len(server.heads) == 1)
        with pytest.raises(ConnectError) as caught:
            await ask(client)
        assert caught.value.reason == "time"
        with pytest.raises(TimeoutError):
            await ask(client, deadline=asyncio.get_running_loop().time() + 0.05)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_waiter_that_gave_up_takes_no_turn_from_the_others() -> None:
    async with serving(saying(OK, pause=0.03)) as server, client_to(server.url, limit=1) as client:
        for _ in range(5):
            asking = [asyncio.create_task(ask(client)) for _ in range(4)]
            await asyncio.sleep(0.03)
            asking[1].cancel()
            asking[2].cancel()
            done = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 5)
            assert done[0] == done[3] == (200, b"{}")
            assert client._pool._free_slots + len(client._pool._open) == 1


async def test_a_request_that_is_cancelled_closes_its_connection_and_frees_its_place() -> None:
    async def half(peer: Peer) -> None:
        await peer.say({0: b"", 1: HEAD, 2: STREAM + b"2\r\nab\r\n"}.get(peer.number, OK))
        if peer.number < 3:
            await peer.left()

    async with serving(half) as server, client_to(server.url, limit=1) as client:
        for number in range(3):
            asking = asyncio.create_task(ask(client))
            await until(lambda number=number: len(server.heads) == number + 1)  # type: ignore[misc]
            await asyncio.sleep(0.02)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: server.live == 0)
        assert await ask(client) == (200, b"{}")


async def test_a_cancelled_connect_frees_its_place() -> None:
    with full_backlog() as port:
        async with client_to(f"http://127.0.0.1:{port}/", limit=1) as client:
            for _ in range(3):
                asking = asyncio.create_task(ask(client))
                await asyncio.sleep(0.02)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
            assert client._pool._free_slots == 1


async def test_an_answer_closed_early_closes_its_connection_and_one_read_whole_does_not() -> None:
    async with serving(saying(STREAM + b"2\r\nab\r\n")) as server, client_to(server.url) as client:
        response = await client.request("POST", {}, b"{}")
        assert await response.read() == b"ab"
        response.close()
        with pytest.raises(ClosedError):
            await response.read()
        await until(lambda: server.live == 0)
    async with serving(saying(OK)) as server, client_to(server.url) as client:
        for _ in range(3):
            (await client.request("POST", {}, b"{}")).close()
        assert len(server.peers) == 1


async def test_closing_fails_what_is_under_way_and_leaves_nothing_open() -> None:
    async with serving(saying(pause=9)) as server, client_to(server.url, limit=1) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(3)]
        await until(lambda: len(server.heads) == 1)
        await client.close()
        failed = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(error) for error in failed} == {ClosedError}
        await until(lambda: server.live == 0)
        with pytest.raises(ClosedError):
            await ask(client)
        await client.close()


# Answers that break off, and what is sent again.

ANSWERS = [
    HEAD + b'content-type: application/json\r\ncontent-length: 12\r\n\r\n{"a":"bcde"}',
    HEAD + b"content-type: text/plain\r\ncontent-length: 2\r\n\r\n{}",
    STREAM + b"3\r\nabc\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("rude", [False, True])
@pytest.mark.parametrize("answer", ANSWERS, ids=["json", "text", "chunked"])
async def test_an_answer_that_breaks_off_anywhere_is_an_error_and_a_post_is_never_sent_twice(
    answer: bytes, rude: bool
) -> None:
    async def cut(peer: Peer) -> None:
        await peer.say(answer[: peer.number])
        if rude:
            peer.drop()
        else:
            peer.writer.close()
        await peer.left()

    async with serving(cut) as server, client_to(server.url) as client:
        for _ in range(len(answer)):
            with pytest.raises(ClosedError):
                await ask(client)
        assert await ask(client) == (200, answer.split(b"\r\n\r\n", 1)[1] if b"chunked" not in answer else b"abc")
        assert len(server.heads) == len(answer) + 1


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200"])
@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("DELETE", 2), ("POST", 1)])
async def test_only_an_idempotent_request_is_sent_once_more_when_its_connection_closes(
    method: str, sent: int, said: bytes
) -> None:
    kept = 3

    async def closing(peer: Peer) -> None:
        await peer.say(OK if len(server.heads) <= kept else said)
        if len(server.heads) > kept:
            peer.writer.close()
            await peer.left()

    async with serving(closing) as server, client_to(server.url) as client:
        for _ in range(kept):
            await ask(client)
        with pytest.raises(ClosedError):
            await client.request(method, {})
        assert len(server.heads) == kept + sent


async def test_a_get_whose_head_came_is_not_sent_again() -> None:
    async with serving(saying(ANSWERS[0][:-3], end=True)) as server, client_to(server.url) as client:
        response = await client.request("GET", {})
        assert response.status == 200
        with pytest.raises(ClosedError):
            await body(response)
        assert len(server.heads) == 1


async def test_what_came_before_a_stream_broke_is_read_first() -> None:
    async def broken(peer: Peer) -> None:
        await peer.say(STREAM + b"2\r\nab\r\n2\r\n")
        peer.writer.close()

    async with serving(broken) as server, client_to(server.url) as client:
        response = await client.request("POST", {}, b"{}")
        await until(lambda: response._error is not None)
        assert await response.read() == b"ab"
        with pytest.raises(ClosedError):
            await response.read()


# Time.


@pytest.mark.parametrize("answer", ANSWERS, ids=["json", "text", "chunked"])
async def test_a_slow_drip_within_the_gap_is_read_and_one_over_it_is_not(answer: bytes) -> None:
    pieces = [answer[at : at + 12] for at in range(0, len(answer), 12)]
    async with serving(saying(*pieces, pause=0.05)) as server, client_to(server.url) as client:
        for gap_s in (30, 0.5):
            assert (await ask(client, gap_s=gap_s))[0] == 200
        assert len(server.peers) == 1
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await ask(client, gap_s=0.02)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(("gap_s", "deadline_s"), [(0.2, 900), (30, 0.2)])
async def test_a_shorter_bound_counts_after_a_longer_one_on_the_same_connection(
    gap_s: float, deadline_s: float
) -> None:
    async def once(peer: Peer) -> None:
        await peer.say(OK if len(server.heads) == 1 else b"")

    async with serving(once) as server, client_to(server.url) as client:
        now = asyncio.get_running_loop().time
        await ask(client, gap_s=60, deadline=now() + 900)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await ask(client, gap_s=gap_s, deadline=now() + deadline_s)
        assert 0.1 < time.monotonic() - began < 2
        assert len(server.peers) == 1


async def test_the_deadline_ends_an_answer_that_keeps_coming() -> None:
    async def chatter(peer: Peer) -> None:
        await peer.say(STREAM)
        await peer.say(*[b"2\r\nab\r\n"] * 500, pause=0.01)

    async with serving(chatter) as server, client_to(server.url) as client:
        began = time.monotonic()
        response = await client.request("POST", {}, b"{}", gap_s=5, deadline=asyncio.get_running_loop().time() + 0.3)
        with pytest.raises(TimeoutError):
            await body(response)
        assert 0.2 < time.monotonic() - began < 2
        await until(lambda: server.live == 0)


async def test_a_reader_that_takes_its_time_is_no_gap_of_the_servers_and_little_is_held() -> None:
    said = 0

    async def flood(peer: Peer) -> None:
        nonlocal said
        await peer.say(HEAD + b"content-length: %d\r\n\r\n" % (400 * 65_536))
        for _ in range(400):
            await peer.say(b"x" * 65_536)
            said += 65_536

    async with serving(flood) as server, client_to(server.url) as client:
        response = await client.request("POST", {}, b"{}", gap_s=0.2)
        await asyncio.sleep(0.5)
        assert said < 16 * 2**20, "what the sockets hold, and no more"
        assert response._held < HOLD_BYTES + 2**19
        assert len(await body(response)) == 400 * 65_536
        assert await ask(client) == (200, b"x" * 400 * 65_536)
        assert len(server.peers) == 1


async def test_a_json_answer_wakes_its_reader_once_with_all_of_it() -> None:
    pieces = [OK[at : at + 5] for at in range(0, len(OK), 5)]
    async with serving(saying(*pieces, pause=0.005)) as server, client_to(server.url) as client:
        response = await client.request("POST", {}, b"{}")
        assert response.complete
        assert await response.read() == b"{}"


# Connecting.


class full_backlog:  # noqa: N801 - a context
    """A port that takes no connection: nobody accepts, and the queue is full."""

    def __enter__(self) -> int:
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(0)
        self._waiting = [socket.socket() for _ in range(3)]
        for one in self._waiting:
            one.setblocking(False)
            one.connect_ex(self._listening.getsockname())
        return int(self._listening.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listening):
            one.close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_server_that_does_not_take_the_connection_is_given_up_in_time() -> None:
    with full_backlog() as port:
        async with client_to(f"http://127.0.0.1:{port}/", connect_s=0.2) as client:
            began = time.monotonic()
            with pytest.raises(ConnectError) as caught:
                await ask(client)
            assert (caught.value.reason, time.monotonic() - began < 2) == ("time", True)
            with pytest.raises(TimeoutError):
                await ask(client, deadline=asyncio.get_running_loop().time() + 0.05)


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "refused"), ("nowhere.invalid", "name"), ("x" * 64 + ".example", "name")]
)
async def test_a_server_that_is_not_there_is_told_apart_from_a_name_that_is_not(host: str, reason: str) -> None:
    async with client_to(f"http://{host}:{closed_port()}/") as client:
        with pytest.raises(ConnectError) as caught:
            await ask(client)
        assert caught.value.reason == reason
        assert client._pool._free_slots == 10


async def test_the_next_address_is_tried_while_the_first_is_silent() -> None:
    with full_backlog() as silent:
        async with serving(saying(OK)) as server:
            ports = (closed_port(), silent, server.port)
            addresses = [(socket.AF_INET.value, socket.SOCK_STREAM.value, 0, ("127.0.0.1", port)) for port in ports]
            began = time.monotonic()
            found = await _first(addresses)
            with found:
                assert found.getpeername()[1] == server.port
            assert time.monotonic() - began < 2
            with pytest.raises(OSError):
                await _first(addresses[:1])


async def test_a_name_is_looked_up_once_for_all_who_connect_at_the_same_time() -> None:
    async with serving(saying(OK, pause=0.02)) as server, client_to(f"http://localhost:{server.port}/") as client:
        assert await asyncio.gather(*(ask(client) for _ in range(8))) == [(200, b"{}")] * 8
        assert {head.splitlines()[1] for head in server.heads} == {f"Host: localhost:{server.port}"}
    route = Route("localhost", 1, secure=False)
    first, second = await asyncio.gather(route._addresses(), route._addresses())
    assert first is second


async def test_an_ipv6_address_is_reached() -> None:
    try:
        async with serving(saying(OK), host="::1") as server, client_to(f"http://[::1]:{server.port}/a") as client:
            assert await ask(client) == (200, b"{}")
            assert server.heads[0].splitlines()[1] == f"Host: [::1]:{server.port}"
    except OSError:
        pytest.skip("no IPv6 here")


async def test_an_upstream_that_sends_one_byte_at_a_time_costs_bounded_memory() -> None:
    async with (
        serving(saying(STREAM, b"1\r\nx\r\n" * 200_000, b"0\r\n\r\n")) as server,
        client_to(server.url) as client,
    ):
        response = await client.request("POST", {}, b"{}")
        await asyncio.sleep(0.1)
        assert len(response._parts) < 100_000
        assert len(await body(response)) == 200_000
