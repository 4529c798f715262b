"""The tools of a deployed proxy as LangChain tools, by langchain-mcp-adapters.

    python examples/langchain_adapter.py ARN

AWS credentials are found as the AWS CLI finds them. For a Runtime with a JWT authorizer, set PROXY_TOKEN to a token.
The adapters stand on the MCP SDK 1, and so on httpx: hence `client_auth_httpx`.
"""

import asyncio
import json
import os
import sys
import uuid

from langchain_mcp_adapters.client import MultiServerMCPClient

from proxy.arns import invocation_url, region_of
from proxy.client_auth_httpx import BearerAuth, SigV4Auth


async def main(arn: str) -> None:
    token = os.environ.get("PROXY_TOKEN")
    auth = BearerAuth(token) if token else SigV4Auth(region_of(arn))
    # One session is one microVM: without this header each request may pay for a start of its own.
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": str(uuid.uuid4())}
    proxy = {"transport": "streamable_http", "url": invocation_url(arn), "headers": headers, "auth": auth}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"proxy": proxy}).get_tools()}
    print("tools:", ", ".join(tools))
    call = {"name": "get_customer_profile", "args": {"customer_id": "CUST001"}, "id": "1", "type": "tool_call"}
    message = await tools["get_customer_profile"].ainvoke(call)
    print(json.dumps(message.artifact["structured_content"]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
