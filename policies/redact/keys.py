"""What a key's name and a text's shape say, before any recognizer is asked. Texts as `shapes.plain` gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from policies.redact.context import WEAK
from policies.text import split_key

_LONGEST: Final = 320
"""Of all shapes below."""
_BY_KEY: Final[Sequence[tuple[str, Sequence[frozenset[str]], re.Pattern[str]]]] = (
    (
        "EMAIL_ADDRESS",
        [frozenset({"email"}), frozenset({"mail"}), frozenset({"e", "mail"})],
        re.compile(r"[^\s@]+@[^\s@]+"),
    ),
    (
        "US_SSN",
        [frozenset({"ssn"}), frozenset({"social", "security"})],
        re.compile(r"[0-9]{3}[-. ]?[0-9]{2}[-. ]?[0-9]{4}"),
    ),
    (
        "CREDIT_CARD",
        [frozenset({"card"}), frozenset({"cc"}), frozenset({"pan"}), frozenset({"creditcard"})],
        re.compile(r"[0-9](?:[ .-]?[0-9]){11,18}"),
    ),
    ("IBAN_CODE", [frozenset({"iban"})], re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){10,30}")),
    (
        "PHONE_NUMBER",
        [frozenset({word}) for word in ("phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "msisdn")],
        re.compile(r"(?=(?:[^0-9]{0,30}[0-9]){7})[+(0-9][0-9 ().+/#*xX-]{5,30}(?:[eE][xX][tT]\.? ?[0-9]{1,8})?"),
    ),
    (
        "DATE_OF_BIRTH",
        [frozenset({"dob"}), frozenset({"birth", "date"}), frozenset({"birthdate"}), frozenset({"birthday"})],
        re.compile(r"(?=[^0-9]{0,39}[0-9]).{6,40}", re.DOTALL),
    ),
)
_SHAPES: Final = {entity: shape for entity, _, shape in _BY_KEY}
_SAYING: Final = frozenset(word for _, choices, _ in _BY_KEY for choice in choices for word in choice)
_GENERIC: Final = frozenset({"number", "no", "nr", "value", "text", "primary", "secondary", "home", "work", "main"})
_ACRONYMS: Final = re.compile(r"(?<=[A-Z]{2})s(?![a-z])")
"""The plural of SSNs."""
_TELLING: Final = _SAYING | _GENERIC
_SSN_DIGITS: Final = 9

_BENIGN: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)?"  # ISO date, time
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|(?=[0-9]{0,128}[a-fA-F])(?![A-Fa-f]{2}[0-9]{10,32}\Z)[0-9a-fA-F]{7,128}"  # hex digest, but no IBAN
    r"|(?![0-9]{3}\.[0-9]{2,3}\.[0-9]{4}\Z)"  # version, decimal
    r"v?[0-9]{1,6}\.[0-9]{1,6}(?:\.[0-9]{1,6})?(?:[-+](?!.*[0-9]{15})[0-9A-Za-z.-]{1,40})?"
    r"|(?P<word>[A-Za-z]{2,10})[-_#/][0-9]{1,8}(?:[-_/][0-9]{1,6})?"  # ORD-12345, INV-2026-0001
)
_ARN: Final = re.compile(r"arn:aws[a-z-]{0,10}:[a-z0-9-]{1,40}:[a-z0-9-]{0,30}:[0-9]{0,12}:")
_LONGEST_BENIGN: Final = 160
_LONGEST_MASK: Final = 64


def said(keys: Sequence[str]) -> str | None:
    """The entity that the keys speak of. `keys`: nearest first; a further one counts where the nearer says little."""
    for key in keys:
        words = frozenset(_singular(word) for word in split_key(_ACRONYMS.sub("", key)))
        if not words.isdisjoint(_SAYING):
            for entity, choices, _ in _BY_KEY:
                if any(choice <= words for choice in choices):
                    return entity
        if not words <= _GENERIC:
            return None
    return None


def shaped(text: str, entity: str) -> bool:
    """Whether the whole text has the shape of one, the `.0` of a spreadsheet's number aside."""
    return bool(text) and len(text) <= _LONGEST and _SHAPES[entity].fullmatch(text.removesuffix(".0")) is not None


def named(text: str, keys: Sequence[str]) -> str | None:
    """The entity that the keys say this is, when the text has the shape of one."""
    entity = said(keys)
    return entity if entity and shaped(text, entity) else None


def shaped_number(number: float, entity: str) -> str:
    """The digits of an integral number that is one, its leading zeros lost where it is a US_SSN; else empty."""
    digits = digits_of(number)
    short = _SSN_DIGITS - 2 <= len(digits) < _SSN_DIGITS
    return digits if shaped(digits.zfill(_SSN_DIGITS) if short and entity == "US_SSN" else digits, entity) else ""


def digits_of(number: float) -> str:
    """As an integer; empty for what is none."""
    return "" if isinstance(number, float) and not number.is_integer() else str(int(number))


def _singular(word: str) -> str:
    if not word.endswith("s") or word in _TELLING:
        return word
    return next((stem for stem in (word[:-1], word[:-2]) if stem in _TELLING), word)


def benign(text: str) -> bool:
    """Whether the whole text is a date, an identifier, a version or another shape that is nobody's."""
    found = _BENIGN.fullmatch(text) if len(text) <= _LONGEST_BENIGN else None
    if found is None:
        return is_mask(text)
    return not found["word"] or not WEAK.among((found["word"].lower(),))


def is_mask(text: str) -> bool:
    """Whether it is one digit over and over, at least seven times, without letters: what stands for a value gone."""
    if len(text) > _LONGEST_MASK or "@" in text:
        return False
    digits = [char for char in text if char.isdigit()]
    return len(digits) >= 7 and len(set(digits)) == 1 and not any(char.isalpha() for char in text)


def no_address(keys: Sequence[str]) -> bool:
    """Whether the nearest key says `version`: four numbers with points are no address there."""
    return bool(keys) and "version" in split_key(keys[0])


def head(text: str) -> int:
    """How many characters at its start are nobody's: the part of an ARN before the resource's name."""
    found = _ARN.match(text)
    return found.end() if found else 0
