"""What is no HTTP as it should be: every message is answered, refused or cut, and no refused one goes any further."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conversations.raw_wire import MARKER, Target, chunked, harmless, refused, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    said = tmp_path_factory.mktemp("wire") / "stderr"
    async with running(said, body_s=0.5, stall_s=2) as target, harmless(target):
        yield target


@pytest_asyncio.fixture(loop_scope="module")
async def target(shared: Target) -> AsyncIterator[Target]:
    """The proxy, whose upstream must have been reached by nothing that the test does not own up to."""
    before = shared.reached
    yield shared
    assert shared.reached == before


@pytest.mark.parametrize(
    ("length", "statuses"),
    [
        *((value, [400]) for value in ("+5", "-5", "5,5", "5, 5", "0x5", "", "5;", "5 5", "1e2", "²", "9" * 20)),
        ("9" * 19, [413]),
        *(("N\r\ncontent-length: " + other, [400]) for other in ("N", "5", "+N")),
        *(("N\r\ntransfer-encoding: " + other, [400]) for other in ("chunked", "identity", "\x0bchunked")),
        ("N\r\ncontent-encoding: identity\r\ncontent-encoding: identity", [400]),
    ],
)
async def test_a_length_that_two_readers_may_read_differently_is_refused(
    target: Target, length: str, statuses: list[int]
) -> None:
    body = target.message()
    head = target.head(f"content-length: {length.replace('N', str(len(body)))}")
    found, ends = await target.ask(head + body)
    assert refused(found, statuses)
    assert ends or statuses == [413] or "encoding" in length


async def test_whitespace_around_a_length_is_none_of_it(shared: Target) -> None:
    body = shared.message()
    for spaced in (f"  {len(body)}", f"{len(body)}  ", f"\t{len(body)}\t"):
        found, _ = await shared.ask(shared.head(f"content-length:{spaced}") + body)
        assert found is not None
        assert (found.status, MARKER in found.body.decode()) == (200, True)


async def test_what_is_over_a_length_is_read_as_another_request_and_refused(target: Target) -> None:
    body = target.message()
    found, ends = await target.ask(target.head("content-length: 20") + body)
    assert refused(found, [400])
    assert ends, "the rest of the body is no request"


@pytest.mark.parametrize("framing", ["content-length: 5000", "transfer-encoding: chunked"])
async def test_half_a_message_is_waited_for_and_then_refused(target: Target, framing: str) -> None:
    body = target.message()
    found, _ = await target.ask(target.head(framing) + (body if "length" in framing else chunked(body, last=b"")))
    assert refused(found, [408])


@pytest.mark.parametrize("framing", ["content-length: 5000", "transfer-encoding: chunked"])
async def test_a_message_whose_end_never_came_is_not_forwarded_when_its_client_goes(
    target: Target, framing: str
) -> None:
    body = target.message()
    async with target.connection() as (_, writer):
        writer.write(target.head(framing) + (body if "length" in framing else chunked(body, last=b"")))
        await writer.drain()
    found, _ = await target.ask(f"GET /ping HTTP/1.1\r\nhost: {target.host}\r\n\r\n".encode())
    assert found is not None


@pytest.mark.parametrize(
    "chunks",
    [
        *(
            b"%b\r\nBODY\r\n0\r\n\r\n" % size
            for size in (b"-5", b"+5", b" N", b"N ", b"0xN", b"g", b"", b"1" * 17, b"N,")
        ),
        *(
            b"N\nBODY\n0\n\n",
            b"N\r\nBODY\n0\r\n\r\n",
            b"N\rBODY\r\n0\r\n\r\n",
            b"N\r\nBODY0\r\n\r\n",
            b"5\r\nBODY\r\n0\r\n\r\n",
        ),
        *(b'N;a="\r\nBODY\r\n0\r\n\r\n', b"N;a\nBODY\r\n0\r\n\r\n", b"N\r\nBODY\r\n0\r\nno colon\r\n\r\n"),
        *(b"N\r\nBODY\r\n0\r\nx: \0\r\n\r\n", b"N\r\nBODY\r\n0\r\nx : y\r\n\r\n", b"N\r\nBODY\r\n0\r\n folded\r\n\r\n"),
    ],
)
async def test_chunks_that_are_none_are_refused(target: Target, chunks: bytes) -> None:
    body = target.message()
    data = chunks.replace(b"N", b"%x" % len(body)).replace(b"BODY", body)
    for head in (target.head("transfer-encoding: chunked"), target.head("transfer-encoding: chunked", "te: trailers")):
        for pieces in ((head + data,), (head, data[:3], data[3:])):
            found, ends = await target.ask(*pieces)
            assert refused(found, [400])
            assert ends


@pytest.mark.parametrize(
    "coding", ["identity", "chunked, chunked", "chunked, gzip", "gzip, chunked", "xchunked", "gzip"]
)
async def test_transfer_codings_that_nobody_undoes_are_refused(target: Target, coding: str) -> None:
    found, _ = await target.ask(target.head(f"transfer-encoding: {coding}") + chunked(b"\x1f\x8b" + target.message()))
    assert refused(found, [400])


async def test_chunks_of_any_size_and_with_small_extensions_are_a_body(shared: Target) -> None:
    body = shared.message()
    head = shared.head("transfer-encoding: chunked")
    pieces = [
        chunked(*(body[at : at + 1] for at in range(len(body)))),
        b"00%x;a=b\r\n%b\r\n000\r\n\r\n" % (len(body), body),
    ]
    for data in pieces:
        found, _ = await shared.ask(head + data)
        assert found is not None
        assert MARKER in found.body.decode()


async def test_trailers_are_no_headers(shared: Target) -> None:
    body = shared.message()
    trailers = b"0\r\nhost: evil.example\r\nauthorization: Bearer x\r\ncontent-type: text/plain\r\nmcp-name: x\r\n\r\n"
    for pause in (False, True):
        head, data = shared.head("transfer-encoding: chunked"), chunked(body, last=trailers)
        found, _ = await shared.ask(*((head, data) if pause else (head + data,)))
        assert found is not None
        assert (found.status, MARKER in found.body.decode()) == (200, True)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "no colon",
            " folded: first",
            "x: a\r\n folded",
            "x: a\r\n\tfolded",
            "x: a\0b",
            "x: a\rb",
            "x: \x0b",
            ": nameless",
        ),
        *(
            "content-length : 5",
            "x\0y: z",
            "x(y): z",
            "x: y\nz: w",
            "h\xf6st: x",
            "host: evil.example",
            "host: 127.0.0.1",
        ),
    ],
)
async def test_a_header_that_is_none_is_refused(target: Target, line: str) -> None:
    found, _ = await target.ask(target.call(line))
    assert refused(found, [400])


async def test_a_header_with_bytes_beyond_ascii_harms_nothing(shared: Target) -> None:
    for value in ("\xff\xfe", "\x80" * 5000, "w\xe4hrung", "\t"):
        found, _ = await shared.ask(shared.call(f"x-odd: {value}"))
        assert found is not None
        assert found.status == 200


@pytest.mark.parametrize(
    "first",
    [
        *(
            "GET /",
            "GET",
            "GET /mcp",
            "GET /mcp HTTP/0.9",
            "GET /mcp HTTP/1.2",
            "GET /mcp HTTP/2.0",
            "GET /mcp HTTP/3.0",
        ),
        *(
            "POST /mcp HTTP/2.0",
            "POST /mcp http/1.1",
            "POST /mcp HTTP/1.1 ",
            "POST /mcp HTTP/11",
            "POST\t/mcp HTTP/1.1",
        ),
        *(
            "post /mcp HTTP/1.1",
            "FOO /mcp HTTP/1.1",
            "POST mcp HTTP/1.1",
            "POST /m\xffcp HTTP/1.1",
            "POST /m\0cp HTTP/1.1",
        ),
        *(
            "PRI * HTTP/2.0",
            "CONNECT 127.0.0.1:80 HTTP/1.1",
            "CONNECT /mcp HTTP/1.1",
            "OPTIONS * HTTP/1.1",
            "* HTTP/1.1",
        ),
        *("POST http://evil.example/mcp HTTP/1.1", "POST http:///mcp HTTP/1.1", "POST ftp://evil.example/mcp HTTP/1.1"),
        *(
            "POST http://HOST@evil.example/mcp HTTP/1.1",
            "POST http://evil.example@HOST/mcp HTTP/1.1",
            "POST //[/ HTTP/9.9",
        ),
        *("POST http://HOST:99999/mcp HTTP/1.1", "POST http://HOST HTTP/1.1", "POST http://HOST?/mcp HTTP/1.1"),
    ],
)
async def test_a_request_line_that_is_none_is_refused(target: Target, first: str) -> None:
    found, ends = await target.ask(target.call(first=first.replace("HOST", target.host)))
    assert refused(found, [400])
    assert ends


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            (path, 200)
            for path in ("/mcp", "/mcp/", "/%6dcp", "/m%63p%2f", "/mcp?x=1", "/mcp?/../x", "/mcp#x", "http://HOST/mcp")
        ),
        *(
            (path, 404)
            for path in ("//mcp", "/mcp/../", "/mcp/..%2fmcp", "/x/../mcp", "/MCP", "/mcp%00", "/mcp%20", "/mcp;x")
        ),
        *(
            (path, 404)
            for path in ("/%2fmcp", "/.", "/%ff", "/mcp%0d%0ax:y", "//127.0.0.1/mcp", "/" + "x" * 20_000, "/%", "/")
        ),
    ],
)
async def test_mcp_is_at_its_path_and_nowhere_else(shared: Target, path: str, status: int) -> None:
    before = shared.reached
    found, _ = await shared.ask(shared.call(first=f"POST {path.replace('HOST', shared.host)} HTTP/1.1"))
    assert found is not None
    assert found.status == status
    assert shared.reached - before == (status == 200)
    assert status == 200 or refused(found, [404])
    assert b"xxx" not in found.body


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "OPTIONS", "GET", "DELETE", "PROPFIND", "HEAD", "PURGE"])
async def test_other_methods_do_nothing_and_echo_nothing(target: Target, method: str) -> None:
    for framing in ([], ["transfer-encoding: chunked"]):
        head = target.head("x-secret: " + MARKER, *framing, first=f"{method} /mcp HTTP/1.1", name="untitled")
        async with target.connection() as (reader, writer):
            writer.write(head + (chunked(target.message()) if framing else b""))
            first = await reader.readline()
        assert 400 <= int(first.split()[1]) < 500


@pytest.mark.parametrize(
    ("line", "host"),
    [
        *(
            (None, host)
            for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[", "[::1", "")
        ),
        *(
            (f"origin: {origin}", None)
            for origin in ("http://evil.example", "http://127.0.0.1.evil.example", "null", "")
        ),
        *((None, "x" * 60_000), ("origin: http://" + "x" * 60_000, None)),
    ],
)
async def test_a_page_from_elsewhere_is_refused(target: Target, line: str | None, host: str | None) -> None:
    data = target.call(*([line] if line else []), host=host)
    data = data.replace(f"host: {target.host}\r\n".encode(), b"host: \r\n") if host == "" else data
    found, _ = await target.ask(data)
    assert refused(found, [403])


@pytest.mark.parametrize("keep", [[], ["connection: keep-alive"], ["connection: keep-alive", "keep-alive: timeout=99"]])
async def test_http_1_0_reaches_what_is_never_a_stream(target: Target, keep: list[str]) -> None:
    found, ends = await target.ask(target.call(*keep, first="POST /mcp HTTP/1.0"))
    assert refused(found, [505])
    assert ends
    for path in ("/ping", "/readyz"):
        found, ends = await target.ask(target.head(*keep, first=f"GET {path} HTTP/1.0"))
        assert found is not None
        assert (found.status, ends) == (200, True)


@pytest.mark.parametrize("wish", ["websocket", "h2c", "TLS/1.3", "x"])
async def test_a_wish_to_change_protocols_is_ignored_and_the_body_is_still_a_body(shared: Target, wish: str) -> None:
    lines = ("connection: Upgrade, HTTP2-Settings", f"upgrade: {wish}", "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA")
    data = shared.call(*lines)
    for pieces in ((data,), (data[:-30], data[-30:]), (data + data.replace(b"Upgrade,", b"Upgrade, close,"),)):
        before = shared.reached
        found, ends = await shared.ask(*pieces)
        assert found is not None
        assert (found.status, MARKER in found.body.decode()) == (200, True)
        assert not ends
        assert shared.reached - before == 1 + (len(pieces[0]) > len(data))


async def test_what_follows_a_wish_to_change_protocols_is_held_to_its_length(target: Target) -> None:
    inner = target.call()
    lines = ("connection: upgrade", "upgrade: websocket", f"content-length: {len(inner)}")
    found, ends = await target.ask(target.head(*lines), inner)
    assert refused(found, [400])
    assert not ends, "the inner request was the body, and no JSON"


@pytest.mark.parametrize("expected", ["100-continue", "100-Continue", "something-else"])
async def test_an_expectation_is_met_or_ignored(shared: Target, expected: str) -> None:
    found, _ = await shared.ask(shared.call(f"expect: {expected}"))
    assert found is not None
    assert found.status == 200


async def test_a_body_that_is_too_large_is_not_asked_for(target: Target) -> None:
    async with target.connection() as (reader, writer):
        writer.write(target.head("content-length: 99999999", "expect: 100-continue"))
        assert b" 413 " in await reader.readline()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        bytes(range(256)) * 100,
        b"\0" * 1000,
        b"\xff" * 100_000,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n',
        b"\r\n" * 50_000 + b"x\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_http_is_refused(target: Target, sent: bytes) -> None:
    if not sent:
        async with target.connection():
            return
    found, ends = await target.ask(sent)
    assert found is None or refused(found, [400, 431])
    assert ends
