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

_FLAGS: Final = ["".join(chr(0xE0000 + ord(char)) for char in f"{name}\x7f") for name in ("gbeng", "gbsct", "gbwls")]
_IN_FLAG: Final = "|".join(
    f"(?<=\U0001f3f4{flag[:at]})(?={flag[at:]})" for flag in _FLAGS for at in range(1, len(flag) + 1)
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
        rf"(?<=[{_TAG}])(?:{_IN_FLAG})",
    )
)
_ANSI: Final = (
    r"(?<=\x1b)(?:\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC with what they carry
    r"|[ -/]*[0-~])"  # two characters, and the openings of the unfinished ones above
)

_SUSPECT: Final = re.compile(rf"[\x1b{_MARK}{_RUN}]")
_GONE: Final = re.compile(rf"\x1b(?:{_ANSI})?|[{_MARK}{_RUN}](?!{_MEANT})[{_MARK}{_RUN}]*")
_ESCAPES: Final = re.compile(rf"\x1b{_ANSI}")
_ESCAPE: Final = (
    r"\\(?:[bf]|u(?i:00[0-9]|00ad|034f|061c|115f|1160|17b[45]|180[b-f]|20(?:0[b-f]|2[a-e]|6)|3164"
    r"|fe0|feff|ffa0|fff[0-9ab]|d82f|d834|db4))"
)
"""The escapes in JSON that one of them may stand behind, and those of ASCII, which may spell such an escape."""
_ESCAPED: Final = re.compile(_ESCAPE)
_ESCAPED_BYTES: Final = re.compile(_ESCAPE.encode())
_ANY_ESCAPE: Final = re.compile(rb"\\[ubf]")  # most texts have none, and this finds out fastest

_ASCII: Final = bytes(range(128))

_KINDS: Final = (
    ("control", re.compile(rf"[\x1b{_CONTROL}]")),
    ("bidi", re.compile(rf"[{_MARK}{_BIDI}]")),
    ("tag", re.compile(rf"[{_TAG}]")),
    ("invisible", re.compile(rf"[{_INVISIBLE}]")),
)
_NONE: Final[frozenset[str]] = frozenset()


def suspicious(raw: bytes) -> bool:
    """Whether compact JSON (UTF-8) may hold such a character, escaped in a text or not. Never misses one."""
    if b"\x7f" in raw or (b"\\" in raw and _ANY_ESCAPE.search(raw) and _ESCAPED_BYTES.search(raw)):
        return True
    return not raw.isascii() and _SUSPECT.search(raw.translate(None, _ASCII).decode()) is not None


def escaped(text: str) -> bool:
    """Whether a text that is JSON may say such a character with an escape, at any depth of JSON in JSON."""
    return "\\" in text and _ESCAPED.search(text) is not None


def clean(text: str) -> tuple[str, frozenset[str]]:
    """The text without them, and the kinds taken out; the same object and no kinds when there were none."""
    new, kinds, _ = strip(text)
    return new, kinds


def hidden_runs(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run that `clean` takes out, in order."""
    if not (text.isascii() and text.isprintable()):
        yield from (match.span() for match in _GONE.finditer(text))


def strip(text: str, most: int = 0) -> tuple[str, frozenset[str], int]:
    """As `clean`, and how many runs were taken out. After `most` of them (0: no limit) it stops, and tells no kind."""
    if (text.isascii() and text.isprintable()) or _SUSPECT.search(text) is None:
        return text, _NONE, 0
    new, runs = _GONE.subn("", text, most)
    if not runs:
        return text, _NONE, 0
    return new, frozenset(_kinds(text, new)) if runs != most else _NONE, runs


def _kinds(text: str, new: str) -> Iterator[str]:
    bare = _ESCAPES.sub("", text) if "\x1b" in text else text
    if len(bare) < len(text):
        yield "ansi"
    for kind, characters in _KINDS:
        if characters.search(bare) and (
            not characters.search(new) or _count(characters, bare) > _count(characters, new)
        ):
            yield kind


def _count(characters: re.Pattern[str], text: str) -> int:
    return len(text) - len(characters.sub("", text))
