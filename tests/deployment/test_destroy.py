"""Taking it down: everything that is ours goes, nothing else does, and what stays is said."""

from __future__ import annotations

import sys

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import cli
from deployment.steps import Change
from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import NoArtifact
from tests.deployment.people import Person

THEIRS = """{"Version": "2012-10-17", "Statement":
 [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"""


def full(person: Person) -> Person:
    """With everything that a deployment may have."""
    person.config |= {"auth_mode": "jwt", "cognito_client_id": "client", "token_url": "https://id.example/token"}
    person.config |= {"endpoint": "prod", "tags": {"team": "a"}}
    person.run("deploy", "--cognito-client-secret", "CANARY")
    return person


def test_destroy_leaves_nothing_and_a_second_one_has_nothing_to_do(person: Person, deployer: Emulator) -> None:
    outcome = full(person).run("destroy", "--yes")
    assert [each["resource"].partition(" ")[0] for each in outcome.document["destroyed"]] == [
        "endpoint",
        "runtime",
        "secret",
        "bucket",
        "iam",
    ]
    assert deployer.left_over("shop") == []
    again = person.run("destroy", "--yes").document
    assert again == {"destroyed": [], "left": []}


def test_destroy_takes_endpoints_that_an_earlier_config_named(person: Person, deployer: Emulator) -> None:
    full(person)
    person.config["endpoint"] = "beta"
    person.run("deploy")
    person.config["endpoint"] = None
    person.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_an_endpoint_of_somebody_elses_keeps_the_runtime(person: Person, deployer: Emulator) -> None:
    full(person)
    (runtime,) = deployer.world.runtimes.values()
    runtime.endpoints["prod"].tags = {}
    error = person.run("destroy", "--yes", code=1).document["error"]
    assert "endpoint prod of runtime shop was not made by this deployment" in error
    assert runtime.status == "READY"


def test_destroy_waits_for_what_is_under_way(person: Person, deployer: Emulator) -> None:
    full(person)
    (runtime,) = deployer.world.runtimes.values()
    runtime.status, runtime.polls = "UPDATING", -5
    deployer.world.faults.conflicts["bedrock-agentcore-control:DeleteAgentRuntime"] = 2
    person.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_destroy_asks_first_and_takes_only_the_name_for_yes(
    person: Person, deployer: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.run("deploy")
    path = str(person.folder / "deploy_config.json")
    prompts: list[str] = []
    monkeypatch.setattr(cli, "_at_terminal", lambda: True)
    monkeypatch.setattr(cli, "_ask", lambda prompt: (prompts.append(prompt), "y")[1])
    assert cli.main(["destroy", "--config", path]) == 1
    assert len(deployer.world.runtimes) == 1
    monkeypatch.setattr(cli, "_ask", lambda prompt: "shop")
    assert cli.main(["destroy", "--config", path]) == 0
    assert deployer.left_over("shop") == []
    assert prompts == ["type shop to destroy these 3 (account 123456789012, us-east-1): "]


def test_destroy_without_anybody_to_ask_does_nothing(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    assert "give --yes" in person.run("destroy", code=2).document["error"]
    assert len(deployer.world.runtimes) == 1


def test_log_groups_stay_unless_they_are_asked_for(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    (runtime,) = deployer.world.runtimes.values()
    logs = boto3.client("logs")
    own = f"/aws/bedrock-agentcore/runtimes/{runtime.id}-DEFAULT"
    others = [
        f"/aws/bedrock-agentcore/runtimes/shop-{'0' * 10}",
        "/aws/bedrock-agentcore/runtimes/shop-front-x-DEFAULT",
    ]
    for name in (own, *others):
        logs.create_log_group(logGroupName=name)
    left = person.run("destroy", "--yes").document["left"]
    assert [each["resource"] for each in left] == [f"log group {own}"]
    assert "--logs deletes it" in left[0]["details"][0]
    person.run("destroy", "--yes", "--logs")
    assert sorted(each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]) == sorted(others)


def test_a_role_with_somebody_elses_policy_is_not_deleted_blindly(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    iam = boto3.client("iam")
    iam.put_role_policy(RoleName="shop-execution", PolicyName="theirs", PolicyDocument=THEIRS)
    error = person.run("destroy", "--yes", code=1).document["error"]
    assert "has policies that somebody else attached" in error
    iam.delete_role_policy(RoleName="shop-execution", PolicyName="theirs")
    person.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_what_these_credentials_may_not_look_at_is_left_and_said(
    person: Person, deployer: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forbidden(NoArtifact):
        def plan_removal(self) -> tuple[Change, ...]:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeRepositories")

    person.run("deploy")
    monkeypatch.setattr(sys.modules["deployment.artifact_container"], "ContainerArtifact", Forbidden)
    left = person.run("destroy", "--yes").document["left"]
    assert [each["resource"] for each in left if "kind" in each["resource"]] == ["artifact of the kind container"]
    assert deployer.world.runtimes == {}
    person.config["artifact"] = "container"
    assert "DescribeRepositories" in person.run("destroy", "--yes", code=1).document["error"]
