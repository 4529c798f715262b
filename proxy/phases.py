"""How long the steps of a start take: one line each in the log, at level debug."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)


class Phases:
    """A clock that is read after each step."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        log.debug("start: modules %.0f ms of processor time", 1000 * time.process_time())

    def done(self, phase: str) -> None:
        """Say how long it took since the last step was done, and since the first began."""
        now = time.perf_counter()
        log.debug("start: %s %.0f ms, %.0f ms in all", phase, 1000 * (now - self._last), 1000 * (now - self._began))
        self._last = now
