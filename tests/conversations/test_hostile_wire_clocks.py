"""Clients that take their time: each is cut within the bound, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.conversations.raw_wire import MARKER, Target, answer, canary, closed, deaf, harmless, refused, running
from tests.mcp_wire import MODERN, request
from tests.running import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALL_S = 0.6
SOON_S = 3.0
"""The bound, the reaper's beat, and room for a busy machine."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    said = tmp_path_factory.mktemp("wire") / "stderr"
    async with running(said, body_s=0.6, stall_s=STALL_S) as target:
        yield target


async def test_a_thousand_half_open_connections_are_cut_and_their_descriptors_come_back(shared: Target) -> None:
    fds = shared.fds
    halves = (b"", b"P", shared.head()[:-2], b"\r\n" * 20, shared.head("content-length: 99") + b"{")
    async with harmless(shared), contextlib.AsyncExitStack() as stack:
        for at in range(1000):
            _, writer = await stack.enter_async_context(shared.connection())
            writer.write(halves[at % len(halves)])
        await canary(shared)
        await until(lambda: shared.fds > fds + 900)
        await until(lambda: shared.fds <= fds + 10, STALL_S + SOON_S)


@pytest.mark.parametrize("piece", [b"x", b"\r\n", b"x-slow: 1\r\n"], ids=["name", "empty lines", "headers"])
async def test_a_head_that_comes_byte_by_byte_is_cut_in_time(shared: Target, piece: bytes) -> None:
    start = b"" if piece == b"\r\n" else shared.head()[:-2]
    await _dripped(shared, start, piece)


async def test_the_second_head_of_a_connection_has_no_more_time_than_the_first(shared: Target) -> None:
    async with shared.connection() as (reader, writer):
        writer.write(shared.call())
        assert (await answer(reader)) is not None
        writer.write(shared.head()[:-2])
        began = time.monotonic()
        await _drip(reader, writer, b"x")
        assert STALL_S * 0.9 < time.monotonic() - began < STALL_S + SOON_S


@pytest.mark.parametrize("framing", ["content-length: 500", "transfer-encoding: chunked"])
async def test_a_body_that_comes_byte_by_byte_is_refused_in_time(shared: Target, framing: str) -> None:
    piece = b" " if "length" in framing else b"1\r\n \r\n"
    async with shared.connection() as (reader, writer):
        writer.write(shared.head(framing))
        began = time.monotonic()
        dripping = asyncio.create_task(_drip(None, writer, piece))
        assert refused(await answer(reader), [408])
        assert time.monotonic() - began < SOON_S
        assert await closed(reader, STALL_S + SOON_S), "the rest of it has no longer"
        dripping.cancel()


async def _dripped(target: Target, start: bytes, piece: bytes) -> None:
    async with target.connection() as (reader, writer):
        writer.write(start)
        began = time.monotonic()
        await _drip(reader, writer, piece)
        assert time.monotonic() - began < STALL_S + SOON_S


async def _drip(reader: asyncio.StreamReader | None, writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Write until the connection is closed."""
    with contextlib.suppress(ConnectionError):
        while reader is None or not await closed(reader, 0.05):
            writer.write(piece)
            await asyncio.sleep(0.02)


async def test_a_connection_that_rests_between_calls_is_left_alone(shared: Target) -> None:
    async with shared.connection() as (reader, writer):
        for pause in (STALL_S * 2.5, 0):
            writer.write(shared.call())
            found = await answer(reader)
            assert found is not None
            assert found.status == 200
            await asyncio.sleep(pause)


async def test_a_connection_of_many_short_calls_is_left_alone(shared: Target) -> None:
    ends = time.monotonic() + STALL_S * 4
    async with shared.connection() as (reader, writer):
        while time.monotonic() < ends:
            writer.write(shared.call())
            found = await answer(reader)
            assert found is not None
            assert MARKER in found.body.decode()
            await asyncio.sleep(0.1)


async def test_a_call_that_is_silent_for_long_is_left_alone(shared: Target) -> None:
    async with shared.connection() as (reader, writer):
        writer.write(shared.call(name="slow"))
        await asyncio.sleep(STALL_S * 2.5)
        shared.upstream.release.set()
        found = await answer(reader)
        assert found is not None
        assert "at last" in found.body.decode()
    shared.upstream.release.clear()


async def test_a_stream_that_is_silent_for_long_is_left_alone(shared: Target) -> None:
    body, headers = request("subscriptions/listen", {"notifications": {}}, MODERN)
    async with (
        aiohttp.ClientSession() as session,
        session.post(shared.url, json=body, headers=headers) as stream,
    ):
        while b"acknowledged" not in await stream.content.readline():
            pass
        while await stream.content.readline() != b"\r\n":
            pass
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.content.read(), STALL_S * 2.5)


async def test_a_slow_reader_who_reads_is_left_alone_and_one_who_does_not_is_cut(shared: Target) -> None:
    shared.upstream.results["array"] = {"content": [{"type": "text", "text": "x" * 12_000_000}]}
    async with harmless(shared, 120 * 2**20), shared.connection() as (reader, writer), deaf(shared) as cut_after:
        cutting = asyncio.create_task(cut_after(shared.call(name="array")))
        writer.write(shared.call(name="array"))
        size, began = 0, time.monotonic()
        while size < 12_000_000:
            size += len(await reader.read(2**17))
            await asyncio.sleep(0.02)
        assert time.monotonic() - began > STALL_S * 2
        assert await cutting
