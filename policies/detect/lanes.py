"""The threads that redact: one pair for small results, one for large ones, so that none waits behind a heavy one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final

SMALL: Final = 64 << 10
"""Bytes of a result whose worst case is a few hundredths of a second."""
_CHECKS: Final = 64
_THREADS: Final = 2
"""Of each pair. They share one interpreter: more would not be faster."""


class Lanes:
    """Runs work off the event loop. `close` waits for nothing."""

    def __init__(self) -> None:
        self._small = ThreadPoolExecutor(_THREADS, thread_name_prefix="detect-small")
        self._large = ThreadPoolExecutor(_THREADS, thread_name_prefix="detect-large")

    def of(self, size: int) -> ThreadPoolExecutor:
        """The threads for a result of so many bytes."""
        return self._small if size <= SMALL else self._large

    def close(self) -> None:
        for threads in (self._small, self._large):
            threads.shutdown(wait=False, cancel_futures=True)


class OutOfTimeError(Exception):
    """The time for one result is used up, or nobody waits for it any more."""


def deadline(seconds: float, stop: Event) -> Callable[[], None]:
    """For the thread that is to do the work: a check that raises OutOfTimeError.

    Counted is the processor time of this thread, so that other threads' work is not counted against this result. The
    clock is read at every 64th check: reading it costs more than looking at a leaf.
    """
    end = time.thread_time() + seconds
    left = 1

    def check() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            left = _CHECKS
            if stop.is_set() or time.thread_time() > end:
                raise OutOfTimeError("out of time")

    return check
