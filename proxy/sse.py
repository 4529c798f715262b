"""Server-sent events (WHATWG HTML, section 9.2) from bytes, in linear time and under a cap.

A line ends at LF, CR LF or CR and nowhere else: U+2028, U+2029 and U+0085 are part of the data. Text stays bytes
until JSON is parsed, so a character that is split between two reads needs no care.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BOM: Final = b"\xef\xbb\xbf"
_BLANKS: Final = re.compile(rb"\n{3,}")
"""The end of a line and empty lines: only the first of them completes an event."""


class EventSizeError(ValueError):
    """One event, or what stands between two of them, holds more than the cap."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event with data, of the type `message` or without a type."""

    data: bytes


class Events:
    """The events of one stream. `last_id` and `retry_ms` are what the stream said last.

    `cap` is the most bytes an event (with its unfinished lines) may hold, and the most that may come between two
    events: comments, empty lines, events that are not MCP's. `seen` counts the ids received.
    """

    def __init__(self, cap: int) -> None:
        self.last_id: str | None = None
        self.retry_ms: int | None = None
        self.seen = 0
        self._cap = cap
        self._partial: list[bytes] = []
        self._data: list[bytes] = []
        self._type = b""
        self._id: bytes | None = None
        self._held = 0
        self._pending = 0
        self._idle = 0
        self._after_cr = False
        self._start = True

    def restart(self) -> None:
        """Begin again on a new connection: what was unfinished is gone, `last_id` and `retry_ms` stay."""
        self._partial.clear()
        self._data.clear()
        self._type = b""
        self._id = None
        self._held = self._pending = 0
        self._after_cr = False
        self._start = True

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Take what was read, and yield the events that it completes. Raises EventSizeError."""
        self._idle += len(chunk)
        for line in self._lines(chunk):
            if self._start:
                self._start = False
                line = line.removeprefix(_BOM)
            if line:
                self._field(line)
                continue
            event = self._complete()
            if event is not None:
                self._idle = 0
                yield event
        if self._idle - self._pending > self._cap:
            raise EventSizeError

    def _lines(self, chunk: bytes) -> list[bytes]:
        chunk = self._normalised(chunk)
        if b"\n\n\n" in chunk:
            chunk = _BLANKS.sub(b"\n\n", chunk)
        *lines, rest = chunk.split(b"\n")
        if lines and self._partial:
            lines[0] = b"".join((*self._partial, lines[0]))
            self._partial.clear()
            self._pending = 0
        if rest:
            self._partial.append(rest)
            self._pending += len(rest)
            self._check()
        return lines

    def _check(self) -> None:
        if self._pending + self._held > self._cap:
            raise EventSizeError

    def _normalised(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _field(self, line: bytes) -> None:
        if line.startswith(b":"):
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._held += len(value) + 1
            self._idle -= len(line) + 1
            self._check()
        elif name == b"event":
            self._type = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry_ms = int(value)

    def _complete(self) -> Event | None:
        data, kind = b"\n".join(self._data), self._type
        self._idle += self._held
        self._data.clear()
        self._type = b""
        self._held = 0
        if self._id is not None:  # only now: an event that was cut off must come again
            self.last_id = self._id.decode("utf-8", "replace") or None
            self.seen += 1
            self._id = None
        # An event without data primes a stream for resuming; other types are not MCP's.
        return Event(data) if data and kind in (b"", b"message") else None
