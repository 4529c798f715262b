"""One process from start to end: over HTTP or on stdio, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Final

from policies.watchdog import Watchdog
from proxy import logs
from proxy.app import Proxy, compose, http_app, with_upstream
from proxy.errors import ConfigError
from proxy.settings import Settings

_GC_THRESHOLD: Final = 50_000
"""Allocations between collections: the default's pauses make the slowest calls twenty times slower than the median."""


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code. Raises ConfigError."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    from proxy.commands import announce

    async with with_upstream(settings) as effective:
        proxy = compose(effective)
        watchdog = Watchdog(
            asyncio.get_running_loop(), entries=proxy.chain.entries, blocked_s=effective.bounds.blocked_s
        )
        if settings.transport == "stdio":
            await _serve_stdio(proxy, watchdog)
            return
        from proxy.server import StoppedError, interruptible, serve_until, server, signalled

        stopping = signalled()
        bound = _listening(settings)
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with interruptible(stopping):
                    await stack.enter_async_context(proxy.running())
                    app = await stack.enter_async_context(http_app(proxy))
            except StoppedError:
                bound.close()
                return
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            url = f"http://{host}:{bound.getsockname()[1]}/mcp"
            announce(effective, proxy.chain.entries, url, demo=effective is not settings)
            _quiet_collector()
            watchdog.start()
            stack.callback(watchdog.stop)
            bounds = settings.bounds
            serving = server(app, bounds.drain_s)
            await serve_until(stopping, serving, bound, proxy.exchanges, drain_s=bounds.drain_s, stall_s=bounds.stall_s)


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
    logs.configure(proxy.settings.log_level)
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


def _quiet_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
