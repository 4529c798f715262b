"""What a key's name and a text's shape say, before any recognizer is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from policies.text import split_key

_PHONE: Final = re.compile(r"(?=(?:\D*\d){7})[+(\d][\d ().+/#*x-]{5,30}(?:ext\.? ?\d+)?", re.IGNORECASE)
_BY_KEY: Final[Sequence[tuple[str, Sequence[frozenset[str]], re.Pattern[str]]]] = (
    ("EMAIL_ADDRESS", [frozenset({"email"}), frozenset({"mail"}), frozenset({"e", "mail"})], re.compile(r"\S+@\S+")),
    ("US_SSN", [frozenset({"ssn"}), frozenset({"social", "security"})], re.compile(r"\d{3}[-. ]?\d{2}[-. ]?\d{4}")),
    (
        "CREDIT_CARD",
        [frozenset({"card"}), frozenset({"cc"}), frozenset({"pan"}), frozenset({"creditcard"})],
        re.compile(r"\d(?:[ .-]?\d){11,18}"),
    ),
    ("IBAN_CODE", [frozenset({"iban"})], re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){10,30}")),
    (
        "PHONE_NUMBER",
        [frozenset({word}) for word in ("phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "msisdn")],
        _PHONE,
    ),
    (
        "DATE_OF_BIRTH",
        [frozenset({"dob"}), frozenset({"birth", "date"}), frozenset({"birthdate"}), frozenset({"birthday"})],
        re.compile(r"(?=.{6,40}\Z)(?=.*\d).*", re.DOTALL),
    ),
)
_GENERIC: Final = frozenset({"number", "no", "nr", "value", "text", "primary", "secondary", "home", "work", "main"})

_BENIGN: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z| ?[+-]\d\d:?\d\d)?)?"  # ISO date, time
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|(?=\d*[a-fA-F])[0-9a-fA-F]{7,128}"  # hex digest
    r"|v?\d{1,6}\.\d{1,6}(?:\.\d{1,6})?(?:[-+][0-9A-Za-z.-]{1,40})?"  # version, decimal
    r"|[A-Za-z]{2,10}[-_#/]\d{1,8}(?:[-_/]\d{1,6})?"  # ORD-12345, INV-2026-0001
    r"|arn:[a-z-]{1,20}:.{1,500}"
)
_HINT: Final = re.compile(
    r"@|\d(?:[ .()/+–-]{0,3}\d){6}|\d{3}[- .]\d{4}|\d{1,3}(?:\.\d{1,3}){3}|::|[0-9A-Fa-f]:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]"
    r"|[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]{4}|[A-Za-z0-9]{26}"
)
_BEFORE: Final = 128
_AFTER: Final = 320
_WINDOW: Final = 2_000
_OVERLAP: Final = 448
"""More than the longest value that a recognizer knows, and its context."""


def named(text: str, keys: Sequence[str]) -> str | None:
    """The entity that the key says this is, when the text has the shape of one. `keys`: nearest first."""
    for entity, choices, shape in _BY_KEY:
        if _says(keys, choices):
            return entity if shape.fullmatch(text) else None
    return None


def _says(keys: Sequence[str], choices: Sequence[frozenset[str]]) -> bool:
    for key in keys:
        found = frozenset(split_key(key))
        if any(choice <= found for choice in choices):
            return True
        if not found <= _GENERIC:
            return False
    return False


_MASK: Final = re.compile(r"[^A-Za-z0-9]*(\d)(?:[^A-Za-z0-9]*\1){6,}[^A-Za-z0-9]*")


def benign(text: str, keys: Sequence[str]) -> bool:
    """Whether the whole text is a date, an identifier, a version or another shape that is nobody's."""
    if _BENIGN.fullmatch(text) or is_mask(text):
        return True
    return bool(keys) and "version" in split_key(keys[0])


def is_mask(text: str) -> bool:
    """Whether it is one digit over and over: what stands for a value that is gone."""
    return _MASK.fullmatch(text) is not None


def windows(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text worth a recognizer's time, each at most 2,000 characters, overlapping where cut."""
    start, end = 0, -_BEFORE - 1
    for hint in _HINT.finditer(text):
        if hint.start() - _BEFORE > end:
            if end > 0:
                yield from _cut(start, end)
            start = max(hint.start() - _BEFORE, 0)
        end = min(hint.end() + _AFTER, len(text))
    if end > 0:
        yield from _cut(start, end)


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _WINDOW:
        yield start, start + _WINDOW
        start += _WINDOW - _OVERLAP
    yield start, end
