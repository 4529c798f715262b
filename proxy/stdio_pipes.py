"""Standard input and output as lines, each in a thread of its own.

Threads, because an event loop cannot watch a file, and a terminal made non-blocking for standard output is so for
standard error too. They are daemons on private descriptors: one that is stuck in the system keeps no process alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import select
import threading
from collections.abc import AsyncIterator
from typing import Final

_PIECE: Final = 2**16
_AHEAD: Final = 4
"""Pieces read before the event loop has taken them."""


def claim() -> tuple[int, int]:
    """Standard input and output for the caller alone, as two descriptors.

    From now on what anybody else prints goes to standard error, and what anybody else reads is at its end: a policy's
    stray `print` would break the protocol.
    """
    source, sink = (fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3) for descriptor in (0, 1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


class Lines:
    """The lines of a descriptor without their ends; None in place of one of more than `cap` bytes, read and dropped.

    Iterate once. It ends where the descriptor does, or at the next line after `end`.
    """

    def __init__(self, descriptor: int, cap: int) -> None:
        self._descriptor = descriptor
        self._cap = cap
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._ended = False
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def end(self) -> None:
        """Take no more lines."""
        self._ended = True
        self._pieces.put_nowait(b"")

    async def __aiter__(self) -> AsyncIterator[bytes | None]:
        begun: bytearray | None = bytearray()
        while piece := await self._pieces.get():
            self._room.release()
            *parts, rest = piece.split(b"\n")
            for part in parts:
                line = self._longer(begun, part)
                begun = bytearray()
                if self._ended:
                    return
                yield None if line is None else bytes(line)
            begun = self._longer(begun, rest)
        if self._ended or (begun is not None and not begun):
            return
        yield None if begun is None else bytes(begun)

    def _longer(self, begun: bytearray | None, part: bytes) -> bytearray | None:
        if begun is None or len(begun) + len(part) > self._cap:
            return None
        begun += part
        return begun

    def _read(self) -> None:
        piece = b"."
        while piece:
            self._room.acquire()
            piece = self._piece()
            try:
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
            except RuntimeError:  # the event loop is closed
                return

    def _piece(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, _PIECE)
            except BlockingIOError:
                select.select([self._descriptor], [], [])
            except OSError:
                return b""


class Printer:
    """Writes lines to a descriptor, whole and one after the other. `gone` is set once nobody reads them any more."""

    def __init__(self, descriptor: int) -> None:
        self.gone = asyncio.Event()
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._lines: queue.SimpleQueue[tuple[bytes, asyncio.Future[bool]]] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="stdout", daemon=True).start()

    async def print(self, line: bytes) -> None:
        """Returns once the line is out; when cancelled, it goes out all the same. Raises BrokenPipeError."""
        if not await self._put(line + b"\n"):
            raise BrokenPipeError

    async def finish(self, seconds: float) -> None:
        """Wait for all lines to be out, for so long at the most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._put(b"")

    def _put(self, line: bytes) -> asyncio.Future[bool]:
        written: asyncio.Future[bool] = self._loop.create_future()
        self._lines.put((line, written))
        return written

    def _write(self) -> None:
        whole = True
        while True:
            line, written = self._lines.get()
            whole = whole and self._all(line)
            try:
                self._loop.call_soon_threadsafe(self._settle, written, whole)
            except RuntimeError:  # the event loop is closed
                return

    def _all(self, line: bytes) -> bool:
        left = memoryview(line)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                return False
        return True

    def _settle(self, written: asyncio.Future[bool], whole: bool) -> None:
        if not whole:
            self.gone.set()
        if not written.done():
            written.set_result(whole)
