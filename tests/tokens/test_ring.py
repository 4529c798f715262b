"""A ring that is read again: on an interval, for unknown keys, one reading at a time, and never to its loss."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from policies.lent import SetClock
from policies.policy import SecretError
from policies.tokens.ring import EVERY_S, LEAST_S, LiveRing
from policies.tokens.tokens import key_id
from tests.tokens.making import NEW, OLD

REFERENCE = "file:/ring"


@dataclass
class Source:
    """Gives `keys`, or raises; waits for `gate` where one is set."""

    keys: Sequence[bytes] = (OLD,)
    error: Exception | None = None
    reads: int = 0
    gate: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)

    async def ring(self, reference: str) -> Sequence[bytes]:
        self.asked.append(reference)
        self.reads += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        return self.keys


async def opened(source: Source) -> tuple[LiveRing, SetClock]:
    clock = SetClock()
    ring = LiveRing(source, REFERENCE, clock)
    await ring.open()
    return ring, clock


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_is_read_at_the_start_and_when_it_is_old() -> None:
    source = Source()
    ring, clock = await opened(source)
    assert source.asked == [REFERENCE]
    source.keys = [NEW, OLD]
    clock.advance(EVERY_S - 1)
    ring.keep_fresh()
    await settled()
    assert (source.reads, ring().newest.id) == (1, key_id(OLD))
    clock.advance(1)
    ring.keep_fresh()
    assert ring().newest.id == key_id(OLD)
    await settled()
    assert (source.reads, ring().ids) == (2, (key_id(NEW), key_id(OLD)))
    ring.keep_fresh()
    await settled()
    assert source.reads == 2


async def test_an_unknown_key_reads_it_again_but_not_again_at_once() -> None:
    source = Source()
    ring, clock = await opened(source)
    source.keys = [NEW, OLD]
    assert not await ring.renewed()
    clock.advance(LEAST_S)
    assert await ring.renewed()
    assert source.reads == 2
    assert not await ring.renewed()
    clock.advance(LEAST_S)
    assert not await ring.renewed()
    assert source.reads == 3


async def test_calls_at_once_share_one_reading() -> None:
    source = Source()
    ring, clock = await opened(source)
    clock.advance(LEAST_S)
    source.keys, source.gate = [NEW], asyncio.Event()
    waiting = [asyncio.create_task(ring.renewed()) for _ in range(20)]
    await settled()
    source.gate.set()
    assert await asyncio.gather(*waiting) == [True] * 20
    assert source.reads == 2


async def test_an_unknown_key_waits_for_the_reading_that_has_begun() -> None:
    source = Source()
    ring, clock = await opened(source)
    clock.advance(EVERY_S)
    source.keys, source.gate = [NEW], asyncio.Event()
    ring.keep_fresh()
    waiting = asyncio.create_task(ring.renewed())
    await settled()
    source.gate.set()
    assert await waiting
    assert source.reads == 2


@pytest.mark.parametrize("error", [SecretError(f"{REFERENCE}: gone"), RuntimeError("CANARY")])
async def test_a_reading_that_fails_leaves_the_keys_and_says_so(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    ring, clock = await opened(source)
    source.error = error
    clock.advance(EVERY_S)
    with caplog.at_level(logging.WARNING):
        assert not await ring.renewed()
    assert ring().newest.id == key_id(OLD)
    assert REFERENCE in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize(("keys", "problem"), [((), "is empty"), ((NEW, NEW), "same id"), ((b"x",), "32 or 64")])
async def test_a_ring_that_cannot_be_used_keeps_the_proxy_from_starting(keys: Sequence[bytes], problem: str) -> None:
    with pytest.raises(SecretError, match=f"{REFERENCE}: .*{problem}"):
        await LiveRing(Source(keys), REFERENCE, SetClock()).open()


async def test_before_it_was_read_it_has_no_keys() -> None:
    with pytest.raises(SecretError, match=REFERENCE):
        LiveRing(Source(), REFERENCE, SetClock())()


async def test_closing_ends_a_reading_that_waits() -> None:
    source = Source()
    ring, clock = await opened(source)
    clock.advance(EVERY_S)
    source.gate = asyncio.Event()
    ring.keep_fresh()
    await settled()
    await ring.close()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
