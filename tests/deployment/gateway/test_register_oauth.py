"""Registration of a runtime that takes tokens: the gateway fetches them from a credential provider."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

from deployment import names
from deployment.config import Inbound
from deployment.errors import DeployError, FailedError
from deployment.gateway_names import policy_name
from deployment.gateway_providers import EveryProvider
from deployment.register import register, unregister
from deployment.run import Run, take_down
from tests.agentcore.account import CUSTOM, Listing
from tests.agentcore.emulator import Emulator
from tests.deployment.gateway.people import (
    Caller,
    Kept,
    Operator,
    caller,
    gateway,
    letting_in,
    operator,
    policies_of,
)
from tests.deployment.gateway.test_register import target

CONTROL = "bedrock-agentcore-control"
ASKED: dict[str, Any] = {
    "target": None,
    "auth": None,
    "grant": False,
    "credential_provider": None,
    "client_secret": "env:CLIENT_SECRET",
}


@pytest.fixture
def client(deployer: Emulator, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Its secret is where ASKED says."""
    found = caller(deployer)
    monkeypatch.setenv("CLIENT_SECRET", found.secret)
    return found


@pytest.fixture
def shop(deployer: Emulator, listing: Listing, client: Caller) -> Operator:
    """Its runtime lets that client in."""
    return operator(deployer, listing, inbound=letting_in(client))


def providers(shop: Operator) -> list[str]:
    return sorted(shop.emulator.world.providers)


def used(shop: Operator, front: str) -> dict[str, Any]:
    [credential] = target(shop, front).request["credentialProviderConfigurations"]
    assert credential["credentialProviderType"] == "OAUTH"
    found: dict[str, Any] = credential["credentialProvider"]["oauthCredentialProvider"]
    return found


def test_the_gateway_fetches_tokens_from_a_provider_of_ours(shop: Operator, client: Caller) -> None:
    front = gateway(shop)
    answer = shop.run(register, gateway=front, **ASKED).document
    assert (answer["auth"], answer["status"], answer["tool_count"]) == ("oauth", "READY", 3)
    [provider] = shop.emulator.world.providers.values()
    assert used(shop, front) == {"providerArn": provider.arn, "scopes": [], "grantType": "CLIENT_CREDENTIALS"}
    assert provider.name == f"shop-{front}-g1"
    assert provider.tags["mcp-policy-proxy"] == "shop"
    assert provider.request["credentialProviderVendor"] == "CustomOauth2"
    config = provider.request["oauth2ProviderConfigInput"]["customOauth2ProviderConfig"]
    assert config["oauthDiscovery"] == {"discoveryUrl": client.discovery_url}
    assert (config["clientId"], provider.client_secret) == (client.client_id, client.secret)
    assert client.secret not in shop.said


def test_a_second_registration_makes_no_other_provider_and_needs_no_secret(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    shop.run(register, gateway=front, **{**ASKED, "client_secret": None})
    assert shop.account.made == [f"{CONTROL}:SynchronizeGatewayTargets"]
    assert len(providers(shop)) == 1


def test_the_proxys_own_secret_serves_where_it_is_the_same_client(shop: Operator, client: Caller) -> None:
    kept = shop.aws("secretsmanager").create_secret(Name="mine", SecretString=client.secret)["ARN"]
    shop.changed(auth_mode="jwt", cognito_client_id=client.client_id, client_secret_arn=kept)
    shop.run(register, gateway=gateway(shop), **{**ASKED, "client_secret": None})
    [provider] = shop.emulator.world.providers.values()
    assert provider.client_secret == client.secret


def test_scopes_are_asked_for_where_the_runtime_wants_them(shop: Operator, client: Caller) -> None:
    shop.changed(inbound=letting_in(client).model_copy(update={"allowed_scopes": ("callers/call",)}))
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    assert used(shop, front)["scopes"] == ["callers/call"]


def test_a_wrong_secret_is_found_before_anything_is_made(shop: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "0123456789abcdef0123456789")
    front = gateway(shop)
    with pytest.raises(DeployError, match="refuses client"):
        shop.run(register, gateway=front, **ASKED)
    assert shop.account.made == []
    assert "0123456789abcdef" not in shop.said


def test_without_a_secret_nothing_is_begun(shop: Operator) -> None:
    with pytest.raises(DeployError, match="--client-secret"):
        shop.run(register, gateway=gateway(shop), **{**ASKED, "client_secret": None})
    with pytest.raises(DeployError, match="env:NOWHERE"):
        shop.run(register, gateway=gateway(shop, "second"), **{**ASKED, "client_secret": "env:NOWHERE"})
    assert shop.account.made == []


def test_an_identity_provider_that_cannot_be_reached_from_here_is_no_obstacle(shop: Operator, client: Caller) -> None:
    shop.changed(
        inbound=letting_in(client).model_copy(update={"discovery_url": CUSTOM["oauthDiscovery"]["discoveryUrl"]})
    )
    shop.run(register, gateway=gateway(shop), **ASKED)
    assert "could not be tried from here" in shop.said
    assert len(providers(shop)) == 1


def test_another_client_gets_a_provider_of_its_own_and_the_old_one_goes(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    other = caller(shop.emulator, "others")
    shop.changed(inbound=letting_in(other))
    kept = shop.aws("secretsmanager").create_secret(Name="other", SecretString=other.secret)["ARN"]
    shop.run(register, gateway=front, **{**ASKED, "client_secret": kept})
    assert providers(shop) == [f"shop-{front}-g2"]
    assert used(shop, front)["providerArn"] == shop.emulator.world.providers[f"shop-{front}-g2"].arn


def test_somebody_elses_provider_is_used_and_never_touched(shop: Operator, client: Caller) -> None:
    front = gateway(shop)
    config = {**CUSTOM, "clientId": client.client_id, "clientSecret": client.secret}
    shop.aws().create_oauth2_credential_provider(
        name="theirs",
        credentialProviderVendor="CustomOauth2",
        oauth2ProviderConfigInput={"customOauth2ProviderConfig": config},
    )
    answer = shop.run(register, gateway=front, **{**ASKED, "credential_provider": "theirs", "grant": True}).document
    assert used(shop, front)["providerArn"].endswith("/theirs")
    resources = [each for statement in answer["statement"]["Statement"] for each in statement["Resource"]]
    assert shop.emulator.world.providers["theirs"].secret_arn in resources
    shop.run(unregister, gateway=front, target=None)
    assert providers(shop) == ["theirs"]
    with pytest.raises(DeployError, match="there is no OAuth2 credential provider gone"):
        shop.run(register, gateway=front, **{**ASKED, "credential_provider": "gone"})


def test_a_provider_with_a_name_of_ours_that_another_deployment_tagged_is_left_alone(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    shop.emulator.world.providers[f"shop-{front}-g1"].tags["mcp-policy-proxy"] = "other"
    shop.run(unregister, gateway=front, target=None)
    assert providers(shop) == [f"shop-{front}-g1"]


def test_the_permission_covers_every_provider_to_come_and_no_other(shop: Operator) -> None:
    front = gateway(shop)
    answer = shop.run(register, gateway=front, **{**ASKED, "grant": True}).document
    assert policies_of(shop, "front-role") == {policy_name("shop", front): answer["statement"]}
    said = {each["Sid"]: each for each in answer["statement"]["Statement"]}
    stem = f"oauth2credentialprovider/shop-{front}-g*"
    assert any(each.endswith(stem) for each in said["ProviderToken"]["Resource"])
    assert said["ProviderSecret"]["Resource"] == [
        f"arn:aws:secretsmanager:us-east-1:123456789012:secret:bedrock-agentcore-identity!default/oauth2/shop-{front}-g*"
    ]
    identity = f"workload-identity-directory/default/workload-identity/{front}"
    assert said["WorkloadToken"]["Resource"][1].endswith(identity)
    assert "InvokeAgentRuntime" not in str(said)


def test_unregister_leaves_nothing(shop: Operator) -> None:
    front = gateway(shop)
    before = shop.emulator.left_over(front)
    shop.run(register, gateway=front, **{**ASKED, "grant": True})
    shop.run(unregister, gateway=front, target=None)
    assert shop.emulator.left_over(front) == before


def test_a_provider_that_a_failing_target_uses_is_not_trusted_again(shop: Operator) -> None:
    """Its secret may be why the target fails."""
    front = gateway(shop)
    shop.listing.problem = "401 from the runtime"
    with pytest.raises(FailedError, match="401 from the runtime"):
        shop.run(register, gateway=front, **ASKED)
    shop.listing.problem = None
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"
    assert providers(shop) == [f"shop-{front}-g2"]


def test_killed_after_any_change_the_next_run_carries_on(shop: Operator) -> None:
    front = gateway(shop)
    before = shop.emulator.left_over(front)

    def check(report: Kept) -> None:
        assert (report.document["status"], report.document["tool_count"]) == ("READY", 3)
        [name] = providers(shop)
        assert used(shop, front)["providerArn"] == shop.emulator.world.providers[name].arn
        shop.run(unregister, gateway=front, target=None)
        assert shop.emulator.left_over(front) == before

    assert list(shop.deaths(register, check, gateway=front, **{**ASKED, "grant": True})) == [1, 2, 3, 4]


def test_killed_while_it_takes_away_the_next_run_carries_on(shop: Operator) -> None:
    front = gateway(shop)
    before = shop.emulator.left_over(front)
    again: Callable[[], Kept] = lambda: shop.run(register, gateway=front, **{**ASKED, "grant": True})  # noqa: E731
    again()

    def check(report: Kept) -> None:
        assert shop.emulator.left_over(front) == before
        again()

    assert list(shop.deaths(unregister, check, gateway=front, target=None)) == [1, 2, 3]


def test_providers_that_no_target_leads_to_are_found_by_their_name_and_tag(shop: Operator) -> None:
    first, second = gateway(shop, "first"), gateway(shop, "second")
    for front in (first, second):
        shop.run(register, gateway=front, **ASKED)
        shop.emulator.world.gateways[front].targets.clear()
    shop.emulator.world.providers[f"shop-{second}-g1"].tags["mcp-policy-proxy"] = "other"
    shop.aws().create_oauth2_credential_provider(
        name="theirs-g1",
        credentialProviderVendor="CustomOauth2",
        oauth2ProviderConfigInput={"customOauth2ProviderConfig": CUSTOM},
        tags=names.tags(shop.config),
    )
    shop.run(every_provider)
    assert providers(shop) == [f"shop-{second}-g1", "theirs-g1"]


def every_provider(run: Run, options: Namespace) -> int:
    """A verb that does what `destroy` does for them."""
    take_down(run, [EveryProvider(run)])
    return 0


def test_a_client_that_the_config_leaves_open_is_asked_for(shop: Operator, client: Caller) -> None:
    inbound = Inbound(mode="jwt", discovery_url=client.discovery_url, allowed_clients=("one", "two"))
    shop.changed(inbound=inbound)
    with pytest.raises(DeployError, match="as which OAuth client"):
        shop.run(register, gateway=gateway(shop), **ASKED)
    shop.changed(inbound=letting_in(client))
    with pytest.raises(DeployError, match="use --auth oauth"):
        shop.run(register, gateway=gateway(shop, "second"), **{**ASKED, "auth": "iam"})
    assert shop.account.made == []
