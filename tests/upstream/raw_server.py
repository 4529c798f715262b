"""A server on loopback that says bytes, whether they are HTTP or not, and counts what comes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import yarl

from proxy.http1 import Client

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass(slots=True)
class Peer:
    """One connection to the server; `number` counts them from 0."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request(self) -> tuple[str, bytes]:
        """Head and body of the next request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((line[15:] for line in head.splitlines() if line.lower().startswith("content-length:")), "0")
        return head, await self.reader.readexactly(int(length))

    async def say(self, *pieces: bytes, pause: float = 0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def left(self) -> None:
        """Wait, for at most 5 s, until the other side has closed."""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while await self.reader.read(65_536):
                    pass

    def drop(self) -> None:
        self.writer.transport.abort()


Serve = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """`heads` are the requests read by `answers`, `peers` the connections so far, `live` those that are open."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    live: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def answers(self, answer: Serve) -> Serve:
        """Read a request, answer it by `answer`, and so on."""

        async def serve(peer: Peer) -> None:
            while True:
                head, body = await peer.request()
                self.heads.append(head)
                self.bodies.append(body)
                await answer(peer)

        return serve


@asynccontextmanager
async def serving(
    serve: Serve, *, whole: bool = True, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """`serve` has each connection, or with `whole` one answer after the other. All is ended with the block."""
    server = Server()
    work = server.answers(serve) if whole else serve
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(reader, writer, len(server.peers))
        server.peers.append(peer)
        server.live += 1
        server.most = max(server.most, server.live)
        try:
            await work(peer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            server.live -= 1
            writer.transport.abort()

    listening = await asyncio.start_server(connected, host, 0, ssl=tls, limit=2**17)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()


@asynccontextmanager
async def client_to(
    url: str, *, limit: int = 10, connect_s: float = 5, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    client = Client(yarl.URL(url, encoded=True), limit=limit, connect_s=connect_s, tls=tls)
    try:
        yield client
    finally:
        await client.close()
