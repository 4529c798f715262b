"""IBANs, and US account and routing numbers."""

from __future__ import annotations

import pytest

from tests.detect.finding_numbers import edited, found, keyed

# Examples of the SWIFT registry.
IBANS = (
    "AD12 0001 2030 2003 5910 0100",
    "AE070331234567890123456",
    "AT61 1904 3002 3457 3201",
    "BE68539007547034",
    "BR1800360305000010009795493C1",
    "CH93 0076 2011 6238 5295 7",
    "DE89370400440532013000",
    "de89 3704 0044 0532 0130 00",
    "ES91-2100-0418-4502-0005-1332",
    "FR14 2004 1010 0505 0001 3M02 606",
    "GB29NWBK60161331926819",
    "gb29nwbk60161331926819",
    "IT60X0542811101000000123456",
    "MT84MALT011000012345MTLCAST001S",
    "NL91 ABNA 0417 1643 00",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "SA0380000000608010167519",
    "SE45 5000 0000 0583 9825 7466",
    "SC18SSCB11010000000000001497USD",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
)
NO_IBANS = (
    "GB29NWBK60161331926818",
    "DE8937040044053201300",
    "DE893704004405320130000",
    "XX89370400440532013000",
    "DE8937040O440532013000",
    "GB2960161331926819NWBK",
    "ORD-DE89370400440532013000",
    "xDE89370400440532013000",
    "DE89370400440532013000x",
    "DE** **** **** **** **30 00",
    "d41d8cd98f00b204e9800998ecf8427e",
)


@pytest.mark.parametrize("value", IBANS)
def test_an_iban_is_found_before_and_after_other_words(value: str) -> None:
    for text in (value, f"IBAN {value} from Monday", f"pay to {value}, please", f"{value} 1234"):
        assert value in found(text, "IBAN_CODE")


@pytest.mark.parametrize("value", NO_IBANS)
def test_another_length_country_form_or_check_is_none(value: str) -> None:
    assert not found(f"a {value} b", "IBAN_CODE")


@pytest.mark.parametrize("value", IBANS)
def test_an_iban_edited_by_one_is_refused(value: str) -> None:
    assert not [wrong for wrong in edited(value, [2, 3]) if found(wrong, "IBAN_CODE")]


@pytest.mark.parametrize(
    "value",
    [
        *("021000021", "011401533", "091000019", "111000025", "122105155"),
        *("124003116", "263170175", "322271627", "026009593", "121000248"),
    ],
)
def test_a_routing_number_counts_near_a_word(value: str) -> None:
    assert found(f"routing {value}", "US_ROUTING_NUMBER") == {value}
    assert not found(f"order {value}", "US_ROUTING_NUMBER")
    assert not found(f"routing {edited(value, [8])[0]}", "US_ROUTING_NUMBER")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("bank account 12345678", "12345678"),
        ("Bank account number is 000123456789", "000123456789"),
        ("checking account no. 1234567890", "1234567890"),
        ("savings acct: 9876543210", "9876543210"),
        ("wire to account #4455667788", "4455667788"),
        ("direct deposit account number: 1234-5678-90", "1234-5678-90"),
        ("payroll account 33445566", "33445566"),
    ],
)
def test_an_account_number_counts_where_bank_and_account_are_said(text: str, value: str) -> None:
    values = found(text, "US_BANK_NUMBER")
    assert value in values or any(value.startswith(other) for other in values)


@pytest.mark.parametrize(
    "text",
    [
        "account 123456789012",
        "AWS account 123456789012",
        "bank holiday 20260101",
        "bank 12345678",
        "wire 12345678",
        "account manager 12345678",
        "bank account 00000000",
        "bank account ****5678",
        "bank account 12345",
        "account-12345678",
    ],
)
def test_other_numbers_near_one_of_the_words_do_not_count(text: str) -> None:
    assert not found(text, "US_BANK_NUMBER")


@pytest.mark.parametrize(
    ("key", "value", "entity"),
    [
        ("iban", "DE00 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("account number", "12345678", "US_BANK_NUMBER"),
        ("numero cuenta", "2100 0418 45", "US_BANK_NUMBER"),
        ("número cuenta", "2100 0418 45", "US_BANK_NUMBER"),
        ("kontonummer", "532013000", "US_BANK_NUMBER"),
        ("routing number", "021000021", "US_ROUTING_NUMBER"),
        ("aba", "21000021", "US_ROUTING_NUMBER"),
    ],
)
def test_a_key_says_what_a_number_is(key: str, value: str, entity: str) -> None:
    assert entity in keyed(key, value)
    assert not keyed("order id", value)


def test_a_cloud_account_is_no_bank_account() -> None:
    assert not keyed("aws account number", "123456789012")
