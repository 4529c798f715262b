from __future__ import annotations

import jsonschema_rs
import pytest
from email_validator import validate_email

from policies.tokens.mail import as_mail, from_mail, is_mail
from policies.tokens.tokens import Keyring, Tokens

TOKENS = Tokens(keyring=lambda: Keyring.of([b"k" * 32]), now=lambda: 0.0)


def token(value: str, tool: str = "crm.get") -> str:
    return TOKENS.make(value, "EMAIL_ADDRESS", "scope", tool)


@pytest.mark.parametrize("value", ["a@b.co", "jane.doe@example.com", "x" * 60 + "@" + "y" * 20 + ".example"])
def test_a_token_as_an_address_passes_for_one_and_comes_back(value: str) -> None:
    made = token(value)
    mail = as_mail(made)
    assert mail
    validate_email(mail, check_deliverability=False)
    assert jsonschema_rs.is_valid({"type": "string", "format": "email"}, mail, validate_formats=True)
    assert is_mail(mail)
    for text in (mail, f"to {mail.upper()}, please", f"<{mail}>"):
        opened = from_mail(text)
        assert opened.lower() == text.lower().replace(mail, made.lower())


def test_a_token_that_is_too_long_for_an_address_is_none() -> None:
    assert as_mail(token("x" * 200 + "@example.com")) is None


@pytest.mark.parametrize(
    "text", ["jane@example.com", "email_address@token.example.com", "a@k1.token.example.com", "<EMAIL_ADDRESS>", ""]
)
def test_another_address_is_no_token(text: str) -> None:
    assert not is_mail(text)
    assert from_mail(text) is text
    assert as_mail(text) is None
