"""Characters that nobody sees: which they are, where they are meant, and a text without the others.

Kinds: `ansi` (escape sequences of terminals), `control` (C0 but tab, line feed and carriage return; DEL; C1), `bidi`
(embeddings, overrides, isolates, stray marks), `tag` (U+E0000…), `invisible` (zero width, fillers, soft hyphen,
variation selectors, byte order mark). Kept where they are meant: FE0E, FE0F and ZWJ within emoji, the three flags
written with tags, ZWJ and ZWNJ after a letter of an Arabic or Indic script, direction marks beside a right-to-left
letter, Mongolian selectors. Nothing is ever normalised.

One search for a set of characters finds every candidate, and what is looked at around it is bounded or ends at the
next escape character: linear in any text, and no Python code runs per character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Final

_EMOJI: Final = r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_RTL: Final = r"[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
_JOINING: Final = (
    r"[\u0600-\u061b\u061d-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
    r"\ufb50-\ufdff\ufe70-\ufefc]"
)
_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f"
_MARK: Final = r"\u061c\u200e\u200f"
_BIDI: Final = r"\u202a-\u202e\u2066-\u2069"
_TAG: Final = r"\U000e0000-\U000e007f"
_INVISIBLE: Final = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e0fff"
)
_RUN: Final = rf"{_CONTROL}{_BIDI}{_TAG}{_INVISIBLE}"

_BRITISH_FLAG: Final = (
    "(?<=\U0001f3f4\U000e0067)\U000e0062"
    "(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
# Asked right after the candidate itself.
_MEANT: Final = "|".join(
    (
        rf"(?<={_EMOJI}[\ufe0e\ufe0f])",
        r"(?<=[0-9#*]\ufe0f)(?=\u20e3)",
        rf"(?<={_EMOJI}\u200d)(?={_EMOJI})",
        rf"(?<={_EMOJI}[\ufe0e\ufe0f]\u200d)(?={_EMOJI})",
        rf"(?<={_JOINING}[\u200c\u200d])",
        rf"(?<={_RTL}[{_MARK}])",
        rf"(?<=[{_MARK}])(?<![{_MARK}][{_MARK}])(?={_RTL})",
        r"(?<=[\u1820-\u18aa][\u180b-\u180f])",
        _BRITISH_FLAG,
    )
)
_ANSI: Final = (
    r"(?<=\x1b)(?:\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC with what they carry
    r"|[ -/]*[0-~])"  # two characters, and the openings of the unfinished ones above
)

_SUSPECT: Final = re.compile(rf"[\x1b{_MARK}{_RUN}]")
_PARTS: Final = re.compile(rf"([\x1b{_MARK}{_RUN}])(?:({_MEANT})|({_ANSI})|(?<!\x1b)([{_MARK}{_RUN}]+)|)")
_GROUPS: Final = 5
"""Of `_PARTS.split`: the text before, the candidate, whether it is meant, the rest of an escape, a run of others."""

_ESCAPED: Final = re.compile(rb"\\[ubf]")
_EVERY: Final = re.compile(rf"\x1b(?:{_ANSI})?|[{_MARK}{_RUN}]+")
MOST: Final = 100_000
"""Candidates of one text that are judged; after so many, all others are taken out, meant or not."""

_KINDS: Final = (
    ("control", re.compile(rf"[\x1b{_CONTROL}]")),
    ("bidi", re.compile(rf"[{_MARK}{_BIDI}]")),
    ("tag", re.compile(rf"[{_TAG}]")),
    ("invisible", re.compile(rf"[{_INVISIBLE}]")),
)
_NONE: Final[frozenset[str]] = frozenset()


def suspicious(raw: bytes) -> bool:
    """Whether compact JSON (UTF-8) may hold such a character, escaped in a text or not. Never misses one."""
    if b"\x7f" in raw or (b"\\" in raw and _ESCAPED.search(raw)):
        return True
    return not raw.isascii() and _SUSPECT.search(raw.decode()) is not None


def clean(text: str) -> tuple[str, frozenset[str]]:
    """The text without them, and the kinds taken out; the same object and no kinds when there were none."""
    if _SUSPECT.search(text) is None:
        return text, _NONE
    parts = _PARTS.split(text, MOST)
    rest = parts[-1]
    parts[-1] = _EVERY.sub("", rest) if len(parts) > _GROUPS * MOST else rest
    texts, candidates, meant, escapes, runs = (parts[number::_GROUPS] for number in range(_GROUPS))
    if len(parts[-1]) == len(rest) and all(each is not None for each in meant):
        return text, _NONE
    kept = [None if more is None else char + more for char, more in zip(candidates, meant, strict=True)]
    gone = {char for char, keep, more in zip(candidates, kept, escapes, strict=True) if keep is None and more is None}
    gone.update(run for run in runs if run)
    kinds = {*_kinds("".join(gone)), *(_kinds(rest) if parts[-1] is not rest else ())}
    if any(escapes):
        kinds.add("ansi")
    return "".join(filter(None, chain.from_iterable(zip_longest(texts, kept)))), frozenset(kinds)


def _kinds(gone: str) -> Iterator[str]:
    return (kind for kind, characters in _KINDS if characters.search(gone))
