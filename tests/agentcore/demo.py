"""`make demo-aws`: the whole story on AgentCore without AWS, on loopback, with the commands that people type.

A company's tools stand behind a gateway. The proxy is deployed in front of it, is called by its ARN, becomes a target
of a second gateway, and goes again. Every command runs as a process of its own against the emulator.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3

from deployment import bundle
from tests.agentcore.emulator import Emulator
from tests.agentcore.gateway_plane import PLANE
from tests.agentcore.world import ACCOUNT, REGION

ROOT = Path(__file__).parents[2]
AGENT = "demo_proxy"
TARGET = "proxy"
TOOL = "customers___get_profile"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:customers"
PROFILE = {
    "name": "get_profile",
    "description": "A customer's profile.",
    "inputSchema": {"type": "object", "properties": {"customer": {"type": "string"}}, "required": ["customer"]},
}
CHAIN = '[[policy]]\nuse = "sanitize"\n\n[[policy]]\nuse = "no_badges:NoBadges"\n\n[[policy]]\nuse = "audit"\n'
MODULE = '''
from policies.model import ALLOW, Modify
from policies.policy import Policy


class NoBadges(Policy):
    """Badge numbers stay in the company."""

    def on_result(self, call, result):
        text = str(result.content[0].get("text")) if call.method == "tools/call" and result.content else ""
        if "badge-" not in text:
            return ALLOW
        return Modify(result.with_body({**result.body, "content": [{"type": "text", "text": text.split("badge-")[0]}]}))
'''


class Story:
    """The commands, typed in a folder of their own with nothing of this machine's AWS settings."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MCP_PROXY_"))}
        self._environment = {**kept, **emulator.environment, "PYTHONPATH": str(ROOT)}

    def types(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run setup_and_deploy.py with these words and --json; its document. Raises SystemExit on another exit code."""
        return self._run([sys.executable, str(ROOT / "setup_and_deploy.py"), *words, "--json"], words, code)

    def calls(self, *words: str) -> dict[str, Any]:
        """Run mcp-policy-proxy with these words; its document."""
        return self._run([sys.executable, "-m", "proxy", *words], ("mcp-policy-proxy", *words), 0)

    def _run(self, command: list[str], words: tuple[str, ...], code: int) -> dict[str, Any]:
        began = time.monotonic()
        print(f"\n$ {' '.join(words)}", flush=True)
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=170,
            check=False,
        )
        if done.returncode != code:
            raise SystemExit(f"{words[0]} exited with {done.returncode}: {done.stdout}")
        print(f"{done.stdout.rstrip()}\n[{time.monotonic() - began:.1f} s]", flush=True)
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def main() -> None:
    """Tell the story; end with nothing left behind. Raises SystemExit where something is not as it should be."""
    began = time.monotonic()
    emulator = Emulator()
    emulator.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            _tell(emulator, Path(folder))
    finally:
        emulator.close()
    print(f"\nThe whole story took {time.monotonic() - began:.0f} s, and nothing is left.")


def _tell(emulator: Emulator, folder: Path) -> None:
    story, company = Story(emulator, folder), Company(emulator)
    for name, text in (("policies.toml", CHAIN), ("no_badges.py", MODULE), ("secret", company.secret)):
        (folder / name).write_text(text)
    (folder / "deploy_config.json").write_text(json.dumps(company.config(), indent=2))
    secret = ("--cognito-client-secret-file", "secret")

    story.types("plan", *secret)
    _twins(emulator, folder)
    arn = story.types("deploy", *secret)["arn"]
    _must(story.types("deploy")["changed"] == [], "a second deploy changes nothing")
    _must(story.types("verify")["tool_count"] == 1, "the company's one tool is published")
    shown = story.calls("call", "--arn", arn, TOOL, '{"customer": "CUST001"}')
    _must(shown["content"][0]["text"] == "Maria, gold, ", "called by its ARN; the badge number stays in the company")

    made = story.types("gateway", "create", "--auth", "oauth")
    gateway = made["gateway_id"]
    registered = story.types("register", "--gateway", gateway, "--target", TARGET, "--grant")
    _must(registered["tool_count"] == 1, "the gateway lists the proxy's tool")
    (folder / "token").write_text(_token(emulator, made))
    through = (f"{TARGET}___{TOOL}", '{"customer": "CUST002"}')
    shown = story.calls("call", "--url", made["gateway_url"], "--token", "file:token", *through)
    _must(shown["content"][0]["text"] == "Maria, gold, ", "called through gateway, proxy and upstream")

    (folder / "secret").write_text(company.second_secret())
    story.types("rotate", "--client-secret", "file:secret")
    company.withdraw_first_secret()
    shown = story.calls("call", "--arn", arn, TOOL, '{"customer": "CUST003"}')
    _must(not shown.get("isError"), "the old secret is withdrawn, and calls go on")
    _must(len(story.types("logs", "--minutes", "5")["calls"]) >= 3, "the calls are in the logs")

    story.types("unregister", "--gateway", gateway, "--target", TARGET, "--yes")
    story.types("gateway", "delete", "--yes")
    story.types("destroy", "--yes", "--logs")
    left = emulator.left_over(AGENT, AGENT.replace("_", "-"))
    _must(left == [], f"nothing is left behind{''.join(f'; {each.kind} {each.name}' for each in left)}")


class Company:
    """What was there before: a user pool, and a gateway that takes its tokens, with one Lambda function behind it."""

    def __init__(self, emulator: Emulator) -> None:
        self._cognito = _client(emulator, "cognito-idp")
        self._issuer = emulator.url("cognito")
        emulator.applications["gateway"][PLANE].targets.functions[LAMBDA] = _profile
        self.pool = self._cognito.create_user_pool(PoolName="company")["UserPool"]["Id"]
        scopes = [{"ScopeName": "call", "ScopeDescription": "call tools"}]
        self._cognito.create_resource_server(UserPoolId=self.pool, Identifier="tools", Name="tools", Scopes=scopes)
        self._cognito.create_user_pool_domain(UserPoolId=self.pool, Domain="company-tools")
        made = self._cognito.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="proxy",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=["tools/call"],
            AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]
        self.client, self.secret = made["ClientId"], made["ClientSecret"]
        self._gateway = self._opened(emulator)

    def config(self) -> dict[str, Any]:
        """deploy_config.json."""
        return {
            "agent_name": AGENT,
            "gateway_endpoint": self._gateway["gatewayUrl"],
            "region": REGION,
            "auth_mode": "jwt",
            "token_url": f"{self._issuer}/oauth2/token",
            "cognito_client_id": self.client,
            "scope": "tools/call",
            "policies": "policies.toml",
            "include": ["no_badges.py"],
        }

    def second_secret(self) -> str:
        """Both live from now on."""
        made = self._cognito.add_user_pool_client_secret(UserPoolId=self.pool, ClientId=self.client)
        return str(made["ClientSecretDescriptor"]["ClientSecretValue"])

    def withdraw_first_secret(self) -> None:
        which = {"UserPoolId": self.pool, "ClientId": self.client}
        first, _ = self._cognito.list_user_pool_client_secrets(**which)["ClientSecrets"]
        self._cognito.delete_user_pool_client_secret(**which, ClientSecretId=first["ClientSecretId"])

    def _opened(self, emulator: Emulator) -> dict[str, Any]:
        iam, control = _client(emulator, "iam"), _client(emulator, "bedrock-agentcore-control")
        trusting = {"Effect": "Allow", "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}}
        trust = {"Version": "2012-10-17", "Statement": [{**trusting, "Action": "sts:AssumeRole"}]}
        role = iam.create_role(RoleName="company-tools", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        discovery = f"{self._issuer}/{self.pool}/.well-known/openid-configuration"
        gateway: dict[str, Any] = control.create_gateway(
            name="company",
            roleArn=role,
            protocolType="MCP",
            authorizerType="CUSTOM_JWT",
            authorizerConfiguration={
                "customJWTAuthorizer": {"discoveryUrl": discovery, "allowedClients": [self.client]}
            },
        )
        where = {"gatewayIdentifier": gateway["gatewayId"]}
        _ready(lambda: control.get_gateway(**where)["status"])
        target = control.create_gateway_target(
            **where,
            name="customers",
            targetConfiguration={"mcp": {"lambda": {"lambdaArn": LAMBDA, "toolSchema": {"inlinePayload": [PROFILE]}}}},
            credentialProviderConfigurations=[{"credentialProviderType": "GATEWAY_IAM_ROLE"}],
        )
        _ready(lambda: control.get_gateway_target(**where, targetId=target["targetId"])["status"])
        return gateway


def _profile(event: dict[str, Any], _: object) -> str:
    return f"Maria, gold, badge-{event['customer']}"


def _twins(emulator: Emulator, folder: Path) -> None:
    """A Runtime is aarch64. What is started in its archive's place is the twin, from the same builder and inputs."""
    for archive in (folder / ".build" / "bundles").glob("aarch64-*.zip"):
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        emulator.world.twins[digest] = bundle.twin(archive, folder)


def _token(emulator: Emulator, made: Mapping[str, Any]) -> str:
    """A token of the gateway's own pool, as one of its callers gets it."""
    secret = _client(emulator, "secretsmanager").get_secret_value(SecretId=made["client_secret_arn"])["SecretString"]
    basic = base64.b64encode(f"{made['cognito_client_id']}:{secret}".encode()).decode()
    form = urlencode({"grant_type": "client_credentials", "scope": made["scope"]}).encode()
    asked = urllib.request.Request(f"{emulator.url('cognito')}/oauth2/token", form)
    asked.add_header("Authorization", f"Basic {basic}")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(json.loads(answer.read())["access_token"])


def _client(emulator: Emulator, service: str) -> Any:
    variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    variable = variable.replace("COGNITO_IDP", "COGNITO_IDENTITY_PROVIDER")
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=emulator.environment.get(variable, emulator.environment["AWS_ENDPOINT_URL"]),
        aws_access_key_id=emulator.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=emulator.environment["AWS_SECRET_ACCESS_KEY"],
    )


def _ready(status: Callable[[], str]) -> None:
    for _ in range(20):
        if status() == "READY":
            return
    raise SystemExit("not so: the company's gateway is ready")


def _must(held: bool, what: str) -> None:
    if not held:
        raise SystemExit(f"not so: {what}")
    print(f"✓ {what}", flush=True)


if __name__ == "__main__":
    main()
