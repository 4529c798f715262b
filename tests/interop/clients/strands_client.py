"""The MCPClient of Strands Agents. Arguments: `--url URL`."""

import json
import sys

from mcp.client.streamable_http import streamablehttp_client
from strands.tools.mcp import MCPClient

url = sys.argv[2]
with MCPClient(lambda: streamablehttp_client(url)) as client:
    tools = client.list_tools_sync()
    result = client.call_tool_sync("call-1", "get_customer_profile", {"customer_id": "CUST001"})
report = {
    "tools": [tool.tool_name for tool in tools],
    "result": {
        "content": result["content"],
        "structuredContent": result.get("structuredContent"),
        "isError": result["status"] != "success",
    },
}
print(json.dumps(report))
