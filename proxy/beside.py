"""Work beside the calls: what is sent to the upstream without anyone waiting for it, each piece bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from proxy.wire import WireError

_LOG: Final = logging.getLogger("proxy.upstream")


class Beside:
    """Background work, each piece for at most `limit_s` seconds. A failure is logged by kind alone."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before its first step, it was never awaited

    @property
    def busy(self) -> int:
        """How many pieces are under way."""
        return len(self._tasks)

    async def finish(self) -> None:
        """Wait for what is under way; cancelling this cancels it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await work
        except TimeoutError:
            _LOG.debug("beside the calls, the upstream took too long")
        except WireError as failed:
            _LOG.debug("beside the calls, the upstream failed: %s", failed.kind)
