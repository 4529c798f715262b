"""A Strands agent with the tools of a deployed proxy. Its model is a script, so that no LLM is needed to run it.

    python examples/strands_agent.py ARN

AWS credentials are found as the AWS CLI finds them. For a Runtime with a JWT authorizer, set PROXY_TOKEN to a token.
Strands takes an auth of httpx, whichever MCP SDK it stands on: hence `client_auth_httpx`.
"""

import json
import os
import sys
import uuid

from strands import Agent
from strands.models import Model
from strands.tools.mcp import MCPClient

from proxy.arns import invocation_url, region_of
from proxy.client_auth_httpx import BearerAuth, SigV4Auth


class Script(Model):
    """Calls one tool, then repeats what the tool said."""

    def update_config(self, **config):
        pass

    def get_config(self):
        return {}

    def structured_output(self, output_model, prompt, system_prompt=None, **options):
        raise NotImplementedError

    async def stream(self, messages, tool_specs=None, system_prompt=None, **options):
        results = [block["toolResult"] for block in messages[-1]["content"] if "toolResult" in block]
        tool = {"toolUse": {"toolUseId": "1", "name": "get_customer_profile"}}
        given = {"toolUse": {"input": json.dumps({"customer_id": "CUST001"})}}
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {} if results else tool}}
        yield {"contentBlockDelta": {"delta": {"text": results[0]["content"][0]["text"]} if results else given}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if results else "tool_use"}}


def main(arn: str) -> None:
    token = os.environ.get("PROXY_TOKEN")
    auth = BearerAuth(token) if token else SigV4Auth(region_of(arn))
    # One session is one microVM: without this header each request may pay for a start of its own.
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": str(uuid.uuid4())}
    with MCPClient(url=invocation_url(arn), headers=headers, auth_provider=auth) as proxy:
        tools = proxy.list_tools_sync()
        print("tools:", ", ".join(tool.tool_name for tool in tools))
        agent = Agent(model=Script(), tools=tools, callback_handler=None)
        print(str(agent("Who is customer CUST001?")).strip())


if __name__ == "__main__":
    main(*sys.argv[1:])
