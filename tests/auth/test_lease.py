"""A lease: one fetch for all, early replacement, and what happens on failure."""

from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import dataclass, field

import pytest

from proxy import lease
from proxy.errors import AuthError
from proxy.lease import FAILED_S, REFUSED_S, RETRY_S, Lease, Leased
from tests.auth.clocks import Clock


@dataclass
class Source:
    """Gives `1`, `2`, … for `lasts` seconds each, as soon as `gate` is open, or fails with `error`."""

    clock: Clock
    lasts: float | None = 100
    error: Exception | None = None
    fetches: int = 0
    same: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.leased = Leased("the source", self.fetch, clock=self.clock)

    async def fetch(self) -> Lease[str]:
        self.fetches += 1
        number = 1 if self.same else self.fetches
        await self.gate.wait()
        if self.error:
            raise self.error
        return Lease(value=str(number), ends=None if self.lasts is None else self.clock.now + self.lasts)


@pytest.fixture
def source() -> Source:
    return Source(Clock())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_fifty_waiters_share_one_fetch(source: Source) -> None:
    source.gate.clear()
    waiting = [asyncio.create_task(source.leased.get()) for _ in range(50)]
    await settle()
    source.gate.set()
    assert await asyncio.gather(*waiting) == ["1"] * 50
    assert source.fetches == 1


async def test_a_cancelled_waiter_does_not_cancel_the_fetch_for_the_others(source: Source) -> None:
    source.gate.clear()
    first, second = (asyncio.create_task(source.leased.get()) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    source.gate.set()
    assert await second == "1"
    assert first.cancelled()
    assert source.fetches == 1


async def test_a_failure_nobody_waits_for_any_more_is_not_reported_by_the_loop(source: Source) -> None:
    source.gate.clear()
    source.error = AuthError("no")
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    only = asyncio.create_task(source.leased.get())
    await settle()
    only.cancel()
    source.gate.set()
    await settle()
    gc.collect()
    assert reports == []


async def test_it_is_kept_until_shortly_before_its_end(source: Source) -> None:
    assert await source.leased.get() == "1"
    source.clock.now += 79
    assert await source.leased.get() == "1"
    await settle()
    assert source.fetches == 1
    source.clock.now += 20
    assert await source.leased.get() == "2", "the last tenth of a second lease is not used: it may end on the way"


async def test_near_its_end_it_is_replaced_in_the_background(source: Source) -> None:
    await source.leased.get()
    source.gate.clear()
    source.clock.now += 89.9
    assert await source.leased.get() == "1", "nobody waits while the old one holds"
    await settle()
    assert await source.leased.get() == "1"
    assert source.fetches == 2
    source.gate.set()
    await settle()
    assert await source.leased.get() == "2"
    assert source.fetches == 2


async def test_replicas_replace_theirs_at_different_times() -> None:
    moments = set()
    for _ in range(5):
        source = Source(Clock(), lasts=3600)
        await source.leased.get()
        while source.fetches == 1:
            source.clock.now += 1
            await source.leased.get()
            await settle()
        moments.add(source.clock.now)
        assert 0.8 * 3600 <= source.clock.now - Clock().now <= 0.9 * 3600 + 1
    assert len(moments) > 1


async def test_a_failed_replacement_is_logged_kept_from_the_callers_and_tried_again(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.lasts = 1000
    await source.leased.get()
    source.error = AuthError("the source: is down")
    source.clock.now += 901
    for _ in range(10):
        assert await source.leased.get() == "1"
        await settle()
    assert source.fetches == 2
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "the source: is down; the credential at hand is used until it ends")
    ]
    source.error = None
    source.clock.now += RETRY_S
    await source.leased.get()
    await settle()
    assert await source.leased.get() == "3"


async def test_a_failure_is_the_answer_for_a_moment_and_then_tried_again(source: Source) -> None:
    source.error = AuthError("the source: is down")
    for _ in range(3):
        with pytest.raises(AuthError, match="the source: is down"):
            await source.leased.get()
    assert source.fetches == 1
    source.error = None
    source.clock.now += FAILED_S
    assert await source.leased.get() == "2"


async def test_an_unexpected_failure_shows_its_type_and_nothing_else(source: Source) -> None:
    source.error = ValueError("CANARY")
    with pytest.raises(AuthError, match=r"^the source: failed with ValueError$"):
        await source.leased.get()


async def test_a_source_that_hangs_is_given_up(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "FETCH_S", 0.01)
    source.gate.clear()
    with pytest.raises(AuthError, match=r"the source: no answer within 0\.01 s"):
        await source.leased.get()


async def test_without_an_end_it_is_kept(source: Source) -> None:
    source.lasts = None
    assert await source.leased.get() == "1"
    source.clock.now += 1e9
    assert await source.leased.get() == "1"


async def test_one_that_has_ended_already_serves_those_who_waited_for_it(source: Source) -> None:
    source.lasts = 0
    assert await source.leased.get() == "1"
    assert await source.leased.get() == "2"


async def test_when_refused_it_is_fetched_again_once_for_everyone(source: Source) -> None:
    await source.leased.get()
    assert await asyncio.gather(*(source.leased.renew() for _ in range(50))) == [True] * 50
    assert await source.leased.renew(), "one that was refused the old one late may try the new one"
    assert source.fetches == 2


async def test_an_upstream_that_always_refuses_does_not_flood_the_source(source: Source) -> None:
    await source.leased.get()
    for _ in range(30):
        await source.leased.renew()
        source.clock.now += 1
    assert source.fetches == 1 + 30 / REFUSED_S


async def test_a_second_try_is_pointless_when_the_source_gives_the_same_again(source: Source) -> None:
    source.same = True
    await source.leased.get()
    assert not await source.leased.renew()
    assert source.fetches == 2


async def test_a_refused_one_is_kept_when_no_other_can_be_had(source: Source) -> None:
    await source.leased.get()
    source.error = AuthError("the source: is down")
    assert not await source.leased.renew()
    assert await source.leased.get() == "1"


async def test_a_call_that_begins_a_fetch_may_bring_what_it_needs(source: Source) -> None:
    async def brought() -> Lease[str]:
        return Lease(value="brought", ends=source.clock.now + 100)

    assert source.leased.held() is None
    assert await source.leased.get(brought) == "brought"
    assert await source.leased.get() == source.leased.held() == "brought"
    assert source.fetches == 0
    assert await source.leased.renew()
    assert source.leased.held() == "1"
    source.clock.now += 100
    assert source.leased.held() is None


async def test_an_error_that_came_of_one_call_is_no_answer_for_the_next(source: Source) -> None:
    source.error = AuthError("of this call", lasting=False)
    for fetches in (1, 2):
        with pytest.raises(AuthError, match="of this call"):
            await source.leased.get()
        assert source.fetches == fetches


async def test_a_call_that_brings_what_helps_gets_the_credential_however_many_before_it_failed(
    source: Source,
) -> None:
    async def bad() -> Lease[str]:
        await asyncio.sleep(0)
        raise AuthError("of that call", lasting=False)

    async def good() -> Lease[str]:
        return Lease(value="brought", ends=None)

    failing = [asyncio.create_task(source.leased.get(bad)) for _ in range(5)]
    asked = asyncio.create_task(source.leased.get(good))
    assert await asyncio.wait_for(asked, 5) == "brought"
    done = await asyncio.wait_for(asyncio.gather(*failing, return_exceptions=True), 5)
    assert all(one == "brought" or isinstance(one, AuthError) for one in done)


async def test_closing_ends_a_fetch_and_tells_those_who_wait(source: Source) -> None:
    source.gate.clear()
    waiting = asyncio.create_task(source.leased.get())
    await settle()
    await source.leased.close()
    with pytest.raises(AuthError, match="closing"):
        await waiting
    await source.leased.close()


async def test_nothing_of_it_shows_the_credential(source: Source) -> None:
    source.lasts = 50
    value = await source.leased.get()
    flight = source.leased._fly()
    await flight
    shown = [repr(source.leased), repr(flight), repr(await source.fetch())]
    assert all(f"'{value}'" not in text and "'2'" not in text for text in shown)
