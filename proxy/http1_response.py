"""The answer to one request of `http1`, read in pieces as it arrives."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from proxy.http1_errors import ClosedError

HOLD_BYTES: Final = 256 * 2**10
"""Held unread; the socket is not read beyond. A JSON answer up to this size wakes its reader once, with all of it."""
_PART_BYTES: Final = 64
"""What keeping a piece costs beside its bytes: a stream may come in chunks of one."""


class Source(Protocol):
    """The connection that an answer comes from."""

    def resume(self) -> None:
        """Read on, after there was too much to hold."""

    def drop(self, response: Response) -> None:
        """Close the connection unless it went on to something else."""

    def retire(self) -> None:
        """Close the connection; what it went on to meanwhile may end first, for that is another caller's."""


class Response:
    """`status` and headers stand once `headed` returned. `complete`: all of it came, whether it was read or not."""

    __slots__ = ("_error", "_fields", "_held", "_loop", "_parts", "_source", "_waiter", "_whole", "complete", "status")

    def __init__(self, loop: asyncio.AbstractEventLoop, source: Source) -> None:
        self.status = 0
        self.complete = False
        self._loop = loop
        self._source = source
        self._fields: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._held = 0
        self._whole = False
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header; `name` in lower case."""
        found = self._fields.get(name.encode())
        return None if found is None else found.decode("latin-1").strip()

    @property
    def content_type(self) -> str:
        """Type and subtype in lower case, without parameters; empty without the header."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        found = self._fields.get(b"content-length")
        return None if found is None else int(found)

    @property
    def at_eof(self) -> bool:
        """All of it was read."""
        return self.complete and not self._parts

    async def headed(self) -> None:
        """Wait for the head, and for the body of a JSON answer as far as it is held. Raises HttpError, TimeoutError."""
        while not self._ready():
            await self._wait()
        if self.status == 0 and self._error is not None:
            raise self._error

    async def read(self) -> bytes:
        """What has come since the last time, at least a byte; b"" at the end. Raises HttpError, TimeoutError."""
        while not self._parts and not self.complete:
            if self._error is not None:
                raise self._error
            await self._wait()
        parts, self._parts, self._held = self._parts, [], 0
        if not self.complete:
            self._source.resume()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give up what has not come yet, and the connection with it."""
        if not self.complete:
            self.fail(ClosedError())
            self._source.drop(self)

    def distrust(self) -> None:
        """It answers another request: so may whatever else comes on this connection, also after this answer."""
        self.close()
        self._source.retire()

    # What the connection calls.

    def begin(self, status: int, fields: dict[bytes, bytes]) -> None:
        self.status, self._fields = status, fields
        self._whole = status < 300 and fields.get(b"content-type", b"")[:16].lower() == b"application/json"

    def add(self, piece: bytes) -> None:
        self._parts.append(piece)
        self._held += len(piece) + _PART_BYTES

    @property
    def full(self) -> bool:
        return self._held >= HOLD_BYTES

    def wake(self) -> None:
        """After a read: let the reader go on if there is something for it."""
        waiter = self._waiter
        if waiter is not None and not waiter.done() and self._ready():
            waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self.wake()

    def _ready(self) -> bool:
        if self.complete or self._error is not None:
            return True
        return self.status != 0 and (self._held >= HOLD_BYTES if self._whole else True)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None
