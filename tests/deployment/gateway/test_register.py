"""The proxy as a target of a gateway that somebody else made."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from deployment.errors import DeployError
from deployment.gateway_names import policy_name
from deployment.register import register, unregister
from tests.agentcore.world import Target
from tests.deployment.gateway.people import Operator, gateway, policies_of, redeploy

CONTROL = "bedrock-agentcore-control"
SYNCHRONIZE = f"{CONTROL}:SynchronizeGatewayTargets"
ASKED: dict[str, Any] = {"target": None, "auth": None, "grant": False, "credential_provider": None}
GRANTED = {**ASKED, "grant": True}
THEIRS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def target(shop: Operator, identifier: str, name: str = "shop") -> Target:
    return {each.name: each for each in shop.emulator.world.gateways[identifier].targets.values()}[name]


def arn(shop: Operator) -> str:
    [runtime] = shop.emulator.world.runtimes.values()
    return runtime.arn


def test_the_proxy_becomes_a_target_and_every_page_of_the_gateways_list_is_counted(shop: Operator) -> None:
    front = gateway(shop)
    answer = shop.run(register, gateway=front, **ASKED).document
    assert (answer["verified"], answer["tool_count"], answer["status"], answer["auth"]) == (True, 3, "READY", "iam")
    path = f"/runtimes/{quote(arn(shop), safe='')}/invocations?qualifier=DEFAULT"
    server = {"endpoint": f"https://bedrock-agentcore.us-east-1.amazonaws.com{path}", "listingMode": "DEFAULT"}
    made = target(shop, front).request
    assert made["targetConfiguration"] == {"mcp": {"mcpServer": server}}
    signer = {"service": "bedrock-agentcore", "region": "us-east-1"}
    assert made["credentialProviderConfigurations"] == [
        {"credentialProviderType": "GATEWAY_IAM_ROLE", "credentialProvider": {"iamCredentialProvider": signer}}
    ]


def test_the_gateway_may_be_named_by_its_arn_and_by_the_config(shop: Operator) -> None:
    front = gateway(shop)
    by_arn = shop.emulator.world.gateways[front].arn
    assert shop.run(register, gateway=by_arn, **ASKED).document["gateway"] == front
    shop.changed(gateway=by_arn)
    assert shop.run(unregister, gateway=None, target=None).document["removed"]


def test_a_second_registration_keeps_the_target_and_has_its_tools_listed_again(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    before = (target(shop, front).id, target(shop, front).synchronized or 0)
    shop.listing.tools = [{"name": "refund", "inputSchema": {"type": "object"}}]
    assert shop.run(register, gateway=front, **ASKED).document["tool_count"] == 1
    assert shop.account.made == [SYNCHRONIZE]
    assert target(shop, front).id == before[0]
    assert (target(shop, front).synchronized or 0) > before[1]


def test_without_a_wish_for_that_it_is_synchronised_only_after_a_deployment(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    assert shop.run(register, gateway=front, refresh=False, **ASKED).document["changed"] == []
    assert shop.account.made == []
    redeploy(shop)
    shop.run(register, gateway=front, refresh=False, **ASKED)
    assert shop.account.made == [SYNCHRONIZE]
    assert shop.run(register, gateway=front, refresh=False, **ASKED).document["changed"] == []


CERTIFICATES = [{"s3": {"uri": "s3://theirs/ca.pem"}}]


def test_a_target_that_somebody_changed_is_set_right_and_keeps_what_is_theirs(shop: Operator) -> None:
    front = gateway(shop)
    endpoint = shop.run(register, gateway=front, **ASKED).document["endpoint"]
    found = target(shop, front)
    found.request |= {"description": "theirs", "certificateConfigurations": CERTIFICATES}
    found.request["targetConfiguration"]["mcp"]["mcpServer"]["endpoint"] = endpoint.replace("DEFAULT", "canary")
    answer = shop.run(register, gateway=front, refresh=False, **ASKED).document
    assert answer["endpoint"] == endpoint
    assert shop.account.made == [f"{CONTROL}:UpdateGatewayTarget", SYNCHRONIZE]
    assert target(shop, front).request["description"] == "theirs"
    assert target(shop, front).request["certificateConfigurations"] == CERTIFICATES


def test_a_runtime_that_was_made_anew_gets_its_target_back(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    server = target(shop, front).request["targetConfiguration"]["mcp"]["mcpServer"]
    server["endpoint"] = server["endpoint"].replace(arn(shop)[-10:], "0123456789")
    answer = shop.run(register, gateway=front, **ASKED).document
    assert quote(arn(shop), safe="") in answer["endpoint"]


RUNTIMES = "arn:aws:bedrock-agentcore:us-east-1:{account}:runtime/{name}-0123456789"
OURS = quote(RUNTIMES.format(account="123456789012", name="shop"), safe="")
AWS = "https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/"
ELSEWHERE = [
    "https://example.com/mcp",
    f"{AWS}{quote(RUNTIMES.format(account='123456789012', name='shop_two'), safe='')}/invocations",
    f"{AWS}{quote(RUNTIMES.format(account='999999999999', name='shop'), safe='')}/invocations",
    f"https://bedrock-agentcore.example.com/runtimes/{OURS}/invocations",
    "https://[",
]


def test_a_target_that_leads_elsewhere_is_neither_changed_nor_removed(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    server = target(shop, front).request["targetConfiguration"]["mcp"]["mcpServer"]
    for endpoint in ELSEWHERE:
        server["endpoint"] = endpoint
        with pytest.raises(DeployError, match="leads elsewhere"):
            shop.run(register, gateway=front, **ASKED)
        assert shop.run(unregister, gateway=front, target=None).document["removed"] == []
        assert shop.account.made == []


def test_the_permission_of_a_target_that_leads_elsewhere_stays(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **GRANTED)
    before = policies_of(shop, "front-role")
    target(shop, front).request["targetConfiguration"]["mcp"]["mcpServer"]["endpoint"] = ELSEWHERE[1]
    assert shop.run(unregister, gateway=front, target=None).document["removed"] == []
    assert policies_of(shop, "front-role") == before != {}


def test_unregister_takes_the_target_and_the_permission_and_nothing_else(shop: Operator) -> None:
    front = gateway(shop)
    shop.aws("iam").put_role_policy(RoleName="front-role", PolicyName="theirs", PolicyDocument=THEIRS)
    shop.run(register, gateway=front, **{**ASKED, "target": "other"})
    assert shop.run(register, gateway=front, **GRANTED).document["tool_count"] == 3
    removed = shop.run(unregister, gateway=front, target=None).document["removed"]
    policy = policy_name("shop", front)
    assert removed == [f"gateway target shop at {front}", f"inline policy {policy} of iam role front-role"]
    assert [each.name for each in shop.emulator.world.gateways[front].targets.values()] == ["other"]
    assert list(policies_of(shop, "front-role")) == ["theirs"]
    assert shop.run(unregister, gateway=front, target=None).document["removed"] == []


def test_unregister_asks_first_and_no_is_no(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    asked: list[str] = []
    with pytest.raises(DeployError, match="nothing was deleted"):
        shop.run(unregister, gateway=front, target=None, yes=False, ask=lambda said: asked.append(said) or "n")
    with pytest.raises(DeployError, match="--yes"):
        shop.run(unregister, gateway=front, target=None, yes=False, ask=None)
    assert asked == [f"remove gateway target shop at {front}? [y/N] "]
    assert target(shop, front).status == "READY"
    shop.run(unregister, gateway=front, target=None, yes=False, ask=lambda said: "y")
    assert not shop.emulator.world.gateways[front].targets


def test_the_statement_is_said_and_not_attached_unless_that_is_asked_for(shop: Operator) -> None:
    front = gateway(shop)
    report = shop.run(register, gateway=front, **ASKED)
    resources = [arn(shop), f"{arn(shop)}/runtime-endpoint/*"]
    [statement] = report.document["statement"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["bedrock-agentcore:InvokeAgentRuntime"], resources)
    assert json.dumps(report.document["statement"], indent=2) in report.told
    assert report.document["granted"] is False
    assert policies_of(shop, "front-role") == {}


def test_grant_attaches_one_named_policy_which_later_runs_keep_right(shop: Operator) -> None:
    front = gateway(shop)
    answer = shop.run(register, gateway=front, **GRANTED).document
    assert answer["granted"] is True
    assert policies_of(shop, "front-role") == {policy_name("shop", front): answer["statement"]}
    name = policy_name("shop", front)
    shop.aws("iam").put_role_policy(RoleName="front-role", PolicyName=name, PolicyDocument=THEIRS)
    assert shop.run(register, gateway=front, **ASKED).document["granted"] is True
    assert policies_of(shop, "front-role") == {policy_name("shop", front): answer["statement"]}


def test_unregister_at_a_gateway_that_is_gone_finds_nothing_to_do(shop: Operator) -> None:
    assert shop.run(unregister, gateway="front-0123456789", target=None).document["removed"] == []


LOOPS: list[dict[str, str]] = [
    {"gateway_api_id": "{id}"},
    {"gateway_api_id": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{id}"},
    {"gateway_endpoint": "https://{id}.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"},
    {"gateway_endpoint": "{url}/"},
]


def test_the_loop_is_refused_before_anything_changes(shop: Operator) -> None:
    front = gateway(shop)
    url = shop.emulator.world.gateways[front].url
    harmless = shop.config
    for loop in LOOPS:
        shop.config = harmless
        shop.changed(**{key: value.format(id=front, url=url) for key, value in loop.items()})
        with pytest.raises(DeployError, match="the proxy's own upstream"):
            shop.run(register, gateway=front, **GRANTED)
        assert shop.account.made == []


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"gateway": None}, "which gateway"),
    ({"gateway": "front"}, "no id of a gateway"),
    ({"gateway": "arn:aws:bedrock-agentcore:eu-west-1:123456789012:gateway/front-0123456789"}, "region eu-west-1"),
    ({"gateway": "arn:aws:bedrock-agentcore:us-east-1:999999999999:gateway/front-0123456789"}, "account 999"),
    ({"gateway": "front-0123456789"}, "there is none"),
    ({"target": "my_shop"}, "no underscore"),
    ({"auth": "oauth"}, "use --auth iam"),
    ({"credential_provider": "theirs"}, "--credential-provider"),
]


def test_what_cannot_be_registered_is_said_before_anything_changes(shop: Operator) -> None:
    front = gateway(shop)
    for options, told in IMPOSSIBLE:
        with pytest.raises(DeployError, match=told):
            shop.run(register, **{"gateway": front, **ASKED, **options})
        assert shop.account.made == []


def test_a_proxy_that_is_not_deployed_cannot_be_registered(shop: Operator) -> None:
    front = gateway(shop)
    shop.changed(agent_name="other")
    with pytest.raises(DeployError, match="deploy"):
        shop.run(register, gateway=front, **ASKED)
    assert not shop.emulator.world.gateways[front].targets
