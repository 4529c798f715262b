"""A proxy running inside the test's own loop, on a real port, in front of whatever upstream the test has."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.app import Proxy, compose, http_app
from proxy.server import listen, server
from proxy.settings import Bounds, load
from proxy.telemetry import Telemetry

NO_POLICIES = "# an empty chain\n"
AUDIT_ONLY = '[[policy]]\nuse = "audit"\n'


@dataclass
class Running:
    url: str
    proxy: Proxy


@contextlib.asynccontextmanager
async def proxy_before(
    upstream: str,
    tmp_path: Path,
    policies: str | None = NO_POLICIES,
    *,
    telemetry: Telemetry | None = None,
    **flags: Any,
) -> AsyncIterator[Running]:
    """A proxy in front of `upstream`. `policies` is the text of a policies.toml; None is the built-in default chain."""
    if policies is not None:
        file = tmp_path / "policies.toml"
        file.write_text(policies)
        flags["policies"] = file
    if isinstance(flags.get("bounds"), dict):
        flags["bounds"] = Bounds(**flags["bounds"])
    settings = load({}, upstream=upstream, **flags)
    proxy = compose(settings, telemetry)
    bound = listen("127.0.0.1", 0)
    handlers, level = list(logging.root.handlers), logging.root.level
    try:
        async with proxy.running(), http_app(proxy) as app:
            logging.root.handlers[:] = [*handlers, *(h for h in logging.root.handlers if h not in handlers)]
            serving = server(app, 0.2)
            task = asyncio.create_task(serving.serve(sockets=[bound]))
            try:
                yield Running(f"http://127.0.0.1:{bound.getsockname()[1]}/mcp", proxy)
            finally:
                serving.should_exit = True
                proxy.exchanges.abort()
                await task
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


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
