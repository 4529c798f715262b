"""Reading a request's body: once, whole, under a cap and a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.asgi import Headers, Receive, Scope
from proxy.whole import BODY

DISCARDED: Final = 4
"""Times the cap that is read and dropped, so that a client that is still sending gets to read its refusal."""

_CLOSE: Final = ((b"connection", b"close"),)


class UnreadError(Exception):
    """There is no body that can be used. `status` is 0 where nobody is left to be told."""

    def __init__(self, status: int = 0, text: str = "", headers: Headers = ()) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers


async def body_of(scope: Scope, receive: Receive, *, cap: int, within_s: float) -> bytes:
    """The body, of at most `cap` bytes. Raises UnreadError."""
    at_hand: Callable[[], bytes | None] | None = scope.pop(BODY, None)
    body = at_hand() if at_hand is not None else None
    if body is not None and len(body) <= cap:
        return body
    try:
        async with asyncio.timeout(within_s):
            if body is None and _length(scope) <= DISCARDED * cap:
                body = await _gathered(receive, cap)
    except TimeoutError:
        raise UnreadError(408, f"The request body did not come within {within_s:g} s", _CLOSE) from None
    if body is None or len(body) > cap:
        raise UnreadError(413, f"The request body is larger than {cap} bytes")
    return body


async def _gathered(receive: Receive, cap: int) -> bytes | None:
    """The body, or None when it is over the cap. Raises UnreadError when the client goes away before its end."""
    gathered, size, more = bytearray(), 0, True
    while more and size <= DISCARDED * cap:
        message = await receive()
        if message["type"] != "http.request":
            raise UnreadError
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= cap:
            gathered += piece
        else:
            gathered.clear()
    return bytes(gathered) if size <= cap else None


def _length(scope: Scope) -> float:
    """What Content-Length says; 0 without one, and infinity for nonsense."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 20 else float("inf")
