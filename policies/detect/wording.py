"""Words of rules and keys as people write them. Accents may be missing in what comes."""

from __future__ import annotations

import unicodedata
from typing import Final

OF_A_PERSON: Final = (
    "national id|nationalid|national number|tax id|taxid|tax number|taxnumber|tax identification|identity number|"
    "id number|idnumber|document number|documento|government id|personal id|personal number|fiscal number"
)
"""Keys that speak of some country's number: what stands there has to pass that country's check."""


def words(text: str) -> frozenset[str]:
    """The words of `text`, parted by white space, each also without accents: `número` gives número and numero."""
    return frozenset(form for word in text.split() for form in (word, _plain(word)))


def choices(text: str) -> tuple[frozenset[str], ...]:
    """The words that a key has to hold together, one choice on each side of a `|`; each also without accents."""
    ways = (form for way in text.split("|") for form in (way, _plain(way)))
    return tuple(dict.fromkeys(frozenset(way.split()) for way in ways))


def said(phrase: str) -> str:
    """A pattern of `phrase` (itself one) and up to four words after it: what follows is what they speak of."""
    word = r"[ _:=#'’-]{1,3}+[A-Za-z.]{1,12}+(?![0-9])"
    return rf"(?<![A-Za-z])(?i:{phrase})(?![A-Za-z0-9])(?:{word}){{0,4}}?[ _:=#()\"'-]{{0,5}}+"


def _plain(text: str) -> str:
    """Only Latin letters lose their marks: in other scripts they make another letter."""
    return "".join(
        unicodedata.normalize("NFD", char)[0] if unicodedata.name(char, "").startswith("LATIN") else char
        for char in text
    )
