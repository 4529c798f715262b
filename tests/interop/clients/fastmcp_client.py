"""FastMCP's client. Arguments: MODE, `--url`, URL."""

import asyncio
import json
import sys

from fastmcp import Client


async def main(mode: str, _: str, url: str) -> None:
    async with Client(url, mode=mode) as client:
        tools = await client.list_tools()
        result = await client.call_tool_mcp("get_customer_profile", {"customer_id": "CUST001"})
        parsed = await client.call_tool("get_customer_profile", {"customer_id": "CUST001"})
        version = client.session.protocol_version
    report = {
        "version": version,
        "tools": [tool.name for tool in tools],
        "result": result.model_dump(mode="json", by_alias=True, exclude_none=True),
        "parsed": repr(parsed.data),
    }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
