"""The Python SDK's 1.x client. Arguments: `--url URL`, or `--command COMMAND …` for stdio."""

import asyncio
import json
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def connect(kind: str, rest: list[str]) -> AbstractAsyncContextManager[Any]:
    if kind == "--url":
        return streamablehttp_client(rest[0])
    return stdio_client(StdioServerParameters(command=rest[0], args=rest[1:]))


async def main(kind: str, *rest: str) -> None:
    async with connect(kind, list(rest)) as streams, ClientSession(*streams[:2]) as session:
        hello = await session.initialize()
        tools = await session.list_tools()
        result = await session.call_tool("get_customer_profile", {"customer_id": "CUST001"})
    report = {
        "version": hello.protocolVersion,
        "tools": [tool.name for tool in tools.tools],
        "result": result.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
