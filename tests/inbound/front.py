"""A proxy on a port that is known beforehand, because its public URL stands in its tokens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from proxy.app import compose, http_app
from proxy.server import listen, server
from proxy.settings import load
from tests.running import NO_POLICIES, logged


@contextlib.asynccontextmanager
async def front(upstream: str, tmp_path: Path, port: int, chain: str = NO_POLICIES, **flags: Any) -> AsyncIterator[str]:
    """The URL of a proxy in front of `upstream`, with the policies of a policies.toml."""
    policies = tmp_path / "policies.toml"
    policies.write_text(chain)
    proxy = compose(load({}, upstream=upstream, port=port, policies=policies, **flags))
    bound = listen("127.0.0.1", port)
    with logged(proxy.settings.log_level):
        async with proxy.running(), http_app(proxy) as app:
            serving = server(app, 0.2)
            task = asyncio.create_task(serving.serve(sockets=[bound]))
            try:
                yield f"http://127.0.0.1:{port}/mcp"
            finally:
                serving.should_exit = True
                proxy.exchanges.abort()
                await task
