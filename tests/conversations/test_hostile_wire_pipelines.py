"""Many requests on one connection: answered in their order, each under the same rules, and not without end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.connections import PIPELINED
from tests.conversations.raw_wire import MARKER, Target, answer, chunked, closed, deaf, harmless, refused, running
from tests.running import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    said = tmp_path_factory.mktemp("wire") / "stderr"
    async with running(said, body_s=1, stall_s=1) as target, harmless(target):
        yield target


def slow(target: Target) -> bytes:
    """A call that is answered once the upstream is released."""
    return target.call(name="slow")


def ping(target: Target) -> bytes:
    return f"GET /ping HTTP/1.1\r\nhost: {target.host}\r\n\r\n".encode()


def bad(target: Target) -> bytes:
    """A sound request whose message is refused."""
    return target.head("content-length: 2") + b"[]"


@pytest.mark.parametrize("count", [2, 10, 50])
async def test_requests_in_one_packet_are_answered_in_their_order(shared: Target, count: int) -> None:
    kinds = [(shared.call(), 200), (bad(shared), 400), (ping(shared), 200), (shared.call(host="evil.example"), 403)]
    sent = [kinds[at % len(kinds)] for at in range(count)]
    before = shared.reached
    async with shared.connection() as (reader, writer):
        writer.write(b"".join(data for data, _ in sent))
        for data, status in sent:
            found = await answer(reader)
            assert found is not None
            assert found.status == status
            if data.startswith(b"POST") and status == 200:
                asked = json.loads(data.rpartition(b"\r\n")[2])
                assert found.json["id"] == asked["id"]
        assert not await closed(reader)
    assert shared.reached - before == sum(data is kinds[0][0] for data, _ in sent)


@pytest.mark.parametrize("broken", [b"\0\0\0", b"GET /\r\n\r\n", b"POST http://evil/mcp HTTP/1.1\r\nhost: a\r\n\r\n"])
async def test_a_broken_request_is_not_answered_before_those_in_front_of_it(shared: Target, broken: bytes) -> None:
    before = shared.reached
    async with shared.connection() as (reader, writer):
        writer.write(slow(shared) + ping(shared) + broken)
        await asyncio.sleep(0.1)
        writer.write(shared.call())
        await asyncio.sleep(0.1)
        shared.upstream.release.set()
        first, second = await answer(reader), await answer(reader)
        assert first is not None
        assert second is not None
        assert "at last" in first.body.decode()
        assert b"Healthy" in second.body
        assert second.headers["connection"] == "close"
        assert await closed(reader)
    shared.upstream.release.clear()
    assert shared.reached - before == 1


async def test_a_broken_body_takes_no_whole_request_with_it(shared: Target) -> None:
    broken = shared.head("transfer-encoding: chunked") + chunked(shared.message(), last=b"zz\r\n")
    for front in (b"", ping(shared), ping(shared) * 3):
        before = shared.reached
        async with shared.connection() as (reader, writer):
            writer.write(front + broken + shared.call())
            answers = [found async for found in _all(reader)]
        count = front.count(b"GET")
        assert [found.status for found in answers[:count]] == [200] * count
        assert all(refused(found, [400]) for found in answers[count:])
        assert shared.reached == before


async def _all(reader: asyncio.StreamReader) -> AsyncIterator[object]:
    while (found := await answer(reader)) is not None:
        yield found


async def test_only_so_many_requests_wait_on_one_connection(shared: Target) -> None:
    before = shared.reached
    async with shared.connection() as (reader, writer):
        writer.write(slow(shared) + ping(shared) * 5000 + shared.call())
        await until(lambda: shared.reached > before)
        await asyncio.sleep(0.1)
        shared.upstream.release.set()
        answers = [found async for found in _all(reader)]
    shared.upstream.release.clear()
    assert len(answers) == 1 + PIPELINED
    assert shared.reached - before == 1


async def test_a_client_that_pipelines_and_leaves_ends_the_call_under_way(shared: Target) -> None:
    shared.upstream.slow_started.clear()
    shared.upstream.slow_cancelled.clear()
    before = shared.reached
    async with shared.connection() as (_, writer):
        writer.write(slow(shared) + shared.call() * 3)
        await asyncio.wait_for(shared.upstream.slow_started.wait(), 5)
    await asyncio.wait_for(shared.upstream.slow_cancelled.wait(), 5)
    assert shared.reached - before == 1, "nobody waits for the others"


async def test_a_client_that_pipelines_and_never_reads_is_cut(shared: Target) -> None:
    body = shared.message().replace(MARKER.encode(), MARKER.encode() * 2000)
    async with harmless(shared), deaf(shared) as cut_after:
        assert await cut_after((shared.head(f"content-length: {len(body)}") + body) * 500)


async def test_what_follows_the_last_request_of_a_connection_is_not_answered(shared: Target) -> None:
    before = shared.reached
    async with shared.connection() as (reader, writer):
        writer.write(ping(shared).replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + shared.call() * 2)
        answers = [found async for found in _all(reader)]
    assert len(answers) == 1
    assert shared.reached == before


async def test_a_request_inside_a_body_is_a_body(shared: Target) -> None:
    before = shared.reached
    inner = shared.call()
    async with shared.connection() as (reader, writer):
        writer.write(shared.head(f"content-length: {len(inner)}") + inner + ping(shared))
        assert refused(await answer(reader), [400])
        found = await answer(reader)
        assert found is not None
        assert b"Healthy" in found.body
    assert shared.reached == before
