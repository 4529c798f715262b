"""What the runtime's role may do because its chain names keys, and which references no deployed chain may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployment import chain_references, iam
from deployment.chain_references import Needed
from deployment.chain_tables import BUILT_IN
from deployment.errors import ConfigError
from deployment.reading import read
from policies.naming import BUILTINS
from tests.agentcore.emulator import Emulator
from tests.deployment.people import UPSTREAM, Person

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/ring"
OTHER = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:hash-AbCdEf"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = "arn:aws-cn:kms:cn-north-1:123456789012:alias/shop"


def table(config: str, use: str = "redact", more: str = "") -> str:
    return f'[[policy]]\nuse = "{use}"\n{more}config = {{ {config} }}\n'


def of(tmp_path: Path, *tables: str) -> Path:
    path = tmp_path / "policies.toml"
    path.write_text("\n".join(tables))
    return path


@pytest.mark.parametrize(
    ("tables", "needed"),
    [
        ([table(f'keys = "{SECRET}"', "tokenize")], Needed(secrets=(SECRET,))),
        ([table(f'keys = "{SECRET}#ring"', "tokenize")], Needed(secrets=(SECRET,))),
        ([table(f'tokens = {{ keys = "{SECRET}" }}')], Needed(secrets=(SECRET,))),
        ([table(f'hash_key = "{OTHER}#a"')], Needed(secrets=(OTHER,))),
        ([table(f'keys = "{SECRET}"', "mine:Mine")], Needed(secrets=(SECRET,))),
        ([table(f'keys = "kms:{KEY}#{SECRET}"', "tokenize")], Needed(secrets=(SECRET,), keys=(KEY,))),
        ([table(f'keys = "kms:{KEY}#{SECRET}#ring"', "tokenize")], Needed(secrets=(SECRET,), keys=(KEY,))),
        ([table(f'keys = "kms:{ALIAS}#file:ring"', "tokenize")], Needed(keys=(ALIAS,))),
        (
            [
                table(f'keys = "{SECRET}#a"', "tokenize"),
                table(f'hash_key = "{OTHER}", tokens = {{ keys = "{SECRET}#b" }}'),
            ],
            Needed(secrets=(OTHER, SECRET)),
        ),
        ([table('keys = "file:ring"', "tokenize"), table('hash_key = "env:KEY"')], Needed()),
        ([table(f'keys = "{SECRET}"', "tokenize", 'mode = "off"\n')], Needed()),
        ([table(f'api_key = "{SECRET}", keys = ["{SECRET}"], tokens = "{SECRET}"', "mine:Mine")], Needed()),
        ([table(f'keys = "{SECRET}*"', "mine:Mine"), table(f'keys = "kms:{KEY}*#{SECRET}"', "mine:Mine")], Needed()),
        ([table('keys = "arn:aws:s3:::bucket"', "mine:Mine")], Needed()),
        (['policy = "no table"'], Needed()),
        (["not TOML"], Needed()),
    ],
)
def test_what_a_chain_reads_by_reference_is_needed_and_nothing_else(
    tables: list[str], needed: Needed, tmp_path: Path
) -> None:
    assert chain_references.needed(of(tmp_path, *tables)) == needed


def test_the_built_in_policies_are_those_of_the_proxy() -> None:
    assert {*BUILTINS, *BUILTINS.values()} == BUILT_IN


def test_without_a_policies_file_or_with_one_that_is_gone_nothing_is_needed(tmp_path: Path) -> None:
    assert chain_references.needed(None) == Needed()
    assert chain_references.needed(tmp_path / "gone.toml") == Needed()


def allowed(sid: str, action: str, *resources: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": list(resources)}


@pytest.mark.parametrize(
    ("needed", "statements"),
    [
        (Needed(), []),
        (
            Needed(secrets=(OTHER, SECRET, f"{SECRET}-client")),
            [
                allowed(
                    *("ChainSecrets", "secretsmanager:GetSecretValue", OTHER, f"{SECRET}-??????"),
                    *(f"{SECRET}-client", f"{SECRET}-client-??????"),
                )
            ],
        ),
        (Needed(keys=(KEY,)), [allowed("ChainKeys", "kms:Decrypt", KEY)]),
        (
            Needed(keys=(ALIAS, f"{ALIAS}2", KEY)),
            [
                allowed("ChainKeys", "kms:Decrypt", KEY),
                {
                    **allowed("ChainAlias1", "kms:Decrypt", "arn:aws-cn:kms:cn-north-1:123456789012:key/*"),
                    "Condition": {"StringEquals": {"kms:RequestAlias": "alias/shop"}},
                },
                {
                    **allowed("ChainAlias2", "kms:Decrypt", "arn:aws-cn:kms:cn-north-1:123456789012:key/*"),
                    "Condition": {"StringEquals": {"kms:RequestAlias": "alias/shop2"}},
                },
            ],
        ),
    ],
)
def test_the_role_may_read_each_and_decrypt_with_each_and_nothing_else(
    needed: Needed, statements: list[dict[str, Any]]
) -> None:
    assert iam.of_chain(needed) == statements


def granted() -> list[dict[str, Any]]:
    """The chain's statements at the role in the account."""
    found = boto3.client("iam", "us-east-1").get_role_policy(RoleName="shop-execution", PolicyName="mcp-policy-proxy")
    return [each for each in found["PolicyDocument"]["Statement"] if each["Sid"].startswith("Chain")]


def test_the_plan_shows_what_the_chain_needs_and_the_deployment_gives_and_takes_it(
    person: Person, deployer: Emulator
) -> None:
    alias = ALIAS.replace("aws-cn", "aws")
    of(
        person.folder,
        table(f'keys = "kms:{KEY}#{SECRET}"', "tokenize"),
        table(f'keys = "kms:{alias}#file:r"', "mine:M"),
    )
    person.config |= {"policies": "policies.toml", "include": ["policies.toml"]}
    (role,) = [each for each in person.run("plan").document["changes"] if each["resource"].startswith("iam")]
    shown = [
        f"for the chain: secretsmanager:GetSecretValue on {SECRET}-??????",
        f"for the chain: kms:Decrypt on {KEY}",
        "for the chain: kms:Decrypt on arn:aws:kms:cn-north-1:123456789012:key/*, asked for as alias/shop",
    ]
    assert (role["action"], role["details"]) == ("create", shown)
    person.run("deploy")
    assert granted() == iam.of_chain(chain_references.needed(person.folder / "policies.toml"))
    assert person.run("plan").actions["iam"] == "keep"
    of(person.folder, table(f'keys = "{SECRET}"', "tokenize"))
    (role,) = [each for each in person.run("plan").document["changes"] if each["resource"].startswith("iam")]
    assert (role["action"], role["details"]) == ("update", ["inline policy mcp-policy-proxy differs", shown[0]])
    person.run("deploy")
    assert granted() == [allowed("ChainSecrets", "secretsmanager:GetSecretValue", f"{SECRET}-??????")]
    del person.config["policies"]
    person.run("deploy")
    assert granted() == []
    person.run("destroy", "--yes")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([table('keys = "ephemeral:"', "tokenize")], ["1 (tokenize): keys: ephemeral: is a key of one process"]),
        ([table('tokens = { keys = "ephemeral:" }')], ["1 (redact): tokens.keys: ephemeral: is a key of one process"]),
        ([table('keys = "ephemeral:"', "mine:MyRing")], ["1 (mine:MyRing): keys: ephemeral: is a key of one process"]),
        ([table('keys = "hush"', "tokenize", 'name = "t"\n')], ["1 (t): keys: is not a reference to a key ring"]),
        (
            [table('hash_key = "hush"'), table('hash_key = "ephemeral:"')],
            ["1 (redact): hash_key: is not a", "2 (redact)"],
        ),
        ([table(f'hash_key = "kms:{KEY}#{SECRET}"')], ["1 (redact): hash_key: is not a reference to a secret"]),
        ([table('keys = "ephemeral:"', "tokenize", 'mode = "off"\n')], []),
        ([table('keys = "hush"', "mine:Mine")], []),
        ([table('keys = "file:ring"', "tokenize"), table('hash_key = "env:KEY"')], []),
    ],
)
def test_a_reference_that_no_instance_could_use_is_a_finding_that_repeats_no_value(
    tables: list[str], said: list[str], tmp_path: Path
) -> None:
    path = of(tmp_path, *tables)
    found = list(chain_references.findings(path))
    assert len(found) == len(said)
    assert not [each for each in found if "hush" in each]
    for finding, part in zip(found, said, strict=True):
        assert finding.startswith(f"{path}: [[policy]] {part}")


def test_a_deployment_ends_with_it_before_anything_is_made(tmp_path: Path) -> None:
    of(tmp_path, table('keys = "ephemeral:"', "tokenize"))
    config = tmp_path / "deploy_config.json"
    given = {"agent_name": "shop", "gateway_endpoint": UPSTREAM, "region": "us-east-1", "policies": "policies.toml"}
    config.write_text(json.dumps(given))
    with pytest.raises(ConfigError) as caught:
        read(config, {}, None, building=True)
    (finding,) = caught.value.findings
    assert "ephemeral: is a key of one process" in finding
    assert read(config, {}, None, building=False).agent_name == "shop"
