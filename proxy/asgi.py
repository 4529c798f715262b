"""ASGI as the doors use it: its types, a message as it arrived, and answers in one piece.

Source: ASGI specification 3.0, HTTP connection scope.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from policies.jsontext import dumps
from policies.model import Caller, JsonObject

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names in lower case, values without surrounding whitespace."""

ARRIVED: Final = "mcp_policy_proxy.arrived"
"""The key of a scope under which the guards leave what arrived."""

_JSON: Final = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request that the guards let in: who calls, and of a POST the JSON-RPC message.

    `headers` holds the first value of each name, `repeated` the names that came more than once.
    """

    headers: Mapping[bytes, bytes]
    repeated: frozenset[bytes]
    caller: Caller
    message: JsonObject
    body: bytes


def replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` with a body before it that was read already."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def error_body(code: int, message: str) -> bytes:
    """A JSON-RPC error for what has no id."""
    return dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


async def answer(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """One whole JSON answer; without a content type where there is no body."""
    kind = (_JSON,) if body else ()
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*kind, length, *headers]})
    await send({"type": "http.response.body", "body": body})
