"""Bounds on connections that ASGI cannot see: how a request arrives, how long that takes, whether answers are read.

uvicorn takes a request head of any size, has no clock on it and none on an answer that nobody reads, adds trailers to
the headers, loses the body of a request that wishes to change protocols, and answers a broken request before those in
front of it. What this relies on of its protocol object is pinned by the tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from proxy.asgi import error_body
from proxy.errors import INVALID_REQUEST
from proxy.whole import shortcut, unlinked

BEAT_S: Final = 1.0

HEAD_BYTES: Final = 2**16
"""The most that a request line with its headers may take, and trailers, and the extension of a chunk."""
HEADERS: Final = 256
PIPELINED: Final = 100
"""Requests that may wait behind the one under way on their connection."""

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_DROPPED: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})
_TOLD: Final = {400: "This is no valid HTTP/1.1 request", 431: "The request line and headers are too large"}


class UnfitError(Exception):
    """A request that the parser takes and this server does not. `status` is what it is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(_TOLD[status])
        self.status = status


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with bounds. `resumed` counts the times that the client has taken what was in its way."""

    _vain = 0
    """Bytes of which neither a head nor a piece of a body has come yet."""
    _running: Any = None
    resumed = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for cycle in (self._running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None:
                unlinked(cycle)
        self.pipeline.clear()
        _end(self._running)

    def resume_writing(self) -> None:
        self.resumed += 1
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, UnfitError) else 400)

    def _feed(self, data: bytes) -> None:
        while True:
            self._vain += len(data)
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                head = self._head_again()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self._vain = 0
                data = head + data[upgrade.args[0] :]
                continue
            if self._vain > HEAD_BYTES:
                self._refuse(431)
            return

    def _head_again(self) -> bytes:
        """The head without the wish to change protocols, which a server may ignore (RFC 9110 section 7.8).

        httptools takes what follows such a head for the other protocol, so it is to be read once more.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise httptools.HttpParserError(method)
        closes = any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)
        kept = [(name, value) for name, value in self.headers if name not in _DROPPED]
        lines = [b"%b: %b" % header for header in (*kept, *([(b"connection", b"close")] if closes else []))]
        first = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([first, *lines, b"", b""])

    def _should_upgrade(self) -> bool:
        """For uvicorn, which does nothing more about a request of which this is true."""
        return True

    def on_headers_complete(self) -> None:
        if self._vain > HEAD_BYTES or len(self.headers) > HEADERS:
            self._check_size()
        self._vain = 0
        if not self.parser.should_upgrade():
            if len(self.pipeline) >= PIPELINED or self.parser.get_http_version() not in _VERSIONS:
                raise UnfitError(400)
            if self.url[:1] != b"/":
                self._check_target()
            super().on_headers_complete()
            shortcut(self.cycle)
            # What comes from here on are trailers, and those are no headers (RFC 9110 section 6.5.1).
            self.headers = []

    def _check_size(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS:
            raise UnfitError(431)

    def _check_target(self) -> None:
        """The host of an absolute target counts instead of the header (RFC 9112 section 3.2.2): they must agree."""
        host = next((value for name, value in self.headers if name == b"host"), b"")
        target = self.url.partition(b"://")[2].partition(b"/")[0]
        if target.lower() != host.strip().lower():
            raise UnfitError(400)

    def on_body(self, body: bytes) -> None:
        self._vain = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._vain = 0
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _refuse(self, status: int) -> None:
        """Nothing more is read from this connection. What came whole before is answered first, in its turn."""
        whole = [cycle for cycle in (self._running, *(cycle for cycle, _ in reversed(self.pipeline))) if _waits(cycle)]
        if whole and not whole[-1].more_body:
            whole[-1].keep_alive = False
        elif len(whole) > 1:
            self.pipeline.popleft()
            self.cycle = whole[-2]
            self.cycle.keep_alive = False
        else:
            if not (whole and whole[0].response_started):
                self._say(status)
            _end(self._running)
            self.transport.close()

    def _say(self, status: int) -> None:
        body = error_body(INVALID_REQUEST, _TOLD[status])
        own = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *own)]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))


def _waits(cycle: Any) -> bool:
    return cycle is not None and not cycle.response_complete


def _end(cycle: Any) -> None:
    """Tell the app behind `cycle` that its client has gone."""
    if _waits(cycle):
        cycle.disconnected = True
        cycle.message_event.set()


class Watched(Protocol):
    """What the reaper looks at."""

    transport: Any
    cycle: Any
    flow: Any
    timeout_keep_alive_task: Any
    resumed: int


class _Stuck(NamedTuple):
    at: tuple[Any, int]
    left: int
    since: float


TAKEN: Final = 2**18
"""Bytes of an answer that a client must take within the limit, or all of it, for it to be one that reads."""


class Reaper:
    """Cuts a connection on which, for longer than `limit_s`, a request head does not come or an answer is not read."""

    def __init__(self, connections: Iterable[Any], limit_s: float) -> None:
        self._connections = connections
        self._limit_s = limit_s
        self._stuck: dict[Any, _Stuck] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(min(BEAT_S, self._limit_s / 4))
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        stuck = [connection for connection in self._connections if _stuck(connection)]
        self._stuck = {connection: _look(connection, self._stuck.get(connection), now) for connection in stuck}
        for connection, seen in self._stuck.items():
            if now - seen.since >= self._limit_s:
                connection.transport.abort()

    def cut_all(self) -> None:
        """End whatever is still open: the process is about to go."""
        for connection in list(self._connections):
            connection.transport.abort()


def _look(connection: Watched, before: _Stuck | None, now: float) -> _Stuck:
    at, left = (connection.cycle, connection.resumed), connection.transport.get_write_buffer_size()
    if before is None or before.at != at or before.left - left >= min(TAKEN, before.left or 1):
        return _Stuck(at, left, now)
    return before


def _stuck(connection: Watched) -> bool:
    if connection.flow.write_paused or connection.transport.is_closing():
        return True
    idle = connection.cycle is None or connection.cycle.response_complete
    return idle and not _rests(connection)


def _rests(connection: Watched) -> bool:
    """Whether it is between two requests, with nothing of the second come: uvicorn's keep-alive has a clock on that."""
    whole = connection.cycle is not None and not connection.cycle.more_body
    return whole and connection.timeout_keep_alive_task is not None
