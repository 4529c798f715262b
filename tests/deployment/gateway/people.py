"""Somebody with a runtime and a gateway that somebody else made; and deployers that die in the middle of a run."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session

from deployment import names
from deployment.account import Account
from deployment.config import DeployConfig, Inbound
from deployment.report import Report
from deployment.run import Run
from deployment.waiting import Waits
from tests.agentcore.account import Listing, artifact, boto_client, role, settled, trust
from tests.agentcore.emulator import Emulator
from tests.agentcore.model import CONTROL

Json = dict[str, Any]

UPSTREAM = "https://tools-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("quote", "order", "cancel")]
_READS = ("Get", "List", "Describe", "Head", "StartQuery")

# botocore's service models, read once for all tests: each takes a tenth of a second.
_MODELS = botocore.session.Session().get_component("data_loader")


class Killed(BaseException):
    """The deployer's process is no more."""


class Mortal(Account):
    """Keeps the calls that changed something in `made`, and dies once the last of `lives` of them was answered."""

    def __init__(self, region: str, lives: int | None = None) -> None:
        super().__init__(region)
        self._session._session.register_component("data_loader", _MODELS)
        self.lives = lives
        self.made: list[str] = []

    def client(self, service: str) -> Any:
        known = service in self._clients
        found = super().client(service)
        if not known:
            found.meta.events.register("after-call", self._count)
        return found

    def _count(self, model: Any, **_: object) -> None:
        if model.name.startswith(_READS):
            return
        self.made.append(f"{model.service_model.service_name}:{model.name}")
        if self.lives is not None and len(self.made) >= self.lives:
            raise Killed


class Kept(Report):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__(as_json=True)
        self.document: Json = {}
        self.told: list[str] = []

    def tell(self, line: str) -> None:
        self.told.append(line)

    def answer(self, document: Any, lines: Any) -> None:
        self.document = json.loads(json.dumps(document, default=str))
        self.told += lines


@dataclass
class Operator:
    """Runs verbs, each as a new process would: with an account and a report of its own."""

    emulator: Emulator
    listing: Listing
    config: DeployConfig
    account: Mortal
    said: str = ""

    def run(self, verb: Callable[[Run, Namespace], int], *, lives: int | None = None, **options: Any) -> Kept:
        """The answer of a verb. Raises what it raises, and Killed after so many changes."""
        report = Kept()
        self.account.lives, self.account.made = lives, []
        run = Run(config=self.config, account=self.account, report=report, waits=quick(report.tell))
        try:
            verb(run, Namespace(**{"yes": True, "ask": None, **options}))
        finally:
            self.said += "\n".join([*report.told, json.dumps(report.document)])
        return report

    def changed(self, **changes: Any) -> None:
        """The config says something else from now on."""
        self.config = self.config.model_copy(update=changes)

    def deaths(
        self, verb: Callable[[Run, Namespace], int], after: Callable[[Kept], None], **options: Any
    ) -> Iterator[int]:
        """Kill the verb after its 1st change, run it again to the end and check; then after the 2nd, and so on."""
        for lives in range(1, 30):
            try:
                self.run(verb, lives=lives, **options)
            except Killed:
                after(self.run(verb, **options))
                yield lives
            else:
                return

    def aws(self, service: str = CONTROL) -> Any:
        """A client of a bystander."""
        return boto_client(service, self.emulator.environment, check=False)


def quick(tell: Callable[[str], None]) -> Waits:
    return Waits(tell, first_s=0.005)


def operator(emulator: Emulator, listing: Listing, code: Json | None = None, **config: Any) -> Operator:
    """Its account has a READY runtime of the deployment's name and tag, which runs `code` (by default nothing)."""
    settings = DeployConfig(agent_name="shop", gateway_endpoint=UPSTREAM, region="us-east-1", **config)
    account = Mortal("us-east-1")
    made = Operator(emulator=emulator, listing=listing, config=settings, account=account)
    deploy(made, code)
    return made


def deploy(operator: Operator, code: Json | None) -> str:
    """What `deploy` leaves, without building anything. The runtime's ARN."""
    environment = operator.emulator.environment
    operator.emulator.world.faults.creates_with_mmdsv2 = True
    inbound = operator.config.inbound
    authorizer = {"authorizerConfiguration": {"customJWTAuthorizer": _jwt(inbound)}} if inbound.mode == "jwt" else {}
    control = operator.aws()
    found = control.create_agent_runtime(
        agentRuntimeName="shop",
        agentRuntimeArtifact=code or artifact(environment),
        roleArn=role(environment),
        environmentVariables={"MCP_PROXY_HOST": "0.0.0.0", "MCP_PROXY_INBOUND": "platform"},
        networkConfiguration={"networkMode": "PUBLIC"},
        protocolConfiguration={"serverProtocol": "MCP"},
        tags=names.tags(operator.config),
        **authorizer,
    )
    _await(control, found["agentRuntimeId"])
    return str(found["agentRuntimeArn"])


def redeploy(operator: Operator) -> None:
    """A new version of the runtime, as a change of policies makes one."""
    control = operator.aws()
    [runtime] = operator.emulator.world.runtimes
    request = dict(operator.emulator.world.runtimes[runtime].versions[-1])
    kept = ("agentRuntimeArtifact", "roleArn", "networkConfiguration", "protocolConfiguration")
    control.update_agent_runtime(agentRuntimeId=runtime, **{name: request[name] for name in kept})
    _await(control, runtime)


def _await(control: Any, runtime: str) -> None:
    """Until runtime and endpoint are READY."""
    assert settled(lambda: control.get_agent_runtime(agentRuntimeId=runtime)["status"])[-1] == "READY"
    asked = {"agentRuntimeId": runtime, "endpointName": "DEFAULT"}
    assert settled(lambda: control.get_agent_runtime_endpoint(**asked)["status"])[-1] == "READY"


def gateway(operator: Operator, name: str = "front", **request: Any) -> str:
    """The id of somebody's gateway. Its role is called `NAME-role` and may do nothing."""
    control = operator.aws()
    found = control.create_gateway(
        name=name,
        roleArn=role(operator.emulator.environment, f"{name}-role", trust()),
        protocolType="MCP",
        **{"authorizerType": "AWS_IAM", **request},
    )["gatewayId"]
    assert settled(lambda: control.get_gateway(gatewayIdentifier=found)["status"])[-1] == "READY"
    return str(found)


def policies_of(operator: Operator, role_name: str) -> dict[str, Json]:
    """The inline policies of a role, by name."""
    iam = operator.aws("iam")
    found = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"] for name in found}


def _jwt(inbound: Inbound) -> Json:
    given = {"allowedClients": list(inbound.allowed_clients), "allowedScopes": list(inbound.allowed_scopes)}
    return {"discoveryUrl": inbound.discovery_url, **{name: value for name, value in given.items() if value}}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An OAuth client of a Cognito pool that somebody made."""

    discovery_url: str
    client_id: str
    secret: str


def caller(emulator: Emulator, name: str = "callers") -> Caller:
    """It may have tokens for the scope `NAME/call`."""
    cognito = cognito_of(emulator)
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=pool, Identifier=name, Name=name, Scopes=[{"ScopeName": "call", "ScopeDescription": "call"}]
    )
    cognito.create_user_pool_domain(UserPoolId=pool, Domain=name)
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName=name,
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[f"{name}/call"],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    url = f"{emulator.url('cognito')}/{pool}/.well-known/openid-configuration"
    return Caller(discovery_url=url, client_id=made["ClientId"], secret=made["ClientSecret"])


def cognito_of(emulator: Emulator) -> Any:
    """A bystander's client of Cognito, which has an address of its own."""
    return boto_client("cognito-idp", {**emulator.environment, "AWS_ENDPOINT_URL": emulator.url("cognito")})


def new_secret(emulator: Emulator, client: Caller) -> str:
    """A second live secret of the client, beside the first."""
    pool = client.discovery_url.split("/")[-3]
    made = cognito_of(emulator).add_user_pool_client_secret(UserPoolId=pool, ClientId=client.client_id)
    return str(made["ClientSecretDescriptor"]["ClientSecretValue"])


def letting_in(client: Caller) -> Inbound:
    return Inbound(mode="jwt", discovery_url=client.discovery_url, allowed_clients=(client.client_id,))
