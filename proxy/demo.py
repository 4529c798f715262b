"""The embedded demo upstream: a customer-support MCP server on a loopback port of its own.

It is reached over HTTP by the same way as any upstream. It speaks both eras without sessions and answers plain JSON:
the handshake revisions up to 2025-11-25, and 2026-07-28 with its per-request envelope. It needs neither FastMCP nor
the SDK, so that it is there within milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from types import TracebackType
from typing import Any, Final, TypeAlias

import uvicorn

from policies.jsontext import dumps
from policies.model import Json
from proxy.demo_messages import reply

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_BODY: Final = 4 * 2**20


class _Server(uvicorn.Server):
    """A second server in a process whose signals belong to the first."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Demo:
    """A running demo upstream: its `url`, and `stop()`. Also an async context manager that stops."""

    def __init__(self, url: str, server: _Server, task: asyncio.Task[None]) -> None:
        self.url = url
        self._server = server
        self._task = task

    async def stop(self) -> None:
        """Close the port and end the task, within about a second. May be called twice."""
        self._server.should_exit = True
        await asyncio.wait([self._task])

    async def __aenter__(self) -> Demo:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, trace: TracebackType | None) -> None:
        await self.stop()


async def serve(port: int = 0) -> Demo:
    """Start the demo on 127.0.0.1, on a free port unless one is given. Raises OSError when the port is taken."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    listener = _listen(port)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="demo upstream")
    await server.ready.wait()
    return Demo(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", server, task)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application: POST /mcp."""
    if scope["path"] != "/mcp":
        return await _answer(send, 404)
    if scope["method"] != "POST":
        return await _answer(send, 405)
    body = await _body(receive)
    if body is None:
        return await _answer(send, 413)
    headers = {name.decode("latin-1"): value.decode("latin-1").strip() for name, value in scope["headers"]}
    return await _answer(send, *reply(headers, body))


async def _body(receive: Receive) -> bytes | None:
    chunks, size, more = [], 0, True
    while more:
        event = await receive()
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        more = event.get("more_body", False) and event["type"] == "http.request"
        if size > _MAX_BODY:
            return None
    return b"".join(chunks)


async def _answer(send: Send, status: int, message: Json = None) -> None:
    body = b"" if message is None else dumps(message)
    headers = [(b"content-length", b"%d" % len(body))]
    if body:
        headers.append((b"content-type", b"application/json"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
