"""The door: the FastMCP app with the relay, for everything that the lane does not take.

Importing FastMCP takes a second, so the process listens without it. It is imported behind the calls, and what needs
the door waits for it, within a bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from policies.model import Json, JsonObject
from policies.policy import Behind
from proxy.asgi import App, Receive, Scope, Send, answer, error_body
from proxy.errors import INTERNAL_ERROR, RpcError

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from starlette.applications import Starlette

log = logging.getLogger(__name__)

OPENS_S: Final = 30.0
"""How long a message waits for the door to open."""


class Door:
    """An ASGI app for /mcp. `make` gives the FastMCP app; importing what it needs is `load`, called in a thread."""

    def __init__(self, *, load: Callable[[], None], make: Callable[[], FastMCP], behind: Behind) -> None:
        self._load = load
        self._make = make
        self._behind = behind
        self._app: App | None = None
        self._message: App | None = None
        self._opened = asyncio.Event()
        self._closing = asyncio.Event()

    @property
    def state(self) -> str:
        """`opening`, `open`, or `failed`."""
        return "open" if self._app else "failed" if self._opened.is_set() else "opening"

    def give_up(self) -> None:
        """Let nobody wait any longer for a door that is not open yet: the process is going down."""
        self._opened.set()

    async def opened(self) -> None:
        """Wait until it is open, or cannot be."""
        await self._opened.wait()

    @contextlib.asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Open the door in the background, and close it at the end."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._closing.set()
            if self._app is None:
                task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        try:
            await asyncio.wrap_future(self._behind.start(self._load))
            app = self._make().http_app(path="/mcp", stateless_http=True, json_response=False)
            self._message = _route(app)
            async with app.router.lifespan_context(app):
                self._app = app
                self._opened.set()
                await self._closing.wait()
        except Exception as error:  # noqa: BLE001 - the lane goes on without it
            log.error("the door cannot open: %s; only what the lane takes is answered", type(error).__name__)
            self._opened.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = (self._message if scope["method"] == "POST" else self._app) if await self._is_open() else None
        if app is not None:
            await app(scope, receive, send)
        else:
            text = "This part of the proxy has not started yet; try again"
            await answer(send, 503, error_body(INTERNAL_ERROR, text), [(b"retry-after", b"5")])

    async def check_headers(self, schema: Json, arguments: JsonObject) -> None:
        """The SDK's check of a call without `Mcp-Param-*` headers. Raises RpcError."""
        if not await self._is_open():
            raise RpcError(INTERNAL_ERROR, "This part of the proxy has not started yet; try again")
        from mcp.shared.inbound import validate_mcp_param_headers

        found = validate_mcp_param_headers(schema, arguments, {})
        if found is not None:
            raise RpcError(found.code, found.message, found.data)

    async def _is_open(self) -> bool:
        if not self._opened.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(OPENS_S):
                    await self._opened.wait()
        return self._app is not None


def _route(app: Starlette) -> App:
    """What answers a message. What `app` wraps around it (error pages, a request context) a relayed one can spare."""
    from starlette.routing import Route

    (found,) = (route.app for route in app.routes if isinstance(route, Route) and route.path == "/mcp")
    return found
