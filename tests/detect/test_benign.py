"""Shapes that are nobody's, and those that may be someone's."""

from __future__ import annotations

import pytest

from policies.detect.benign import Benign, benign, head, is_mask

HEX32 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15",
        "2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00.123+01:00",
        "2024-01-15 10:30",
        "2024-01-01/2024-02-01",
        "12/31/2024",
        "10:30:45",
        "Tue, 04 Nov 2025 10:00:00 GMT",
        "PT1H30M",
        "P1D",
        "2024-W05",
        "123e4567-e89b-12d3-a456-426614174000",
        HEX32,
        f"sha256:{HEX32}{HEX32}",
        f"nginx@sha256:{HEX32}{HEX32}",
        f'W/"{HEX32}"',
        "1.2.3",
        "v1.2.3",
        "1.2.3-beta.1+build.5",
        "^4.17.21",
        "v1.2.3.4",
        "10.0.19045.3803",
        "3.14159",
        "-0.5",
        "1,234,567",
        "42",
        "123456",
        "12.5%",
        "40.712776, -74.005974",
        "$1,234.56",
        "1.234,56 €",
        "USD 1,234.56",
        "12.50 EUR",
        "1700000000",
        "1700000000123",
        "1700000000123456",
        "application/json",
        "image/svg+xml",
        "text/html; charset=utf-8",
        "#fff",
        "#ff00aa",
        "rgb(1, 2, 3)",
        "10MB",
        "512 KiB",
        "****1111",
        "**** **** **** 1111",
        "XXX-XX-6789",
        "0000000000",
    ],
)
def test_such_texts_are_spared_every_rule(text: str) -> None:
    assert benign(text) is Benign.ALL


@pytest.mark.parametrize(
    "text",
    [
        "ORD-12345",
        "INV-2026-0001",
        "PROJ-1",
        "SKU-1234567890",
        "abc1234",
        "0x7ffe12",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
        "V1StGXR8_Z5jdHi6B-myT",
        "cus_NffrFeUfNV2Hib",
        "20240115-103000",
    ],
)
def test_identifiers_are_spared_the_weak_rules_only(text: str) -> None:
    assert benign(text) is Benign.WEAK


@pytest.mark.parametrize(
    "text",
    [
        "212-555-0100",
        "212.555.0100",
        "2125550100",
        "+12125550100",
        "01.23.45.67.89",
        "030 1234567",
        "123-45-6789",
        "123.45.6789",
        "SSN 123456789",
        "SSN-123456789",
        "TEL 5551234",
        "tel-5551234",
        "4111111111111111",
        "378282246310005",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "AD1200012030200359100100",
        "BE68539007547034",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "943 476 5919",
        "12345678901",
        "jane@example.com",
        "192.168.1.1",
        "00:1a:2b:3c:4d:5e",
        "Jane Doe",
        "Jane",
        "",
        "a" * 1_000,
    ],
)
def test_what_may_be_someones_is_spared_nothing(text: str) -> None:
    assert not benign(text)


@pytest.mark.parametrize("text", ["****1111", "•••• 4242", "xxxx-xxxx-xxxx-1234", "0000000", "999-999-9999"])
def test_what_stands_for_a_value_gone_is_a_mask(text: str) -> None:
    assert is_mask(text)


@pytest.mark.parametrize("text", ["**", "j***@example.com", "xx", "1234567", "000000", "000000a"])
def test_what_has_a_value_left_is_none(text: str) -> None:
    assert not is_mask(text)


def test_only_the_front_of_an_arn_is_nobodys() -> None:
    arn = "arn:aws:iam::123456789012:user/jane@example.com"
    assert arn[head(arn) :] == "user/jane@example.com"
    assert head("bearn:aws:x") == 0
