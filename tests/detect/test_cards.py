"""Cards: every network's numbers, grouped or not, and no other long numbers."""

from __future__ import annotations

import pytest

from policies.detect.cards import RULES, is_card
from policies.detect.rule import Rule
from tests.detect.finding_numbers import edited, found, keyed

# Test numbers that the networks and acquirers publish.
RIGHT = (
    "4111111111111111",
    "4242 4242 4242 4242",
    "4000-0025-0000-3155",
    "5555555555554444",
    "2223003122003222",
    "2720 9900 0000 0007",
    "378282246310005",
    "3714 496353 98431",
    "30569309025904",
    "3852 000002 3237",
    "36227206271667",
    "6011111111111117",
    "6445644564456445",
    "3530111333300000",
    "6200000000000005",
    "6205500000000000004",
    "6304 0000 0000 0000",
    "6759649826438453",
    "2200000000000004",
    "8171 9999 2766 0000",
    "4111.1111.1111.1111",
    "4111 - 1111 - 1111 - 1111",
)
WRONG = (
    "4111111111111112",
    "5555 5555 5555 4445",
    "1234567890123452",
    "0000000000000000",
    "4444444444444444444444",
    "ORD-4111111111111111",
    "a4111111111111111",
    "4111111111111111b",
    "41111111111111111",
    "0.4111111111111111",
    "4111111111111111.5",
    "****1111",
    "4111 **** **** 1111",
    "1700000000000",
    "9780306406157",
    "4006381333931",
    "+4111111111111111",
    "f47ac10b-58cc-4372-a567-4111111111111111",
    "id_4111111111111111",
    "8888888888888888",
    "7992739871300000",
)


@pytest.mark.parametrize("value", RIGHT)
def test_an_issued_number_is_found_whatever_stands_around_it(value: str) -> None:
    for text in (value, f"x {value}, y", f"paid with {value}.", f'"{value}"', f"支付{value}号", f"a={value};"):
        assert value in found(text, "CREDIT_CARD")


@pytest.mark.parametrize("value", WRONG)
def test_another_number_is_not_found(value: str) -> None:
    assert not found(value, "CREDIT_CARD")
    assert not found(f"see {value} there", "CREDIT_CARD")


@pytest.mark.parametrize("value", RIGHT)
def test_a_check_digit_off_by_one_is_refused(value: str) -> None:
    (wrong,) = edited(value, [len(value) - 1])
    assert not found(wrong, "CREDIT_CARD")


@pytest.mark.parametrize(
    "text",
    [
        "1234 4111 1111 1111 1111",
        "5500 4111 1111 1111 1111",
        "9999 4322 4111 1111 1111 1111",
        "4321-4111-1111-1111-1111",
        "2026 4111-1111-1111-1111",
        "4111 1111 1111 1111 123",
        "4111 1111 1111 1111 12/27",
    ],
)
def test_a_card_among_other_groups_of_digits_is_found(text: str) -> None:
    assert found(text, "CREDIT_CARD") & {"4111 1111 1111 1111", "4111-1111-1111-1111"}


@pytest.mark.parametrize("value", ["4222222222222", "587428561654", "060426070011", "584528792610", "135410014004955"])
def test_old_and_wide_ranges_count_only_near_a_word(value: str) -> None:
    assert not found(f"number {value}", "CREDIT_CARD")
    assert found(f"card {value}", "CREDIT_CARD") == {value}
    assert found(f"tarjeta {value}", "CREDIT_CARD") == {value}


@pytest.mark.parametrize(
    "key", ["card number", "cc", "pan", "kreditkarte", "numero tarjeta", "número tarjeta", "カード番号"]
)
def test_under_a_key_that_says_so_the_check_digit_does_not_matter(key: str) -> None:
    assert keyed(key, "4111 1111 1111 1112") == {"CREDIT_CARD"}
    assert not keyed(key, "1111111111111111")
    assert not keyed(f"{key} type", "4111 1111 1111 1112")


def test_under_the_bare_word_the_number_has_to_be_a_card() -> None:
    assert keyed("card", "4111111111111111") == {"CREDIT_CARD"}
    assert not keyed("card", "4111111111111112")


def test_of_random_numbers_of_sixteen_digits_few_pass() -> None:
    passed = sum(is_card(str(10**15 + 8_999_999_999_999 * step)) for step in range(1_000))
    assert passed < 45


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_asks_for_no_more_digits_than_a_card_has(rule: Rule) -> None:
    assert rule.digits == 12


def test_one_digit_over_and_over_is_no_card() -> None:
    assert not found("card 6666666666666", "CREDIT_CARD")
