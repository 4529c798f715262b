"""What the execution role may do, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment import iam, names
from deployment.chain_references import Needed
from deployment.config import DeployConfig
from tests.deployment.people import UPSTREAM

PLACE = iam.Place(partition="aws", region="us-east-1", account="123456789012")
RUNTIME = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/tools-abcdefghij"
RUNTIME_URL = (
    "https://bedrock-agentcore.eu-west-1.amazonaws.com/runtimes/"
    "arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A123456789012%3Aruntime%2Ftools-abcdefghij/invocations?qualifier=DEFAULT"
)
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:client"

ALWAYS = [
    {
        "Sid": "LogGroups",
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
        "Resource": ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/bedrock-agentcore/runtimes/*"],
    },
    {
        "Sid": "LogGroupsList",
        "Effect": "Allow",
        "Action": ["logs:DescribeLogGroups"],
        "Resource": ["arn:aws:logs:us-east-1:123456789012:log-group:*"],
    },
    {
        "Sid": "LogStreams",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/bedrock-agentcore/runtimes/*:log-stream:*"],
    },
    {
        "Sid": "Traces",
        "Effect": "Allow",
        "Action": [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
        ],
        "Resource": ["*"],
    },
    {
        "Sid": "Metrics",
        "Effect": "Allow",
        "Action": ["cloudwatch:PutMetricData"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"cloudwatch:namespace": "bedrock-agentcore"}},
    },
]
IMAGE = [
    {
        "Sid": "Image",
        "Effect": "Allow",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Resource": ["arn:aws:ecr:us-east-1:123456789012:repository/mcp-policy-proxy/shop"],
    },
    {"Sid": "ImageToken", "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
]
WORKLOADS = [
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default",
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default/workload-identity/shop-*",
]


def allowed(sid: str, action: str, *resources: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": list(resources)}


def gateway(identifier: str, region: str = "us-east-1") -> dict[str, Any]:
    arn = f"arn:aws:bedrock-agentcore:{region}:123456789012:gateway/{identifier}"
    return allowed("UpstreamGateway", "bedrock-agentcore:InvokeGateway", arn)


def config(**keys: Any) -> DeployConfig:
    return DeployConfig(**{"agent_name": "shop", "gateway_endpoint": UPSTREAM, "region": "us-east-1", **keys})


def test_agentcore_alone_may_assume_the_role_for_this_account_and_region() -> None:
    assert iam.trust(PLACE) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "McpPolicyProxy",
                "Effect": "Allow",
                "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:*"},
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("keys", "beyond"),
    [
        ({"gateway_api_id": "tools-abcdefghij"}, [gateway("tools-abcdefghij")]),
        (
            {"gateway_api_id": "arn:aws:bedrock-agentcore:us-west-2:210987654321:gateway/tools-abcdefghij"},
            [
                allowed(
                    "UpstreamGateway",
                    "bedrock-agentcore:InvokeGateway",
                    "arn:aws:bedrock-agentcore:us-west-2:210987654321:gateway/tools-abcdefghij",
                )
            ],
        ),
        ({}, [gateway("*")]),
        ({"gateway_endpoint": UPSTREAM.replace("us-east-1", "eu-west-1")}, [gateway("*", "eu-west-1")]),
        (
            {"gateway_endpoint": RUNTIME_URL},
            [
                allowed(
                    "UpstreamRuntime",
                    "bedrock-agentcore:InvokeAgentRuntime",
                    RUNTIME,
                    f"{RUNTIME}/runtime-endpoint/*",
                )
            ],
        ),
        (
            {"auth_mode": "jwt", "client_secret_arn": f"{SECRET}-AbCdEf#key"},
            [allowed("ClientSecret", "secretsmanager:GetSecretValue", f"{SECRET}-AbCdEf")],
        ),
        (
            {"auth_mode": "jwt", "client_secret_arn": f"{SECRET}-secret"},
            [allowed("ClientSecret", "secretsmanager:GetSecretValue", f"{SECRET}-secret", f"{SECRET}-secret-??????")],
        ),
        (
            {"auth_mode": "jwt", "client_secret_arn": SECRET},
            [allowed("ClientSecret", "secretsmanager:GetSecretValue", f"{SECRET}-??????")],
        ),
        (
            {"auth_mode": "jwt"},
            [
                allowed(
                    "ClientSecret",
                    "secretsmanager:GetSecretValue",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp-policy-proxy/shop/outbound-??????",
                )
            ],
        ),
        (
            {"auth_mode": "identity", "credential_provider": "idp"},
            [
                allowed(
                    "ProviderToken",
                    "bedrock-agentcore:GetResourceOauth2Token",
                    "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default",
                    "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/idp",
                    *WORKLOADS,
                ),
                allowed("WorkloadToken", "bedrock-agentcore:GetWorkloadAccessToken", *WORKLOADS),
            ],
        ),
        (
            {
                "auth_mode": "identity",
                "credential_provider": "idp",
                "cognito_client_id": "c",
                "environment": {"MCP_PROXY_WORKLOAD_IDENTITY": "mine"},
            },
            [
                allowed(
                    "ProviderToken",
                    "bedrock-agentcore:GetResourceOauth2Token",
                    "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default",
                    "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/idp",
                    *WORKLOADS,
                    WORKLOADS[1].replace("shop-*", "mine"),
                ),
                allowed(
                    "WorkloadToken",
                    "bedrock-agentcore:GetWorkloadAccessToken",
                    *WORKLOADS,
                    WORKLOADS[1].replace("shop-*", "mine"),
                ),
                allowed(
                    "ClientSecret",
                    "secretsmanager:GetSecretValue",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:mcp-policy-proxy/shop/outbound-??????",
                ),
            ],
        ),
        ({"auth_mode": "none"}, []),
        ({"auth_mode": "none", "artifact": "container"}, IMAGE),
        ({"auth_mode": "none", "artifact": "codebuild"}, IMAGE),
    ],
)
def test_the_role_may_do_this_and_nothing_else(keys: dict[str, Any], beyond: list[dict[str, Any]]) -> None:
    found = iam.permissions(config(**keys), PLACE, Needed())
    assert found == {"Version": "2012-10-17", "Statement": [*ALWAYS, *beyond]}


def test_what_the_chain_reads_comes_on_top() -> None:
    found = iam.permissions(config(auth_mode="none"), PLACE, Needed(secrets=(f"{SECRET}-AbCdEf",)))
    wanted = allowed("ChainSecrets", "secretsmanager:GetSecretValue", f"{SECRET}-AbCdEf")
    assert found["Statement"] == [*ALWAYS, wanted]


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({}, 'set gateway_api_id to "tools-abcdefghij"'),
        ({"gateway_endpoint": "https://own.example/mcp"}, "set gateway_api_id to its id or ARN"),
    ],
)
def test_a_permission_for_every_gateway_is_warned_of(keys: dict[str, Any], part: str) -> None:
    (warning,) = iam.warnings(config(**keys))
    assert part in warning


@pytest.mark.parametrize(
    "keys",
    [{"gateway_api_id": "tools-abcdefghij"}, {"gateway_endpoint": RUNTIME_URL}, {"auth_mode": "none"}],
)
def test_a_narrow_permission_is_not_warned_of(keys: dict[str, Any]) -> None:
    assert iam.warnings(config(**keys)) == ()


def test_somebody_elses_trust_keeps_its_statements_and_gets_ours_once() -> None:
    theirs = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ours = iam.trust(PLACE)
    once = iam.joined({"Version": "2012-10-17", "Id": "x", "Statement": theirs}, ours)
    assert once == {"Version": "2012-10-17", "Id": "x", "Statement": [theirs, *ours["Statement"]]}
    assert iam.joined(once, ours) == once


@pytest.mark.parametrize(
    ("agent_name", "repository"),
    [("shop", "mcp-policy-proxy/shop"), ("My__Shop_", "mcp-policy-proxy/my_shop")],
)
def test_the_repository_has_a_name_that_ecr_takes(agent_name: str, repository: str) -> None:
    assert names.repository(config(agent_name=agent_name)) == repository


def test_a_client_token_is_the_same_for_the_same_content_and_long_enough(tmp_path: Path) -> None:
    token = names.token("create", "shop", {"a": 1, "b": [2]})
    assert token == names.token("create", "shop", {"b": [2], "a": 1})
    assert token != names.token("create", "shop", {"a": 1, "b": [3]})
    assert 33 <= len(token) <= 256
    assert token.isalnum()
