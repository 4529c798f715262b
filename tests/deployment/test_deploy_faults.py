"""Deploying while AWS throttles, refuses, forgets and fails: it ends well, or in one clear sentence."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import runtime, runtime_step
from tests.agentcore.emulator import Emulator
from tests.agentcore.world import Runtime
from tests.deployment.people import Person

CONTROL = "bedrock-agentcore-control"
ROLE = "arn:aws:iam::123456789012:role/shop-execution"
THEIRS = """{"Version": "2012-10-17", "Statement":
 [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"""
TRUST = """{"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow", "Action": "sts:AssumeRole",
 "Principal": {"Service": "lambda.amazonaws.com"}}]}"""


def only_runtime(emulator: Emulator) -> Runtime:
    (found,) = emulator.world.runtimes.values()
    return found


def test_a_creation_that_fails_ends_with_the_reason_and_the_next_run_begins_anew(
    person: Person, deployer: Emulator
) -> None:
    deployer.world.faults.create_failed["shop"] = "The image has no arm64 manifest"
    error = person.run("deploy", code=1).document["error"]
    assert error == "runtime shop is CREATE_FAILED: The image has no arm64 manifest"
    failed = only_runtime(deployer).id
    (change,) = [each for each in person.run("plan").document["changes"] if each["resource"] == "runtime shop"]
    assert "The image has no arm64 manifest" in change["details"][0]
    deployer.world.faults.create_failed.clear()
    person.run("deploy")
    assert (only_runtime(deployer).status, only_runtime(deployer).id != failed) == ("READY", True)


def test_an_update_that_fails_ends_with_the_reason_and_the_next_run_tries_again(
    person: Person, deployer: Emulator
) -> None:
    person.run("deploy")
    person.config["environment"] = {"MCP_PROXY_LOG_LEVEL": "debug"}
    deployer.world.faults.update_failed["shop"] = "Quota of something"
    assert person.run("deploy", code=1).document["error"] == "runtime shop is UPDATE_FAILED: Quota of something"
    deployer.world.faults.update_failed.clear()
    (change,) = person.run("deploy").document["changed"]
    assert change["details"] == ["its last update failed (Quota of something)"]
    assert only_runtime(deployer).status == "READY"


def test_a_role_that_cannot_be_assumed_yet_is_waited_for(person: Person, deployer: Emulator) -> None:
    deployer.world.faults.unassumable["shop-execution"] = 3
    person.run("deploy")
    assert deployer.world.calls.count(f"{CONTROL}:CreateAgentRuntime") == 4


def test_a_role_that_is_never_assumable_ends_with_what_aws_says(
    person: Person, deployer: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_step, "ASSUMABLE_S", 0.1)
    deployer.world.faults.unassumable["shop-execution"] = 10_000
    error = person.run("deploy", code=1).document["error"]
    assert "run it again to carry on" in error
    assert "AWS said: Role validation failed" in error


@pytest.mark.parametrize(
    "operation", ["CreateAgentRuntime", "GetAgentRuntime", "UpdateAgentRuntime", "ListAgentRuntimes"]
)
def test_throttling_is_waited_out(person: Person, deployer: Emulator, operation: str) -> None:
    deployer.world.faults.throttled[f"{CONTROL}:{operation}"] = 1
    person.run("deploy")
    assert only_runtime(deployer).status == "READY"


def test_an_answer_that_is_lost_does_not_make_a_second_runtime(person: Person, deployer: Emulator) -> None:
    deployer.world.faults.lost[f"{CONTROL}:CreateAgentRuntime"] = 1
    deployer.world.faults.creates_with_mmdsv2 = True
    person.run("deploy")
    assert deployer.world.calls.count(f"{CONTROL}:CreateAgentRuntime") == 2
    assert len(only_runtime(deployer).versions) == 1


def test_a_conflict_is_waited_out(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    person.config["environment"] = {"MCP_PROXY_LOG_LEVEL": "debug"}
    deployer.world.faults.conflicts[f"{CONTROL}:UpdateAgentRuntime"] = 2
    person.run("deploy")
    assert only_runtime(deployer).versions[-1]["environmentVariables"]["MCP_PROXY_LOG_LEVEL"] == "debug"


def test_a_runtime_that_an_earlier_run_left_under_way_is_waited_for(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    runtime = only_runtime(deployer)
    runtime.status, runtime.polls = "UPDATING", -5
    before = len(runtime.versions)
    (change,) = person.run("deploy").document["changed"]
    assert change["details"] == ["is still UPDATING"]
    assert (runtime.status, len(runtime.versions)) == ("READY", before)


def test_a_runtime_made_anew_after_a_destroy_is_another_one(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    first = only_runtime(deployer).id
    person.run("destroy", "--yes")
    person.run("deploy")
    assert only_runtime(deployer).id != first


def test_a_role_of_somebody_elses_is_used_only_when_it_is_named_and_never_deleted(
    person: Person, deployer: Emulator
) -> None:
    iam = boto3.client("iam")
    iam.create_role(RoleName="shop-execution", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="shop-execution", PolicyName="theirs", PolicyDocument=THEIRS)
    assert "set iam_role_name to use it" in person.run("deploy", code=1).document["error"]
    assert deployer.world.runtimes == {}
    person.config["iam_role_name"] = "shop-execution"
    person.run("deploy")
    assert person.run("deploy").document["changed"] == []
    role = iam.get_role(RoleName="shop-execution")["Role"]
    assert [each.get("Sid") for each in role["AssumeRolePolicyDocument"]["Statement"]] == ["Theirs", "McpPolicyProxy"]
    assert role.get("Tags", []) == []
    person.run("destroy", "--yes")
    assert iam.list_role_policies(RoleName="shop-execution")["PolicyNames"] == ["theirs"]


def test_a_role_that_drifted_is_brought_back(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    iam = boto3.client("iam")
    right = iam.get_role(RoleName="shop-execution")["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName="shop-execution", PolicyDocument=TRUST)
    iam.delete_role_policy(RoleName="shop-execution", PolicyName="mcp-policy-proxy")
    person.config["tags"] = {"team": "a"}
    (change,) = [each for each in person.run("deploy").document["changed"] if each["resource"].startswith("iam")]
    assert change["details"] == [
        "trust policy differs",
        "inline policy mcp-policy-proxy is missing",
        "tags differ: team",
    ]
    assert iam.get_role(RoleName="shop-execution")["Role"]["AssumeRolePolicyDocument"] == right
    assert person.run("deploy").document["changed"] == []


@pytest.mark.parametrize(
    ("code", "message", "passes"),
    [
        ("ValidationException", f"Role validation failed for '{ROLE}'. Please verify that it can be assumed", True),
        ("AccessDeniedException", f"Access denied when assuming {ROLE}", True),
        ("AccessDeniedException", f"not authorized to perform: iam:PassRole on resource: {ROLE}", False),
        ("ValidationException", "1 validation error detected: Value at 'agentRuntimeName'", False),
        ("ServiceQuotaExceededException", f"too many runtimes with {ROLE}", False),
    ],
)
def test_only_a_role_that_is_new_to_aws_is_waited_for(code: str, message: str, passes: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateAgentRuntime")
    assert runtime_step.cannot_assume(error, ROLE) is passes


def test_a_token_that_aws_answers_with_something_gone_is_followed_by_another() -> None:
    tokens: list[str] = []

    def create(token: str) -> dict[str, Any]:
        tokens.append(token)
        return {"id": len(tokens), "createdAt": "2026-11-20"}

    content = ("create", "shop", {"a": 1})
    assert runtime.created(create, lambda answer: answer["id"] > 1, content)["id"] == 2
    assert runtime.created(create, lambda _: True, content)["id"] == 3
    assert tokens[0] == tokens[2] != tokens[1]
