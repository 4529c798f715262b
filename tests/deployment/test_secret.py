"""The client secret: by reference in the runtime, in Secrets Manager, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deployment import cli, faults
from tests.agentcore.emulator import Emulator
from tests.deployment.people import Person

CANARY = "s3cret-CANARY-77"
NAME = "mcp-policy-proxy/shop/outbound"


@pytest.fixture
def with_client(person: Person) -> Person:
    """Somebody whose upstream wants an OAuth client."""
    person.config |= {"auth_mode": "jwt", "cognito_client_id": "client", "token_url": "https://id.example/token"}
    return person


def kept() -> str:
    return str(boto3.client("secretsmanager").get_secret_value(SecretId=NAME)["SecretString"])


def version_of_secret() -> str:
    return str(boto3.client("secretsmanager").get_secret_value(SecretId=NAME)["VersionId"])


def environments(emulator: Emulator) -> str:
    return json.dumps([each.versions for each in emulator.world.runtimes.values()], default=str)


def test_a_secret_on_the_command_line_goes_to_secrets_manager_with_a_warning(
    with_client: Person, deployer: Emulator
) -> None:
    outcome = with_client.run("deploy", "--cognito-client-secret", CANARY)
    assert "warning: --cognito-client-secret shows the secret" in outcome.told
    assert kept() == CANARY
    (runtime,) = deployer.world.runtimes.values()
    arn = boto3.client("secretsmanager").describe_secret(SecretId=NAME)["ARN"]
    assert runtime.versions[-1]["environmentVariables"]["MCP_PROXY_CLIENT_SECRET"] == arn
    assert CANARY not in with_client.said + environments(deployer)


def test_a_secret_from_a_file_is_put_only_when_it_is_another_one(with_client: Person, deployer: Emulator) -> None:
    file = with_client.folder / "secret"
    file.write_text(f"{CANARY}\n")
    flags = ("--cognito-client-secret-file", str(file))
    assert with_client.run("plan", *flags).actions["secret"] == "create"
    with_client.run("deploy", *flags)
    version = version_of_secret()
    assert with_client.run("deploy", *flags).document["changed"] == []
    assert with_client.run("deploy").document["changed"] == []
    assert version_of_secret() == version
    file.write_text(f"{CANARY}-2")
    (change,) = with_client.run("deploy", *flags).document["changed"]
    assert change["details"] == ["its text differs"]
    assert kept() == f"{CANARY}-2"
    assert CANARY not in with_client.said + environments(deployer)


def test_without_a_secret_nothing_is_made(with_client: Person, deployer: Emulator) -> None:
    outcome = with_client.run("deploy", code=2)
    assert "--cognito-client-secret-file" in outcome.document["findings"][0]
    assert deployer.left_over("shop") == []
    assert with_client.run("plan").actions["secret"] == "create"


def test_a_prompt_asks_for_it_once(
    with_client: Person, deployer: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(cli, "_at_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: (asked.append(prompt), CANARY)[1])
    with_client.run("plan")
    path = str(with_client.folder / "deploy_config.json")
    assert cli.main(["deploy", "--config", path]) == 0
    assert cli.main(["deploy", "--config", path]) == 0
    assert len(asked) == 1
    assert kept() == CANARY
    assert CANARY not in "".join(capsys.readouterr())


def test_a_secret_that_exists_is_named_and_left_alone(with_client: Person, deployer: Emulator) -> None:
    made = boto3.client("secretsmanager").create_secret(Name="theirs", SecretString=json.dumps({"key": CANARY}))
    with_client.config["client_secret_arn"] = f"{made['ARN']}#key"
    with_client.run("deploy")
    (runtime,) = deployer.world.runtimes.values()
    assert runtime.versions[-1]["environmentVariables"]["MCP_PROXY_CLIENT_SECRET"] == f"{made['ARN']}#key"
    document = boto3.client("iam").get_role_policy(RoleName="shop-execution", PolicyName="mcp-policy-proxy")
    assert made["ARN"] in json.dumps(document["PolicyDocument"])
    left = with_client.run("destroy", "--yes").document["left"]
    assert [each["resource"] for each in left] == [f"secret {made['ARN']}#key"]
    assert boto3.client("secretsmanager").get_secret_value(SecretId="theirs")["SecretString"]


def test_a_secret_that_is_named_and_not_there_is_found_before_anything_is_made(
    with_client: Person, deployer: Emulator
) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf"
    with_client.config["client_secret_arn"] = arn
    assert with_client.run("deploy", code=2).document["findings"] == [f"client_secret_arn: there is no secret {arn}"]
    assert deployer.left_over("shop") == []


def test_a_secret_of_that_name_that_is_not_ours_is_left_alone(with_client: Person, deployer: Emulator) -> None:
    boto3.client("secretsmanager").create_secret(Name=NAME, SecretString="theirs")
    error = with_client.run("deploy", "--cognito-client-secret", CANARY, code=1).document["error"]
    assert "was not made by this deployment" in error
    with_client.run("destroy", "--yes")
    assert kept() == "theirs"


def test_destroy_takes_the_secret_also_when_the_mode_is_another_one_by_now(
    with_client: Person, deployer: Emulator
) -> None:
    with_client.run("deploy", "--cognito-client-secret", CANARY)
    with_client.config["auth_mode"] = "iam"
    with_client.run("destroy", "--yes")
    assert deployer.left_over("shop") == []
    with_client.config["auth_mode"] = "jwt"
    with_client.run("deploy", "--cognito-client-secret", CANARY)
    assert kept() == CANARY


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_file_without_a_secret_is_a_finding(with_client: Person, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "empty"
    if text is not None:
        file.write_text(text)
    outcome = with_client.run("deploy", "--cognito-client-secret-file", str(file), code=2)
    assert "--cognito-client-secret-file" in outcome.document["findings"][0]


def test_what_secrets_manager_says_of_a_refusal_is_not_repeated() -> None:
    answer = {"Error": {"Code": "InvalidRequestException", "Message": f"cannot store {CANARY}"}}
    told = faults.told(ClientError(answer, "PutSecretValue"))
    assert "PutSecretValue with InvalidRequestException" in told
    assert CANARY not in told
