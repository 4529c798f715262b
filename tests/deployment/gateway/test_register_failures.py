"""Registrations that AWS refuses, throttles or fails, and those that are cut off."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.errors import FailedError
from deployment.register import register, unregister
from tests.deployment.gateway.people import Kept, Operator, gateway, policies_of
from tests.deployment.gateway.test_register import ASKED, CONTROL, GRANTED, target


def test_a_failure_while_a_new_permission_spreads_is_tried_again(shop: Operator) -> None:
    """IAM tells its regions of a policy after a while; until then the runtime refuses the gateway."""
    front, deletions = gateway(shop), []
    shop.listing.problem = "AccessDenied"

    def spread(model: Any, **_: Any) -> None:
        deletions.extend([model.name] if model.name == "DeleteGatewayTarget" else [])
        shop.listing.problem = None if len(deletions) == 2 else "AccessDenied"

    shop.account.client(CONTROL).meta.events.register("before-call", spread)
    answer = shop.run(register, gateway=front, **GRANTED).document
    assert (answer["status"], answer["verified"], len(deletions)) == ("READY", True, 2)
    assert len(shop.emulator.world.gateways[front].targets) == 1


def test_a_permission_that_does_not_help_ends_in_awss_words(shop: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployment.gateway_target.PATIENCE_S", 0.1)
    shop.listing.problem = "AccessDenied"
    with pytest.raises(FailedError, match=r"is FAILED: .*AccessDenied"):
        shop.run(register, gateway=gateway(shop), **GRANTED)


def test_a_target_that_fails_says_why_in_awss_words_and_is_made_again_by_the_next_run(shop: Operator) -> None:
    front = gateway(shop)
    shop.listing.problem = "403 from the runtime"
    with pytest.raises(FailedError, match=rf"gateway target shop at {front} is FAILED: .*403 from the runtime"):
        shop.run(register, gateway=front, **ASKED)
    failed = target(shop, front).id
    shop.listing.problem = None
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"
    assert target(shop, front).id != failed


@pytest.mark.parametrize("state", ["UPDATE_UNSUCCESSFUL", "SYNCHRONIZE_UNSUCCESSFUL"])
def test_a_change_that_did_not_work_says_why_and_the_next_run_mends_it(shop: Operator, state: str) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **ASKED)
    if state.startswith("UPDATE"):
        shop.emulator.world.faults.update_failed["shop"] = "it broke"
        target(shop, front).request["targetConfiguration"]["mcp"]["mcpServer"]["listingMode"] = "DYNAMIC"
    else:
        shop.listing.problem = "it broke"
    with pytest.raises(FailedError, match=f"is {state}: .*it broke"):
        shop.run(register, gateway=front, **ASKED)
    shop.emulator.world.faults.update_failed.clear()
    shop.listing.problem = None
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"


def test_a_gateway_that_lists_nothing_of_the_proxy_is_no_proof(shop: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployment.gateway_listing.LISTED_S", 0.05)
    front = gateway(shop)
    shop.listing.tools = []
    with pytest.raises(FailedError, match=r"lists no tool named shop___"):
        shop.run(register, gateway=front, **ASKED)


def test_throttling_is_waited_through(shop: Operator) -> None:
    front, throttled = gateway(shop), shop.emulator.world.faults.throttled
    throttled.update({f"{CONTROL}:{call}": 1 for call in ("CreateGatewayTarget", "SynchronizeGatewayTargets")})
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"
    assert set(throttled.values()) == {0}


def test_conflicts_are_waited_through(shop: Operator) -> None:
    front, conflicts = gateway(shop), shop.emulator.world.faults.conflicts
    conflicts.update({f"{CONTROL}:{call}": 2 for call in ("CreateGatewayTarget", "SynchronizeGatewayTargets")})
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"
    target(shop, front).request["targetConfiguration"]["mcp"]["mcpServer"]["listingMode"] = "DYNAMIC"
    conflicts.update({f"{CONTROL}:{call}": 2 for call in ("UpdateGatewayTarget", "DeleteGatewayTarget")})
    assert shop.run(register, gateway=front, **ASKED).document["status"] == "READY"
    shop.run(unregister, gateway=front, target=None)
    assert set(conflicts.values()) == {0}


def test_killed_after_any_change_the_next_run_carries_on(shop: Operator) -> None:
    front = gateway(shop)
    before = shop.emulator.left_over()

    def check(report: Kept) -> None:
        document = report.document
        assert (document["status"], document["granted"], document["tool_count"]) == ("READY", True, 3)
        assert len(shop.emulator.world.gateways[front].targets) == 1
        shop.run(unregister, gateway=front, target=None)
        assert shop.emulator.left_over() == before
        assert not shop.emulator.world.gateways[front].targets

    assert list(shop.deaths(register, check, gateway=front, **GRANTED)) == [1, 2, 3]


def test_killed_while_it_takes_away_the_next_run_carries_on(shop: Operator) -> None:
    front = gateway(shop)
    shop.run(register, gateway=front, **GRANTED)

    def check(report: Kept) -> None:
        assert not shop.emulator.world.gateways[front].targets
        assert policies_of(shop, "front-role") == {}
        shop.run(register, gateway=front, **GRANTED)

    assert list(shop.deaths(unregister, check, gateway=front, target=None)) == [1, 2]
