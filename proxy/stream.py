"""The answer to one message of the lane: JSON in one piece, or an event stream from the first notification on.

A caller that stays connected hears something at least every 15 s; one that goes away ends its exchange. Sources: MCP
2025-11-25 and 2026-07-28, Streamable HTTP, Sending Messages; HTML Living Standard, section 9.2 (event streams).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from policies.jsontext import JsonError, dumps
from policies.model import JsonObject
from proxy.asgi import Receive, Send, answer
from proxy.errors import INTERNAL_ERROR, RpcError

PING_S: Final = 15.0
"""A stream, or a wait that is not yet one, is silent no longer than this: proxies cut what is silent."""
ARMED_S: Final = 0.25
"""How long a call may run before anybody watches for its caller: most have ended by then, and pay for no task."""

STATUS: Final[Mapping[int, int]] = {
    -32700: 400,
    -32600: 400,
    -32602: 400,
    -32020: 400,
    -32021: 400,
    -32022: 400,
    -32601: 404,
}
"""HTTP status of a JSON-RPC error at 2026-07-28; 200 for every other code. The handshake era has 200 for all."""

_EVENTS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"connection", b"keep-alive"),
    (b"x-accel-buffering", b"no"),
]
_PING: Final = b": ping\r\n\r\n"
_LINE_ENDS: Final = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))
"""Legal in a frame, but there are clients that take them for the end of a line."""


class Stream:
    """Answers the request `request_id` over `send`. `modern` says whether errors have HTTP statuses of their own."""

    def __init__(self, send: Send, request_id: str | int, *, modern: bool) -> None:
        self._send = send
        self._id = request_id
        self._modern = modern
        self._begun = False
        self._writing: asyncio.Lock | None = None

    async def notify(self, method: str, params: JsonObject) -> None:
        """Send one notification; the answer is an event stream from here on."""
        await self._event(_frame(dumps({"jsonrpc": "2.0", "method": method, "params": params})))

    async def result(self, body: JsonObject) -> None:
        """The last message: a result."""
        try:
            text = dumps({"jsonrpc": "2.0", "id": self._id, "result": body})
        except JsonError:
            await self.error(RpcError(INTERNAL_ERROR, "The result cannot be written as JSON"))
            return
        await self._end(200, text)

    async def error(self, error: RpcError) -> None:
        """The last message: an error."""
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        if error.data is not None:
            body["data"] = error.data
        status = STATUS.get(error.code, 200) if self._modern else 200
        await self._end(status, dumps({"jsonrpc": "2.0", "id": self._id, "error": body}))

    async def _end(self, status: int, text: bytes) -> None:
        if self._begun:
            await self._event(_frame(text), more=False)
        else:
            await answer(self._send, status, text)

    async def _event(self, data: bytes, *, more: bool = True) -> None:
        self._writing = self._writing or asyncio.Lock()  # the watch writes too, and no frame may split another
        async with self._writing:
            if not self._begun:
                await self._send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
                self._begun = True  # not before: whoever waits for the client in there may be cancelled
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def ping(self) -> None:
        await self._event(_PING)


class Watch:
    """Looks after a caller that waits, from when it is made until `stop`: pings it, and ends its task when it goes.

    Make it in the task that works for the caller.
    """

    def __init__(self, stream: Stream, receive: Receive) -> None:
        self.gone = False
        self._stream = stream
        self._receive = receive
        self._task = asyncio.current_task()
        self._tasks: list[asyncio.Task[None]] = []
        self._timer = asyncio.get_running_loop().call_later(ARMED_S, self._arm)

    def stop(self) -> None:
        """Nothing is sent by the watch after this."""
        self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _arm(self) -> None:
        self._tasks = [asyncio.create_task(self._wait()), asyncio.create_task(self._beat())]

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._task is not None:
            self._task.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self._stream.ping()


def _frame(text: bytes) -> bytes:
    for char, escaped in _LINE_ENDS:
        if char in text:
            text = text.replace(char, escaped)
    return b"event: message\r\ndata: %b\r\n\r\n" % text
