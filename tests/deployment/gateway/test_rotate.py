"""New secrets without a gap."""

from __future__ import annotations

from typing import Any

import pytest

from deployment import names
from deployment.errors import DeployError, FailedError
from deployment.register import register, unregister
from deployment.rotate import rotate
from tests.agentcore.emulator import Emulator
from tests.deployment.gateway.people import Caller, Kept, Killed, Operator, caller, gateway, letting_in, new_secret
from tests.deployment.gateway.test_register import ASKED as SIGNED
from tests.deployment.gateway.test_register import target
from tests.deployment.gateway.test_register_oauth import ASKED, CONTROL, client, providers, shop, used

__all__ = ["client", "shop"]

ROTATE: dict[str, Any] = {"target": None, "client_secret": "env:NEXT_SECRET"}


@pytest.fixture
def fresh(deployer: Emulator, client: Caller, monkeypatch: pytest.MonkeyPatch) -> str:
    """A second live secret of the client; ROTATE names it."""
    found = new_secret(deployer, client)
    monkeypatch.setenv("NEXT_SECRET", found)
    return found


@pytest.fixture
def front(shop: Operator) -> str:
    """The proxy is a target of this gateway."""
    found = gateway(shop)
    shop.run(register, gateway=found, **{**ASKED, "grant": True})
    return found


def test_a_new_provider_takes_over_and_the_old_one_goes_last(shop: Operator, front: str, fresh: str) -> None:
    answer = shop.run(rotate, gateway=front, **ROTATE).document
    assert (answer["rotated"], answer["verified"], answer["tool_count"]) == (["inward"], True, 3)
    assert shop.account.made == [
        f"{CONTROL}:CreateOauth2CredentialProvider",
        f"{CONTROL}:UpdateGatewayTarget",
        f"{CONTROL}:SynchronizeGatewayTargets",
        f"{CONTROL}:DeleteOauth2CredentialProvider",
    ]
    [provider] = shop.emulator.world.providers.values()
    assert (provider.name, provider.client_secret) == (f"shop-{front}-g2", fresh)
    assert used(shop, front)["providerArn"] == provider.arn
    assert fresh not in shop.said


def test_each_rotation_has_a_generation_of_its_own(shop: Operator, front: str, fresh: str) -> None:
    for generation in (2, 3):
        shop.run(rotate, gateway=front, **ROTATE)
        assert providers(shop) == [f"shop-{front}-g{generation}"]


def test_killed_after_any_change_the_next_run_carries_on(shop: Operator, front: str, fresh: str) -> None:
    def check(report: Kept) -> None:
        [name] = providers(shop)
        assert used(shop, front)["providerArn"] == shop.emulator.world.providers[name].arn
        assert shop.emulator.world.providers[name].client_secret == fresh
        assert report.document["verified"] is True

    assert list(shop.deaths(rotate, check, gateway=front, **ROTATE)) == [1, 2, 3, 4]


def test_register_and_unregister_clear_up_after_a_rotation_that_was_cut_off(
    shop: Operator, front: str, fresh: str
) -> None:
    for lives in (1, 2, 3):
        with pytest.raises(Killed):
            shop.run(rotate, lives=lives, gateway=front, **ROTATE)
        assert len(providers(shop)) == 2
        shop.run(register, gateway=front, **ASKED)
        assert len(providers(shop)) == 1
    with pytest.raises(Killed):
        shop.run(rotate, lives=1, gateway=front, **ROTATE)
    shop.run(unregister, gateway=front, target=None)
    assert providers(shop) == []


def test_a_secret_that_the_identity_provider_refuses_changes_nothing(
    shop: Operator, front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_SECRET", "0123456789abcdef0123456789")
    with pytest.raises(DeployError, match="refuses client"):
        shop.run(rotate, gateway=front, **ROTATE)
    assert shop.account.made == []


def test_a_rotation_that_does_not_work_is_taken_back(shop: Operator, front: str, fresh: str) -> None:
    before = used(shop, front)

    def breaks(model: Any, **_: Any) -> None:
        updates.extend([model.name] if model.name == "UpdateGatewayTarget" else [])
        shop.listing.problem = "401 from the runtime" if len(updates) == 1 else None

    updates: list[str] = []
    shop.account.client(CONTROL).meta.events.register("before-call", breaks)
    with pytest.raises(FailedError, match="401 from the runtime"):
        shop.run(rotate, gateway=front, **ROTATE)
    assert used(shop, front) == before
    assert target(shop, front).status == "READY"
    shop.account.client(CONTROL).meta.events.unregister("before-call", breaks)
    assert shop.run(rotate, gateway=front, **ROTATE).document["verified"] is True
    assert providers(shop) == [f"shop-{front}-g3"]


def test_a_signed_target_has_nothing_to_rotate(shop: Operator, client: Caller) -> None:
    shop.changed(inbound=letting_in(client).model_copy(update={"mode": "iam"}))
    found = gateway(shop)
    shop.run(register, gateway=found, **SIGNED)
    answer = shop.run(rotate, gateway=found, target=None, client_secret=None).document
    assert answer["rotated"] == []
    assert "signs with its role" in answer["kept"]["inward"]
    assert shop.account.made == []


def test_somebody_elses_provider_is_not_rotated(shop: Operator, front: str) -> None:
    shop.emulator.world.providers[f"shop-{front}-g1"].tags["mcp-policy-proxy"] = "other"
    answer = shop.run(rotate, gateway=front, **ROTATE).document
    assert "was not made by this deployment" in answer["kept"]["inward"]
    assert shop.account.made == []


def test_a_target_that_is_not_there_is_said(shop: Operator) -> None:
    with pytest.raises(DeployError, match="register first"):
        shop.run(rotate, gateway=gateway(shop), **ROTATE)


def outbound(shop: Operator, client: Caller, **config: Any) -> str:
    """The proxy has a client secret of its own in Secrets Manager, made by `deploy`."""
    shop.changed(auth_mode="jwt", cognito_client_id=client.client_id, **config)
    tags = [{"Key": key, "Value": value} for key, value in names.tags(shop.config).items()]
    made = shop.aws("secretsmanager").create_secret(
        Name=names.secret(shop.config), SecretString=client.secret, Tags=tags
    )
    return str(made["ARN"])


def text(shop: Operator, arn: str) -> str:
    return str(shop.aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


def test_the_proxys_own_secret_gets_a_new_version(shop: Operator, client: Caller, fresh: str) -> None:
    arn = outbound(shop, client)
    answer = shop.run(rotate, gateway=None, **ROTATE).document
    assert answer["rotated"] == ["outward"]
    assert shop.account.made == ["secretsmanager:PutSecretValue"]
    assert text(shop, arn) == fresh
    assert fresh not in shop.said


def test_one_client_on_both_ways_gets_its_secret_on_both(
    shop: Operator, client: Caller, front: str, fresh: str
) -> None:
    arn = outbound(shop, client)
    answer = shop.run(rotate, gateway=front, **ROTATE).document
    assert answer["rotated"] == ["inward", "outward"]
    assert text(shop, arn) == fresh
    assert shop.emulator.world.providers[f"shop-{front}-g2"].client_secret == fresh


def test_with_two_clients_the_gateway_that_is_named_says_whose_secret_it_is(
    shop: Operator, client: Caller, front: str, fresh: str
) -> None:
    other = caller(shop.emulator, "others")
    arn = outbound(shop, other, gateway=front)
    assert shop.run(rotate, gateway=front, **ROTATE).document["rotated"] == ["inward"]
    assert text(shop, arn) == other.secret
    assert shop.run(rotate, gateway=None, **ROTATE).document["rotated"] == ["outward"]
    assert text(shop, arn) == fresh
    assert providers(shop) == [f"shop-{front}-g2"]


def test_a_secret_that_somebody_else_made_is_left_to_them(shop: Operator, client: Caller) -> None:
    theirs = shop.aws("secretsmanager").create_secret(Name="theirs", SecretString="x")["ARN"]
    shop.changed(auth_mode="jwt", cognito_client_id=client.client_id, client_secret_arn=theirs)
    answer = shop.run(rotate, gateway=None, target=None, client_secret="env:CLIENT_SECRET").document
    assert answer["rotated"] == []
    assert text(shop, theirs) == "x"


def test_nothing_to_rotate_is_an_answer(shop: Operator) -> None:
    answer = shop.run(rotate, gateway=None, target=None, client_secret=None).document
    assert answer["rotated"] == []
    assert set(answer["kept"]) == {"inward", "outward"}
