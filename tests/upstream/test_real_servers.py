"""Against servers of the official SDK, in both eras, stateless and stateful."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import mcp_types as types
import pytest
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ToolsListChanged
from starlette.responses import JSONResponse

from proxy.errors import RpcError
from proxy.upstream import Origin
from tests.upstream.fake import HANDSHAKE, MODERN

App = Callable[..., Awaitable[None]]
CALLERS = [Origin(version=HANDSHAKE, session="a"), Origin(version=MODERN, session="b"), Origin(version=HANDSHAKE)]


def server(bus: InMemorySubscriptionBus) -> Server[Any]:
    async def tools(context: Any, params: Any) -> types.ListToolsResult:
        start = int(params.cursor) if params is not None and params.cursor else 0
        listed = [types.Tool(name=f"t{number}", input_schema={"type": "object"}) for number in range(start, start + 3)]
        return types.ListToolsResult(tools=listed, next_cursor=str(start + 3) if start < 6 else None)

    async def call(context: Any, params: Any) -> types.CallToolResult:
        if params.name == "chat":
            for step in (1, 2):
                await context.session.report_progress(step, 2)
        if params.name == "broken":
            raise MCPError(-31999, "on purpose", {"why": ["x"]})
        if params.name == "asks":
            await context.session.send_ping()
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=params.name)], structured_content=params.arguments
        )

    return Server(
        "real",
        version="1",
        instructions="be kind",
        on_list_tools=tools,
        on_call_tool=call,
        on_subscriptions_listen=ListenHandler(bus),
    )


def handshake_only(app: App) -> App:
    """As servers of the SDK's first major version refuse what they do not know."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (b"mcp-protocol-version", MODERN.encode()) in scope["headers"]:
            error = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
            refused = JSONResponse({"jsonrpc": "2.0", "id": "server-error", "error": error}, 400)
            return await refused(scope, receive, send)
        return await app(scope, receive, send)

    return guarded


@contextlib.asynccontextmanager
async def serving(app: App) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    task = asyncio.create_task(running.serve([listener]))
    while not running.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        await task


SERVERS = {
    "modern": (False, True, False),
    "handshake, stateless": (True, True, False),
    "handshake, stateless, JSON": (True, True, True),
    "handshake, with sessions": (True, False, False),
}


@pytest.mark.parametrize("kind", SERVERS)
async def test_every_kind_of_server_is_used_by_every_kind_of_caller(to: Any, kind: str) -> None:
    old, stateless, plain = SERVERS[kind]
    app: App = server(InMemorySubscriptionBus()).streamable_http_app(stateless_http=stateless, json_response=plain)
    async with serving(handshake_only(app) if old else app) as url:
        upstream = await to(url)
        hello = await upstream.hello()
        assert (hello.era, hello.sessions) == ("handshake" if old else "modern", not stateless)
        assert (hello.server_info["name"], hello.instructions) == ("real", "be kind")
        names = [tool["name"] for page in await upstream.pages("tools/list", CALLERS[0]) for tool in page["tools"]]
        assert names == [f"t{number}" for number in range(9)]
        for origin in CALLERS:
            await conversation(upstream, origin, quiet=plain)
        await upstream.close()


async def conversation(upstream: Any, origin: Origin, *, quiet: bool) -> None:
    notices: list[Any] = []

    async def notify(method: str, params: Any) -> None:
        notices.append((params["progressToken"], params["progress"]))

    call = {"name": "chat", "arguments": {"a": [1, {"b": None}]}}
    result = await upstream.request("tools/call", call, origin, notify=notify, progress_token="mine")
    assert result["structuredContent"] == call["arguments"]
    assert ("resultType" in result) is origin.modern
    assert notices == ([] if quiet else [("mine", 1), ("mine", 2)])
    with pytest.raises(RpcError) as caught:
        await upstream.request("tools/call", {"name": "broken", "arguments": {}}, origin)
    assert (caught.value.code, caught.value.message, caught.value.data) == (-31999, "on purpose", {"why": ["x"]})


async def test_a_real_subscription_is_relayed_until_the_caller_goes(to: Any) -> None:
    bus = InMemorySubscriptionBus()
    notices: asyncio.Queue[Any] = asyncio.Queue()

    async def notify(method: str, params: Any) -> None:
        await notices.put((method, params["_meta"]["io.modelcontextprotocol/subscriptionId"]))

    async with serving(server(bus).streamable_http_app(stateless_http=True)) as url:
        upstream = await to(url)
        params = {"notifications": {"toolsListChanged": True}}
        listening = asyncio.create_task(
            upstream.request(
                "subscriptions/listen", params, Origin(version=MODERN, own=True), notify=notify, request_id=7
            )
        )
        assert await notices.get() == ("notifications/subscriptions/acknowledged", 7)
        await bus.publish(ToolsListChanged())
        assert await notices.get() == ("notifications/tools/list_changed", 7)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await upstream.close()
