"""The way to one server: its addresses, the race between them, and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.http1_connection import Connection
from proxy.http1_errors import ConnectError

if TYPE_CHECKING:
    import ssl

_KNOWN_S: Final = 30.0
"""How long addresses are kept."""
_STAGGER_S: Final = 0.25
"""Head start of an address before the next (RFC 8305, section 5)."""

Address = tuple[int, int, int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
"""Family, type, protocol, and what `connect` takes."""


class Route:
    """To `host` and `port`; over TLS if `secure`, with `tls` or else with the system's trust store."""

    def __init__(self, host: str, port: int, *, secure: bool, tls: ssl.SSLContext | None = None) -> None:
        self._host, self._port = host, port
        self._secure = secure
        self._tls = tls
        self._asked: asyncio.Task[list[Address]] | None = None
        self._asked_at = 0.0
        self._reading: asyncio.Task[ssl.SSLContext] | None = None

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        """An open connection made by `make`; the caller bounds the time. Raises ConnectError."""
        import ssl

        tls = await self._context() if self._secure else None
        addresses = await self._addresses()
        try:
            return await self._connected(make, addresses, tls)
        except ssl.SSLError:
            raise ConnectError("certificate") from None
        except OSError:
            self._asked = None
            raise ConnectError("refused") from None

    async def _connected(
        self, make: Callable[[], Connection], addresses: list[Address], tls: ssl.SSLContext | None
    ) -> Connection:
        loop = asyncio.get_running_loop()
        found = await (_open(addresses[0]) if len(addresses) == 1 else _first(addresses))
        try:
            name = self._host.rstrip(".") if tls else None
            _, connection = await loop.create_connection(make, sock=found, ssl=tls, server_hostname=name)
        except BaseException as error:
            if isinstance(error, ValueError) and not isinstance(error, OSError):
                found.close()  # a host that is no name for TLS: there is no transport
                raise
            # A transport may own the descriptor by now, and not be closing (asyncio, cancelled before the handshake):
            # closed here, it would be the next connection's. So it sees an end, and closes by itself.
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
            raise
        return connection

    async def _addresses(self) -> list[Address]:
        """Asked for once by all who connect at the same time. Raises ConnectError."""
        now = asyncio.get_running_loop().time()
        if self._asked is None or now - self._asked_at > _KNOWN_S:
            self._asked, self._asked_at = asyncio.create_task(_found(self._host, self._port)), now
            self._asked.add_done_callback(_heard)
        asked = self._asked
        try:
            return await asyncio.shield(asked)
        except (OSError, UnicodeError):
            self._asked = None
            raise ConnectError("name") from None

    async def _context(self) -> ssl.SSLContext:
        """Read once, in a thread: the trust store of the system takes tens of milliseconds."""
        if self._tls is None:
            self._reading = self._reading or asyncio.create_task(asyncio.to_thread(_system_trust))
            self._tls = await asyncio.shield(self._reading)
        return self._tls


def _system_trust() -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _found(host: str, port: int) -> list[Address]:
    """Addresses, the families by turns. Raises OSError, UnicodeError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    seen: Counter[int] = Counter()
    turns: list[tuple[int, Address]] = []
    for family, kind, protocol, _, address in found:
        turns.append((seen[family], (family, kind, protocol, address)))
        seen[family] += 1
    return [address for _, address in sorted(turns, key=lambda turn: turn[0])]


def _heard(asked: asyncio.Task[list[Address]]) -> None:
    """Those who asked may all be gone by now."""
    if not asked.cancelled():
        asked.exception()


async def _open(address: Address) -> socket.socket:
    family, kind, protocol, target = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, target)
    except BaseException:
        opened.close()
        raise
    return opened


async def _first(addresses: list[Address]) -> socket.socket:
    """The first that answers; each gets a head start before the next. Raises OSError of the last one that failed."""
    waiting = deque(addresses)
    trying: set[asyncio.Task[socket.socket]] = set()
    failed: BaseException = OSError("no address")
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_open(waiting.popleft())))
            done, _ = await asyncio.wait(
                trying, timeout=_STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.remove(task)
                failed = task.exception() or failed
                if task.exception() is None:
                    return task.result()
    finally:
        for task in trying:
            task.cancel()
            task.add_done_callback(_unused)
    raise failed


def _unused(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
