"""What belongs to others, or to another deployment, is neither used up nor taken down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import faults, names, preflight
from deployment.account import Account
from deployment.artifact_bucket import Bucket
from deployment.artifact_builder import Builder
from deployment.artifact_repository import Repository
from deployment.bundle_users import collected
from deployment.config import DeployConfig
from deployment.errors import ConfigError, DeployError
from deployment.gateway_providers import EveryProvider
from deployment.report import Report
from deployment.role import Role
from deployment.run import Run, carry_out, take_down
from deployment.waiting import Waits
from tests.agentcore.emulator import Emulator
from tests.deployment.people import UPSTREAM, Person

NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
CANARY = "s3cret-CANARY-78"


def policies(role: str) -> dict[str, Any]:
    iam = boto3.client("iam")
    named = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in named}


def trust(role: str) -> Any:
    return boto3.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]


def run_in(region: str, **more: Any) -> Run:
    config = DeployConfig(agent_name="shop", gateway_endpoint=UPSTREAM, region=region, **more)
    report = Report(as_json=False)
    return Run(config=config, account=Account(region), report=report, waits=Waits(report.tell))


def builder(run: Run) -> Builder:
    return Builder(run, Bucket(run), Repository(run))


def test_a_role_of_the_same_deployment_in_another_region_is_left_alone(deployer: Emulator) -> None:
    here, there = run_in("us-east-1"), run_in("eu-west-1")
    carry_out(here, [Role(here)])
    before = (policies("shop-execution"), trust("shop-execution"))
    with pytest.raises(DeployError, match="belongs to the deployment of this name in us-east-1"):
        carry_out(there, [Role(there)])
    (change,) = take_down(there, [Role(there)])
    assert change.action == "keep"
    assert (policies("shop-execution"), trust("shop-execution")) == before
    (change,) = take_down(here, [Role(here)])
    assert change.action == "delete"


def test_somebody_elses_role_serves_two_regions_and_neither_run_undoes_the_other(deployer: Emulator) -> None:
    boto3.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=NOBODY)
    here, there = (run_in(region, iam_role_name="theirs") for region in ("us-east-1", "eu-west-1"))
    for run in (here, there):
        carry_out(run, [Role(run)])
    assert [change.action for run in (here, there) for change in carry_out(run, [Role(run)])] == ["keep", "keep"]
    (statement,) = trust("theirs")["Statement"]
    assert len(statement["Condition"]["ArnLike"]["aws:SourceArn"]) == 2
    take_down(there, [Role(there)])
    assert list(policies("theirs")) == ["mcp-policy-proxy-shop-us-east-1"]


def test_the_builds_role_of_another_region_is_left_alone(deployer: Emulator) -> None:
    iam, here, there = boto3.client("iam"), run_in("us-east-1"), run_in("eu-west-1")
    document, tags = json.dumps(builder(here)._trust()), [{"Key": "mcp-policy-proxy", "Value": "shop"}]
    iam.create_role(RoleName="shop-image-build", AssumeRolePolicyDocument=document, Tags=tags)
    assert [change.action for change in builder(here).plan()] == ["update", "create"]
    with pytest.raises(DeployError, match="serves builds elsewhere"):
        builder(there).plan()
    assert [change.action for change in builder(there).plan_removal()] == ["keep"]
    with there.account.may(["iam:DeleteRole", "iam:DeleteRolePolicy"]):
        builder(there).remove()
    assert trust("shop-image-build") == json.loads(document)


def test_two_deployments_with_one_role_of_somebody_elses_keep_their_own_policies(
    person: Person, deployer: Emulator
) -> None:
    boto3.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=NOBODY)
    person.config["iam_role_name"] = "theirs"
    person.run("deploy")
    first = policies("theirs")
    person.config |= {"agent_name": "other", "gateway_api_id": "tools-abcdefghij"}
    person.run("deploy")
    assert first.items() <= policies("theirs").items()
    assert len(policies("theirs")) == 2
    person.run("destroy", "--yes")
    assert policies("theirs") == first


def test_a_deployment_made_anew_with_other_tags_is_no_repetition_of_the_first(
    person: Person, deployer: Emulator
) -> None:
    boto3.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=NOBODY)
    person.config |= {"iam_role_name": "theirs", "endpoint": "prod"}
    for team in ("a", "b"):
        person.config["tags"] = {"team": team}
        person.run("deploy")
        (runtime,) = deployer.world.runtimes.values()
        assert (runtime.tags["team"], runtime.endpoints["prod"].tags["team"]) == (team, team)
        person.run("destroy", "--yes")


def test_log_groups_of_somebody_elses_runtime_stay(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    (runtime,) = deployer.world.runtimes.values()
    runtime.tags.clear()
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=f"/aws/bedrock-agentcore/runtimes/{runtime.id}-DEFAULT")
    person.run("destroy", "--yes", "--logs")
    assert len(logs.describe_log_groups()["logGroups"]) == 1


def test_a_creation_that_fails_only_after_the_plan_is_made_anew(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    (runtime,) = deployer.world.runtimes.values()
    runtime.status, runtime.polls, runtime.failure = "CREATING", -5, "no capacity"
    person.run("deploy")
    (again,) = deployer.world.runtimes.values()
    assert (again.status, again.id == runtime.id) == ("READY", False)


def test_a_provider_whose_tags_cannot_be_read_does_not_stop_a_removal(
    deployer: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in("us-east-1")
    client = run.account.client("bedrock-agentcore-control")
    config = {
        "customOauth2ProviderConfig": {
            "oauthDiscovery": {"discoveryUrl": f"{UPSTREAM}/.well-known/openid-configuration"}
        }
    }
    config["customOauth2ProviderConfig"] |= {"clientId": "client", "clientSecret": "text"}  # type: ignore[dict-item]
    asked = {"credentialProviderVendor": "CustomOauth2", "oauth2ProviderConfigInput": config}
    with run.account.may(["bedrock-agentcore-control:CreateOauth2CredentialProvider"]):
        client.create_oauth2_credential_provider(name="shop-front-abcdefghij-g1", **asked)

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ValidationException"}}, "ListTagsForResource")

    client.meta.events.register("before-call.bedrock-agentcore-control.ListTagsForResource", refuse)
    assert EveryProvider(run).plan_removal() == ()


def test_a_package_beside_the_config_is_not_taken_for_the_proxy(tmp_path: Path) -> None:
    package = tmp_path / "proxy"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("open('ran', 'w')\n")
    config = DeployConfig(
        agent_name="shop", gateway_endpoint=UPSTREAM, region="us-east-1", auth_mode="none", folder=tmp_path
    )
    assert preflight.findings(config, settings=True) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "resource",
    ["*", "shop", "arn:aws:bedrock-agentcore:*:*:runtime/*", "arn:aws:s3:us-east-1:123456789012:shop-0123456789"],
)
def test_a_url_puts_nothing_but_a_runtimes_arn_into_a_policy(resource: str) -> None:
    assert names.upstream(f"https://tools.example/runtimes/{resource}/invocations").runtime is None


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "secret.txt",
        "cognito-client-secret.txt",
        "password.txt",
        "token.json",
        "service-account-1.json",
        "kubeconfig",
        "terraform.tfstate",
        "prod.tfvars",
        "server.ppk",
    ],
)
def test_what_is_called_as_a_secret_does_not_ship(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text(CANARY)
    with pytest.raises(ConfigError, match="looks like a secret"):
        collected(None, [folder], tmp_path)


@pytest.mark.parametrize("name", ["secret_words.txt", "tokens.py", "token_rules.json", "passwords.py"])
def test_what_only_speaks_of_secrets_ships(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).touch()
    assert list(collected(None, [folder], tmp_path).files) == [f"mine/{name}"]


def test_a_value_that_agentcores_model_refuses_is_not_repeated() -> None:
    said = f"Value '{CANARY}' at 'clientSecret' failed to satisfy constraint"
    answer = {"Error": {"Code": "ValidationException", "Message": said}}
    assert CANARY not in faults.told(ClientError(answer, "CreateOauth2CredentialProvider"))
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
    assert "not authorized" in faults.told(ClientError(denied, "CreateOauth2CredentialProvider"))
