"""A text as the patterns see it, and the parts of it that are worth a recognizer's time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from policies.redact.context import WEAK

_ODD: Final = re.compile(
    r"(?=[^\x00-\x7f])\d|[\u00a0\u2007\u2009\u202f\u2010-\u2015\u2212\uff20\uff0e\uff0d\uff0b\uff08\uff09\uff1a]"
)
_PLAIN: Final = {
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d", "-"),
    "\uff20": "@",
    "\uff0e": ".",
    "\uff0b": "+",
    "\uff08": "(",
    "\uff09": ")",
    "\uff1a": ":",
}

_STRONG: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:bc1|[13])[A-Za-z0-9]{25}"
    r"|\+[0-9](?:[ .()-]{0,3}[0-9]){6}"
    r"|[0-9]{3}[ .)-]{1,2}[0-9]{3}[ .-][0-9]{4}"
    r"|[0-9]{3}([ .-])[0-9]{2}\1[0-9]{4}"
    r"|[0-9]{4}[ -][0-9]{4,6}[ -][0-9]{4}"
    r"|(?<![A-Z0-9])[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4}"
    r"|(?<![0-9])(?P<run>[0-9]{13,19})(?![0-9])"
)
"""What may count by itself. A bare run of digits does when it is a card number."""
_GROUP: Final = re.compile(r"[0-9](?:[ ().-]{0,3}[0-9]){6,}+")
"""Seven digits and more: they count beside a word or under a key that says what they are."""

_WORD: Final = re.compile(r"[^\W_]+")

BEFORE: Final = 128
"""The words before a value that say what it is."""
AFTER: Final = 96
"""More than the longest value that a recognizer knows, from where its shape begins."""
_WINDOW: Final = 2_000


def plain(text: str) -> str:
    """The text of the same length with every script's digits, wide signs, hyphens and spaces in their ASCII form."""
    return text if text.isascii() else _ODD.sub(_to_ascii, text)


def _to_ascii(match: re.Match[str]) -> str:
    return _PLAIN.get(match[0]) or str(unicodedata.decimal(match[0]))


def is_card(text: str) -> bool:
    """Whether the digits in it are an issued range's, with the right check digit."""
    digits = "".join(char for char in text if "0" <= char <= "9")
    two, four = int(digits[:2] or 0), int(digits[:4] or 0)
    issued = digits[:1] == "4" or 50 <= two <= 69 or 34 <= two <= 39 or two == 30 or 2221 <= four <= 2720
    if not (issued or four in (1800, 2131)):
        return False
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def windows(text: str, keys: Sequence[str], *, every: bool = False) -> Iterator[tuple[int, int, int, int]]:
    """Start and end of each part to look at, at most 2,000 characters, and within it what is its own to report.

    What starts elsewhere in a part may be cut off there, or lacks its words; a part before or after reports it.
    `every` asks for groups of digits without a word as well.
    """
    start, end = 0, -1
    for first, last in _candidates(text, keys, every):
        if first - BEFORE > end:
            if end >= 0:
                yield from _cut(start, end)
            start = max(first - BEFORE, 0)
        end = max(end, min(last + AFTER, len(text)))
    if end >= 0:
        yield from _cut(start, end)


def _cut(start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    own = start
    while end - start > _WINDOW:
        stop = start + _WINDOW
        yield start, stop, own, stop - AFTER
        own, start = stop - AFTER, stop - AFTER - BEFORE
    yield start, end, own, end


def _candidates(text: str, keys: Sequence[str], every: bool) -> Iterator[tuple[int, int]]:
    """In order of where they start."""
    strong = (match.span() for match in _STRONG.finditer(text) if not match["run"] or is_card(match["run"]))
    weak = _groups(text, keys, every)
    one, two = next(strong, None), next(weak, None)
    while one or two:
        if two is None or (one and one <= two):
            yield one or (0, 0)
            one = next(strong, None)
        else:
            yield two
            two = next(weak, None)


def _groups(text: str, keys: Sequence[str], every: bool) -> Iterator[tuple[int, int]]:
    said: bool | None = None
    for match in _GROUP.finditer(text):
        said = (every or WEAK.among(keys)) if said is None else said
        start = match.start()
        if said:
            yield match.span()
        elif WEAK.among(before(text, start)):
            yield start, min(match.end(), start + AFTER)


def before(text: str, at: int) -> list[str]:
    """The last words before a place, lower-cased."""
    return _WORD.findall(text[max(at - BEFORE, 0) : at].lower())[-5:]
