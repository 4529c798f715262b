"""What the proxy lends its policies: implementations of the protocols that `policies.policy` declares."""

from __future__ import annotations

import logging
import os
import select
import time
from dataclasses import replace
from typing import Final

from policies.policy import Services
from proxy.behind import Behind
from proxy.key_rings import KeyRings
from proxy.loopback import is_loopback
from proxy.references import References
from proxy.settings import Settings

STORED: Final = 10_000
"""Entries a store keeps at most."""

_STUCK_S: Final = 1.0
"""How long a line waits for a reader that has stopped reading, where the stream does not block by itself."""

_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class MemoryStore:
    """A store of at most `limit` entries that forgets what ended, then what was used longest ago. Event loop only."""

    def __init__(self, clock: SystemClock, limit: int = STORED) -> None:
        self._clock = clock
        self._limit = limit
        self._entries: dict[str, tuple[object, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> object | None:
        """What was put under `key`, or None when it has ended or was forgotten."""
        entry = self._entries.pop(key, None)
        if entry is None or entry[1] <= self._clock.monotonic():
            return None
        self._entries[key] = entry
        return entry[0]

    def put(self, key: str, value: object, ttl_s: float) -> None:
        """Keeps `value` for `ttl_s` seconds at the longest."""
        self._entries.pop(key, None)
        self._entries[key] = (value, self._clock.monotonic() + ttl_s)
        while len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]


class StdoutSink:
    """Writes lines to a file descriptor, each in one write, past Python's buffers.

    A reader that is gone raises nothing: `lost` counts the lines that could not be written.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self.lost = 0

    def write(self, line: str) -> None:
        """Writes `line` and a line end."""
        left = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        try:
            while left:
                left = left[self._some(left) :]
        except OSError as error:
            self._lose(type(error).__name__)

    def _some(self, data: memoryview) -> int:
        """Bytes written; a descriptor that somebody set to non-blocking is waited for, within its bound."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            if not select.select([], [self._descriptor], [], _STUCK_S)[1]:
                raise
            return 0

    def _lose(self, why: str) -> None:
        self.lost += 1
        if self.lost == 1:
            _log.error("records cannot be written to descriptor %d (%s): they are lost", self._descriptor, why)


class NoSink:
    """Takes lines and writes none."""

    def write(self, line: str) -> None:
        """Does nothing."""


def quiet(settings: Settings) -> Services:
    """The same services without records, for a process that serves nobody."""
    return replace(services(settings), sinks=NoSink())


def services(settings: Settings, behind: Behind | None = None) -> Services:
    """The services of one process. Records go to standard error where standard output speaks MCP."""
    references = References()
    clock = SystemClock()
    return Services(
        secrets=references,
        keys=KeyRings(references, local=is_local(settings)),
        store=MemoryStore(clock),
        sinks=StdoutSink(2 if settings.transport == "stdio" else 1),
        clock=clock,
        behind=behind or Behind(),
    )


def is_local(settings: Settings) -> bool:
    """Whether only this machine can reach the process."""
    return settings.transport == "stdio" or is_loopback(settings.host)
