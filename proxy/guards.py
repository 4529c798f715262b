"""What stands in front of the doors: where a request may come from, how large it may be, and whether it is JSON.

Host and Origin are checked against DNS rebinding (MCP 2026-07-28, streamable HTTP, Security Warning): an invalid
Origin is 403. The body is read once, capped, and parsed strictly, because the SDK takes NaN for null and swallows
ids of a wrong type; then it is replayed to the door untouched.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json
from proxy.errors import INVALID_REQUEST, PARSE_ERROR
from proxy.settings import Bounds

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

DISCARDED: Final = 4
"""Times the cap that is read and dropped, so that a client that is still sending gets to read its refusal."""

_SPACES: Final = b" \t"

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Guards:
    """An ASGI app in front of another. `issue_session` says whether callers need an id to be told apart by, and
    `release` ends what the upstream keeps for the caller of that id and Authorization.
    """

    def __init__(
        self, app: App, bounds: Bounds, issue_session: Callable[[], bool], release: Callable[[str, str | None], None]
    ) -> None:
        self._app = app
        self._bounds = bounds
        self._issue_session = issue_session
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        if any(value[-1:] in _SPACES for _, value in headers if value):
            # httptools leaves the optional whitespace after a value (RFC 9110 section 5.5) in place.
            headers = [(name, value.strip(_SPACES)) for name, value in headers]
            scope = {**scope, "headers": headers}
        if (refusal := _refused_origin(headers)) is not None:
            await answer(send, 403, refusal)
        elif scope["method"] == "DELETE" and (session := _one(headers, b"mcp-session-id")) and self._issue_session():
            self._release(session, _one(headers, b"authorization"))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif scope["method"] != "POST":
            await self._app(scope, receive, send)
        else:
            await self._post(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._bounds.body_s):
                body = await self._body(scope["headers"], receive)
        except TimeoutError:
            text = f"The request body did not come within {self._bounds.body_s:g} s"
            await answer(send, 408, error_body(INVALID_REQUEST, text))
            return
        if body is None:
            text = f"The request body is larger than {self._bounds.request_bytes} bytes"
            await answer(send, 413, error_body(INVALID_REQUEST, text))
            return
        try:
            message = loads(body, self._bounds.depth)
        except JsonError as error:
            await answer(send, 400, error_body(PARSE_ERROR, f"Parse error: {error}"))
            return
        if (problem := malformed(message)) is not None:
            await answer(send, 400, error_body(INVALID_REQUEST, problem))
            return
        if message.get("method") == "initialize" and self._issue_session():
            send = _with_session(send)
        await self._app(scope, _replayed(body, receive), send)

    async def _body(self, headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes | None:
        """The body; None when it is over the cap. What came until the client went away is all there is."""
        cap = self._bounds.request_bytes
        most = cap * DISCARDED
        if any(name == b"content-length" and _number(value) > most for name, value in headers):
            return None
        message = await receive()
        body: bytes = message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return body if len(body) <= cap else None
        gathered, size = bytearray(body), len(body)
        while message["type"] == "http.request" and message.get("more_body") and size <= most:
            message = await receive()
            piece = message.get("body", b"")
            size += len(piece)
            if size <= cap:
                gathered += piece
            else:
                gathered.clear()
        return bytes(gathered) if size <= cap else None


def _number(value: bytes) -> float:
    return int(value) if value.isdigit() and len(value) < 20 else float("inf")


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def malformed(message: Json) -> str | None:
    """What makes this no single JSON-RPC message with an id that an answer can carry."""
    if not isinstance(message, dict):
        return "The body must be one JSON-RPC message"
    if "id" in message and "method" in message:
        key = message["id"]
        if not isinstance(key, str | int) or isinstance(key, bool):
            return "A JSON-RPC id must be a string or an integer"
    return None


def _refused_origin(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(hosts) != 1 or _hostname(f"//{hosts[0]}") not in LOOPBACK:
        return error_body(INVALID_REQUEST, "Host not allowed: this proxy answers to loopback names only")
    if len(origins) > 1 or any(_hostname(origin) not in LOOPBACK for origin in origins):
        return error_body(INVALID_REQUEST, "Origin not allowed: this proxy answers to loopback origins only")
    return None


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _one(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), None)


def _with_session(send: Send) -> Send:
    """Adds a session id of ours, so that the caller's later requests find the caller's own upstream session."""
    session = secrets.token_hex(16).encode()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            message = {**message, "headers": [*message["headers"], (b"mcp-session-id", session)]}
        await send(message)

    return sending


def error_body(code: int, message: str) -> bytes:
    return dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


async def answer(send: Send, status: int, body: bytes) -> None:
    """One whole JSON answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
