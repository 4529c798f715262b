"""A text as it reads: hidden characters gone, wide ones narrow, entities and escapes undone, each part in its place.

Values are looked for in what a person or a model would read, and cut out of what was sent: each layer knows where its
characters stand in the one below, down to the raw text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from policies.hidden import hidden_runs

_LEVELS: Final = 2
"""JSON in a string of JSON: escapes within escapes."""

_LONG: Final = 32_768
_AROUND: Final = 8_192
"""Longer than any value but a ring of keys."""
_JSON_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([\"'\\/bfnrt])"
)
_SHORT: Final = {"b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
_MARKDOWN: Final = re.compile(r"\\{1,8}([_.@+~*-])")
"""Signs that converters to Markdown write with a backslash."""
_MARK: Final = re.compile("[\u0300-\u036f]")
_COMBINED: Final = re.compile("[^\\W\\d_][\u0300-\u036f]{1,4}+")
_WIDE: Final = re.compile(r"[^\x00-\x7f]")
_SIGNS: Final = {
    **dict.fromkeys((*map(chr, range(0x2000, 0x200B)), *"\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2024\u3002\uff0e\uff61", "."),
    "\ufe6b": "@",
    "\u24d0": "a",
    "\u2215": "/",
    "\u2044": "/",
}  # fmt: skip
"""Signs that Unicode's compatibility forms leave as they are."""


@dataclass(frozen=True, slots=True, eq=False)
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


def reads_as_written(text: str) -> bool:
    """Whether the text is its own and only layer."""
    return text.isascii() and not ("&" in text or "%" in text or "\\" in text) and text.isprintable()


def layers(text: str) -> Iterator[Layer]:
    """The text folded; then the same with percent escapes undone, with Markdown's, and with JSON's, twice at most."""
    folded = _folded(Layer(text))
    yield folded
    if "%" in folded.text and (decoded := _rewritten(folded, _PERCENT, _decoded)) is not None:
        yield _folded(decoded)
    if "\\" in folded.text and (bare := _rewritten(folded, _MARKDOWN, _bare)) is not None:
        yield bare
    layer = folded
    for _ in range(_LEVELS):
        if "\\" not in layer.text or not ('"' in layer.text or "\\u" in layer.text):
            return
        above = _rewritten(layer, _JSON_ESCAPE, _unescaped)
        if above is None:
            return
        layer = _folded(above)
        yield layer


def rewritten(layer: Layer) -> Iterator[tuple[int, int]]:
    """The parts of a layer that read differently from the one below, with what stands around; all of a short one.

    For who has looked at the one below: one escape in a long text does not make it twice as long.
    """
    if len(layer.text) <= _LONG:
        yield 0, len(layer.text)
        return
    start, end = 0, -1
    for mark in layer.shown[1:]:
        if mark - _AROUND > end:
            if end >= 0:
                yield start, end
            start = max(mark - _AROUND, 0)
        end = min(mark + _AROUND, len(layer.text))
    if end >= 0:
        yield start, end


def _folded(layer: Layer) -> Layer:
    if "&" in layer.text:
        layer = _rewritten(layer, _ENTITY, _entity) or layer
    if not (layer.text.isascii() and layer.text.isprintable()):
        layer = _without(layer)
        if not layer.text.isascii():
            layer = _narrow(_rewritten(layer, _COMBINED, _composed) or layer if _MARK.search(layer.text) else layer)
    return layer


def plain(text: str) -> str:
    """The text of the same length, every script's digits, wide signs, hyphens and spaces in their ASCII form."""
    return text if text.isascii() else _WIDE.sub(_to_ascii, text)


def _narrow(layer: Layer) -> Layer:
    new = plain(layer.text)
    return layer if new == layer.text else Layer(new, layer.shown, layer.raw, layer.below)


def _to_ascii(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SIGNS:
        return _SIGNS[char]
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 and form.isascii() else char


def _without(layer: Layer) -> Layer:
    """Hidden characters taken out."""
    parts: list[str] = []
    shown, raw, length, at = [0], [0], 0, 0
    for start, end in hidden_runs(layer.text):
        parts.append(layer.text[at:start])
        length += start - at
        at = end
        shown.append(length)
        raw.append(end)
    if not parts:
        return layer
    return Layer("".join([*parts, layer.text[at:]]), tuple(shown), tuple(raw), layer)


def _rewritten(layer: Layer, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> Layer | None:
    """A layer above, each match read as what `by` says; None when nothing matches or changes."""
    parts: list[str] = []
    shown, raw, length, at = [0], [0], 0, 0
    for match in pattern.finditer(layer.text):
        new = by(match)
        if new == match[0]:
            continue
        parts += [layer.text[at : match.start()], new]
        length += match.start() - at
        at = match.end()
        shown += [length, length + len(new)]
        raw += [match.start(), at]
        length += len(new)
    if not parts:
        return None
    return Layer("".join([*parts, layer.text[at:]]), tuple(shown), tuple(raw), layer)


def _bare(match: re.Match[str]) -> str:
    return match[1]


def _composed(match: re.Match[str]) -> str:
    """A letter and its accents as one character."""
    return unicodedata.normalize("NFC", match[0])


def _unescaped(match: re.Match[str]) -> str:
    """One character."""
    if match[1]:
        return chr(0x10000 + ((int(match[1], 16) & 0x3FF) << 10) + (int(match[2], 16) & 0x3FF))
    if match[3]:
        return chr(int(match[3], 16))
    return _SHORT.get(match[4], match[4])


def _entity(match: re.Match[str]) -> str:
    new = html.unescape(match[0])
    return new if len(new) == 1 else match[0]


def _decoded(match: re.Match[str]) -> str:
    try:
        return unquote_to_bytes(match[0]).decode()
    except UnicodeDecodeError:
        return match[0]
