"""What the model and the rules beside it refuse of a request, and the widest that they let through.

boto3 sends them unchecked, so that the emulator is the one who judges, and reads the answers.
"""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.agentcore import emulator_moto
from tests.agentcore.account import ARN, IAM, JWT, RUNTIME_URL, SERVICE, Aws, Listing, code, refused, role, trust
from tests.agentcore.emulator import Emulator
from tests.agentcore.world import ACCOUNT, REGION, Json

_names = (f"case{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def aws(moto: str) -> Iterator[Aws]:
    """One for the whole table: its requests leave nothing that another could trip over."""
    emulator_moto.reset(moto)
    emulator = Emulator(moto=moto, list_tools=Listing())
    emulator.start()
    yield Aws(emulator)
    emulator.close()


@pytest.fixture(scope="module")
def gateway(aws: Aws) -> str:
    return aws.ready_gateway()


def fields(answer: Json) -> list[str]:
    """Which members a ValidationException names, as boto3 reads them."""
    return [each["name"] for each in answer["fieldList"]]


ENTRY = "agentRuntimeArtifact.codeConfiguration.entryPoint"
VPC = {"securityGroups": ["sg-12345678"], "subnets": ["subnet-12345678"]}
NO_CODE = {"codeConfiguration": {"runtime": "PYTHON_3_11", "entryPoint": ["main.py"]}}
CONTAINER = {"containerConfiguration": {"containerUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:1"}}


def claims(**more: Any) -> Json:
    return {"authorizerConfiguration": {"customJWTAuthorizer": {**JWT, **more}}}


def entry(*values: str, runtime: str = "PYTHON_3_11") -> Json:
    settings = {**code("code.zip")["codeConfiguration"], "entryPoint": list(values), "runtime": runtime}
    return {"agentRuntimeArtifact": {"codeConfiguration": settings}}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"agentRuntimeName": "my-agent"}, "agentRuntimeName"),
        ({"agentRuntimeName": "9lives"}, "agentRuntimeName"),
        ({"agentRuntimeName": "a" * 49}, "agentRuntimeName"),
        ({"agentRuntimeName": None}, "agentRuntimeName"),
        ({"agentRuntimeArtifact": {}}, "agentRuntimeArtifact"),
        ({"agentRuntimeArtifact": {**CONTAINER, **code("code.zip")}}, "agentRuntimeArtifact"),
        ({"agentRuntimeArtifact": NO_CODE}, "agentRuntimeArtifact.codeConfiguration.code"),
        (
            {"agentRuntimeArtifact": {"containerConfiguration": {"containerUri": "docker.io/library/nginx"}}},
            "agentRuntimeArtifact.containerConfiguration.containerUri",
        ),
        (entry("main.py", runtime="PYTHON_2_7"), "agentRuntimeArtifact.codeConfiguration.runtime"),
        (entry(), ENTRY),
        (entry("a", "b", "c"), ENTRY),
        (entry(""), f"{ENTRY}[0]"),
        (entry("m" * 129), f"{ENTRY}[0]"),
        ({"roleArn": "execution"}, "roleArn"),
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:user/x"}, "roleArn"),
        ({"clientToken": "a" * 32}, "clientToken"),
        ({"clientToken": "a" * 257}, "clientToken"),
        ({"clientToken": "-" * 40}, "clientToken"),
        ({"description": ""}, "description"),
        ({"description": "d" * 4097}, "description"),
        ({"networkConfiguration": {"networkMode": "PRIVATE"}}, "networkConfiguration.networkMode"),
        (
            {"networkConfiguration": {"networkMode": "VPC", "networkModeConfig": {**VPC, "subnets": ["net-1"]}}},
            "networkConfiguration.networkModeConfig.subnets[0]",
        ),
        ({"protocolConfiguration": {"serverProtocol": "mcp"}}, "protocolConfiguration.serverProtocol"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "port": 7999}}, "protocolConfiguration.port"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "port": 12001}}, "protocolConfiguration.port"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "port": "8000"}}, "protocolConfiguration.port"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "path": "mcp"}}, "protocolConfiguration.path"),
        ({"lifecycleConfiguration": {"maxLifetime": 59}}, "lifecycleConfiguration.maxLifetime"),
        ({"lifecycleConfiguration": {"maxLifetime": 1_209_601}}, "lifecycleConfiguration.maxLifetime"),
        ({"environmentVariables": {f"V{n}": "" for n in range(51)}}, "environmentVariables"),
        ({"environmentVariables": {"V" * 101: ""}}, "environmentVariables.key"),
        ({"environmentVariables": {"V": "x" * 5001}}, "environmentVariables.value"),
        ({"tags": {"né": "x"}}, "tags.key"),
        ({"tags": {"k": "x" * 257}}, "tags.value"),
        (
            {"requestHeaderConfiguration": {"requestHeaderAllowlist": [f"H{n}" for n in range(21)]}},
            "requestHeaderConfiguration.requestHeaderAllowlist",
        ),
        (
            {"requestHeaderConfiguration": {"requestHeaderAllowlist": []}},
            "requestHeaderConfiguration.requestHeaderAllowlist",
        ),
        (claims(discoveryUrl="https://id.example"), "authorizerConfiguration.customJWTAuthorizer.discoveryUrl"),
        (claims(allowedScopes=["a b"]), "authorizerConfiguration.customJWTAuthorizer.allowedScopes[0]"),
        # Rules that the model has not.
        ({"networkConfiguration": {"networkMode": "VPC"}}, "networkMode"),
        ({"networkConfiguration": {"networkMode": "PUBLIC", "networkModeConfig": VPC}}, "networkMode"),
        ({"lifecycleConfiguration": {"idleRuntimeSessionTimeout": 28_801}}, "lifecycleConfiguration"),
        ({"agentRuntimeArtifact": code("shop/other.zip")}, "agentRuntimeArtifact"),
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/absent"}, "roleArn"),
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/path/execution"}, "roleArn"),
        (
            {"authorizerConfiguration": {"customJWTAuthorizer": {"discoveryUrl": JWT["discoveryUrl"]}}},
            "customJWTAuthorizer",
        ),
    ],
)
def test_a_runtime_that_breaks_a_rule_is_refused_by_the_members_name(aws: Aws, changes: Json, named: str) -> None:
    asked = {"agentRuntimeName": next(_names), "agentRuntimeArtifact": aws.artifact, "roleArn": aws.role, **changes}
    given = {name: value for name, value in asked.items() if value is not None}
    answer = refused("ValidationException", aws.control.create_agent_runtime, **given)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["reason"] == "FieldValidationFailed"
    assert named in fields(answer)
    assert not [each for each in aws.world.runtimes.values() if each.name == asked["agentRuntimeName"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"agentRuntimeName": "a" * 48},
        {"agentRuntimeArtifact": CONTAINER},
        entry("opentelemetry-instrument", "main.py"),
        {"clientToken": "a" * 33},
        {"description": "d" * 4096},
        {"networkConfiguration": {"networkMode": "VPC", "networkModeConfig": VPC}},
        {"protocolConfiguration": {"serverProtocol": "MCP", "port": 8000, "path": "/mcp"}},
        {"lifecycleConfiguration": {"idleRuntimeSessionTimeout": 60, "maxLifetime": 60}},
        {"environmentVariables": {f"V{n}": "x" * 5000 for n in range(50)}},
        {"environmentVariables": {"V": ""}},
        {"tags": {"mcp-policy-proxy": "shop"}},
        {"requestHeaderConfiguration": {"requestHeaderAllowlist": [f"H{n}" for n in range(20)]}},
        claims(),
        {"allowedPorts": [{"portRange": {"from": 8000, "to": 9000}}]},
    ],
)
def test_a_runtime_at_the_edge_of_a_rule_is_made_and_answered_as_it_was_asked(aws: Aws, changes: Json) -> None:
    made = (
        aws.runtime(**{"name": next(_names), **changes}) if "agentRuntimeName" not in changes else aws.runtime("a" * 48)
    )
    kept = aws.control.get_agent_runtime(agentRuntimeId=made["agentRuntimeId"])
    echoed = {name: value for name, value in changes.items() if name not in ("clientToken", "tags")}
    assert {name: kept[name] for name in echoed} == echoed


@pytest.mark.parametrize(
    ("document", "accepted"),
    [
        (trust(), True),
        (trust(Condition={}), True),
        (trust(Action=["sts:AssumeRole", "sts:TagSession"]), True),
        (trust(Principal={"Service": ["lambda.amazonaws.com", SERVICE]}), True),
        (trust(Principal={"Service": "bedrock.amazonaws.com"}), False),
        (trust(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), False),
        (trust(Action="sts:TagSession"), False),
        (trust(Effect="Deny"), False),
        (trust(Condition={"StringEquals": {"aws:SourceAccount": "210987654321"}}), False),
        (trust(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:*"}}), False),
    ],
)
def test_a_role_serves_only_if_its_trust_policy_lets_the_service_in(aws: Aws, document: Json, accepted: bool) -> None:
    name = next(_names)
    own = role(aws.emulator.environment, name, document)
    if accepted:
        assert aws.runtime(name, roleArn=own)["status"] == "CREATING"
        return
    with pytest.raises(Exception, match="verify that the role exists and its trust policy allows"):
        aws.runtime(name, roleArn=own)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "under_score"}, "name"),
        ({"name": "double--dash"}, "name"),
        ({"name": "n" * 49}, "name"),
        ({"authorizerType": "IAM"}, "authorizerType"),
        ({"protocolType": "HTTP"}, "protocolType"),
        ({"protocolConfiguration": {"mcp": {"searchType": "LEXICAL"}}}, "protocolConfiguration.mcp.searchType"),
        ({"authorizerType": "CUSTOM_JWT"}, "authorizerConfiguration"),
        ({"authorizerConfiguration": {"customJWTAuthorizer": JWT}}, "authorizerConfiguration"),
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/absent"}, "roleArn"),
    ],
)
def test_a_gateway_that_breaks_a_rule_is_refused_by_the_members_name(aws: Aws, changes: Json, named: str) -> None:
    asked = {"name": next(_names), **changes}
    assert named in fields(refused("ValidationException", aws.gateway, **asked))


def runtime_url(arn: str) -> Json:
    return {"endpoint": RUNTIME_URL.format(arn)}


OAUTH: Json = {"providerArn": f"{ARN}:token-vault/default/oauth2credentialprovider/absent", "scopes": []}
BARE: Json = {"credentialProviderType": "GATEWAY_IAM_ROLE"}
FOREIGN: Json = {"credentialProviderType": "OAUTH", "credentialProvider": {"oauthCredentialProvider": OAUTH}}
MIXED: Json = {**IAM, "credentialProviderType": "OAUTH"}
SERVER = "targetConfiguration.mcp.mcpServer"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "under_score"}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"endpoint": "http://mcp.example/mcp"}, f"{SERVER}.endpoint"),
        ({"endpoint": "https://"}, "endpoint"),
        ({"endpoint": "https://mcp.example/a b"}, "endpoint"),
        ({"endpoint": "https://mcp.example/é"}, "endpoint"),
        ({"endpoint": "https://mcp.example/%zz"}, "endpoint"),
        ({"endpoint": "https://mcp.example:port/"}, "endpoint"),
        (runtime_url(f"{ARN}:runtime/shop-0123456789"), "endpoint"),
        (runtime_url("shop-0123456789"), "endpoint"),
        ({"listingMode": "STATIC"}, f"{SERVER}.listingMode"),
        ({"resourcePriority": 1001}, f"{SERVER}.resourcePriority"),
        ({"credential": BARE}, "credentialProviderConfigurations"),
        ({"credential": MIXED}, "credentialProviderConfigurations"),
        ({"credential": FOREIGN}, "credentialProviderConfigurations"),
        ({"credential": {"credentialProviderType": "OAUTH"}}, "credentialProviderConfigurations"),
        (
            {"credential": {**IAM, "credentialProvider": {"iamCredentialProvider": {"region": REGION}}}},
            "credentialProviderConfigurations[0].credentialProvider.iamCredentialProvider.service",
        ),
    ],
)
def test_a_target_that_breaks_a_rule_is_refused_by_the_members_name(
    aws: Aws, gateway: str, changes: Json, named: str
) -> None:
    asked = {"name": next(_names), **changes}
    assert named in fields(refused("ValidationException", aws.target, gateway, **asked))
    assert aws.control.list_gateway_targets(gatewayIdentifier=gateway)["items"] == []


def test_a_bare_gateway_role_is_refused_with_what_it_lacks(aws: Aws, gateway: str) -> None:
    answer = refused("ValidationException", aws.target, gateway, credential=BARE)
    assert "needs an iamCredentialProvider" in answer["Error"]["Message"]


def test_a_target_may_be_an_mcp_server_without_credentials_or_with_a_role_that_signs(aws: Aws) -> None:
    gateway = aws.ready_gateway("open")
    aws.target(gateway, "signed")
    aws.target(gateway, "public", credential=None, endpoint="https://mcp.example:8443/mcp?x=%20y")
    filled = aws.control.list_gateway_targets(gatewayIdentifier=gateway)["items"]
    assert [(each["name"], each["targetType"], each["listingMode"]) for each in filled] == [
        ("signed", "MCP_SERVER", "DEFAULT"),
        ("public", "MCP_SERVER", "DEFAULT"),
    ]


@pytest.mark.parametrize("ids", [[], ["A" * 10, "B" * 10], ["short"]])
def test_exactly_one_target_is_synchronized_at_a_time(aws: Aws, gateway: str, ids: list[str]) -> None:
    call = aws.control.synchronize_gateway_targets
    answer = refused("ValidationException", call, gatewayIdentifier=gateway, targetIdList=ids)
    assert fields(answer)[0].startswith("targetIdList")


def test_a_violation_never_repeats_the_value(aws: Aws) -> None:
    answer = refused("ValidationException", aws.runtime, environmentVariables={"V": "CANARY" * 1000})
    assert "CANARY" not in json.dumps(answer, default=str)


def test_everything_that_is_wrong_is_named_at_once(aws: Aws) -> None:
    answer = refused("ValidationException", aws.runtime, "my-agent", roleArn="x", description="")
    assert answer["Error"]["Message"].startswith("3 validation errors detected: ")
    assert sorted(fields(answer)) == ["agentRuntimeName", "description", "roleArn"]


def raw(aws: Aws, method: str, path: str, body: bytes = b"") -> tuple[int, str, Json]:
    """Status, kind and body of the answer to a request as it stands, signed. boto3 would not send some of them."""
    environment = aws.emulator.environment
    url = aws.emulator.url("control") + path
    signed = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"})
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "bedrock-agentcore", REGION).add_auth(signed)
    request = urllib.request.Request(url, method=method, data=body, headers=dict(signed.headers.items()))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, "", json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-amzn-errortype"], json.loads(error.read())


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(aws: Aws, body: bytes) -> None:
    assert raw(aws, "PUT", "/runtimes/", body)[:2] == (400, "SerializationException")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"unheardOf": 1}, "unheardOf"),
        ({"metadataConfiguration": {"requireMMDSV2": True}}, "metadataConfiguration"),
        ({"agentRuntimeName": 7}, "agentRuntimeName"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "port": True}}, "protocolConfiguration.port"),
        ({"protocolConfiguration": {"serverProtocol": "MCP", "port": 8000.5}}, "protocolConfiguration.port"),
        ({"environmentVariables": ["A=B"]}, "environmentVariables"),
    ],
)
def test_what_boto3_would_not_even_send_is_refused(aws: Aws, body: Json, named: str) -> None:
    asked = {"agentRuntimeName": next(_names), "agentRuntimeArtifact": aws.artifact, "roleArn": aws.role, **body}
    status, kind, answer = raw(aws, "PUT", "/runtimes/", json.dumps(asked).encode())
    assert (status, kind, set(fields(answer))) == (400, "ValidationException", {named})


def test_members_that_are_null_count_as_left_out(aws: Aws) -> None:
    asked = {"agentRuntimeName": next(_names), "agentRuntimeArtifact": aws.artifact, "roleArn": aws.role}
    status, _, answer = raw(aws, "PUT", "/runtimes", json.dumps({**asked, "tags": None}).encode())
    assert (status, answer["status"]) == (202, "CREATING")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", "UnknownOperationException"),
        ("PATCH", "/runtimes/", "UnknownOperationException"),
        ("GET", "/runtimes/a/b/c", "UnknownOperationException"),
        ("POST", "/memories/", "NotEmulatedException"),
        ("GET", "/gateways/?maxResults=many", "ValidationException"),
        ("GET", "/gateways/?maxResults=0", "ValidationException"),
        ("POST", "/runtimes/?maxResults=101", "ValidationException"),
        ("GET", "/runtimes/no%2Fid/", "ValidationException"),
        ("GET", f"/tags/{ARN}%3Aruntime%2Fabsent-0123456789", "ResourceNotFoundException"),
    ],
)
def test_a_request_line_is_read_as_it_came(aws: Aws, method: str, path: str, kind: str) -> None:
    assert raw(aws, method, path)[1] == kind
