"""The Python SDK's 2.x client. Arguments: MODE, then `--url URL`, or `--command COMMAND …` for stdio."""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


async def main(mode: str, kind: str, *rest: str) -> None:
    server = rest[0] if kind == "--url" else StdioServerParameters(command=rest[0], args=list(rest[1:]))
    async with Client(server, mode=mode) as client:
        tools = await client.list_tools()
        result = await client.call_tool("get_customer_profile", {"customer_id": "CUST001"})
        version = client.protocol_version
    report = {
        "version": version,
        "tools": [tool.name for tool in tools.tools],
        "result": result.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
