"""Brackets, stars and addresses that look like what a redaction writes hide nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.detect.ours import is_ours
from policies.jsontext import dumps
from policies.model import ALLOW
from policies.redact import Redact
from policies.testing import result
from policies.tokens.mail import as_mail
from policies.tokens.tokens import Keyring, Tokens
from tests.detect.redacting import EMAIL, IBAN, SSN, decide, opened, redacted

TOKENS = Tokens(keyring=lambda: Keyring.of([b"k" * 32]), now=lambda: 0.0)
TOKEN = TOKENS.make(EMAIL, "EMAIL_ADDRESS", "scope", "crm.get")


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


@pytest.mark.parametrize("value", [EMAIL, SSN, IBAN, IBAN.replace(" ", ""), "ABCPE1234F"])
@pytest.mark.parametrize("written", ["<{}>", "<EMAIL_ADDRESS:{}>", "<SIP:{}>", "see <US_SSN:{}> there", "**{}**"])
async def test_a_value_within_brackets_or_stars_is_found(policy: Redact, value: str, written: str) -> None:
    given = result(written.format(value), structured={"pan": written.format(value)})
    assert value not in dumps((await redacted(policy, given)).body).decode()


@pytest.mark.parametrize("label", ["jane_doe", "maria"])
async def test_an_address_that_is_no_whole_token_is_found(policy: Redact, label: str) -> None:
    mail = as_mail(TOKEN)
    assert mail
    made_up = f"{label}@{mail.partition('@')[2]}"
    assert label not in dumps((await redacted(policy, result(f"write to {made_up}"))).body).decode()
    assert await decide(policy, result(f"write to {mail}")) is ALLOW


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("<EMAIL_ADDRESS>", True),
        ("<US_SSN_2>", True),
        ("<PERSON:ab2c3d4e5f6g7h2i>", True),
        (TOKEN, True),
        (as_mail(TOKEN), True),
        ("****", True),
        ("**** **** **** 1111", True),
        ("<PERSON:Jane Doe>", False),
        ("<CARD:5555555555554444>", False),
        ("<AKIAABCDEFGHIJKLMNOP>", False),
        ("**Jane**", False),
        ("**12345**", False),
    ],
)
def test_ours_are_labels_hashes_tokens_and_masks_alone(text: str, ours: bool) -> None:
    assert is_ours(text) is ours
