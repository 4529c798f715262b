"""Running code of runtimes: started when it is first called, within the start budget, and ended with its runtime.

Simplified: one process for all sessions of a version behind an endpoint, where AWS has a microVM for each session. An
endpoint has its own because the log group is named after it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.agentcore.world import Runtime, World

KEPT = 8
"""Processes kept; the one not called for longest ends first."""

_LOOK_S = 0.1
Key = tuple[str, str, int]


class Started(Protocol):
    """Code that listens. `url` is its origin."""

    url: str

    def alive(self) -> bool: ...

    async def stop(self) -> None: ...


Start = Callable[[Runtime, str, int], Awaitable[Started]]
"""Starts a version (1 the first) of a runtime for an endpoint, and returns once it listens. Raises StartError."""


class StartError(Exception):
    """The code could not be started; the text says why."""


@dataclass
class _Place:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    started: Started | None = None


class Instances:
    """What runs, by (runtime's id, endpoint, version). `init_s` bounds a start."""

    def __init__(self, world: World, start: Start, init_s: float) -> None:
        self._world = world
        self._start = start
        self._init_s = init_s
        self._places: dict[Key, _Place] = {}
        self._closing = asyncio.Event()
        self._reaper: asyncio.Task[None] | None = None

    async def url(self, runtime: Runtime, endpoint: str, version: int) -> str:
        """Where the version listens. Raises StartError or TimeoutError."""
        key = (runtime.id, endpoint, version)
        place = self._places[key] = self._places.pop(key, _Place())
        async with place.lock:
            if place.started is None or not place.started.alive():
                await self._end(place)
                async with asyncio.timeout(self._init_s):
                    place.started = await self._start(runtime, endpoint, version)
            url = place.started.url
        while len(self._places) > KEPT:
            await self._over(self._places.pop(next(iter(self._places))))
        return url

    async def end(self, runtime_id: str) -> None:
        """End every process of a runtime."""
        for key in [key for key in self._places if key[0] == runtime_id]:
            await self._over(self._places.pop(key))

    @property
    def running(self) -> list[Key]:
        return [key for key, place in self._places.items() if place.started and place.started.alive()]

    async def open(self) -> None:
        self._reaper = asyncio.create_task(self._reap())

    async def close(self) -> None:
        self._closing.set()
        if self._reaper:
            await self._reaper  # never cancelled: what it is ending would be left behind
        await asyncio.gather(*(self._over(self._places.pop(key)) for key in list(self._places)))

    async def _reap(self) -> None:
        """A runtime that is gone takes its processes with it."""
        while not self._closing.is_set():
            for gone in {key[0] for key in self._places} - set(self._world.runtimes):
                await self.end(gone)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _LOOK_S)

    async def _over(self, place: _Place) -> None:
        """A start that is under way is waited for: what it starts must not be left behind."""
        async with place.lock:
            await self._end(place)

    async def _end(self, place: _Place) -> None:
        started, place.started = place.started, None
        if started is not None:
            await started.stop()


async def no_code(runtime: Runtime, endpoint: str, version: int) -> Any:
    """What starts where no code can be started."""
    raise StartError("nothing here starts code")
