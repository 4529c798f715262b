"""What the runtime should be, how that differs from what is there, and what an update must not lose."""

from __future__ import annotations

import copy
from typing import Any

import botocore.session
import pytest

from deployment.config import DeployConfig
from deployment.runtime_request import MANAGED, differences, full, wanted
from tests.deployment.people import UPSTREAM

ROLE = "arn:aws:iam::123456789012:role/shop-execution"
ZIP = {
    "codeConfiguration": {
        "code": {"s3": {"bucket": "b", "prefix": "shop/1.zip"}},
        "runtime": "PYTHON_3_11",
        "entryPoint": ["main.py"],
    }
}
JWT = {
    "mode": "jwt",
    "discovery_url": "https://id.example/.well-known/openid-configuration",
    "allowed_clients": ["b", "a"],
    "headers": ["Authorization", "X-Tenant"],
}
VPC = {"mode": "VPC", "subnets": ["subnet-12345678", "subnet-02345678"], "security_groups": ["sg-12345678"]}
MEMBERS = tuple(
    botocore.session.Session()
    .get_service_model("bedrock-agentcore-control")
    .operation_model("UpdateAgentRuntime")
    .input_shape.members
)


def request(artifact: dict[str, Any] = ZIP, role: str = ROLE, **keys: Any) -> dict[str, Any]:
    base = {"agent_name": "shop", "gateway_endpoint": UPSTREAM, "region": "us-east-1"}
    return wanted(DeployConfig(**{**base, **keys}), role=role, artifact=artifact, client_secret="arn:secret")


def there(**keys: Any) -> dict[str, Any]:
    """What GetAgentRuntime answers for a request."""
    return {**copy.deepcopy(request(**keys)), "status": "READY", "metadataConfiguration": {"requireMMDSV2": True}}


@pytest.mark.parametrize("keys", [{}, {"inbound": JWT}, {"network": VPC}, {"auth_mode": "jwt"}])
def test_what_is_as_it_should_be_does_not_differ(keys: dict[str, Any]) -> None:
    existing = there(**keys)
    assert differences(full(request(**keys), existing, MEMBERS), existing) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["protocolConfiguration"].update(port=8000, path="/mcp"),
        lambda it: it.pop("lifecycleConfiguration"),
        lambda it: it.pop("networkConfiguration"),
        lambda it: it.update(requestHeaderConfiguration={}),
        lambda it: it.update(authorizerConfiguration=None),
    ],
)
def test_a_default_that_aws_says_or_leaves_out_is_no_difference(change: Any) -> None:
    existing = there()
    change(existing)
    assert differences(full(request(), existing, MEMBERS), existing) == ()


def test_the_order_of_what_is_a_set_is_no_difference() -> None:
    existing = there(inbound=JWT, network=VPC)
    existing["authorizerConfiguration"]["customJWTAuthorizer"]["allowedClients"].reverse()
    existing["requestHeaderConfiguration"]["requestHeaderAllowlist"].reverse()
    existing["networkConfiguration"]["networkModeConfig"]["subnets"].reverse()
    assert differences(full(request(inbound=JWT, network=VPC), existing, MEMBERS), existing) == ()


OTHER = {"codeConfiguration": {**ZIP["codeConfiguration"], "code": {"s3": {"bucket": "b", "prefix": "shop/2.zip"}}}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"artifact": OTHER}, "agentRuntimeArtifact.codeConfiguration differs"),
        ({}, {"role": f"{ROLE}-2"}, "roleArn differs"),
        ({}, {"network": VPC}, "networkConfiguration differs"),
        (
            {"network": VPC},
            {"network": {**VPC, "subnets": ["subnet-99999999"]}},
            "networkConfiguration.networkModeConfig differs",
        ),
        ({}, {"inbound": {**JWT, "headers": []}}, "authorizerConfiguration differs"),
        ({"inbound": {**JWT, "headers": []}}, {}, "authorizerConfiguration differs"),
        (
            {"inbound": JWT},
            {"inbound": {**JWT, "allowed_clients": ["a"]}},
            "authorizerConfiguration.customJWTAuthorizer differs",
        ),
        ({}, {"inbound": {"headers": ["X-Tenant"]}}, "requestHeaderConfiguration differs"),
        ({"inbound": {"headers": ["X-Tenant"]}}, {}, "requestHeaderConfiguration differs"),
        ({}, {"lifecycle": {"idle_s": 60}}, "lifecycleConfiguration.idleRuntimeSessionTimeout differs"),
        ({"lifecycle": {"max_s": 7200}}, {}, "lifecycleConfiguration.maxLifetime differs"),
        ({}, {"environment": {"A": "1"}}, "environment variable A is added"),
        ({"environment": {"A": "1"}}, {"environment": {"A": "2"}}, "environment variable A changes"),
        ({"environment": {"A": "1"}}, {}, "environment variable A is removed: it is not in the config"),
        ({}, {"gateway_endpoint": "https://x.example/mcp"}, "environment variable GATEWAY_ENDPOINT changes"),
    ],
)
def test_every_difference_is_said_without_a_value(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    existing = there(**before)
    assert differences(full(request(**after), existing, MEMBERS), existing) == (said,)


def test_a_protocol_that_somebody_changed_is_a_difference() -> None:
    existing = there()
    existing["protocolConfiguration"] = {"serverProtocol": "HTTP"}
    assert differences(full(request(), existing, MEMBERS), existing) == (
        "protocolConfiguration.serverProtocol differs",
    )


def test_an_update_keeps_what_is_there_and_not_ours() -> None:
    existing = there(inbound=JWT, network=VPC)
    hooks = {"build": {"warmup": {"action": {"httpPost": {"port": 8000}}}}}
    storage = [{"sessionStorage": {"mountPath": "/mnt/x"}}]
    claims = [{"inboundTokenClaimName": "team"}]
    existing |= {"hooksConfiguration": hooks, "filesystemConfigurations": storage, "allowedPorts": [{"port": 9000}]}
    existing["authorizerConfiguration"]["customJWTAuthorizer"]["customClaims"] = claims
    existing["networkConfiguration"]["networkModeConfig"]["requireServiceS3Endpoint"] = True
    update = full(request(inbound={**JWT, "allowed_clients": ["c"]}, network=VPC), existing, MEMBERS)
    assert update["hooksConfiguration"] == hooks
    assert update["filesystemConfigurations"] == storage
    assert update["allowedPorts"] == [{"port": 9000}]
    authorizer = update["authorizerConfiguration"]["customJWTAuthorizer"]
    assert (authorizer["customClaims"], authorizer["allowedClients"]) == (claims, ["c"])
    assert update["networkConfiguration"]["networkModeConfig"]["requireServiceS3Endpoint"] is True
    assert "status" not in update


def test_a_claim_rule_goes_with_the_authorizer_when_the_config_turns_to_iam() -> None:
    existing = there(inbound=JWT)
    assert "authorizerConfiguration" not in full(request(), existing, MEMBERS)


def test_mmdsv2_is_in_every_update_and_its_neighbours_stay() -> None:
    existing = {**there(), "metadataConfiguration": {"requireMMDSV2": False, "later": 1}}
    assert full(request(), existing, MEMBERS)["metadataConfiguration"] == {"requireMMDSV2": True, "later": 1}


def test_every_member_that_is_managed_is_one_of_the_api() -> None:
    assert set(MANAGED) <= set(MEMBERS)


def test_the_environment_holds_references_and_only_what_the_mode_needs() -> None:
    keys = {"cognito_client_id": "c", "cognito_domain": "d", "scope": "s", "client_secret_arn": "arn:secret"}
    assert request(auth_mode="jwt", policies="/p/my.toml", **keys)["environmentVariables"] == {
        "MCP_PROXY_HOST": "0.0.0.0",
        "MCP_PROXY_INBOUND": "platform",
        "MCP_PROXY_REGION": "us-east-1",
        "GATEWAY_ENDPOINT": UPSTREAM,
        "AUTH_MODE": "jwt",
        "MCP_PROXY_POLICIES": "policies.toml",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-east-1.amazonaws.com/v1/traces",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
        "COGNITO_CLIENT_ID": "c",
        "COGNITO_DOMAIN": "d",
        "MCP_PROXY_CLIENT_SECRET": "arn:secret",
        "MCP_PROXY_SCOPE": "s",
    }
    assert not {"COGNITO_CLIENT_ID", "MCP_PROXY_CLIENT_SECRET"} & set(request(**keys)["environmentVariables"])


def test_identity_mode_may_have_a_client_to_fall_back_on() -> None:
    keys = {"auth_mode": "identity", "credential_provider": "idp", "audience": "a"}
    alone = request(**keys)["environmentVariables"]
    assert (alone["MCP_PROXY_CREDENTIAL_PROVIDER"], alone["MCP_PROXY_AUDIENCE"]) == ("idp", "a")
    assert "MCP_PROXY_CLIENT_SECRET" not in alone
    both = request(**keys, cognito_client_id="c")["environmentVariables"]
    assert (both["COGNITO_CLIENT_ID"], both["MCP_PROXY_CLIENT_SECRET"]) == ("c", "arn:secret")


@pytest.mark.parametrize(
    ("region", "host"),
    [("cn-north-1", "xray.cn-north-1.amazonaws.com.cn"), ("nowhere-1", "xray.nowhere-1.amazonaws.com")],
)
def test_spans_go_to_the_regions_own_x_ray(region: str, host: str) -> None:
    assert request(region=region)["environmentVariables"]["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == (
        f"https://{host}/v1/traces"
    )


def test_the_config_may_set_what_telemetry_reads() -> None:
    given = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector.example/v1/traces"}
    assert request(environment=given)["environmentVariables"].items() >= given.items()
