"""`gateway create` and `gateway delete`: from nothing to a gateway that takes calls, and back to nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployment.errors import DeployError, FailedError
from deployment.gateway import gateway as verb
from deployment.register import register
from tests.agentcore.account import role
from tests.agentcore.world import Gateway
from tests.deployment.gateway.people import Operator, cognito_of, policies_of
from tests.deployment.gateway.people import gateway as foreign
from tests.deployment.gateway.test_register import ASKED

CONTROL = "bedrock-agentcore-control"
SIGNED: dict[str, Any] = {"action": "create", "name": None, "auth": "iam"}
TOKENS: dict[str, Any] = {"action": "create", "name": None, "auth": "oauth"}
GONE: dict[str, Any] = {"action": "delete", "name": None, "auth": "iam"}


def made(shop: Operator, name: str = "shop") -> Gateway:
    return {each.name: each for each in shop.emulator.world.gateways.values()}[name]


def test_a_gateway_for_callers_who_sign(shop: Operator) -> None:
    answer = shop.run(verb, **SIGNED).document
    found = made(shop)
    assert (answer["gateway_id"], answer["gateway_arn"], answer["gateway_url"]) == (found.id, found.arn, found.url)
    assert found.request["authorizerType"] == "AWS_IAM"
    assert found.request["protocolConfiguration"] == {"mcp": {"searchType": "SEMANTIC"}}
    assert found.tags["mcp-policy-proxy"] == "shop"
    assert policies_of(shop, found.request["roleArn"].rpartition("/")[2]) == {}
    assert shop.run(verb, **SIGNED).document["changed"] == []
    assert shop.account.made == []


def test_a_gateway_for_callers_with_tokens_and_a_client_that_has_them(shop: Operator) -> None:
    answer = shop.run(verb, **TOKENS).document
    issuer = f"{shop.emulator.url('cognito')}/{answer['cognito_user_pool_id']}"
    assert made(shop).request["authorizerConfiguration"]["customJWTAuthorizer"] == {
        "discoveryUrl": f"{issuer}/.well-known/openid-configuration",
        "allowedClients": [answer["cognito_client_id"]],
    }
    described = cognito_of(shop.emulator).describe_user_pool_client(
        UserPoolId=answer["cognito_user_pool_id"], ClientId=answer["cognito_client_id"]
    )["UserPoolClient"]
    assert described["AllowedOAuthScopes"] == [answer["scope"]]
    kept = shop.aws("secretsmanager").get_secret_value(SecretId=answer["client_secret_arn"])["SecretString"]
    assert kept == described["ClientSecret"]
    assert kept not in shop.said
    shop.run(register, gateway=answer["gateway_id"], **ASKED)
    assert shop.run(verb, **TOKENS).document["changed"] == []
    assert shop.account.made == []


def test_the_proxy_is_proved_through_a_gateway_that_wants_tokens(shop: Operator) -> None:
    identifier = shop.run(verb, **TOKENS).document["gateway_id"]
    answer = shop.run(register, gateway=identifier, **ASKED).document
    assert (answer["verified"], answer["tool_count"]) == (True, 3)


def test_a_gateway_that_lets_in_other_clients_alone_is_registered_with_and_not_asked(shop: Operator) -> None:
    jwt = {"discoveryUrl": "https://id.example/.well-known/openid-configuration", "allowedClients": ["theirs"]}
    front = foreign(shop, authorizerType="CUSTOM_JWT", authorizerConfiguration={"customJWTAuthorizer": jwt})
    answer = shop.run(register, gateway=front, **ASKED).document
    assert (answer["status"], answer["verified"]) == ("READY", False)
    assert "clients of its own identity provider" in answer["why"]


def test_a_client_of_ours_that_is_no_longer_let_in_proves_nothing(shop: Operator) -> None:
    identifier = shop.run(verb, **TOKENS).document["gateway_id"]
    made(shop).request["authorizerConfiguration"]["customJWTAuthorizer"]["allowedClients"] = ["theirs"]
    assert shop.run(register, gateway=identifier, **ASKED).document["verified"] is False


@pytest.mark.parametrize("options", [SIGNED, TOKENS], ids=["iam", "oauth"])
def test_delete_takes_the_targets_first_and_leaves_nothing(shop: Operator, options: dict[str, Any]) -> None:
    before = shop.emulator.left_over("shop-gateway")
    identifier = shop.run(verb, **options).document["gateway_id"]
    shop.run(register, gateway=identifier, **{**ASKED, "grant": True})
    removed = shop.run(verb, **GONE).document["removed"]
    assert removed[0].startswith("gateway target shop")
    assert shop.emulator.left_over("shop-gateway") == before
    assert shop.run(verb, **GONE).document["removed"] == []


def test_delete_asks_first(shop: Operator) -> None:
    shop.run(verb, **SIGNED)
    with pytest.raises(DeployError, match="nothing was deleted"):
        shop.run(verb, **GONE, yes=False, ask=lambda _: "")
    assert made(shop).status == "READY"


def test_a_role_that_is_too_new_to_be_assumed_is_waited_for(shop: Operator) -> None:
    shop.run(verb, **SIGNED)
    name = made(shop).request["roleArn"].rpartition("/")[2]
    shop.run(verb, **GONE)
    shop.emulator.world.faults.unassumable[name] = 3
    assert shop.run(verb, **SIGNED).document["gateway_id"]


def test_a_gateway_that_fails_says_why_and_how_to_go_on(shop: Operator) -> None:
    shop.emulator.world.faults.create_failed["shop"] = "no capacity"
    with pytest.raises(FailedError, match=r"gateway shop is FAILED: .*no capacity"):
        shop.run(verb, **SIGNED)
    with pytest.raises(DeployError, match="gateway delete"):
        shop.run(verb, **SIGNED)
    shop.emulator.world.faults.create_failed.clear()
    shop.run(verb, **GONE)
    assert shop.run(verb, **SIGNED).document["gateway_id"]


def test_a_change_of_who_may_call_is_made_and_keeps_what_is_theirs(shop: Operator) -> None:
    identifier = shop.run(verb, **SIGNED).document["gateway_id"]
    made(shop).request["description"] = "theirs"
    shop.emulator.world.faults.update_failed["shop"] = "not today"
    with pytest.raises(FailedError, match=r"UPDATE_UNSUCCESSFUL: .*not today"):
        shop.run(verb, **TOKENS)
    shop.emulator.world.faults.update_failed.clear()
    answer = shop.run(verb, **TOKENS).document
    assert answer["gateway_id"] == identifier
    request = made(shop).request
    assert (request["authorizerType"], request["description"]) == ("CUSTOM_JWT", "theirs")
    assert request["protocolConfiguration"]["mcp"]["searchType"] == "SEMANTIC"


def test_throttling_and_conflicts_are_waited_through(shop: Operator) -> None:
    faults = shop.emulator.world.faults
    faults.throttled[f"{CONTROL}:CreateGateway"] = 1
    faults.conflicts[f"{CONTROL}:CreateGateway"] = 1
    shop.run(verb, **SIGNED)
    faults.throttled[f"{CONTROL}:DeleteGateway"] = 1
    faults.conflicts[f"{CONTROL}:DeleteGateway"] = 1
    shop.run(verb, **GONE)
    assert not shop.emulator.world.gateways
    assert {*faults.throttled.values(), *faults.conflicts.values()} == {0}


def test_what_somebody_else_made_is_neither_used_nor_deleted(shop: Operator) -> None:
    foreign(shop, "theirs")
    for options in (SIGNED, TOKENS):
        with pytest.raises(DeployError, match="another --name"):
            shop.run(verb, **{**options, "name": "theirs"})
    assert shop.run(verb, **{**GONE, "name": "theirs"}).document["removed"] == []
    assert made(shop, "theirs").status == "READY"


def test_a_pool_of_the_same_name_is_left_alone(shop: Operator) -> None:
    theirs = cognito_of(shop.emulator).create_user_pool(PoolName="shop-gateway")["UserPool"]["Id"]
    assert shop.run(verb, **TOKENS).document["cognito_user_pool_id"] != theirs
    shop.run(verb, **GONE)
    assert [each["Id"] for each in cognito_of(shop.emulator).list_user_pools(MaxResults=60)["UserPools"]] == [theirs]


def test_a_role_or_a_secret_of_somebody_else_is_not_taken_over(shop: Operator) -> None:
    shop.run(verb, **TOKENS)
    name = made(shop).request["roleArn"].rpartition("/")[2]
    secret = "mcp-policy-proxy/shop/gateway/shop"
    shop.run(verb, **GONE)
    role(shop.emulator.environment, name)
    with pytest.raises(DeployError, match=f"iam role {name} was not made by this deployment"):
        shop.run(verb, **SIGNED)
    shop.aws("secretsmanager").create_secret(Name=secret, SecretString="theirs")
    with pytest.raises(DeployError, match=f"secret {secret} was not made by this deployment"):
        shop.run(verb, **TOKENS)
    assert shop.account.made == []


def test_a_secret_that_no_longer_holds_the_clients_is_set_right(shop: Operator) -> None:
    arn = shop.run(verb, **TOKENS).document["client_secret_arn"]
    secrets = shop.aws("secretsmanager")
    held = secrets.get_secret_value(SecretId=arn)["SecretString"]
    secrets.put_secret_value(SecretId=arn, SecretString="old")
    shop.run(verb, **TOKENS)
    assert shop.account.made == ["secretsmanager:PutSecretValue"]
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == held


def test_the_roles_trust_is_this_gateways_alone_and_is_set_right(shop: Operator) -> None:
    shop.run(verb, **SIGNED)
    iam, name = shop.aws("iam"), made(shop).request["roleArn"].rpartition("/")[2]
    ours = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    [statement] = ours["Statement"]
    source = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/shop-*"
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": source}
    theirs = {**ours, "Statement": [{**statement, "Condition": {}}]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(theirs))
    shop.run(verb, **SIGNED)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == ours


def test_a_name_that_no_gateway_may_have_is_said(shop: Operator) -> None:
    with pytest.raises(DeployError, match="--name"):
        shop.run(verb, **{**SIGNED, "name": "my_gateway"})
