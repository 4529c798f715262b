"""A fake upstream with behaviour: it speaks one era, answers richly, and remembers every request it received."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.mcp_wire import HANDSHAKE, MODERN

BIG = 2**70 + 1
VENDOR = {"x-vendor": {"deep": [1, {"er": BIG}], "null": None}}
ICONS = [{"src": "https://example.com/i.png", "mimeType": "image/png", "sizes": ["48x48"], **VENDOR}]
RICH_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"node": {"$ref": "#/$defs/node"}, "n": {"type": "integer", "maximum": BIG}},
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    "additionalProperties": True,
    **VENDOR,
}


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


TOOLS = [
    tool(
        "rich",
        title="Rich",
        description="Everything a tool may carry.",
        inputSchema=RICH_SCHEMA,
        outputSchema={"type": "object", "$defs": {"a": {"type": "string"}}, **VENDOR},
        annotations={"readOnlyHint": True, "title": "R", **VENDOR},
        icons=ICONS,
        execution={"taskSupport": "forbidden", **VENDOR},
        _meta={"example.com/a": VENDOR},
        **VENDOR,
    ),
    tool("untitled", description="No title at all."),
    tool("echo", annotations={"readOnlyHint": True}),
    tool("array"),
    tool("string"),
    tool("number"),
    tool("null"),
    tool("structured_only"),
    tool("failing"),
    tool("refusing"),
    tool("chatty"),
    tool("asking"),
    tool("slow"),
    tool("empty"),
]
CONTENT = [
    {"type": "text", "text": "plain", "annotations": {"audience": ["user"], "priority": 0.5, **VENDOR}, **VENDOR},
    {"type": "image", "data": "aGk=", "mimeType": "image/png", "_meta": VENDOR},
    {"type": "audio", "data": "aGk=", "mimeType": "audio/wav", **VENDOR},
    {"type": "resource_link", "uri": "a://b", "name": "b", "icons": ICONS, **VENDOR},
    {"type": "resource", "resource": {"uri": "a://c", "text": "t", "mimeType": "text/plain", **VENDOR}, **VENDOR},
    {"type": "resource", "resource": {"uri": "a://d", "blob": "aGk=", "_meta": VENDOR}},
    {"type": "hologram", "photons": [BIG, 1.5, None, {"k": "v"}]},
]
RESULTS: dict[str, Any] = {
    "rich": {"content": CONTENT, "structuredContent": {"n": BIG, **VENDOR}, "_meta": {"a.b/c": VENDOR}, **VENDOR},
    "untitled": {"content": [{"type": "text", "text": "u"}]},
    "array": {"content": [{"type": "text", "text": "[1]"}], "structuredContent": [1, BIG, None]},
    "string": {"content": [{"type": "text", "text": "s"}], "structuredContent": "s"},
    "number": {"content": [{"type": "text", "text": "1"}], "structuredContent": BIG},
    "null": {"content": [{"type": "text", "text": "null"}], "structuredContent": None},
    "structured_only": {"content": [], "structuredContent": {"only": True}},
    "failing": {"content": CONTENT, "isError": True, **VENDOR},
    "empty": {"content": []},
}
READS: dict[str, Any] = {
    "resources/list": {"resources": [{"uri": "a://b", "name": "b", "size": BIG, "icons": ICONS, **VENDOR}], **VENDOR},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "a://{x}", "name": "t", **VENDOR}]},
    "resources/read": {"contents": [{"uri": "a://b", "text": "t", **VENDOR}, {"uri": "a://b", "blob": "aGk="}]},
    "prompts/list": {"prompts": [{"name": "p", "arguments": [{"name": "a", "required": True, **VENDOR}], **VENDOR}]},
    "prompts/get": {"messages": [{"role": "user", "content": c, **VENDOR} for c in CONTENT], "description": "d"},
    "completion/complete": {"completion": {"values": ["a", "b"], "total": 2, "hasMore": False, **VENDOR}, **VENDOR},
    "resources/subscribe": {},
    "resources/unsubscribe": {},
    "logging/setLevel": {},
}
CAPABILITIES = {
    "tools": {"listChanged": True, **VENDOR},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "completions": {},
    "logging": {},
    "experimental": VENDOR,
}
INFO = {"name": "rich", "version": "9", "title": "Rich", "icons": ICONS, **VENDOR}
ERROR = {"code": -32042, "message": "Refused with data", "data": {"why": VENDOR, "n": BIG}}


@dataclass
class RichUpstream:
    """`era` is what it speaks. `received` holds (headers, body) of every POST; `results` may be changed by a test."""

    era: str
    tools: list[Any] = field(default_factory=lambda: list(TOOLS))
    results: dict[str, Any] = field(default_factory=lambda: dict(RESULTS))
    page_size: int = 5
    ttl_ms: int = 60_000
    sessions: bool = False
    deleted: set[str] = field(default_factory=set)
    info: dict[str, Any] = field(default_factory=lambda: dict(INFO))
    instructions: str = "Use the tools wisely."
    told: list[Any] = field(default_factory=list)
    url: str = ""
    received: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    slow_cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    slow_started: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RichUpstream]:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/mcp", self._post)
        app.router.add_delete("/mcp", self._delete)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/mcp"
        try:
            yield self
        finally:
            self.release.set()
            await runner.cleanup()

    def bodies(self, method: str) -> list[Any]:
        return [body for _, body in self.received if body.get("method") == method]

    async def _post(self, http: web.Request) -> web.StreamResponse:
        body = json.loads(await http.read())
        self.received.append(({k.lower(): v for k, v in http.headers.items()}, body))
        modern = http.headers.get("mcp-protocol-version", "") >= MODERN
        if "id" not in body:
            return web.Response(status=202)
        if modern != (self.era == MODERN):
            return self._unsupported(body, modern)
        method, params = body["method"], body.get("params") or {}
        if method == "tools/call":
            return await self._call(http, body, params)
        if method == "subscriptions/listen":
            return await self._listen(http, body, params)
        if method == "prompts/get" and params["name"] != "p":
            return self._error(body, {"code": -32602, "message": f"No prompt {params['name']}"}, 400)
        return self._answer(body, self._read(method, params))

    async def _delete(self, http: web.Request) -> web.Response:
        self.deleted.add(http.headers.get("mcp-session-id", ""))
        return web.Response(status=204)

    def _unsupported(self, body: Any, modern: bool) -> web.Response:
        if modern:
            data = {"supported": [HANDSHAKE], "requested": MODERN}
            return self._error(body, {"code": -32022, "message": "Unsupported", "data": data}, 400)
        return self._error(body, {"code": -32601, "message": "Method not found"}, 404)

    def _read(self, method: str, params: Any) -> Any:
        if method == "initialize":
            return {
                "protocolVersion": HANDSHAKE,
                "capabilities": CAPABILITIES,
                "serverInfo": self.info,
                "instructions": self.instructions,
                **VENDOR,
            }
        if method == "server/discover":
            return self._stamped(
                {
                    "supportedVersions": [MODERN],
                    "capabilities": CAPABILITIES,
                    "instructions": self.instructions,
                    "ttlMs": 60_000,
                    "cacheScope": "public",
                    "_meta": {"io.modelcontextprotocol/serverInfo": self.info},
                    **VENDOR,
                }
            )
        if method == "tools/list":
            return self._page(params)
        if method not in READS:
            raise KeyError(method)
        cached = method != "completion/complete" and method != "prompts/get"
        return self._stamped({**({"ttlMs": 1000, "cacheScope": "public"} if cached else {}), **READS[method]})

    def _page(self, params: Any) -> Any:
        start = {None: 0, "": self.page_size}.get(params.get("cursor"), -1)
        start = int(params["cursor"]) if start < 0 else start
        page: dict[str, Any] = {"tools": self.tools[start : start + self.page_size], "ttlMs": self.ttl_ms, **VENDOR}
        if (end := start + self.page_size) < len(self.tools):
            page["nextCursor"] = "" if end == self.page_size else str(end)
        return self._stamped({**page, "cacheScope": "public", "_meta": {"a.b/c": 1}})

    def _stamped(self, result: Any) -> Any:
        if self.era == MODERN:
            return {"resultType": "complete", **result}
        return {key: value for key, value in result.items() if key not in ("ttlMs", "cacheScope")}

    async def _call(self, http: web.Request, body: Any, params: Any) -> web.StreamResponse:
        name, arguments = params["name"], params.get("arguments") or {}
        if name == "refusing":
            return self._error(body, ERROR, 400 if self.era == MODERN else 200)
        if name == "chatty":
            return await self._chatty(http, body, params)
        if name == "slow":
            return await self._slow(body)
        if name == "asking":
            return self._answer(body, self._asked(params))
        if name == "echo":
            result = {"content": [{"type": "text", "text": json.dumps(arguments)}], "structuredContent": arguments}
            return self._answer(body, self._stamped(result))
        return self._answer(body, self._stamped(self.results[name]))

    def _asked(self, params: Any) -> Any:
        if params.get("inputResponses"):
            answers = {"responses": params["inputResponses"], "state": params.get("requestState")}
            return self._stamped({"content": [{"type": "text", "text": json.dumps(answers)}]})
        asks = {"who": {"method": "elicitation/create", "params": {"message": "Who?", **VENDOR}}}
        return {"resultType": "input_required", "inputRequests": asks, "requestState": "st4te==", **VENDOR}

    async def _slow(self, body: Any) -> web.Response:
        self.slow_started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.slow_cancelled.set()
            raise
        return self._answer(body, self._stamped({"content": [{"type": "text", "text": "at last"}]}))

    async def _chatty(self, http: web.Request, body: Any, params: Any) -> web.StreamResponse:
        token = (params.get("_meta") or {}).get("progressToken")
        told: list[Any] = self.told or [
            {"method": "notifications/message", "params": {"level": "info", "data": {"n": BIG}, **VENDOR}}
        ]
        if token is not None and not self.told:
            told += [
                {"method": "notifications/progress", "params": {"progressToken": token, "progress": n, **VENDOR}}
                for n in (1, 2)
            ]
        answer = await _sse(http)
        await answer.write(b"id: 1\r\ndata: \r\n\r\n")
        for message in told:
            await answer.write(_frame({"jsonrpc": "2.0", **message}))
        result = self._stamped({"content": [{"type": "text", "text": "done"}]})
        await answer.write(_frame({"jsonrpc": "2.0", "id": body["id"], "result": result}))
        await answer.write_eof()
        return answer

    async def _listen(self, http: web.Request, body: Any, params: Any) -> web.StreamResponse:
        answer = await _sse(http)
        meta = {"io.modelcontextprotocol/subscriptionId": body["id"]}
        for message in (
            {"method": "notifications/subscriptions/acknowledged", "params": {"notifications": params, "_meta": meta}},
            {"method": "notifications/tools/list_changed", "params": {"_meta": meta}},
        ):
            await answer.write(_frame({"jsonrpc": "2.0", **message}))
        self.slow_started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.slow_cancelled.set()
            raise
        return answer

    def _answer(self, body: Any, result: Any) -> web.Response:
        opened = self.sessions and body["method"] == "initialize"
        headers = {"mcp-session-id": secrets.token_hex(8)} if opened else {}
        return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": result}, headers=headers)

    def _error(self, body: Any, error: Any, status: int) -> web.Response:
        return web.json_response({"jsonrpc": "2.0", "id": body["id"], "error": error}, status=status)


async def _sse(http: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(http)
    return answer


def _frame(message: Any) -> bytes:
    return b"event: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n"
