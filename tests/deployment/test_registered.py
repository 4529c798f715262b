"""A deployment whose config names a gateway: `deploy` registers with it, and `destroy` takes that back."""

from __future__ import annotations

import pytest

from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import SmallArtifact
from tests.deployment.people import Person
from tests.deployment.served import archive


@pytest.fixture
def shop(person: Person, deployer: Emulator, small: type[SmallArtifact]) -> Person:
    """Somebody with a gateway of the deployer's, which may not call the runtime yet."""
    small.body = archive()
    person.config["auth_mode"] = "none"
    person.config["gateway"] = person.run("gateway", "create", "--yes").document["gateway_id"]
    return person


def test_a_gateway_that_may_not_call_the_runtime_is_told_what_to_do(shop: Person, deployer: Emulator) -> None:
    error = shop.run("deploy", code=1).document["error"]
    assert "gateway target shop at" in error
    assert "`register --grant` gives the permission" in error
    (runtime,) = deployer.world.runtimes.values()
    assert runtime.status == "READY"


def test_deploy_registers_synchronises_and_destroy_takes_it_back(
    shop: Person, deployer: Emulator, small: type[SmallArtifact]
) -> None:
    plan = shop.run("plan")
    assert plan.actions["gateway"] == "create"
    shop.run("deploy", code=1)
    shop.run("register", "--grant")
    again = shop.run("deploy").document
    assert again["changed"] == []
    assert (again["target"]["verified"], again["target"]["tool_count"]) == (True, 3)
    assert shop.run("status").document["target"]["status"] == "READY"
    (gateway,) = deployer.world.gateways.values()
    (target,) = gateway.targets.values()
    before = target.synchronized
    small.body = archive(b"second")
    assert shop.run("deploy").actions["gateway"] == "update"
    assert target.synchronized != before
    assert shop.run("deploy").document["changed"] == []
    kinds = [
        each["resource"].partition(" ")[0] for each in shop.run("destroy", "--yes", "--logs").document["destroyed"]
    ]
    assert kinds[0] == "inline"
    assert gateway.targets == {}
    shop.run("gateway", "delete", "--yes")
    assert deployer.left_over("shop") == []


def test_destroy_finds_a_target_that_the_config_does_not_name(shop: Person, deployer: Emulator) -> None:
    gateway = shop.config.pop("gateway")
    shop.run("deploy")
    shop.run("register", "--grant", "--gateway", gateway)
    shop.run("destroy", "--yes", "--logs")
    assert deployer.world.gateways[gateway].targets == {}
