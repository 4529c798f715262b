"""Two texts compared line by line, as a unified diff for people. In linear time but for one sort of line numbers.

What a redaction leaves stands in its old order, so lines that the new text has once are where the two are held together
(as in Bram Cohen's patience diff); between them lines are compared in pairs where there are as many on either side.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from policies.jsontext import dumps
from policies.model import Json

CONTEXT: Final = 3
"""Unchanged lines shown around a change."""

_RED, _GREEN, _CYAN, _BOLD, _END = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_COLOURS: Final = {"-": _RED, "+": _GREEN, "@": _CYAN}


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `start` to `end` of the old text became lines `new_start` to `new_end` of the new one."""

    start: int
    end: int
    new_start: int
    new_end: int


def diff(old: Sequence[str], new: Sequence[str], names: tuple[str, str], *, colour: bool) -> Iterator[str]:
    """The lines of the unified diff, none when nothing changed. What a terminal might obey is escaped."""
    blocks = list(changed(old, new))
    for sign, name in zip("-+", names if blocks else (), strict=False):
        yield _coloured(f"{sign * 3} {printable(name)}", _BOLD if colour else "")
    for hunk in _hunks(blocks):
        for line in _hunk(hunk, old, new):
            yield _coloured(line, _COLOURS.get(line[0], "") if colour else "")


def changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Block]:
    """What differs, in order."""
    start = new_start = 0
    for at, new_at in (*_anchors(old, new), (len(old), len(new))):
        yield from _between(old, new, Block(start, at, new_start, new_at))
        start, new_start = at + 1, new_at + 1


def printable(text: str) -> str:
    """The text with everything escaped that a terminal might obey; tabs stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else f"\\u{ord(char):04x}" for char in text)


def indented(value: Json) -> list[str]:
    """The lines of the JSON text, two spaces a level, every number as it was written."""
    lines = [""]
    _write(value, 0, lines, "")
    return lines


def _write(value: Json, level: int, lines: list[str], after: str) -> None:
    """Go on with the last line."""
    if not value or not isinstance(value, dict | list | tuple):
        lines[-1] += _scalar(value) + after
        return
    named = isinstance(value, dict)
    lines[-1] += "{" if named else "["
    items = [(_scalar(key) + ": ", item) for key, item in value.items()] if isinstance(value, dict) else None
    last = len(value) - 1
    for index, (name, item) in enumerate(items or (("", item) for item in value)):
        lines.append("  " * (level + 1) + name)
        _write(item, level + 1, lines, "" if index == last else ",")
    lines.append("  " * level + ("}" if named else "]") + after)


def _scalar(value: Json) -> str:
    return dumps(value).decode()


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Lines that the new side has once, as many as stand in the same order on both."""
    there = Counter(new)
    places = {line: at for at, line in enumerate(new) if there[line] == 1}
    return _rising([(at, places[line]) for at, line in enumerate(old) if line in places])


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest of the sub-sequences whose second numbers rise (patience sorting)."""
    ends: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for index, (_, at) in enumerate(pairs):
        pile = bisect_left(ends, at)
        before.append(piles[pile - 1] if pile else -1)
        ends[pile : pile + 1] = [at]
        piles[pile : pile + 1] = [index]
    found: list[tuple[int, int]] = []
    index = piles[-1] if piles else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _between(old: Sequence[str], new: Sequence[str], gap: Block) -> Iterator[Block]:
    start, end, new_start, new_end = gap.start, gap.end, gap.new_start, gap.new_end
    if end - start == new_end - new_start:
        for step in range(end - start):
            if old[start + step] != new[new_start + step]:
                yield Block(start + step, start + step + 1, new_start + step, new_start + step + 1)
        return
    while start < end and new_start < new_end and old[start] == new[new_start]:
        start, new_start = start + 1, new_start + 1
    while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    yield Block(start, end, new_start, new_end)


def _hunks(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks whose surroundings touch are shown together."""
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block.start - hunk[-1].end > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _hunk(hunk: Sequence[Block], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    first, last = hunk[0], hunk[-1]
    lead = min(CONTEXT, first.start)
    trail = min(CONTEXT, len(old) - last.end)
    removed = _range(first.start - lead, last.end + trail)
    added = _range(first.new_start - lead, last.new_end + trail)
    yield f"@@ -{removed} +{added} @@"
    at = first.start - lead
    for block in hunk:
        yield from _signed(" ", old[at : block.start])
        yield from _signed("-", old[block.start : block.end])
        yield from _signed("+", new[block.new_start : block.new_end])
        at = block.end
    yield from _signed(" ", old[at : at + trail])


def _signed(sign: str, lines: Sequence[str]) -> Iterator[str]:
    return (sign + printable(line.removesuffix("\r")) for line in lines)


def _range(start: int, end: int) -> str:
    """As in POSIX diff -u: lines count from 1, and an empty range stands after the line that it names."""
    length = end - start
    return f"{start + 1 if length else start},{length}"


def _coloured(line: str, colour: str) -> str:
    return f"{colour}{line}{_END}" if colour else line
