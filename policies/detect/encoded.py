"""Text in base64, as a whole or within another text: what it says, and the same again with something else in it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SHORTEST: Final = 16
"""Characters of base64 that are worth a look: twelve bytes."""
_CHAR: Final = "[A-Za-z0-9+/_-]"
_END: Final = "(?![A-Za-z0-9+/_=-])"
_LINES: Final = "|".join(
    rf"{_CHAR}{{{width}}}{_END}(?:\r?\n{_CHAR}{{{width}}}{_END})*+(?:\r?\n{_CHAR}{{1,{width}}}+={{0,2}}{_END})?"
    for width in (60, 64, 72, 76)
)
"""Wrapped: as GitHub does it, PEM (RFC 7468), MIME (RFC 2045). A line that does not fit ends it, and fails nothing."""
_RUN: Final = re.compile(rf"(?<![A-Za-z0-9+/_=-])(?={_CHAR}{{{SHORTEST}}})(?:{_LINES}|{_CHAR}++={{0,2}}{_END})")
_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_IN_ALPHABET: Final = bytes(byte in _ALPHABET for byte in range(256))
_SHORTEST_RUN: Final = b"\1" * SHORTEST
_LINE: Final = re.compile(r"[^\r\n]++")
_LETTERS: Final = re.compile(rb"[A-Za-z0-9@.]")
_UNSEEN: Final = re.compile(r"[^\S \t\r\n]|[\x00-\x08\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Characters `start` to `end` of a text say `text` in base64; `url` for the alphabet of URLs, `padded` with `=`."""

    start: int
    end: int
    text: str
    url: bool
    padded: bool

    def written(self, text: str) -> str:
        """Another text in the same form."""
        encode = base64.urlsafe_b64encode if self.url else base64.b64encode
        new = encode(text.encode()).decode()
        return new if self.padded else new.rstrip("=")


def encoded(text: str) -> Iterator[Encoded]:
    """Every run of base64 in the text that decodes to text."""
    if _SHORTEST_RUN not in text.encode(errors="replace").translate(_IN_ALPHABET):
        return  # most texts, in a fraction of the time
    for match in _RUN.finditer(text):
        found = _encoded(match[0], match.start())
        if found:
            yield found
        elif "\n" in match[0]:
            lines = (_encoded(line[0], match.start() + line.start()) for line in _LINE.finditer(match[0]))
            yield from filter(None, lines)


def _encoded(run: str, start: int) -> Encoded | None:
    if len(run) < SHORTEST or run.islower() or run.isupper() or run.isdigit():
        return None  # a name, a hash, a number: base64 of a text has letters of both cases
    said = decoded(run)
    if said is None:
        return None
    padded = run.endswith("=") or len("".join(run.split())) % 4 == 0
    return Encoded(start, start + len(run), said, "-" in run or "_" in run, padded)


def decoded(run: str) -> str | None:
    """The text that it says; None when it is no base64 or says no text."""
    bare = "".join(run.split()).rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 == 1:
        return None
    try:
        data = binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
        text = data.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if _UNSEEN.search(text) or not _LETTERS.search(data) else text
