"""One process from start to end: over HTTP or on stdio, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable
from typing import Final

from policies.watchdog import Watchdog
from proxy import logs
from proxy.announcement import DEMO_POLICIES
from proxy.app import Proxy, compose, door_of, http_app, import_door, with_upstream
from proxy.behind import Behind
from proxy.door import Door
from proxy.errors import ConfigError
from proxy.phases import Phases
from proxy.services import is_local, services
from proxy.settings import Settings

_GC_THRESHOLD: Final = 50_000
"""Allocations between collections: the default's pauses make the slowest calls twenty times slower than the median."""

_DISCOVERY_S: Final = 0.3
"""How long the imports behind the calls are held for the first discovery: a first call needs it more than the door."""


_IMPORT_S: Final = 3.0
"""The longest that a process which was told to end waits for an import under way."""


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code. Raises ConfigError."""
    behind = Behind()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, behind))
    finally:
        ended = behind.end(_IMPORT_S)
    if not ended:
        os._exit(0)  # an interpreter that ends in the middle of an import may end in a crash
    return 0


async def _serve(settings: Settings, behind: Behind) -> None:
    logs.configure(settings.log_level)
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    phases = Phases()
    if settings.transport == "stdio":
        import_door()  # there is no lane to listen with, and nothing may import beside it
    async with with_upstream(settings) as effective:
        demo = effective is not settings
        proxy = compose(
            effective, lent=services(effective, behind), more=DEMO_POLICIES if demo and is_local(effective) else ()
        )
        watchdog = Watchdog(
            asyncio.get_running_loop(), entries=proxy.chain.entries, blocked_s=effective.bounds.blocked_s
        )
        phases.done("composed")
        if settings.transport == "stdio":
            await _serve_stdio(proxy, watchdog)
        else:
            await _serve_http(proxy, watchdog, behind, phases, demo=demo)


async def _serve_http(proxy: Proxy, watchdog: Watchdog, behind: Behind, phases: Phases, *, demo: bool) -> None:
    from proxy.announcement import announce
    from proxy.server import StoppedError, interruptible, serve_until, server, signalled

    stopping, settings = signalled(), proxy.settings
    bound = _listening(settings)
    behind.hold()
    door = door_of(proxy)
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with interruptible(stopping):
                await stack.enter_async_context(proxy.running())
                app = await stack.enter_async_context(http_app(proxy, door))
        except StoppedError:
            bound.close()
            return
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{bound.getsockname()[1]}/mcp"
        announce(settings, proxy.chain.entries, url, demo=demo)
        gc.freeze()
        watchdog.start()
        stack.callback(watchdog.stop)
        bounds = settings.bounds
        serving = server(app, bounds.drain_s)
        phases.done("listening")
        settling = asyncio.create_task(_settle(proxy, behind, door, phases))
        stack.callback(settling.cancel)
        leaving = asyncio.create_task(stopping.wait())
        leaving.add_done_callback(lambda _: door.give_up())
        stack.callback(leaving.cancel)
        await serve_until(stopping, serving, bound, proxy.exchanges, drain_s=bounds.drain_s, stall_s=bounds.stall_s)


async def _settle(proxy: Proxy, behind: Behind, door: Door, phases: Phases) -> None:
    """Let the imports begin once the first discovery is done, and spare what they made from every collection."""
    if proxy.settings.auth_mode != "passthrough":
        await asyncio.wait({proxy.catalogs.main.refresh()}, timeout=_DISCOVERY_S)
    phases.done("discovery")
    behind.go()
    await door.opened()
    phases.done(f"door {door.state}")
    await asyncio.wrap_future(behind.start(gc.freeze))
    phases.done("everything imported")


def _listening(settings: Settings) -> socket.socket:
    from proxy.server import listen

    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise ConfigError([f"cannot listen on {where}: {error.strerror}; choose another with --port"]) from None


async def _serve_stdio(proxy: Proxy, watchdog: Watchdog) -> None:
    from proxy.server import StoppedError, interruptible, signalled
    from proxy.stdio_door import Door
    from proxy.stdio_pipes import Lines, Printer, claim

    stopping = signalled()
    source, sink = claim()
    app, bounds = proxy.fastmcp(), proxy.settings.bounds
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with interruptible(stopping):
                await stack.enter_async_context(proxy.running())
        except StoppedError:
            return
        watchdog.start()
        stack.callback(watchdog.stop)
        lines, printer = Lines(source, bounds.request_bytes), Printer(sink)
        await Door(lines=lines, printer=printer, exchanges=proxy.exchanges, bounds=bounds).serve(app, stopping)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
