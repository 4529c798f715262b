"""A call of a deployed proxy's tool by plain boto3, without any MCP library and without anything of this project.

    python examples/boto3_invoke.py ARN

For Runtimes whose inbound auth is IAM. boto3 sends no bearer tokens: a Runtime with a JWT authorizer needs an HTTP
client, as in the other examples.
"""

import json
import sys
import uuid

import boto3


def main(arn: str) -> None:
    params = {"name": "get_customer_profile", "arguments": {"customer_id": "CUST001"}}
    answer = boto3.client("bedrock-agentcore", region_name=arn.split(":")[3]).invoke_agent_runtime(
        agentRuntimeArn=arn,
        qualifier="DEFAULT",
        runtimeSessionId=str(uuid.uuid4()),
        contentType="application/json",
        accept="application/json, text/event-stream",
        mcpProtocolVersion="2025-11-25",
        payload=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}),
    )
    body = answer["response"].read().decode()
    if answer["contentType"].startswith("text/event-stream"):
        data = [line.removeprefix("data:") for line in body.splitlines() if line.startswith("data:")]
        body = data[-1]  # notifications come before the answer
    message = json.loads(body)
    if "error" in message:
        sys.exit(f"{message['error']['code']}: {message['error']['message']}")
    print(json.dumps(message["result"]["structuredContent"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
