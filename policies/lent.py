"""Services for tests of policies, with behaviour, all in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final, TypeVar

from policies.policy import SecretError, Services

_T = TypeVar("_T")

START: Final = 1_800_000_000.0
"""What the clock shows first, in seconds since the epoch."""


@dataclass(slots=True)
class SetClock:
    """A clock that moves only when told."""

    time: float = START

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@dataclass(slots=True)
class GivenSecrets:
    """Knows the secrets it was given, by reference."""

    known: Mapping[str, str] = field(default_factory=dict)

    async def get(self, reference: str) -> str:
        if reference not in self.known:
            raise SecretError(f"no secret {reference}")
        return self.known[reference]


@dataclass(slots=True)
class GivenKeys:
    """Knows the key rings it was given, by reference."""

    known: Mapping[str, Sequence[bytes]] = field(default_factory=dict)

    async def ring(self, reference: str) -> Sequence[bytes]:
        if reference not in self.known:
            raise SecretError(f"no keys {reference}")
        return self.known[reference]


@dataclass(slots=True)
class MemoryStore:
    """Forgets by the clock it was given."""

    clock: SetClock
    held: dict[str, tuple[float, object]] = field(default_factory=dict)

    def get(self, key: str) -> object | None:
        until, value = self.held.get(key, (0.0, None))
        return value if self.clock.monotonic() < until else None

    def put(self, key: str, value: object, ttl_s: float) -> None:
        self.held[key] = (self.clock.monotonic() + ttl_s, value)


@dataclass(slots=True)
class CapturedLines:
    """Keeps every line that was written. `records` are the same lines parsed."""

    lines: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.lines.append(line)

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


class AtOnce:
    """Does each piece of work at once, in a thread of its own."""

    def start(self, work: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        Thread(target=_done, args=(work, future), daemon=True).start()
        return future


def _done(work: Callable[[], _T], future: Future[_T]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - whoever waits gets it
        future.set_exception(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class LentServices(Services):
    """The `Services` of a test, open to look into."""

    secrets: GivenSecrets
    keys: GivenKeys
    store: MemoryStore
    sinks: CapturedLines
    clock: SetClock
    behind: AtOnce


def services(
    secrets: Mapping[str, str] | None = None, keys: Mapping[str, Sequence[bytes]] | None = None
) -> LentServices:
    """Fresh services that know these secrets and key rings."""
    clock = SetClock()
    return LentServices(
        secrets=GivenSecrets(secrets or {}),
        keys=GivenKeys(keys or {}),
        store=MemoryStore(clock),
        sinks=CapturedLines(),
        clock=clock,
        behind=AtOnce(),
    )
