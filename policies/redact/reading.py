"""A text that is no JSON which could be written back, as it reads all the same: escapes undone, its pairs found.

For what is cut off, is wrapped in other text, or says its keys in the quotes of another language.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([\"'\\/bfnrt])"
)
_SHORT: Final = {"b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}
_LEVELS: Final = 2
"""JSON in a string of JSON: escapes within escapes."""

_PAIR: Final = re.compile(
    r"""(["'])(?P<key>[^"'\\\n]{1,64})\\{0,7}\1[ \t]{0,8}:[\s\[]{0,64}"""
    r"""(?:\\{0,7}(["'])(?P<text>[^"'\\\n]{1,320})(?=["'\\]|\Z)|(?P<number>-?[0-9][0-9.]{2,24})(?![0-9.]))"""
)


@dataclass(frozen=True, slots=True)
class Layer:
    """A text as it reads, and where each part of it stands in the raw one."""

    text: str
    shown: tuple[int, ...] = (0,)
    raw: tuple[int, ...] = (0,)
    below: Layer | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The span of the raw text that reads as this one."""
        return self.below.place(self._place(start), self._place(end)) if self.below else (start, end)

    def _place(self, at: int) -> int:
        mark = bisect_right(self.shown, at) - 1
        return self.raw[mark] + at - self.shown[mark]


@dataclass(frozen=True, slots=True)
class Pair:
    """Characters `start` to `end` stand as a value under `key`; `number` where they stand without quotes."""

    start: int
    end: int
    key: str
    number: bool


def layers(text: str) -> Iterator[Layer]:
    """The text itself; then, where it holds escapes as JSON has them, the text without, twice at most."""
    layer = Layer(text)
    yield layer
    for _ in range(_LEVELS):
        if "\\" not in layer.text or not ('"' in layer.text or "\\u" in layer.text):
            return
        above = _unescaped(layer)
        if above is None:
            return
        layer = above
        yield layer


def _unescaped(layer: Layer) -> Layer | None:
    parts: list[str] = []
    shown, raw, length, at = [0], [0], 0, 0
    for match in _ESCAPE.finditer(layer.text):
        parts += [layer.text[at : match.start()], _said(match)]
        length += match.start() - at
        at = match.end()
        shown += [length, length + 1]
        raw += [match.start(), at]
        length += 1
    if not parts:
        return None
    return Layer("".join([*parts, layer.text[at:]]), tuple(shown), tuple(raw), layer)


def _said(match: re.Match[str]) -> str:
    """One character."""
    if match[1]:
        return chr(0x10000 + ((int(match[1], 16) & 0x3FF) << 10) + (int(match[2], 16) & 0x3FF))
    if match[3]:
        return chr(int(match[3], 16))
    return _SHORT.get(match[4], match[4])


def pairs(text: str) -> Iterator[Pair]:
    """What reads as `"key": "value"` or `"key": 1`, whatever stands around it; of a list, its first item."""
    if ":" not in text:
        return
    for match in _PAIR.finditer(text):
        group = "number" if match["number"] else "text"
        yield Pair(*match.span(group), match["key"], group == "number")
