"""More than anybody needs: large bodies and heads, deep messages, many connections, answers that nobody takes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from proxy.connections import HEAD_BYTES, HEADERS
from proxy.http1_pool import IDLE_S
from tests.conversations.raw_wire import MARKER, Target, answer, canary, chunked, deaf, harmless, refused, running
from tests.running import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MB = 2**20
SOON_S = 5
"""After the idle connections to the upstream are closed: a slow machine has many calls in flight at once."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    said = tmp_path_factory.mktemp("wire") / "stderr"
    async with running(said, stall_s=1) as target:
        yield target


@pytest_asyncio.fixture(loop_scope="module")
async def target(shared: Target) -> AsyncIterator[Target]:
    """The proxy, which must be harmed by nothing, and whose upstream must have been reached by nothing."""
    before = shared.reached
    async with harmless(shared):
        yield shared
    assert shared.reached == before


@pytest.mark.parametrize("path", ["/mcp", "/elsewhere"])
@pytest.mark.parametrize("framing", [f"content-length: {64 * MB}", "transfer-encoding: chunked"])
async def test_a_body_of_64_mb_is_refused(target: Target, framing: str, path: str) -> None:
    piece = b"x" * MB if "length" in framing else chunked(b"x" * MB, last=b"")
    found, _ = await target.ask(target.head(framing, first=f"POST {path} HTTP/1.1"), *[piece] * 64)
    assert refused(found, [413 if path == "/mcp" else 404])


@pytest.mark.parametrize("nest", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"), (b"[", b""), (b'{"a":', b"")])
async def test_a_message_of_100_000_levels_is_refused(target: Target, nest: tuple[bytes, bytes]) -> None:
    body = target.message().replace(f'"{MARKER}"'.encode(), nest[0] * 100_000 + b"1" + nest[1] * 100_000)
    for data in (body, nest[0] * 100_000 + b"1" + nest[1] * 100_000):
        found, _ = await target.ask(target.head(f"content-length: {len(data)}") + data)
        assert refused(found, [400])


async def test_a_message_of_a_million_values_harms_nothing(target: Target) -> None:
    for data in (b"[" + b"1," * 1_500_000 + b"1]", b'{"a":"' + b"\\u0000" * 600_000 + b'"}', b"1" * 3_000_000):
        found, _ = await target.ask(target.head(f"content-length: {len(data)}") + data)
        assert found is not None
        assert 400 <= found.status < 500


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\xff",
        b"GET /",
        b"GET /?",
        b"POST /mcp HTTP/1.1\r\nx: ",
        b"POST /mcp HTTP/1.1\r\nhost: ",
        b"GET / HTTP/1.1\r\n",
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["that ends", "without an end"])
async def test_a_head_that_is_too_large_is_refused(target: Target, start: bytes, whole: bool) -> None:
    ends = b" HTTP/1.1\r\nhost: a\r\n\r\n" if start.startswith(b"GET /") and b"HTTP" not in start else b": x\r\n\r\n"
    pieces = [b"x" * HEAD_BYTES, ends] if whole else [b"x" * MB] * 32
    found, closed = await target.ask(start, *pieces)
    assert found is None or refused(found, [431, 400])
    assert closed


@pytest.mark.parametrize("count", [HEADERS + 1, 10_000, 100_000])
@pytest.mark.parametrize("line", ["x: y", "x-{}: y", "a:"])
async def test_too_many_headers_are_refused(target: Target, count: int, line: str) -> None:
    found, closed = await target.ask(target.call(*(line.format(at) for at in range(count))))
    assert found is None or refused(found, [431])
    assert closed


async def test_a_head_that_is_just_not_too_large_is_none_of_these(shared: Target) -> None:
    for lines in (["x: " + "y" * (HEAD_BYTES - 1000)], [f"x-{at}: y" for at in range(HEADERS - 20)]):
        data = shared.call(*lines)
        for pieces in ((data,), (data[:500], data[500:40_000], data[40_000:])):
            found, _ = await shared.ask(*pieces)
            assert found is not None
            assert MARKER in found.body.decode()


@pytest.mark.parametrize(
    "flood", [b"x: y\r\n" * 200_000, b"x: " + b"y" * 8 * MB, b"x" * 8 * MB], ids=["many", "long", "name"]
)
async def test_trailers_without_an_end_are_refused(target: Target, flood: bytes) -> None:
    data = chunked(target.message(), last=b"0\r\n" + flood)
    found, closed = await target.ask(target.head("transfer-encoding: chunked"), *_sliced(data))
    assert found is None or refused(found, [431])
    assert closed


async def test_a_chunk_extension_without_an_end_is_refused(target: Target) -> None:
    found, closed = await target.ask(target.head("transfer-encoding: chunked"), b"5;a=", *[b"x" * MB] * 8)
    assert found is None or refused(found, [431])
    assert closed


def _sliced(data: bytes) -> list[bytes]:
    return [data[at : at + 100_000] for at in range(0, len(data), 100_000)]


async def test_a_large_answer_that_nobody_reads_is_let_go(shared: Target) -> None:
    shared.upstream.results["array"] = {"content": [{"type": "text", "text": "x" * 8 * MB}]}
    async with shared.connection() as (reader, writer):
        writer.write(shared.call(name="array"))
        assert await answer(reader) is not None
    async with harmless(shared, 60 * MB), contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            cut_after = await stack.enter_async_context(deaf(shared))
            assert await cut_after(shared.call(name="array"))


async def test_a_client_that_resets_in_the_middle_of_an_answer_leaves_nothing_behind(shared: Target) -> None:
    shared.upstream.results["array"] = {"content": [{"type": "text", "text": "x" * 4 * MB}]}
    fds = shared.fds
    async with harmless(shared, 60 * MB):
        for _ in range(20):
            async with shared.connection() as (reader, writer):
                _reset_at_close(writer)
                writer.write(shared.call(name="array"))
                await reader.read(1000)
    await until(lambda: shared.fds <= fds + 10, IDLE_S + SOON_S)


async def test_clients_that_come_and_go_leave_nothing_behind(shared: Target) -> None:
    fds = shared.fds
    async with harmless(shared):
        for at in range(500):
            async with shared.connection() as (_, writer):
                if at % 2:
                    _reset_at_close(writer)
                writer.write(
                    [b"", b"POST /mcp", shared.head("content-length: 5"), shared.call(name="untitled")][at % 4]
                )
    await until(lambda: shared.fds <= fds + 10, IDLE_S + SOON_S)


def _reset_at_close(writer: asyncio.StreamWriter) -> None:
    client: socket.socket = writer.get_extra_info("socket")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_connections_without_end_leave_descriptors_for_the_upstream(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    said = tmp_path_factory.mktemp("wire") / "stderr"
    async with running(said, stall_s=1, files=200) as target, contextlib.AsyncExitStack() as stack:
        began = time.monotonic()
        for _ in range(400):
            await stack.enter_async_context(target.connection())
        assert target.fds < 150
        while time.monotonic() - began < 10:
            with contextlib.suppress(aiohttp.ClientError):
                await canary(target)
                break
        assert target.child.returncode is None
        await canary(target)
