from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect.catalog import RULES
from policies.detect.loose import SHAPE, Loose, loosened
from policies.detect.rule import Rule

LOOSE = Loose(RULES)
SAMPLES = (
    "jane.doe@example.com",
    "jane at example dot com",
    "jane[at]example.com",
    "+1 425-882-8080",
    "(617) 555-0547, 0049 30 901820, 030 90 18 20",
    "SSN 536-22-8726, ITIN 912-70-1234",
    "4111 1111 1111 1111 or 4111111111111111 or 3782-822463-10005",
    "DE89 3704 0044 0532 0130 00, GB82WEST12345698765432",
    "10.1.2.3 fe80::1 ::1 00:1b:44:11:3a:b7 001b.4411.3ab7",
    "https://user:secret@example.com/x?y=1",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "AB 12 34 56 C, AB123456C, 943 476 5919",
    "12345678Z X1234567L RSSMRA85T10A562S ABCPE1234F S1234567D",
    "111.444.777-35, 11.222.333/0001-81, 11222333000181",
    "2234 5678 9012, 1 85 05 78 006 084 91, 86095742719",
    "driver's license D1234567, tax file number 123 456 782, national insurance QQ123456C",
    "born 1984-03-12 or 12 March 1984, account number 000123456789, routing 021000021",
)


def shape(text: str) -> str:
    return text.encode().translate(SHAPE).decode()


def fits(text: str) -> None:
    possible = set(LOOSE.fitting(shape(text)))
    for rule in RULES:
        if rule.pattern.search(text):
            assert rule in possible, rule.name


@pytest.mark.parametrize("text", SAMPLES)
def test_a_rule_that_matches_a_text_fits_its_shape(text: str) -> None:
    fits(text)
    fits(f"Name: x, {text}; {text.upper()} ({text})")


def test_the_samples_are_matched_by_most_rules() -> None:
    assert sum(any(rule.pattern.search(text) for text in SAMPLES) for rule in RULES) > 0.7 * len(RULES)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"0149aAbBxXzZ@.-+ /:()<[]'", *SAMPLES]), max_size=40).map("".join))
def test_a_rule_that_matches_any_text_fits_its_shape(text: str) -> None:
    fits(text)


@pytest.mark.parametrize(
    ("pattern", "matched", "missed"),
    [
        (r"(?<![0-9])[0-9]{3}+(?!x)", "12345x", "ab"),
        (r"[a-f]++-(?:x|[0-9])?+", "fee-", "FEE-"),
        (r"(?i:ssn)[ :]*+[0-9]", "SSN: 4", "SSN: a"),
        (r"(?P<gap>[ -])a(?P=gap)b", "-a-b", "-A-B"),
        (r"([ -])a\1b", " a b", "a b"),
        (r"[]x-]\d\w\Z", "x4y", "x-y"),
        (r"x(?<=(?=(?P<value>[0-9]{2}-[a-z])).)", "12-a", "12-A"),
        (r"\u65e5|\.a", ".b", ",b"),
    ],
)
def test_a_loose_pattern_matches_shapes(pattern: str, matched: str, missed: str) -> None:
    import re2

    loose = loosened(re.compile(pattern))
    assert loose is not None
    assert re2.search(loose, shape(matched))
    assert not re2.search(loose, shape(missed))


@pytest.mark.parametrize("pattern", [r"(?x) a b", r"a$", "^a", r"(a)?(?(1)b|c)", r"(?s)a.b"])
def test_what_is_written_strangely_fits_every_shape(pattern: str) -> None:
    rule = Rule(name="x", entity="X", pattern=re.compile(pattern), source="")
    assert loosened(rule.pattern) is None
    assert rule in Loose([rule]).fitting("0")
