"""HTTP/1.1 to one server, for the data path: kept-alive connections, bounded waits, strict framing, little CPU.

        http1.py ── http1_pool.py ── http1_connection.py ── http1_response.py
                 └─ http1_route.py (addresses, TLS)

No redirects, cookies, proxies, decompression or protocol upgrades. Why not a library: docs/adr/0011.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import yarl

from proxy.http1_connection import Connection
from proxy.http1_errors import ClosedError, ConnectError, HeaderError
from proxy.http1_pool import Pool
from proxy.http1_response import Response
from proxy.http1_route import Route

if TYPE_CHECKING:
    import ssl

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, section 5.6.2)."""
_OURS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "te"})
_NAMES: Final = 1_000
"""Header names remembered as good."""
_IDEMPOTENT: Final = frozenset({"GET", "DELETE"})


class Client:
    """For requests to `url`, sent as it is written (`URL(…, encoded=True)`): an encoded ARN stays encoded.

    At most `limit` connections; a request waits up to `connect_s` for one. `tls` in place of the system's trust store.
    Raises ValueError for a URL that cannot be requested.
    """

    def __init__(self, url: yarl.URL, *, limit: int, connect_s: float, tls: ssl.SSLContext | None = None) -> None:
        target, host, port = url.raw_path_qs, url.raw_host, url.port
        if url.scheme not in ("http", "https") or not host or not port:
            raise ValueError("not an http or https URL")
        if not target.isascii() or not target.isprintable() or " " in target:
            raise ValueError("a path or query that is not encoded")
        self._start = f" {target} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
        self._connect_s = connect_s
        self._pool = Pool(Route(host, port, secure=url.scheme == "https", tls=tls).connect, limit)
        self._names: set[str] = set()

    async def request(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        gap_s: float | None = None,
        deadline: float | None = None,
    ) -> Response:
        """The answer, its head read; whoever asked reads or closes it. Raises HttpError, TimeoutError.

        `gap_s` bounds the wait for the next sign of the server, `deadline` (loop time) all of it. When a connection
        closes before the answer's head, a GET or DELETE is sent once more (RFC 9112, section 9.3.1), a POST never.
        """
        head = self._head(method, headers, body)
        response = await self._sent(head, body, gap_s, deadline)
        try:
            await response.headed()
        except ClosedError:
            if method not in _IDEMPOTENT:
                raise
            response = await self._sent(head, body, gap_s, deadline)
            await response.headed()
        return response

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        await self._pool.close()

    async def _sent(self, head: bytes, body: bytes, gap_s: float | None, deadline: float | None) -> Response:
        connection = self._pool.idle() or await self._connection(deadline)
        return connection.ask(head, body, gap_s, deadline)

    async def _connection(self, deadline: float | None) -> Connection:
        patience = asyncio.get_running_loop().time() + self._connect_s
        late = deadline is not None and deadline < patience
        try:
            async with asyncio.timeout_at(deadline if late else patience):
                return await self._pool.take()
        except TimeoutError:
            if late:
                raise
            raise ConnectError("time") from None

    def _head(self, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if not headers.keys() <= self._names:
            self._learn(headers)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        count = len(headers)
        if lines.count("\n") != count or lines.count("\r") != count or "\0" in lines:
            raise HeaderError("a header value holds a line break or NUL")
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        try:
            return f"{method}{self._start}{lines}{length}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            raise HeaderError("a header value holds a character beyond latin-1") from None

    def _learn(self, headers: Mapping[str, str]) -> None:
        for name in headers:
            if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
                raise HeaderError("a header name is no token, or is not for the caller to set")
        if len(self._names) < _NAMES:
            self._names.update(headers)
