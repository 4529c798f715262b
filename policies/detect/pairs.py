"""Values that stand beside their names in a text: JSON that is cut off or wrapped, settings, headers, logs, XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_JSON: Final = re.compile(
    r"""(["'])(?P<key>[^"'\\\n]{1,64})\\{0,7}\1[ \t]{0,8}:[\s\[]{0,64}"""
    r"""(?:\\{0,7}(["'])(?P<text>[^"'\\\n]{1,320})(?=["'\\]|\Z)|(?P<number>-?[0-9][0-9.]{2,24})(?![0-9.]))"""
)
_LINE: Final = re.compile(
    r"(?m)^[ \t>*#-]{0,16}(?P<key>[^\W\d][\w.-]{0,40}(?: [\w.-]{1,40}){0,3})(?:\*\*)?"
    r"""[ \t]{0,8}(?::(?!//)|=)(?:\*\*)?[ \t]{0,8}["']?(?P<text>[^\s"'=:{\[][^\n\r]{0,320})"""
)
"""`Name: Maria`, `PHONE=123`, in a line of its own."""
_WORD: Final = re.compile(
    r"""(?<![\w.-])(?P<key>[^\W\d][\w.-]{0,40})=(?:"(?P<quoted>[^"\n]{1,320})"|(?P<text>[^\s"&;,]{1,320}))"""
)
"""`phone=123 user="Maria"`, in logs, query strings and forms."""
_TAG: Final = re.compile(r"<(?P<key>[^\W\d][\w.:-]{0,40})(?: [^<>]{0,200})?>(?P<text>[^<>\n]{1,320})</")


@dataclass(frozen=True, slots=True)
class Pair:
    """Characters `start` to `end` stand as a value under `key`; `number` where they stand as a JSON number."""

    start: int
    end: int
    key: str
    number: bool = False


def pairs(text: str) -> Iterator[Pair]:
    """What reads as a name and its value, whatever stands around it; of a JSON list, its first item."""
    if ":" in text:
        for match in _JSON.finditer(text):
            group = "number" if match["number"] else "text"
            yield Pair(*match.span(group), match["key"], group == "number")
    if ":" in text or "=" in text:
        for match in _LINE.finditer(text):
            start, end = match.span("text")
            yield Pair(start, start + len(text[start:end].rstrip(" \t\"',;")), match["key"])
    if "=" in text:
        for match in _WORD.finditer(text):
            yield Pair(*match.span("quoted" if match["quoted"] else "text"), match["key"])
    if "</" in text:
        for match in _TAG.finditer(text):
            yield Pair(*match.span("text"), match["key"])
