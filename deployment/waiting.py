"""Waiting for AWS: polls with backoff, within a bound, with a line of progress now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from deployment.errors import WaitedError

_T = TypeVar("_T")

FIRST_S: Final = 1.0
LONGEST_S: Final = 15.0
_TOLD_S: Final = 15.0


class Waits:
    """Waits of one run. Clock and sleep are given, so that a test need not wait; `tell` gets lines of progress."""

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        first_s: float = FIRST_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tell = tell
        self._first_s = first_s
        self._clock = clock
        self._sleep = sleep

    def until(self, what: str, look: Callable[[], _T | None], *, within_s: float) -> _T:
        """The first answer of `look` that is not None. `what` reads as in `runtime x to be READY`.

        `look` may raise FailedError. Raises WaitedError at the bound.
        """
        began = self._clock()
        pause, told = self._first_s, began
        while (found := look()) is None:
            now = self._clock()
            if now - began + pause > within_s:
                raise WaitedError(f"waited {within_s:g} s for {what}; run it again to carry on")
            if now - told >= _TOLD_S:
                self._tell(f"waiting for {what}, {now - began:.0f} s so far")
                told = now
            self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_S)
        return found
