"""Telephone numbers in texts and under keys."""

from __future__ import annotations

import pytest

from policies.detect.callingcodes import calling_code, is_international
from policies.detect.finding import NOWHERE, Near
from policies.detect.phones import KEYS, RULES
from policies.detect.phonewords import is_dialled, without_extension
from policies.detect.rules import Rules

FINDER = Rules(RULES)


def found(text: str, near: Near = NOWHERE) -> list[str]:
    best: list[tuple[int, int]] = []
    for each in sorted(FINDER.find(text, near, lambda: None), key=lambda each: (each.start, -each.end)):
        if not best or each.start >= best[-1][1]:
            best.append((each.start, each.end))
    return [text[start:end] for start, end in best]


@pytest.mark.parametrize(
    "number",
    [
        "+1 212 555 0100",
        "+12125550100",
        "+1 (212) 555-0100 ext. 12",
        "+44 (0)20 7946 0958",
        "+44 20 7946 0958",
        "+49 30 1234567",
        "+49 (0) 151 12345678",
        "+49 0151 12345678",
        "+33 1 23 45 67 89",
        "+34 612 345 678",
        "+39 06 12345678",
        "+81-3-1234-5678",
        "+91 98765 43210",
        "+55 11 91234-5678",
        "+61.2.9876.5432",
        "+86 138 0013 8000",
        "+358 40 1234567",
        "+1-212-555-0100;ext=12",
        "0049 30 1234567",
        "00 44 20 7946 0958",
        "011 44 20 7946 0958",
        "001-212-555-0100x123",
        "(212) 555-0100",
        "212-555-0100",
        "212.555.0100",
        "1-800-555-0199",
        "(212)555-0100 x12",
        "020 7946 0958",
        "(020) 7946 0958",
        "0161 496 0123",
        "01632 960123",
        "(01632) 960 001",
        "07700 900123",
        "07700 900 123",
        "0800 123 4567",
        "030 1234567",
        "030/1234567",
        "(030) 123456",
        "0151 12345678",
        "0171/1234567",
        "089 12 34 56 78",
        "01 23 45 67 89",
        "01.23.45.67.89",
        "06-12-34-56-78",
        "91 123 45 67",
        "612 34 56 78",
        "06 12345678",
        "055 123456",
        "347 1234567",
        "03-1234-5678",
        "090-1234-5678",
        "0120-123-456",
        "045-123-4567",
        "0466-12-3456",
        "(03)1234-5678",
        "98765 43210",
        "011-23456789",
        "022 2345 6789",
        "(11) 91234-5678",
        "11 91234-5678",
        "(11) 2345-6789",
        "(02) 9876 5432",
        "0412 345 678",
        "1300 123 456",
        "010-1234-5678",
        "044 123 45 67",
    ],
)
def test_a_number_as_its_plan_has_it_written_needs_no_word(number: str) -> None:
    assert found(number) == [number]
    assert found(f"It is {number}, after nine.") == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("phone: 5551234", "5551234"),
        ("Tel. 2125550100", "2125550100"),
        ("my mobile is 07700900123", "07700900123"),
        ("call me on 555-0100", "555-0100"),
        ("携帯 09012345678", "09012345678"),
        ("Telefon: 0301234567", "0301234567"),
        ("Mobile: 612 345 678", "612 345 678"),
        ("WhatsApp 612345678", "612345678"),
        ("homephone 5551234", "5551234"),
        ("+49 30 1234567 2024-01-01", "+49 30 1234567"),
        ("tel:+1-212-555-0100", "+1-212-555-0100"),
        ("212-555-0100 2 days", "212-555-0100"),
    ],
)
def test_beside_a_word_fewer_signs_are_enough(text: str, number: str) -> None:
    assert found(text)[:1] == [number]


def test_under_a_key_with_such_a_word_they_are_enough_too() -> None:
    assert found("home 2125550100", Near(("phone",), frozenset({"phone"}))) == ["2125550100"]
    assert found("home 2125550100") == []


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15",
        "on 2024-01-15 10:30",
        "2024-01-15T10:30:00+01:00",
        "15/01/2024",
        "05-11-2023",
        "01 02 2024",
        "2019-2023",
        "12:30:45",
        "1,234,567.89",
        "1234567.89",
        "612 345 678",
        "1 000 000 000",
        "12 345 678 901",
        "0.123456789",
        "40.712776, -74.005974",
        "$212-555-0100",
        "978-3-16-148410-0",
        "ISBN 0-306-40615-2",
        "123-45-6789",
        "12345-6789",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "GB29 NWBK 6016 1331 9268 19",
        "192.168.100.200",
        "version 2023.10.15.1",
        "10.0.19045.3803",
        "ORD-123-456-7890",
        "112-1234567-1234567",
        "part 0261-230-109",
        "0445-110-189",
        "0445110189",
        "1234567890",
        "1700000000",
        "1700000000123",
        "0012345678",
        "00123456789",
        "000-000-0000",
        "(2019) 345-352",
        "+0200",
        "UTC+05:30",
        "+1,234,567",
        "+12345678",
        "+999 123 456 789",
        "123e4567-e89b-12d3-a456-426614174000",
        "phone since 2019-2023",
        "phone 2024-01-15",
        "mobile 40.712776",
        "phone 123-45-6789",
        "call at 1700000000",
        "20 1234 5678 90",
        "report 100-200-3000",
        "it is +1 111 111 1111 there",
        "x+12125550100",
        "call 612 345 678",
        "phone 000-0000 there",
        "055 845 12",
        "REF 0044 1234 5678",
    ],
)
def test_other_digits_are_left(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("digits", "code"), [("12125550100", "1"), ("493012345", "49"), ("35840123456", "358"), ("999123", ""), ("", "")]
)
def test_a_calling_code_is_read_from_the_front(digits: str, code: str) -> None:
    assert calling_code(digits) == code


@pytest.mark.parametrize(
    ("digits", "right"),
    [
        ("12125550100", True),
        ("1212555010", False),
        ("121255501000", False),
        ("33123456789", True),
        ("33023456789", False),
        ("390612345678", True),
        ("999123456789", False),
        ("4930123456789012", False),
        ("47", False),
    ],
)
def test_an_international_number_has_its_countrys_length(digits: str, right: bool) -> None:
    assert is_international(digits) is right


def test_an_extension_is_no_part_of_the_number() -> None:
    assert without_extension("212-555-0100 ext. 12") == "212-555-0100"
    assert is_dialled("212-555-0100 x123456")


@pytest.mark.parametrize(
    "text", ["5551234", "+1 212 555 0100", "(030) 123456-78", "2125550100 ext 12", "13 12 34", "tel:+12125550100"]
)
def test_under_a_key_that_says_so_any_number_is_one(text: str) -> None:
    (rule,) = KEYS
    assert rule.shape.fullmatch(text)
    assert rule.check is not None
    assert rule.check(text)


@pytest.mark.parametrize(
    "text", ["true", "iPhone 15", "2024-01-15", "12", "000000000", "verified", "", "12345678901234567"]
)
def test_under_such_a_key_other_texts_are_none(text: str) -> None:
    (rule,) = KEYS
    assert not (rule.shape.fullmatch(text) and rule.check is not None and rule.check(text))
