"""`GET /ping` and `GET /readyz`: AgentCore's liveness answer, and what state the proxy is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from policies.jsontext import dumps
from policies.model import JsonObject
from proxy.guards import App, Receive, Scope, Send, answer

_PING: Final = b'{"status":"Healthy"}'


class Health:
    """An ASGI app that answers both, gives messages to `door` and passes everything else on to `app`.

    `/mcp/` is served like `/mcp`. The door is called directly: what `app` wraps around it (error pages, a request
    context for tools of its own) a relayed message does not need.
    """

    def __init__(self, app: App, door: App, state: Callable[[], JsonObject]) -> None:
        self._app = app
        self._door = door
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/mcp/":
            scope = {**scope, "path": "/mcp", "raw_path": b"/mcp"}
        if scope["type"] == "http" and scope["method"] == "GET" and path in ("/ping", "/readyz"):
            await answer(send, 200, _PING if path == "/ping" else dumps(self._state()))
            return
        message = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/mcp"
        await (self._door if message else self._app)(scope, receive, send)
