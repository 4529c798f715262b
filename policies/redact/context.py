"""Words that say what a number is, in a text before it or in the names of the keys above it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PHONE: Final = ("phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms", "msisdn")
SSN: Final = ("ssn", "social", "security")
CARD: Final = ("credit", "card", "creditcard", "cardnumber", "visa", "mastercard", "amex", "maestro", "cc", "pan")
IP: Final = ("ip", "ipv4", "ipv6")
WEAK: Final = (*PHONE, *SSN, *CARD)

_LONG: Final = 5
"""From so many letters on, a word counts within another as well: `homephone`."""


def says(words: Iterable[str], near: Iterable[str]) -> bool:
    """Whether one of `near` (lower case) is one of `words`, in the singular or plural, or holds a long one."""
    found = set(near)
    if not found:
        return False
    return any(
        word in found or f"{word}s" in found or (len(word) >= _LONG and any(word in each for each in found))
        for word in words
    )
