"""Waiting for policy code with a bound, whatever it does with exceptions and cancellations.

`asyncio.wait_for` waits until the cancelled code has ended, so code that swallows a cancellation defeats it.
`asyncio.wait` does not; what it leaves running is cancelled, kept until it ends, and its exception taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

MAX_ABANDONED: Final = 100
"""Abandoned hooks of one policy that may still run; beyond it, its hooks fail at once instead of piling up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Policy code failed. `kind` is an exception's type name or a few fixed words, never a value."""

    kind: str


class Waiting:
    """The running awaitables of one policy."""

    def __init__(self) -> None:
        self.abandoned: set[asyncio.Task[Any]] = set()

    async def outcome(self, awaitable: Awaitable[object], seconds: float) -> object | Failure:
        """What the awaitable gave, or a Failure. Raises CancelledError only when the awaiting task is cancelled."""
        if len(self.abandoned) >= MAX_ABANDONED:
            _dispose(awaitable)
            return Failure("too many hooks abandoned")
        task = asyncio.ensure_future(_contained(awaitable))
        try:
            await asyncio.sleep(0)  # a hook that awaits nothing ends here, without a timer
            if not task.done():
                await asyncio.wait({task}, timeout=seconds)
        except BaseException:
            self._abandon(task)
            raise
        if not task.done():
            self._abandon(task)
            return Failure("timeout")
        return _ended(task)

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        self.abandoned.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # taken, so that asyncio does not log its text


def _dispose(awaitable: Awaitable[object]) -> None:
    """End a coroutine that never began, so that Python does not warn of it."""
    if isinstance(awaitable, Coroutine):
        awaitable.close()


def _ended(task: asyncio.Task[Any]) -> object | Failure:
    if task.cancelled():
        return Failure("CancelledError")
    error = task.exception()
    return task.result() if error is None else Failure(type(error).__name__)


async def _contained(awaitable: Awaitable[object]) -> object | Failure:
    try:
        return await awaitable
    except SystemExit:  # in a task it would end the event loop
        return Failure("SystemExit")
