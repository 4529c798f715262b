"""Serving over HTTP: uvicorn without what a proxy must not have, and an end that lets calls finish.

On SIGTERM or SIGINT the process stops accepting, ends long streams, gives calls in flight the drain bound, answers
what is left with a clear error, and exits 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import uvicorn

from proxy.asgi import App
from proxy.connections import Connection, Reaper
from proxy.exchange import Exchanges

ANSWERING_S: Final = 1.0
"""How long the last answers may take to leave once everything in flight was told to end."""

KEEP_ALIVE_S: Final = 65
"""How long a connection may rest between two requests. Load balancers keep one for 60 s, clients for less: were it not
they who end it first, a request could meet a connection that has just been closed."""


FILES: Final = 20_480
"""File descriptors that are of use here; half of them, or of what there may be, are for the callers' connections."""


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
    """A server that refuses (503) what comes on the last of `connections` connections, and cuts any more of them."""
    config: Any = {
        "app": app,
        "http": Connection,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "log_config": None,
        "limit_concurrency": connections,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": drain_s + ANSWERING_S,
    }
    return Server(uvicorn.Config(**config))


def make_room(serving: Server) -> None:
    """See to file descriptors for as many connections as `serving` takes, and bound those by what there are.

    Without any left, the upstream could not be reached either.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    if soft != resource.RLIM_INFINITY:
        serving.config.limit_concurrency = min(serving.config.limit_concurrency or soft, soft // 2)


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
    watching, inside = asyncio.create_task(stopping.wait()), True

    def end(done: asyncio.Task[bool]) -> None:
        if inside and body is not None and not done.cancelled():
            body.cancel()

    watching.add_done_callback(end)
    try:
        yield
    except asyncio.CancelledError:
        if body is None or not stopping.is_set():
            raise
        body.uncancel()
        raise StoppedError from None
    finally:
        inside = False  # `end` may already be on its way
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
    make_room(serving)
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
