"""A raw JSON-RPC client: what the suite compares is the wire's JSON, which an SDK's models would already have changed.

It speaks both eras over stdio and streamable HTTP, declares the capabilities it is told to, and answers every request
of a server with -32601.
"""

import asyncio
import json
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

Era = Literal["handshake", "modern"]
Json = dict[str, Any]

VERSIONS: Mapping[Era, str] = {"handshake": "2025-11-25", "modern": "2026-07-28"}
CLIENT = {"name": "interop", "version": "1"}
LONGEST_ANSWER = 20.0
"""Seconds until a request without an answer fails its test."""
NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
"""Each request has its own, in `ask`."""
LONGEST_LINE = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is `{"result": …}` or `{"error": …}` as received; `progress` the params of the progress notifications."""

    body: Json
    progress: tuple[Json, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Waiting:
    answer: asyncio.Future[Answer] = field(default_factory=asyncio.Future)
    progress: list[Json] = field(default_factory=list)


class Wire(ABC):
    """One connection; `hello` is the result of initialize or server/discover."""

    def __init__(self, era: Era, capabilities: Json) -> None:
        self.era = era
        self.hello: Json = {}
        self._capabilities = capabilities
        self._waiting: dict[int, _Waiting] = {}
        self._last_id = 0

    @abstractmethod
    async def _send(self, message: Json) -> None:
        """Sends one message; what comes back goes to `_receive`."""

    async def open(self) -> None:
        if self.era == "modern":
            self.hello = (await self.ask("server/discover")).body["result"]
            return
        params = {"protocolVersion": VERSIONS[self.era], "capabilities": self._capabilities, "clientInfo": CLIENT}
        self.hello = (await self.ask("initialize", params)).body["result"]
        await self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Json | None = None, *, within: float = LONGEST_ANSWER) -> Answer:
        """Raises TimeoutError naming the method when no answer comes within so many seconds."""
        self._last_id += 1
        number, waiting = self._last_id, _Waiting()
        self._waiting[number] = waiting
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": self._enveloped(params or {})}
        try:
            async with asyncio.timeout(within):
                await self._send(message)
                return await waiting.answer
        except TimeoutError as error:
            raise TimeoutError(f"{method} had no answer within {within} s") from error
        finally:
            del self._waiting[number]

    def _enveloped(self, params: Json) -> Json:
        if self.era == "handshake":
            return params
        envelope = {
            "io.modelcontextprotocol/protocolVersion": VERSIONS[self.era],
            "io.modelcontextprotocol/clientCapabilities": self._capabilities,
            "io.modelcontextprotocol/clientInfo": CLIENT,
        }
        return params | {"_meta": envelope | params.get("_meta", {})}

    async def _receive(self, message: Json) -> None:
        method, number = message.get("method"), message.get("id")
        if method and number is not None:
            refusal = {"code": -32601, "message": f"{method} is not offered here"}
            await self._send({"jsonrpc": "2.0", "id": number, "error": refusal})
        elif method == "notifications/progress":
            for waiting in self._waiting.values():
                waiting.progress.append(message["params"])
        elif number in self._waiting:
            waiting = self._waiting[number]
            body: Json = {key: message[key] for key in ("result", "error") if key in message}
            waiting.answer.set_result(Answer(body=body, progress=tuple(waiting.progress)))

    def _fail(self, error: Exception) -> None:
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)


class HttpWire(Wire):
    def __init__(
        self, url: str, session: aiohttp.ClientSession, era: Era, capabilities: Json, session_id: str | None
    ) -> None:
        super().__init__(era, capabilities)
        self._url = url
        self._session = session
        self._session_id = session_id
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Opens the session's own stream too, where a server that keeps sessions may ask its caller."""
        await super().open()
        if self._session_id and self.era == "handshake":
            self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        headers = self._headers({}) | {"Accept": "text/event-stream"}
        async with self._session.get(self._url, headers=headers) as stream:
            if stream.content_type == "text/event-stream":
                async for event in _events(stream.content):
                    await self._receive(event)

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _send(self, message: Json) -> None:
        async with self._session.post(self._url, json=message, headers=self._headers(message)) as answer:
            self._session_id = answer.headers.get("Mcp-Session-Id", self._session_id)
            if answer.status == 202:
                return
            if answer.content_type == "text/event-stream":
                async for event in _events(answer.content):
                    await self._receive(event)
            elif answer.content_type == "application/json":
                await self._receive(await answer.json())
            else:
                raise AssertionError(f"{message.get('method')}: HTTP {answer.status} {answer.content_type}")

    def _headers(self, message: Json) -> dict[str, str]:
        method, params = message.get("method"), message.get("params", {})
        headers = {"Accept": "application/json, text/event-stream"}
        if method != "initialize":
            headers["MCP-Protocol-Version"] = VERSIONS[self.era]
        if self._session_id:
            headers["Mcp-Session-Id"] = self._session_id
        if self.era == "modern" and method:
            headers["Mcp-Method"] = method
            if method in ("tools/call", "prompts/get", "resources/read"):
                headers["Mcp-Name"] = params.get("name") or params.get("uri", "")
        return headers


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[Json]:
    """The JSON of each server-sent event; events without data are skipped."""
    data: list[str] = []
    async for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            if text := "\n".join(data):
                yield json.loads(text)
            data = []


class StdioWire(Wire):
    def __init__(self, process: asyncio.subprocess.Process, era: Era, capabilities: Json) -> None:
        super().__init__(era, capabilities)
        self._process = process

    async def _send(self, message: Json) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def listen(self) -> None:
        assert self._process.stdout
        try:
            async for line in self._process.stdout:
                await self._receive(json.loads(line))
        except ValueError as error:
            self._fail(AssertionError(f"not a message: {error.args[0]}"))
        else:
            self._fail(ConnectionError("the server closed its output"))


@asynccontextmanager
async def http(
    url: str, *, era: Era, capabilities: Json | None = None, session_id: str | None = None
) -> AsyncIterator[Wire]:
    """`session_id` is one that the caller names itself; a server that issues one replaces it."""
    async with aiohttp.ClientSession(read_bufsize=LONGEST_LINE, timeout=NO_TIMEOUT) as session:
        wire = HttpWire(url, session, era, capabilities or {}, session_id)
        try:
            await wire.open()
            yield wire
        finally:
            await wire.close()


@asynccontextmanager
async def stdio(
    command: Sequence[str], *, era: Era, env: Mapping[str, str], cwd: str, capabilities: Json | None = None
) -> AsyncIterator[Wire]:
    """Runs the command for as long as the connection lives."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        cwd=cwd,
        limit=LONGEST_LINE,
        start_new_session=True,
    )
    wire = StdioWire(process, era, capabilities or {})
    listening = asyncio.create_task(wire.listen())
    try:
        await wire.open()
        yield wire
    finally:
        await _end(process)
        listening.cancel()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a stdio server as a client should: its input closes; only then a signal, to all that it started."""
    assert process.stdin
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 3)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
