"""An MCP server that serves what the official conformance suite's server scenarios ask for.

    python -m tests.conformance.fixture_server --port 9000

Both eras on one /mcp, stateless: any request can be the first. It prints its URL once it listens; with
`--port 0` the system picks the port. `--sessions` keeps sessions for the handshake era, which the four
scenarios that push a request to the client need. `build_app` is the same server as an ASGI application.
"""

import argparse
import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvicorn
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CompleteRequestParams,
    GetPromptRequestParams,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    PaginatedRequestParams,
    ProgressNotification,
    ProgressNotificationParams,
    ReadResourceRequestParams,
    RequestParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.applications import Starlette

from .fixture_catalog import (
    ANSWERS,
    PROMPTS,
    RESOURCES,
    SCHEMAS,
    TEMPLATES,
    Json,
    answer,
    text,
    tool,
)
from .fixture_pushes import PUSHES, push
from .fixture_reads import ROUND_PROMPT, prompt_messages, resource_contents
from .fixture_rounds import ROUNDS, Desk, require, told

Handler = Callable[[ServerRequestContext, Any], Awaitable[Json]]

PAUSE: Final = 0.05
"""Seconds between two notices of one call; the suite asks for about 50 ms."""

CACHED: Final[tuple[CacheableMethod, ...]] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
)
CHANGES: Final[dict[str, ServerEvent]] = {
    "test_trigger_tool_change": ToolsListChanged(),
    "test_trigger_prompt_change": PromptsListChanged(),
}
TOOL_NAMES: Final = (
    *ANSWERS,
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_missing_capability",
    *CHANGES,
    *PUSHES,
    *(name for name in ROUNDS if name != ROUND_PROMPT),
)


async def log_thrice(ctx: ServerRequestContext) -> Json:
    for data in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        params = LoggingMessageNotificationParams(level="info", data=data)
        await ctx.session.send_notification(LoggingMessageNotification(params=params), ctx.request_id)
        await asyncio.sleep(PAUSE)
    return answer(text("Logged three messages."))


async def progress_thrice(ctx: ServerRequestContext) -> Json:
    token = (ctx.meta or {}).get("progress_token")
    for done in (0, 50, 100):
        if token is not None:
            params = ProgressNotificationParams(progress_token=token, progress=done, total=100)
            await ctx.session.send_notification(ProgressNotification(params=params), ctx.request_id)
        await asyncio.sleep(PAUSE)
    return answer(text("Reported three steps."))


class Fixture:
    """The request handlers. What they share is the key that signs state and the bus of list changes."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.bus = InMemorySubscriptionBus()

    async def call_tool(self, ctx: ServerRequestContext, params: CallToolRequestParams) -> Json:
        name, raw = params.name, ctx.params or {}
        if name in ANSWERS:
            return ANSWERS[name]
        if name in PUSHES:
            return await push(ctx, name, params.arguments or {})
        if name in CHANGES:
            await self.bus.publish(CHANGES[name])
            return answer(text("The change was announced."))
        if name == "test_tool_with_logging":
            return await log_thrice(ctx)
        if name == "test_tool_with_progress":
            return await progress_thrice(ctx)
        if name == "test_missing_capability":
            require("sampling", raw)
            return answer(text("The capability was declared."))
        if name in TOOL_NAMES:
            return self.desk.ask(name, raw) or told(raw)
        raise MCPError(INVALID_PARAMS, f"Unknown tool: {name}")

    async def get_prompt(self, ctx: ServerRequestContext, params: GetPromptRequestParams) -> Json:
        asked = self.desk.ask(params.name, ctx.params or {}) if params.name == ROUND_PROMPT else None
        return asked or {"messages": prompt_messages(params.name, params.arguments or {})}


async def list_tools(_ctx: ServerRequestContext, _params: PaginatedRequestParams) -> Json:
    return {"tools": [tool(name) for name in TOOL_NAMES]}


async def list_prompts(_ctx: ServerRequestContext, _params: PaginatedRequestParams) -> Json:
    return {"prompts": PROMPTS}


async def list_resources(_ctx: ServerRequestContext, _params: PaginatedRequestParams) -> Json:
    return {"resources": RESOURCES}


async def list_templates(_ctx: ServerRequestContext, _params: PaginatedRequestParams) -> Json:
    return {"resourceTemplates": TEMPLATES}


async def read_resource(_ctx: ServerRequestContext, params: ReadResourceRequestParams) -> Json:
    return {"contents": [resource_contents(str(params.uri))]}


async def complete(_ctx: ServerRequestContext, params: CompleteRequestParams) -> Json:
    values = [word for word in ("paris", "park", "party", "test") if word.startswith(params.argument.value)]
    return {"completion": {"values": values, "total": len(values), "hasMore": False}}


async def accept(_ctx: ServerRequestContext, _params: RequestParams) -> Json:
    return {}


def completed(handler: Handler) -> Handler:
    """Mark what `handler` answers as complete, unless it says otherwise, where the version has that mark."""

    async def handle(ctx: ServerRequestContext, params: Any) -> Json:
        result = await handler(ctx, params)
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        return {"resultType": "complete", **result} if modern else result

    return handle


def build_server() -> Server[dict[str, Any]]:
    fixture = Fixture()
    public = CacheHint(ttl_ms=60_000, scope="public")
    server: Server[dict[str, Any]] = Server(
        "conformance-fixture",
        version="1.0.0",
        instructions="Answers what the conformance suite asks.",
        cache_hints=dict.fromkeys(CACHED, public),
        get_tool_input_schema=SCHEMAS.get,
    )
    for method, params_type, handler in (
        ("tools/list", PaginatedRequestParams, list_tools),
        ("tools/call", CallToolRequestParams, fixture.call_tool),
        ("prompts/list", PaginatedRequestParams, list_prompts),
        ("prompts/get", GetPromptRequestParams, fixture.get_prompt),
        ("resources/list", PaginatedRequestParams, list_resources),
        ("resources/templates/list", PaginatedRequestParams, list_templates),
        ("resources/read", ReadResourceRequestParams, read_resource),
        ("resources/subscribe", SubscribeRequestParams, accept),
        ("resources/unsubscribe", UnsubscribeRequestParams, accept),
        ("logging/setLevel", SetLevelRequestParams, accept),
        ("completion/complete", CompleteRequestParams, complete),
    ):
        server.add_request_handler(method, params_type, completed(handler))
    server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, ListenHandler(fixture.bus))
    return server


def build_app(*, sessions: bool = False) -> Starlette:
    """The fixture as an ASGI application with /mcp; hosts and origins other than loopback are refused."""
    return build_server().streamable_http_app(stateless_http=not sessions, host="127.0.0.1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--sessions", action="store_true")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", options.port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    # h11, not httptools: the latter keeps the whitespace around header values (RFC 9110, 5.5 excludes it).
    config = uvicorn.Config(
        build_app(sessions=options.sessions), http="h11", log_level="warning", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
