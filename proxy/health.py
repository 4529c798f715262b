"""`GET /ping` and `GET /readyz`: AgentCore's liveness answer, and what state the proxy is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from policies.jsontext import dumps
from policies.model import JsonObject
from proxy.guards import App, Receive, Scope, Send, answer

_PING: Final = b'{"status":"Healthy"}'


class Health:
    """An ASGI app that answers both and passes everything else on. `/mcp/` is served like `/mcp`."""

    def __init__(self, app: App, state: Callable[[], JsonObject]) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/mcp/":
            scope = {**scope, "path": "/mcp", "raw_path": b"/mcp"}
        if scope["type"] == "http" and scope["method"] == "GET" and path in ("/ping", "/readyz"):
            await answer(send, 200, _PING if path == "/ping" else dumps(self._state()))
            return
        await self._app(scope, receive, send)
