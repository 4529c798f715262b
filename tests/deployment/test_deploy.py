"""Deploying, deploying again, and deploying something else, against the emulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from deployment.account import TAG
from tests.agentcore.emulator import Emulator
from tests.agentcore.world import Runtime
from tests.deployment.artifact import SmallArtifact
from tests.deployment.people import UPSTREAM, Person

JWT = {
    "mode": "jwt",
    "discovery_url": "https://id.example/.well-known/openid-configuration",
    "allowed_clients": ["agent"],
    "headers": ["Authorization"],
}
VPC = {"mode": "VPC", "subnets": ["subnet-12345678"], "security_groups": ["sg-12345678"]}


def only_runtime(emulator: Emulator) -> Runtime:
    (found,) = emulator.world.runtimes.values()
    return found


def changing(calls: list[str]) -> list[str]:
    return [call for call in calls if not call.partition(":")[2].startswith(("Get", "List"))]


def test_a_plan_says_what_would_change_and_touches_nothing(person: Person, deployer: Emulator) -> None:
    outcome = person.run("plan")
    assert outcome.actions == {"iam": "create", "artifact": "create", "runtime": "create"}
    calls = {call for each in outcome.document["changes"] for call in each["calls"]}
    assert calls == {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "s3:CreateBucket",
        "s3:PutObject",
        "bedrock-agentcore-control:CreateAgentRuntime",
        "bedrock-agentcore-control:UpdateAgentRuntime",
    }
    assert "create  iam role shop-execution" in outcome.told
    assert deployer.left_over("shop") == []
    assert changing(deployer.world.calls) == []


def test_deploy_says_where_the_runtime_is(person: Person, deployer: Emulator) -> None:
    outcome = person.run("deploy")
    runtime = only_runtime(deployer)
    assert outcome.document["arn"] == runtime.arn
    assert outcome.document["url"].startswith(deployer.url("data"))
    assert outcome.document["url"].endswith("/invocations?qualifier=DEFAULT")
    assert outcome.document["version"] == str(len(runtime.versions))
    assert outcome.actions == {"iam": "create", "artifact": "create", "runtime": "create"}


def test_what_is_asked_of_aws_is_what_the_config_says(person: Person, deployer: Emulator) -> None:
    person.config |= {"inbound": JWT, "network": VPC, "lifecycle": {"idle_s": 120}, "tags": {"team": "a"}}
    person.config["environment"] = {"MCP_PROXY_LOG_LEVEL": "debug"}
    person.run("deploy")
    runtime = only_runtime(deployer)
    asked = runtime.versions[0]
    assert asked["protocolConfiguration"] == {"serverProtocol": "MCP"}
    assert asked["roleArn"] == "arn:aws:iam::123456789012:role/shop-execution"
    assert asked["authorizerConfiguration"] == {
        "customJWTAuthorizer": {"discoveryUrl": JWT["discovery_url"], "allowedClients": ["agent"]}
    }
    assert asked["requestHeaderConfiguration"] == {"requestHeaderAllowlist": ["Authorization"]}
    assert asked["networkConfiguration"] == {
        "networkMode": "VPC",
        "networkModeConfig": {"subnets": VPC["subnets"], "securityGroups": VPC["security_groups"]},
    }
    assert asked["lifecycleConfiguration"] == {"idleRuntimeSessionTimeout": 120, "maxLifetime": 28800}
    assert asked["environmentVariables"]["MCP_PROXY_LOG_LEVEL"] == "debug"
    assert asked["environmentVariables"]["GATEWAY_ENDPOINT"] == UPSTREAM
    assert runtime.tags == {"team": "a", TAG: "shop"}


def test_a_second_deploy_changes_nothing_and_says_so(person: Person, deployer: Emulator) -> None:
    person.config |= {"inbound": JWT, "network": VPC, "lifecycle": {"idle_s": 120}, "endpoint": "prod"}
    person.run("deploy")
    before = len(changing(deployer.world.calls))
    assert person.run("deploy").document["changed"] == []
    assert set(person.run("plan").actions.values()) == {"keep"}
    assert len(changing(deployer.world.calls)) == before


def test_mmdsv2_is_asserted_and_asked_for_only_where_it_is_not_there(person: Person, deployer: Emulator) -> None:
    deployer.world.faults.creates_with_mmdsv2 = True
    person.run("deploy")
    assert len(only_runtime(deployer).versions) == 1
    only_runtime(deployer).versions[0]["metadataConfiguration"] = {"requireMMDSV2": False}
    outcome = person.run("deploy")
    assert outcome.document["changed"][0]["details"] == ["MMDSv2 is not required"]
    assert only_runtime(deployer).requires_mmdsv2


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"auth_mode": "none"}, "environment variable AUTH_MODE changes"),
        ({"environment": {"MCP_PROXY_LOG_LEVEL": "debug"}}, "environment variable MCP_PROXY_LOG_LEVEL is added"),
        ({"inbound": JWT}, "authorizerConfiguration differs"),
        ({"inbound": {"headers": ["X-Tenant"]}}, "requestHeaderConfiguration differs"),
        ({"network": VPC}, "networkConfiguration differs"),
        ({"lifecycle": {"max_s": 3600}}, "lifecycleConfiguration.maxLifetime differs"),
        ({"iam_role_name": "other"}, "roleArn differs"),
        ({"runtime": "PYTHON_3_14"}, "agentRuntimeArtifact.codeConfiguration differs"),
        ({"tags": {"team": "b"}}, "tags differ: team"),
    ],
)
def test_each_change_of_the_config_is_brought_about_once(
    person: Person, deployer: Emulator, keys: Mapping[str, Any], said: str
) -> None:
    person.config["runtime"] = "PYTHON_3_11"
    person.run("deploy")
    person.config |= keys
    (change,) = [each for each in person.run("plan").document["changes"] if each["resource"] == "runtime shop"]
    assert change["action"] == "update"
    assert said in change["details"]
    before = len(only_runtime(deployer).versions)
    person.run("deploy")
    assert len(only_runtime(deployer).versions) == before + ("tags" not in keys)
    assert person.run("deploy").document["changed"] == []


def test_a_new_artifact_is_a_new_version(person: Person, deployer: Emulator, small: type[SmallArtifact]) -> None:
    person.run("deploy")
    small.body = b"second"
    outcome = person.run("deploy")
    assert outcome.actions == {"artifact": "create", "runtime": "update"}
    runtime = only_runtime(deployer)
    assert runtime.endpoints["DEFAULT"].live_version == outcome.document["version"] == str(len(runtime.versions))


def test_back_and_forth_is_three_updates_not_one_that_is_repeated(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    before = len(only_runtime(deployer).versions)
    for level in ("debug", "info", "debug"):
        person.config["environment"] = {"MCP_PROXY_LOG_LEVEL": level}
        person.run("deploy")
    runtime = only_runtime(deployer)
    assert len(runtime.versions) == before + 3
    assert runtime.versions[-1]["environmentVariables"]["MCP_PROXY_LOG_LEVEL"] == "debug"


def test_what_somebody_set_by_hand_is_told_and_what_is_not_ours_survives(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    there = only_runtime(deployer).versions[-1]
    there["environmentVariables"]["BY_HAND"] = "1"
    there["allowedPorts"] = [{"port": 9000}]
    (change,) = person.run("deploy").document["changed"]
    assert change["details"] == ["environment variable BY_HAND is removed: it is not in the config"]
    newest = only_runtime(deployer).versions[-1]
    assert "BY_HAND" not in newest["environmentVariables"]
    assert newest["allowedPorts"] == [{"port": 9000}]


def test_the_runtime_is_found_on_a_later_page(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    (shop,) = deployer.world.runtimes.values()
    del deployer.world.runtimes[shop.id]
    for number in range(105):
        name = f"other{number}"
        arn = shop.arn.replace("shop", name)
        other = Runtime(id=f"{name}-0123456789", arn=arn, name=name, versions=shop.versions, status="READY")
        other.version_times = shop.version_times
        deployer.world.runtimes[other.id] = other
    deployer.world.runtimes[shop.id] = shop
    assert person.run("deploy").document["changed"] == []


def test_a_runtime_of_that_name_that_is_not_ours_is_left_alone(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    only_runtime(deployer).tags.clear()
    before = len(changing(deployer.world.calls))
    error = person.run("deploy", code=1).document["error"]
    assert "runtime shop exists and was not made by this deployment" in error
    assert len(changing(deployer.world.calls)) == before
    left = person.run("destroy", "--yes").document["left"]
    assert [each["resource"] for each in left] == ["runtime shop"]
    assert only_runtime(deployer).status == "READY"


def test_the_role_is_tagged_and_narrowed_to_the_gateway(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    role = boto3.client("iam").get_role(RoleName="shop-execution")["Role"]
    assert {each["Key"]: each["Value"] for each in role["Tags"]} == {TAG: "shop"}
    document = boto3.client("iam").get_role_policy(RoleName="shop-execution", PolicyName="mcp-policy-proxy")
    assert "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij" in json.dumps(document)
