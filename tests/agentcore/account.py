"""An account for tests of the control plane: clients, a role that AgentCore may assume, an artifact on S3."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.agentcore.emulator import Emulator
from tests.agentcore.model import CONTROL
from tests.agentcore.world import ACCOUNT, REGION, Gateway, Json, Target, World

SERVICE = "bedrock-agentcore.amazonaws.com"
BUCKET = "artifacts"
ARN = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"
RUNTIME_URL = f"https://bedrock-agentcore.{REGION}.amazonaws.com/runtimes/{{}}/invocations?qualifier=DEFAULT"
ENCODED = RUNTIME_URL.format(f"arn%3Aaws%3Abedrock-agentcore%3A{REGION}%3A{ACCOUNT}%3Aruntime%2Fshop-0123456789")
IAM: Json = {
    "credentialProviderType": "GATEWAY_IAM_ROLE",
    "credentialProvider": {"iamCredentialProvider": {"service": "bedrock-agentcore", "region": REGION}},
}
JWT: Json = {"discoveryUrl": "https://id.example/.well-known/openid-configuration", "allowedClients": ["c"]}
CUSTOM: Json = {
    "oauthDiscovery": {"discoveryUrl": "https://id.example/.well-known/openid-configuration"},
    "clientId": "client",
    "clientSecret": "s3cret-CANARY",
}

# Loading a service's model takes 0.1 s, and a session does it once.
_SESSION = boto3.session.Session()


def boto_client(service: str, environment: Mapping[str, str], *, attempts: int = 1, check: bool = True) -> Any:
    """A client with nothing but `environment`. `check=False` sends what boto3 itself would refuse to send."""
    variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    retries = {"mode": "standard", "total_max_attempts": attempts}
    return _SESSION.client(
        service,
        region_name=REGION,
        endpoint_url=environment.get(variable, environment["AWS_ENDPOINT_URL"]),
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries=retries, parameter_validation=check, connect_timeout=5, read_timeout=20),
    )


def trust(**changes: Any) -> Json:
    """A trust policy that lets AgentCore in for this account; `changes` replace members of its statement."""
    conditions = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:*"},
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": conditions,
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}


def role(environment: Mapping[str, str], name: str = "execution", document: Json | None = None) -> str:
    """The ARN of a new role."""
    iam = boto_client("iam", environment)
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document or trust()))
    return str(made["Role"]["Arn"])


def artifact(environment: Mapping[str, str], key: str = "code.zip", body: bytes = b"zip") -> Json:
    """The `agentRuntimeArtifact` of an object that is there."""
    s3 = boto_client("s3", environment)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return code(key)


def code(key: str) -> Json:
    """The `agentRuntimeArtifact` of an object, there or not."""
    location = {"s3": {"bucket": BUCKET, "prefix": key}}
    return {"codeConfiguration": {"code": location, "runtime": "PYTHON_3_11", "entryPoint": ["main.py"]}}


class Listing:
    """Stands in for the gateway data plane: what a target's tools are, or why they cannot be listed."""

    def __init__(self) -> None:
        self.tools: list[Json] = [{"name": "quote", "inputSchema": {"type": "object"}}]
        self.problem: str | None = None
        self.held = threading.Event()
        """While it is not set, listings take as long."""
        self.held.set()

    async def __call__(self, world: World, gateway: Gateway, target: Target) -> list[Json]:
        await asyncio.to_thread(self.held.wait, 5)
        if self.problem:
            raise RuntimeError(self.problem)
        return self.tools


class Aws:
    """One emulator, and what a deployment needs of the account it stands in."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.world, self.faults = emulator.world, emulator.world.faults
        self.control = boto_client(CONTROL, emulator.environment, check=False)
        self.role = role(emulator.environment)
        self.artifact = artifact(emulator.environment)

    def runtime(self, name: str = "shop", **more: Any) -> Json:
        asked = {"agentRuntimeName": name, "agentRuntimeArtifact": self.artifact, "roleArn": self.role, **more}
        made: Json = self.control.create_agent_runtime(**asked)
        return made

    def ready_runtime(self, name: str = "shop", **more: Any) -> str:
        made = self.runtime(name, **more)["agentRuntimeId"]
        assert self.runtime_status(made)[-1] == "READY"
        return str(made)

    def runtime_status(self, runtime: str) -> list[str]:
        return settled(lambda: self.control.get_agent_runtime(agentRuntimeId=runtime)["status"])

    def update(self, runtime: str, **more: Any) -> Json:
        asked = {"agentRuntimeId": runtime, "agentRuntimeArtifact": self.artifact, "roleArn": self.role, **more}
        made: Json = self.control.update_agent_runtime(**asked)
        return made

    def endpoint_status(self, runtime: str, name: str) -> list[str]:
        asked = {"agentRuntimeId": runtime, "endpointName": name}
        return settled(lambda: self.control.get_agent_runtime_endpoint(**asked)["status"])

    def gateway(self, name: str = "gate", **more: Any) -> Json:
        asked = {"name": name, "roleArn": self.role, "authorizerType": "AWS_IAM", "protocolType": "MCP", **more}
        made: Json = self.control.create_gateway(**asked)
        return made

    def ready_gateway(self, name: str = "gate") -> str:
        made = self.gateway(name)["gatewayId"]
        assert settled(lambda: self.control.get_gateway(gatewayIdentifier=made)["status"])[-1] == "READY"
        return str(made)

    def target(self, gateway: str, name: str = "shop", credential: Json | None = IAM, **server: Any) -> Json:
        settings = {"endpoint": ENCODED, **server}
        given = {"credentialProviderConfigurations": [credential]} if credential else {}
        configuration = {"mcp": {"mcpServer": settings}}
        made: Json = self.control.create_gateway_target(
            gatewayIdentifier=gateway, name=name, targetConfiguration=configuration, **given
        )
        return made

    def target_status(self, gateway: str, target: str) -> list[str]:
        asked = {"gatewayIdentifier": gateway, "targetId": target}
        return settled(lambda: self.control.get_gateway_target(**asked)["status"])

    def provider(self, name: str = "upstream", **changes: Any) -> Json:
        made: Json = self.control.create_oauth2_credential_provider(
            name=name,
            credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput={"customOauth2ProviderConfig": {**CUSTOM, **changes}},
        )
        return made


def settled(status: Callable[[], str], within_s: float = 20) -> list[str]:
    """The statuses seen until one that is not under way; `gone` where it is not found any more."""
    seen: list[str] = []
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            seen.append(status())
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            return [*seen, "gone"]
        if not seen[-1].endswith("ING"):
            return seen
    raise AssertionError(f"does not settle: {seen[-9:]}")


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def refused(kind: str, call: Callable[..., Any], *positional: Any, **arguments: Any) -> Json:
    """boto3's own reading of the error answer, which must be of that kind."""
    with pytest.raises(ClientError) as caught:
        call(*positional, **arguments)
    answer: Json = caught.value.response
    assert answer["Error"]["Code"] == kind, answer["Error"]
    assert answer["Error"]["Message"]
    return answer
