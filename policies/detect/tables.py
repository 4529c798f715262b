"""Tables inside a text: CSV (comma, semicolon, tab, bar) and Markdown. Each cell stands under its column's name.

A table is a header of at least two names that look like names, and at least one row of as many cells; the text
before and after it is no part of it. One pass over the lines; quotes as in RFC 4180, within a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"[^\r\n]++")
_NAME: Final = re.compile(r"(?=.{0,40}[^\W\d_])[^\W\d][\w .()/#-]{0,40}\Z")
_RULE: Final = re.compile(r"[ \t]*+\|?+[ \t]*+:?+-++:?+[ \t]*+(?:\|[ \t]*+:?+-++:?+[ \t]*+)*+\|?+[ \t]*+\Z")
"""The line between a Markdown table's header and its rows."""
_SIGNS: Final = (",", ";", "\t", "|")
_QUOTED: Final = {sign: re.compile(rf'[ ]*+"(?:[^"]|"")*+"[ ]*+(?=[{sign}]|\Z)|[^{sign}]*+') for sign in _SIGNS}
_MOST_COLUMNS: Final = 1_000
_LONGEST_HEADER: Final = 20_000

_Row = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """Characters `start` to `end` of the text: a cell in the column `key`, or, without one, no part of a table."""

    start: int
    end: int
    key: str | None = None


def parts(text: str) -> list[Part]:
    """The text in order: the cells of its tables, and what stands around them. Empty when there is no table in it."""
    if "\n" not in text or not any(sign in text for sign in _SIGNS):
        return []
    found = list(_parts(text))
    return found if len(found) > 1 else []


def _parts(text: str) -> Iterator[Part]:
    lines = [match.span() for match in _LINE.finditer(text)]
    number, plain = 0, 0
    while number < len(lines) - 1:
        found = _header(text, lines[number], lines[number + 1])
        if found is None:
            number += 1
            continue
        names, sign, rows = found
        yield Part(plain, lines[number][1])
        number += rows
        while number < len(lines) and (row := _row(text, lines[number], sign, len(names))):
            yield from (Part(*span, name) for span, name in zip(row, names, strict=True))
            plain = lines[number][1]
            number += 1
    yield Part(plain, len(text))


def _header(text: str, line: tuple[int, int], after: tuple[int, int]) -> tuple[list[str], str, int] | None:
    """The names, the sign between cells, and after how many lines the rows begin."""
    if line[1] - line[0] > _LONGEST_HEADER:
        return None
    signs = [sign for sign in _SIGNS if text.find(sign, *line) >= 0]
    for sign in signs:
        names = [text[slice(*span)].strip('"*`_ ') for span in _split(text, line, sign)]
        if not 2 <= len(set(names)) == len(names) <= _MOST_COLUMNS or not all(map(_NAME.match, names)):
            continue
        if sign == "," and text.find(", ", *line) >= 0:
            continue  # a sentence
        if sign == "|" and _RULE.match(text, *after):
            return names, sign, 2
        if _row(text, after, sign, len(names)):
            return names, sign, 1
    return None


def _row(text: str, line: tuple[int, int], sign: str, columns: int) -> _Row:
    """The line's cells, when there are as many."""
    row = _split(text, line, sign) if text.count(sign, *line) >= columns - 1 else ()
    return row if len(row) == columns else ()


def _split(text: str, line: tuple[int, int], sign: str) -> _Row:
    """The cells of a line without the blanks and quotes around them; the bars around it aside."""
    start, end = line
    if sign == "|":
        start, end = _inner(text, start, end)
    row: list[tuple[int, int]] = []
    while len(row) <= _MOST_COLUMNS:
        match = _QUOTED[sign].match(text, start, end)
        stop = match.end() if match else end
        row.append(_trimmed(text, start, stop))
        if stop >= end:
            break
        start = stop + 1
    return row


def _inner(text: str, start: int, end: int) -> tuple[int, int]:
    start, end = _trimmed(text, start, end)
    return start + text.startswith("|", start, end), end - text.endswith("|", start + 1, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    cell = text[start:end]
    start += len(cell) - len(cell.lstrip(" \t"))
    end = max(start, end - len(cell) + len(cell.rstrip(" \t")))
    if end - start >= 2 and text[start] == text[end - 1] == '"':
        return start + 1, end - 1
    return start, end
