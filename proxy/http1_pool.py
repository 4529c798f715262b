"""The connections of `http1` to its one server, the idle ones kept for the next request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.http1_connection import Connection
from proxy.http1_errors import ClosedError

IDLE_S: Final = 15.0
"""An idle connection is closed after this long, before the servers and balancers on the way tend to do it."""
_CLOSE_S: Final = 1.0

Connect = Callable[[Callable[[], Connection]], Awaitable[Connection]]


class Pool:
    """At most `limit` connections; the one used last is used first, so that the others can be closed.

    `connect` opens one, by a factory.
    """

    def __init__(self, connect: Connect, limit: int) -> None:
        self._connect = connect
        self._free_slots = limit
        self._idle: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Future[None] | None = None

    def idle(self) -> Connection | None:
        """A connection that is there already."""
        while self._idle:
            connection = self._idle.popitem()[0]
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def take(self) -> Connection:
        """A connection, opened or waited for; the caller bounds the wait. Raises HttpError."""
        while self._emptied is None:
            connection = self.idle()
            if connection is not None:
                return connection
            if self._free_slots > 0:
                return await self._opened()
            await self._turn()
        raise ClosedError

    def released(self, connection: Connection) -> None:
        self._idle[connection] = None
        if self._waiters:
            self._next()
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def lost(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        if connection in self._open:
            self._open.remove(connection)
            self._free()

    async def close(self) -> None:
        """Close all of them, those with a request under way as well, and wait until they are closed."""
        self._emptied = self._emptied or asyncio.get_running_loop().create_future()
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._waiters:
            self._next()
        for connection in list(self._open):
            connection.abort()
        if self._open:
            await asyncio.wait([self._emptied], timeout=_CLOSE_S)

    async def _opened(self) -> Connection:
        self._free_slots -= 1
        try:
            connection = await self._connect(self._made)
            if not connection.usable or self._emptied is not None:
                connection.abort()
                raise ClosedError
        except BaseException:
            self._free()
            raise
        self._open.add(connection)
        return connection

    def _made(self) -> Connection:
        return Connection(asyncio.get_running_loop(), self)

    async def _turn(self) -> None:
        """Wait until a connection or a slot may be free."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:
                self._next()  # the turn was ours, and we are not there to take it
            raise

    def _free(self) -> None:
        self._free_slots += 1
        self._next()
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    def _next(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter.set_result(None)
        return None

    def _sweep(self) -> None:
        """Close what was idle for too long; those used last stand last."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        while self._idle:
            oldest = next(iter(self._idle))
            left = oldest.quiet_since + IDLE_S - loop.time()
            if left > 0:
                self._sweeper = loop.call_later(left, self._sweep)
                return
            del self._idle[oldest]
            oldest.abort()
