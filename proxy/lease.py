"""A credential with an end: fetched once however many want it, replaced before it ends, and when it is refused."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from proxy.errors import AuthError

T = TypeVar("T")

Fetch = Callable[[], Awaitable["Lease[T]"]]

FETCH_S: Final = 10.0
"""A whole fetch: discovery, secret and token together."""

REFUSED_S: Final = 10.0
"""However often the upstream refuses, a fresh credential is fetched at most once in this time."""

FAILED_S: Final = 1.0
"""For this long after a failed fetch its error is the answer, so that a broken source is not flooded."""

RETRY_S: Final = 5.0
"""Least time between two fetches ahead of the end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease(Generic[T]):
    """A credential, and when it ends in seconds since the epoch (None: it does not say)."""

    value: T = field(repr=False)
    ends: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """What went wrong, as text: a task that raises would raise one exception in every waiter."""

    problem: str
    lasting: bool = True
    told: str | None = None

    def error(self) -> AuthError:
        return AuthError(self.problem, lasting=self.lasting, told=self.told)


class Leased(Generic[T]):
    """Keeps the newest lease of one source. `source` names it in errors; `fetch` raises AuthError.

    A call may bring what a fetch needs: `by` takes the place of `fetch` where that call begins the fetch. The lease is
    shared all the same, and so is an error, unless it is not lasting.

    The wall clock decides, not the monotonic one: a virtual machine that was suspended must see that time has passed.
    """

    def __init__(self, source: str, fetch: Fetch[T], *, clock: Callable[[], float] = time.time) -> None:
        self.source = source
        self._fetch = fetch
        self._clock = clock
        self._lease: Lease[T] | None = None
        self._flight: asyncio.Task[Lease[T] | _Failed] | None = None
        self._due = self._usable = float("-inf")
        self._failed = (float("-inf"), _Failed(problem=""))
        self._refused: tuple[float, T | None] = (float("-inf"), None)

    def held(self) -> T | None:
        """The credential, where there is one that still holds. Fetches nothing."""
        return self._lease.value if self._lease is not None and self._clock() < self._usable else None

    async def get(self, by: Fetch[T] | None = None) -> T:
        """The credential; waits for a fetch only where there is none that still holds. Raises AuthError."""
        now = self._clock()
        if self._lease is not None and now < self._usable:
            if now >= self._due and self._flight is None:
                self._fly(by)
            return self._lease.value
        loop, joined = asyncio.get_running_loop(), self._flight is not None
        end = loop.time() + FETCH_S
        if now < self._failed[0] and not joined:
            raise self._failed[1].error()
        outcome = await asyncio.shield(self._fly(by))
        while isinstance(outcome, _Failed) and not outcome.lasting and joined and by is not None and loop.time() < end:
            joined = self._flight is not None  # what failed was another call's
            outcome = await asyncio.shield(self._fly(by))
        if isinstance(outcome, _Failed):
            raise outcome.error()
        return outcome.value

    async def renew(self, by: Fetch[T] | None = None) -> bool:
        """The upstream refused the credential: fetch again, at most once in REFUSED_S, and keep the old one on failure.

        True when the credential is now another than the one refused first in that time: a second try may help.
        """
        now = self._clock()
        due = now >= self._refused[0] + REFUSED_S
        if due:
            self._refused = (now, self._lease.value if self._lease else None)
        if due or self._flight is not None:
            await asyncio.shield(self._fly(by))
        return self._lease is not None and self._lease.value != self._refused[1]

    async def close(self) -> None:
        """Ends a fetch under way."""
        if self._flight is not None:
            flight = self._flight
            flight.cancel()
            await asyncio.wait([flight])

    def _fly(self, by: Fetch[T] | None = None) -> asyncio.Task[Lease[T] | _Failed]:
        if self._flight is None:
            self._flight = asyncio.create_task(self._run(by or self._fetch), name=f"fetch {self.source}")
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[Lease[T] | _Failed]) -> None:
        self._flight = None

    async def _run(self, fetch: Fetch[T]) -> Lease[T] | _Failed:
        try:
            async with asyncio.timeout(FETCH_S):
                lease = await fetch()
        except TimeoutError:
            return self._fail(_Failed(problem=f"{self.source}: no answer within {FETCH_S:g} s"))
        except AuthError as error:
            return self._fail(_Failed(problem=str(error), lasting=error.lasting, told=error.told))
        except asyncio.CancelledError:
            return _Failed(problem=f"{self.source}: the proxy is closing")
        except Exception as error:  # noqa: BLE001 - its text may hold a credential, its type cannot
            return self._fail(_Failed(problem=f"{self.source}: failed with {type(error).__name__}"))
        self._take(lease)
        return lease

    def _fail(self, failed: _Failed) -> _Failed:
        now = self._clock()
        if failed.lasting:
            self._failed = (now + FAILED_S, failed)
        self._due = now + RETRY_S
        if self._lease is not None and now < self._usable:
            _log.warning("%s; the credential at hand is used until it ends", failed.problem)
        return failed

    def _take(self, lease: Lease[T]) -> None:
        """Fetch again after 80 to 90 % of what is left, each replica at its own time; the last moments are not used."""
        now = self._clock()
        left = float("inf") if lease.ends is None else max(0.0, lease.ends - now)
        self._lease = lease
        self._usable = now + left - min(10.0, left / 10)
        self._due = max(now + RETRY_S, now + left * random.uniform(0.8, 0.9))
