"""A proxy running inside the test's own loop, on a real port, in front of whatever upstream the test has."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from policies.policy import Services
from proxy import logs
from proxy.app import Proxy, compose, http_app
from proxy.asgi import ARRIVED, App, Receive, Scope, Send, replayed
from proxy.guards import Guards
from proxy.server import Server, listen, server
from proxy.settings import Bounds, load
from proxy.telemetry import Telemetry

NO_POLICIES = "# an empty chain\n"
AUDIT_ONLY = '[[policy]]\nuse = "audit"\n'

Doors: TypeAlias = Literal["both", "door"]
"""What answers messages: the lane and behind it the door, as the product has it, or the door alone."""

DOORS: Doors = "both"
"""The doors of a proxy whose test does not say. A fixture sets it, so that whole suites run through either."""


@dataclass
class Running:
    url: str
    proxy: Proxy


@contextlib.asynccontextmanager
async def proxy_before(
    upstream: str,
    tmp_path: Path,
    policies: str | Path | None = NO_POLICIES,
    *,
    telemetry: Telemetry | None = None,
    lent: Services | None = None,
    doors: Doors | None = None,
    **flags: Any,
) -> AsyncIterator[Running]:
    """A proxy in front of `upstream`. `policies` is a policies.toml, as text or path; None is the default chain."""
    if isinstance(policies, Path):
        flags["policies"] = policies
    elif policies is not None:
        file = tmp_path / "policies.toml"
        file.write_text(policies)
        flags["policies"] = file
    if isinstance(flags.get("bounds"), dict):
        flags["bounds"] = Bounds(**flags["bounds"])
    settings = load({}, upstream=upstream, **flags)
    proxy = compose(settings, telemetry, lent)
    bound = listen("127.0.0.1", 0)
    with logged(settings.log_level):
        async with proxy.running(), http_app(proxy) as app:
            serving = server(app if (doors or DOORS) == "both" else _without_lane(app), 0.2)
            task = asyncio.create_task(serving.serve(sockets=[bound]))
            try:
                yield Running(f"http://127.0.0.1:{bound.getsockname()[1]}/mcp", proxy)
            finally:
                proxy.exchanges.abort()
                await _ended(serving, task)
                bound.close()


@contextlib.contextmanager
def logged(level: str) -> Iterator[None]:
    """Logging as a process of ours has it, on this test's standard error, and pytest's own beside it."""
    handlers, before = list(logging.root.handlers), logging.root.level
    logs.configure(level)
    logging.root.handlers.extend(handlers)
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(before)


def _without_lane(app: App) -> App:
    """The guards with nothing but the door behind them, given each message as the lane gives it."""
    assert isinstance(app, Guards)
    door = app.app

    async def posts(scope: Scope, receive: Receive, send: Send) -> None:
        await door(scope, replayed(scope[ARRIVED].body, receive), send)

    return replace(app, posts=posts)


async def _ended(serving: Server, task: asyncio.Task[None]) -> None:
    """The end of `serving` without the 0.2 s that uvicorn sleeps over it; what it still answers it may finish."""
    task.cancel()
    await asyncio.wait({task})
    for listening in serving.servers:
        listening.close()
    for connection in list(serving.server_state.connections):
        connection.shutdown()
    answering = set(serving.server_state.tasks)
    for late in (await asyncio.wait(answering, timeout=0.3))[1] if answering else ():
        late.cancel()
    await asyncio.sleep(0)


def make_environ() -> dict[str, str]:
    """The environment without what a `make` that runs these tests tells the `make` below it."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something to become true. Raises AssertionError after `seconds`."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"did not come true within {seconds} s")
