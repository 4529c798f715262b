"""A stateless MCP server on a raw socket, light enough not to be the bottleneck: `python -m benchmarks.upstream PORT`.

It speaks both eras (2025-11-25 with the handshake, 2026-07-28), always answers in JSON, issues no session ids and
publishes the benchmark's tools, each of which answers with the note it was given.
"""

import asyncio
import sys
from typing import Any, cast

import httptools
import orjson
import uvloop

from benchmarks.tools import definitions
from benchmarks.wire import HANDSHAKE, MODERN, Json

SERVER: Json = {"name": "benchmark-upstream", "version": "1"}
CAPABILITIES: Json = {"tools": {}}
KNOWN = ("2025-03-26", "2025-06-18", HANDSHAKE)
UNKNOWN_METHOD: Json = {"code": -32601, "message": "Method not found"}
FRESH: Json = {"ttlMs": 60_000, "cacheScope": "public"}
REASONS = {200: b"OK", 202: b"Accepted", 404: b"Not Found", 405: b"Method Not Allowed"}


def _complete(result: Json, *, modern: bool) -> Json:
    return {**result, "resultType": "complete"} if modern else result


class Answers:
    """The result of each method, with the long list serialised once per era."""

    def __init__(self) -> None:
        tools = {"tools": definitions()}
        self._lists = {
            False: orjson.Fragment(orjson.dumps(tools)),
            True: orjson.Fragment(orjson.dumps({**tools, **FRESH, "resultType": "complete"})),
        }

    def result(self, method: str, params: Json, *, modern: bool) -> object | None:
        """What the method answers, or None for a method that the server does not have."""
        match method:
            case "tools/call":
                content = [{"type": "text", "text": params["arguments"]["note"]}]
                return _complete({"content": content, "isError": False}, modern=modern)
            case "tools/list":
                return self._lists[modern]
            case "initialize" if not modern:
                asked = params.get("protocolVersion")
                version = asked if asked in KNOWN else HANDSHAKE
                return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": SERVER}
            case "server/discover" if modern:
                hello = {"supportedVersions": [MODERN], "capabilities": CAPABILITIES, "serverInfo": SERVER}
                return _complete({**hello, **FRESH}, modern=True)
            case "ping" if not modern:
                return {}
        return None


class Connection(asyncio.Protocol):
    """One keep-alive connection; httptools calls the `on_*` methods."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._parser: Any = httptools.HttpRequestParser(self)
        self._body = bytearray()
        self._modern = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._body.clear()
        self._modern = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"mcp-protocol-version":
            self._modern = value.strip() == MODERN.encode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, body = self._answer() if self._parser.get_method() == b"POST" else (405, b"")
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, REASONS[status], len(body)) + body)
        if not self._parser.should_keep_alive():
            self._transport.close()

    def _answer(self) -> tuple[int, bytes]:
        sent = orjson.loads(self._body)
        if "id" not in sent:
            return 202, b""
        result = self._answers.result(sent["method"], sent.get("params") or {}, modern=self._modern)
        answer = {"jsonrpc": "2.0", "id": sent["id"]}
        if result is None:
            return 404 if self._modern else 200, orjson.dumps({**answer, "error": UNKNOWN_METHOD})
        return 200, orjson.dumps({**answer, "result": result})


async def serve(port: int) -> None:
    """Listens on loopback until the process is ended."""
    answers = Answers()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
