"""The verbs as they are typed: flags, JSON, exit codes, and an account that is empty again."""

from __future__ import annotations

import pytest

from tests.agentcore.emulator import Emulator
from tests.deployment.gateway.people import caller
from tests.deployment.people import Person


def test_a_gateway_a_registration_and_nothing_left_behind(person: Person, deployer: Emulator) -> None:
    person.run("deploy")
    front = person.run("gateway", "create", "--auth", "oauth").document["gateway_id"]
    person.config["gateway"] = front
    answer = person.run("register", "--grant").document
    assert (answer["verified"], answer["tool_count"], answer["granted"]) == (True, 3, True)
    assert person.run("rotate").document["rotated"] == []
    refused = person.run("unregister", code=1)
    assert "--yes" in refused.document["error"]
    assert person.run("unregister", "--yes").document["removed"]
    assert "there is no log group" in person.run("logs", code=1).document["error"]
    person.run("gateway", "delete", "--yes")
    del person.config["gateway"]
    person.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_deploy_registers_with_the_gateway_that_the_config_names(person: Person, deployer: Emulator) -> None:
    person.config["gateway"] = person.run("gateway", "create", "--name", "front").document["gateway_id"]
    assert person.run("deploy").document["target"]["verified"] is True
    assert person.run("deploy").document["changed"] == []
    person.run("destroy", "--yes")
    person.run("gateway", "delete", "--name", "front", "--yes")
    assert deployer.left_over("shop", "front") == []


def test_a_runtime_that_takes_tokens_is_registered_and_rotated(
    person: Person, deployer: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller(deployer)
    monkeypatch.setenv("CLIENT_SECRET", client.secret)
    person.config["inbound"] = {
        "mode": "jwt",
        "discovery_url": client.discovery_url,
        "allowed_clients": [client.client_id],
    }
    person.run("deploy")
    front = person.run("gateway", "create").document["gateway_id"]
    asked = ("--gateway", front, "--client-secret", "env:CLIENT_SECRET")
    assert person.run("register", *asked).document["auth"] == "oauth"
    assert person.run("rotate", *asked).document["rotated"] == ["inward"]
    assert list(deployer.world.providers) == [f"shop-{front}-g2"]
    person.run("gateway", "delete", "--yes")
    person.run("destroy", "--yes")
    assert deployer.left_over("shop") == []
    assert client.secret not in person.said
