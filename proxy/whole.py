"""Bodies that came whole and answers that leave whole: what uvicorn does in several steps, in one.

A plain call's body has come before anybody asks for it, and its answer is one piece of known length. Written as head
and body it is two packets, and two system calls of which each costs as much as the whole exchange without them.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.asgi import Message, Send

BODY: Final = "mcp_policy_proxy.body"
"""The key of a scope under which there is a function that gives the body, or None while not all of it has come."""

_LENGTH: Final = b"content-length"


def shortcut(cycle: Any) -> None:
    """Give one of uvicorn's cycles both ways round. Its app has not begun yet."""
    cycle.send = Joined(cycle)
    cycle.scope[BODY] = partial(_body, cycle)


def unlinked(cycle: Any) -> None:
    """Take both away again. Each holds the cycle: left so, it would be garbage that only the collector finds."""
    cycle.__dict__.pop("send", None)
    cycle.scope.pop(BODY, None)


def _body(cycle: Any) -> bytes | None:
    if cycle.more_body or cycle.disconnected:
        return None
    body, cycle.body = bytes(cycle.body), bytearray()
    cycle.flow.resume_reading()
    return body


class Joined:
    """`send` of one of uvicorn's cycles: the start of an answer waits for its body."""

    __slots__ = ("_cycle", "_plain", "_start")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._plain: Send = cycle.send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._cycle.response_started and _sized(message):
            self._start = message
            return
        start, self._start = self._start, None
        cycle, plain = self._cycle, self._plain
        if not message.get("more_body"):
            unlinked(cycle)
        if start is not None:
            if _written(cycle, start, message):
                return
            await plain(start)
        await plain(message)


def _sized(start: Message) -> bool:
    """Whether its body can be expected at once. The head of a stream is not to wait for what it streams."""
    return any(name == _LENGTH for name, _ in start["headers"])


def _written(cycle: Any, start: Message, message: Message) -> bool:
    """Whether the answer was whole, and has been written."""
    body: bytes = message.get("body", b"")
    headers = start["headers"]
    if (
        message.get("more_body")
        or cycle.flow.write_paused
        or cycle.disconnected
        or cycle.scope["method"] != "POST"
        or (_LENGTH, b"%d" % len(body)) not in headers
    ):
        return False
    lines = b"".join([b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)])
    count = len(headers) + len(cycle.default_headers)
    if lines.count(b"\n") != count or lines.count(b"\r") != count or b"\r\nconnection:" in lines:
        return False
    close = b"" if cycle.keep_alive else b"connection: close\r\n"
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join((STATUS_LINE[start["status"]], lines, close, b"\r\n", body)))
    cycle.response_complete = True
    cycle.message_event.set()
    if close:
        cycle.transport.close()
    cycle.on_response()
    return True
