"""FastMCP's client on a deployed proxy: lists its tools and calls one.

    python examples/fastmcp_client.py ARN

AWS credentials are found as the AWS CLI finds them. For a Runtime with a JWT authorizer, set PROXY_TOKEN to a token.
"""

import asyncio
import json
import os
import sys
import uuid

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from proxy.arns import invocation_url, region_of
from proxy.auth import BearerAuth, SigV4Auth


async def main(arn: str) -> None:
    token = os.environ.get("PROXY_TOKEN")
    auth = BearerAuth(token) if token else SigV4Auth(region_of(arn))
    # One session is one microVM: without this header each request may pay for a start of its own.
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": str(uuid.uuid4())}
    transport = StreamableHttpTransport(invocation_url(arn), headers=headers, auth=auth)
    async with Client(transport) as client:
        print("tools:", ", ".join(tool.name for tool in await client.list_tools()))
        result = await client.call_tool("get_customer_profile", {"customer_id": "CUST001"})
        print(json.dumps(result.structured_content))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
