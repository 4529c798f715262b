"""langchain-mcp-adapters: the tools as LangChain tools, called as an agent calls them. Arguments: `--url URL`."""

import asyncio
import json
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(_: str, url: str) -> None:
    client = MultiServerMCPClient({"proxy": {"transport": "streamable_http", "url": url}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    call = {"name": "get_customer_profile", "args": {"customer_id": "CUST001"}, "id": "call-1", "type": "tool_call"}
    message = await tools["get_customer_profile"].ainvoke(call)
    artifact = message.artifact or {}
    report = {
        "tools": list(tools),
        "result": {
            "content": message.content,
            "structuredContent": artifact.get("structured_content"),
            "isError": message.status != "success",
        },
    }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
