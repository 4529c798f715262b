"""`gateway create` and `gateway delete`, killed after each of their changes."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.gateway import gateway as verb
from deployment.register import register
from tests.deployment.gateway.people import Kept, Operator, cognito_of
from tests.deployment.gateway.test_gateway_create import GONE, SIGNED, TOKENS, made
from tests.deployment.gateway.test_register import ASKED

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("options", [SIGNED, TOKENS], ids=["iam", "oauth"])
def test_killed_after_any_change_the_next_run_carries_on(shop: Operator, options: dict[str, Any]) -> None:
    before = shop.emulator.left_over("shop-gateway")

    def check(report: Kept) -> None:
        document = report.document
        assert made(shop).status == "READY"
        pools = cognito_of(shop.emulator).list_user_pools(MaxResults=60)["UserPools"]
        assert [each["Id"] for each in pools] == [document[key] for key in document if key == "cognito_user_pool_id"]
        shop.run(verb, **GONE)
        assert shop.emulator.left_over("shop-gateway") == before

    count = 2 if options is SIGNED else 7
    assert list(shop.deaths(verb, check, **options)) == list(range(1, count + 1))


def test_killed_while_it_deletes_the_next_run_carries_on(shop: Operator) -> None:
    before = shop.emulator.left_over("shop-gateway")
    front = shop.run(verb, **TOKENS).document["gateway_id"]
    shop.run(register, gateway=front, **{**ASKED, "grant": True})

    def check(report: Kept) -> None:
        assert shop.emulator.left_over("shop-gateway") == before
        again = shop.run(verb, **TOKENS).document["gateway_id"]
        shop.run(register, gateway=again, **{**ASKED, "grant": True})

    assert list(shop.deaths(verb, check, **GONE)) == list(range(1, 8))
