"""An upstream on loopback that answers whatever a test wants, byte for byte, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
TOOLS = [{"name": "echo", "inputSchema": {"type": "object"}}]


@dataclass(slots=True)
class Seen:
    """One request as it came off the socket; header names are lower case. `out` answers it."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes
    out: Out
    connection: int

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def method(self) -> str:
        return self.message.get("method", "") if self.body else self.verb

    @property
    def params(self) -> dict[str, Any]:
        return self.message.get("params") or {}

    async def result(self, body: Mapping[str, Any], **headers: str) -> None:
        await self.out.json({"jsonrpc": "2.0", "id": self.message["id"], "result": body}, headers=headers)

    async def error(self, code: int, status: int = 200, data: Any = None, **headers: str) -> None:
        error = {"code": code, "message": "no", **({"data": data} if data is not None else {})}
        await self.out.json({"jsonrpc": "2.0", "id": self.message["id"], "error": error}, status, headers=headers)


@dataclass(slots=True)
class Out:
    """The answering side of a connection."""

    writer: asyncio.StreamWriter

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def body(
        self, body: bytes, status: int = 200, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in (headers or {}).items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    async def json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        await self.body(json.dumps(value).encode(), status, headers=headers)

    async def stream(self, **headers: str) -> None:
        lines = ["HTTP/1.1 200 X", "content-type: text/event-stream", "transfer-encoding: chunked"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def event(self, value: Any, event_id: str | None = None) -> None:
        head = f"id: {event_id}\n" if event_id else ""
        await self.chunk(f"{head}data: {json.dumps(value)}\n\n".encode())

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    def drop(self) -> None:
        self.writer.transport.abort()


Answer = Callable[[Seen], Awaitable[None]]


@dataclass(slots=True)
class Fake:
    """`async with Fake(answer) as fake:` listens on `fake.url`. A different `answer` may be set at any time."""

    answer: Answer
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def methods(self) -> list[str]:
        return [seen.method for seen in self.seen]

    def asked(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    async def until(self, method: str, count: int = 1) -> None:
        """Wait until a method was asked for so often, for at most 5 s."""
        async with asyncio.timeout(5):
            while len(self.asked(method)) < count:
                self._arrived.clear()
                await self._arrived.wait()

    async def __aenter__(self) -> Fake:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = next(self._connections)
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) is not None:
                seen = await _read(head, reader, Out(writer), number)
                self.seen.append(seen)
                self._arrived.set()
                await self.answer(seen)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                writer.close()
                await writer.wait_closed()


async def _read(head: bytes, reader: asyncio.StreamReader, out: Out, number: int) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    verb, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(verb, target, headers, body, out, number)


async def hang(_: Seen) -> None:
    """Answer nothing until the connection is closed."""
    await asyncio.Event().wait()


def modern(**answers: Answer) -> Answer:
    """A modern server without sessions. `answers` by method, `/` as `_`; a tool call is echoed."""

    async def answer(seen: Seen) -> None:
        own = answers.get(seen.method.replace("/", "_"))
        if own is not None:
            await own(seen)
        elif seen.method == "server/discover":
            await seen.result(discovered())
        elif seen.method == "tools/list":
            await seen.result({"resultType": "complete", "ttlMs": 5, "cacheScope": "public", "tools": TOOLS})
        else:
            await seen.result({"resultType": "complete", "content": [], "structuredContent": seen.params})

    return answer


def discovered() -> dict[str, Any]:
    return {
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fake", "version": "1"}},
    }


def handshake(*, sessions: bool = False, lost: tuple[int, int | None] = (404, None), **answers: Answer) -> Answer:
    """A handshake server, which issues sessions or not. `lost` is how it refuses an unknown one: status, code.

    The set of live ids is `answer.live`.
    """
    live: set[str] = set()
    numbers = itertools.count(1)

    async def answer(seen: Seen) -> None:
        if seen.verb == "DELETE":
            live.discard(seen.headers["mcp-session-id"])
            return await seen.out.body(b"", 200)
        if seen.method == "initialize":
            return await greet(seen)
        if sessions and seen.headers.get("mcp-session-id") not in live:
            status, code = lost
            return await (seen.out.body(b"gone", status, "text/plain") if code is None else seen.error(code, status))
        own = answers.get(seen.method.replace("/", "_") or seen.verb)
        if own is not None:
            return await own(seen)
        if "id" not in seen.message or "method" not in seen.message:
            return await seen.out.body(b"", 202)
        if seen.method == "server/discover":
            return await seen.error(-32601)
        if seen.method == "tools/list":
            return await seen.result({"tools": TOOLS})
        return await seen.result({"content": [], "structuredContent": seen.params})

    async def greet(seen: Seen) -> None:
        headers = {}
        if sessions:
            headers["mcp_session_id"] = f"s{next(numbers)}"
            live.add(headers["mcp_session_id"])
        await seen.result(
            {
                "protocolVersion": HANDSHAKE,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "fake", "version": "1"},
                "instructions": "be kind",
            },
            **headers,
        )

    answer.live = live  # type: ignore[attr-defined]
    return answer
