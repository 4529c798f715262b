"""One connection of `http1`: a request goes out, its answer comes in, and then the next (RFC 9112, no pipelining).

What is not exactly one answer to the one request ends the connection: a body whose length is told in two ways, bytes
that nobody asked for, an answer before the request was out, a switch of protocols. llhttp is left strict.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Final, Protocol, cast

import httptools

from proxy.http1_errors import ClosedError, FramingError
from proxy.http1_response import Response

HEAD_BYTES: Final = 64 * 2**10
"""Most that is read of a head, of trailers, or of whatever else comes without a byte of body."""
LINE_BYTES: Final = 16 * 2**10
PIECE_BYTES: Final = 256 * 2**10
"""Of a request, written at once; the rest follows as the other side reads."""
_EMPTY: Final = frozenset({204, 304})
_CLOCK_S: Final = 0.001
"""uvloop's clock, and with it a timer, is a millisecond coarse."""


class Owner(Protocol):
    """The pool."""

    def released(self, connection: Connection) -> None:
        """It can take the next request."""

    def lost(self, connection: Connection) -> None:
        """It is closed."""


class Connection(asyncio.Protocol):
    """`quiet_since` (loop time) is when something was last sent or read."""

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner) -> None:
        self.quiet_since = loop.time()
        self.gone = False
        self._loop = loop
        self._owner = owner
        self._response: Response | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._fields: dict[bytes, bytes] = {}
        self._headed = self._keep = self._until_eof = False
        self._dry = self._lines = 0
        self._unsent: memoryview | None = None
        self._full = self._paused = self._retired = False
        self._gap_s = self._deadline = self._due = inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        return not (self.gone or self._retired) and self._response is None and not self._transport.is_closing()

    def ask(self, head: bytes, body: bytes, gap_s: float | None, deadline: float | None) -> Response:
        """Send a request; `gap_s` bounds the wait for the other side's next sign, `deadline` (loop time) all of it."""
        response = self._response = Response(self._loop, self)
        self._fields = {}
        self._headed = self._keep = self._until_eof = False
        self._dry = self._lines = 0
        self._gap_s, self._deadline = gap_s or inf, inf if deadline is None else deadline
        self.quiet_since = self._loop.time()
        self._watch()
        if len(body) < PIECE_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._unsent = memoryview(body)
            self._send()
        return response

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self.quiet_since = self._loop.time()
            self._watch()
            self._transport.resume_reading()

    def drop(self, response: Response) -> None:
        if self._response is response:
            self._response = None
            self.abort()

    def retire(self) -> None:
        """Close it once the request under way, if there is one, has its answer."""
        self._retired = True
        if self._response is None:
            self.abort()

    def abort(self) -> None:
        """Close at once; nothing that still has to be sent is worth the wait."""
        if not self.gone:
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.quiet_since = self._loop.time()
        self._send()

    def data_received(self, data: bytes) -> None:
        response, parser = self._response, self._parser
        if response is None or parser is None:
            return self.abort()
        self.quiet_since = self._loop.time()
        self._dry += len(data)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep = False
            if not response.complete:
                return self._broken()
        if response.complete:
            self._done(response)
        elif self._dry > HEAD_BYTES:
            self._broken()
        else:
            response.wake()
            if response.full and not self._paused:
                self._paused = True
                self._transport.pause_reading()
        return None

    def eof_received(self) -> None:
        response = self._response
        if response is not None and self._until_eof:
            response.complete, self._keep = True, False
            self._done(response)

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True
        if self._timer is not None:
            self._timer.cancel()
        self._fail(ClosedError())
        self._parser = self._timer = self._unsent = None
        self._owner.lost(self)

    # What the parser calls. Whatever is raised here ends the connection.

    def on_message_begin(self) -> None:
        if self._response is None or self._response.complete:
            raise FramingError

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value)
        self._lines += size
        if size > LINE_BYTES or self._lines > HEAD_BYTES:
            raise FramingError
        if not self._headed:  # else a trailer
            name = name.lower()
            if name in self._fields and name == b"transfer-encoding":
                raise FramingError
            self._fields.setdefault(name, value)

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        assert self._response is not None
        status, fields = self._parser.get_status_code(), self._fields
        if status < 200:
            self._fields = {}
            if status < 100 or status == 101:
                raise FramingError
            return
        coding = fields.get(b"transfer-encoding")
        if coding is not None and (coding.strip().lower() != b"chunked" or b"content-length" in fields):
            raise FramingError
        self._headed, self._dry = True, 0
        self._until_eof = coding is None and b"content-length" not in fields and status not in _EMPTY
        self._response.begin(status, fields)

    def on_body(self, piece: bytes) -> None:
        self._dry = 0
        if self._response is not None:
            self._response.add(piece)

    def on_message_complete(self) -> None:
        if self._headed and self._response is not None and self._parser is not None:
            self._response.complete = True
            self._keep = self._parser.should_keep_alive()

    # Endings.

    def _done(self, response: Response) -> None:
        """The answer is complete; the connection may go on if the request is, too."""
        self._response = None
        if self._keep and not self._retired and self._unsent is None and not self._transport.get_write_buffer_size():
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            self._owner.released(self)
        else:
            self.abort()
        response.wake()

    def _broken(self) -> None:
        self._fail(ClosedError() if self._headed else FramingError())
        self.abort()

    def _fail(self, error: Exception) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.fail(error)

    def _send(self) -> None:
        while self._unsent is not None and not self._full:
            piece, rest = self._unsent[:PIECE_BYTES], self._unsent[PIECE_BYTES:]
            self._unsent = rest or None
            self._transport.write(piece)

    # One timer, armed anew only where it would ring too late, or has rung too early.

    def _watch(self) -> None:
        gap_s = inf if self._paused else self._gap_s
        due = min(self.quiet_since + gap_s, self._deadline)
        if due < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._due = self._loop.call_at(due, self._ring), due

    def _ring(self) -> None:
        self._timer, self._due = None, inf
        if self._response is None:
            return
        gap_s = inf if self._paused else self._gap_s
        if self._loop.time() + _CLOCK_S >= min(self.quiet_since + gap_s, self._deadline):
            self._fail(TimeoutError())
            self.abort()
        else:
            self._watch()
