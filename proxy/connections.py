"""Bounds on connections that ASGI cannot see: clients that send no whole request head, or read no answer.

uvicorn has no clock on either. Its protocol objects say enough: `cycle` is the request under way, `flow` whether the
client takes what was written. What this relies on of them is pinned by the tests.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, Protocol

BEAT_S: Final = 1.0


class Connection(Protocol):
    """What is used of uvicorn's HttpToolsProtocol."""

    transport: Any
    cycle: Any
    flow: Any


class Reaper:
    """Cuts a connection that has waited for a request head, or been unable to write, for longer than `limit_s`."""

    def __init__(self, connections: set[Any], limit_s: float) -> None:
        self._connections = connections
        self._limit_s = limit_s
        self._since: dict[Any, float] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(min(BEAT_S, self._limit_s / 4))
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        stuck = {connection for connection in self._connections if _stuck(connection)}
        self._since = {connection: self._since.get(connection, now) for connection in stuck}
        for connection, since in self._since.items():
            if now - since >= self._limit_s:
                connection.transport.abort()

    def cut_all(self) -> None:
        """End whatever is still open: the process is about to go."""
        for connection in list(self._connections):
            connection.transport.abort()


def _stuck(connection: Connection) -> bool:
    idle = connection.cycle is None or connection.cycle.response_complete
    return idle or bool(connection.flow.write_paused)
