"""Serving over HTTP: uvicorn without what a proxy must not have, and an end that lets calls finish.

On SIGTERM or SIGINT the process stops accepting, ends long streams, gives calls in flight the drain bound, answers
what is left with a clear error, and exits 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import uvicorn

from proxy.connections import Reaper
from proxy.exchange import Exchanges
from proxy.guards import App

ANSWERING_S: Final = 1.0
"""How long the last answers may take to leave once everything in flight was told to end."""


class Server(uvicorn.Server):
    """uvicorn, its signals left to us: its own handling cuts calls in flight and exits -15."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    bound.listen(2048)
    bound.setblocking(False)
    return bound


def server(app: App, drain_s: float, connections: int = 10_000) -> Server:
    """A server that refuses (503) what comes on more than `connections` connections."""
    config: Any = {
        "app": app,
        "http": "httptools",
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "log_config": None,
        "limit_concurrency": connections,
        "timeout_graceful_shutdown": drain_s + ANSWERING_S,
    }
    return Server(uvicorn.Config(**config))


def signalled() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets. Call it before anything says that the proxy is there."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


@contextlib.asynccontextmanager
async def interruptible(stopping: asyncio.Event) -> AsyncIterator[None]:
    """Ends its body as cancelled as soon as `stopping` is set: for a start that takes long. Raises StoppedError."""
    body = asyncio.current_task()
    watching = asyncio.create_task(stopping.wait())
    if body is not None:
        watching.add_done_callback(lambda done: None if done.cancelled() else body.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if body is None or not stopping.is_set():
            raise
        body.uncancel()
        raise StoppedError from None
    finally:
        watching.cancel()


class StoppedError(Exception):
    """The process was told to stop before it had started."""


async def serve_until(
    stopping: asyncio.Event,
    serving: Server,
    bound: socket.socket,
    exchanges: Exchanges,
    *,
    drain_s: float,
    stall_s: float,
) -> None:
    """Serve on `bound` until told to stop, then drain. The last second of `drain_s` is for the last answers."""
    reaper = Reaper(serving.server_state.connections, stall_s)
    running = asyncio.create_task(serving.serve(sockets=[bound]))
    beside = [asyncio.create_task(stopping.wait()), asyncio.create_task(reaper.run())]
    await asyncio.wait({running, beside[0]}, return_when=asyncio.FIRST_COMPLETED)
    serving.should_exit = True
    exchanges.end_streams()
    if not await _ended(running, max(drain_s - ANSWERING_S, drain_s / 2)):
        exchanges.abort()
        if not await _ended(running, min(ANSWERING_S, drain_s / 2)):
            reaper.cut_all()
    for task in beside:
        task.cancel()
    await running


async def _ended(running: asyncio.Task[None], within_s: float) -> bool:
    return bool((await asyncio.wait({running}, timeout=within_s))[0])
