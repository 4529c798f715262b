"""Rules' patterns without their conditions and over shapes, so that one automaton says which of them may match.

A shape is a text whose digits are all `0` and whose letters are all `a` or `A`. Conditions (what stands before and
after, what was there before) are left out, and possessive quantifiers may give up: wherever a pattern matches a text,
its loose form matches the text's shape. Those that match are searched for as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits, printable
from typing import Final, Protocol

from policies.detect.rule import Pattern, Rule

SHAPE: Final = bytes.maketrans((digits + ascii_lowercase + ascii_uppercase).encode(), b"0" * 10 + b"a" * 26 + b"A" * 26)
"""Makes a text's shape of its bytes."""
_CLASS: Final = r"\[\^?+\]?+(?:[^\]\\]|\\.)*+\]"
_PART: Final = re.compile(
    rf"(?P<around>\(\?<?[=!])|(?P<group>\(\?P<\w++>|\(\?>|\(\?[i]?+:)|(?P<back>\\[1-9]|\(\?P=\w++\))|(?P<edge>\\[AZbB])"
    rf"|(?P<strange>\(\?|[$^])|(?P<count>[*+?]|\{{[0-9]*+,?[0-9]*+\}})\+?|(?P<sign>[()|])|{_CLASS}|\\u[0-9a-f]{{4}}|\\.|.",
    re.DOTALL,
)
_BOUNDARY: Final = re.compile(rf"{_CLASS}|\\.|[()]", re.DOTALL)
_VALUE: Final = "(?P<value>"
_SHAPES: Final = {char: chr(SHAPE[ord(char)]) for char in printable if char.isprintable()}
_MEMORY: Final = 32 << 20
"""Bytes that the automaton may take. It starts with a few hundred thousand and forgets when it is full."""
_NEVER: Final = r"[^\x00-\x{10ffff}]"
_ANYTHING: Final = r"(?s:.*)"


class _Set(Protocol):
    def Match(self, text: str) -> list[int] | None: ...  # noqa: N802  re2 calls it so


class Loose:
    """All rules of which one may match a printable ASCII text, by its shape. Threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        import re2

        options = re2.Options()
        options.max_mem, options.log_errors = _MEMORY, False
        found = re2.Set.SearchSet(options)
        found.Add("")
        self._all = tuple(rules)
        self._always: list[Rule] = []
        self._rules: list[Rule | None] = [None]
        for rule in self._all:
            pattern = loosened(rule.pattern)
            try:
                if pattern is None or re2.compile(pattern, options).match(""):
                    raise re2.error
                found.Add(pattern)
                self._rules.append(rule)
            except re2.error:
                self._always.append(rule)
        found.Compile()
        self._set: _Set = found

    def fitting(self, shape: str) -> Sequence[Rule]:
        """The rules that may match a text of this shape, in time linear in it."""
        hits = self._set.Match(shape)
        if not hits:
            return self._all  # the first pattern matches everything: the automaton had no room
        return [rule for rule in map(self._rules.__getitem__, sorted(hits)) if rule] + self._always


def loosened(pattern: Pattern) -> str | None:
    """For RE2: what matches the shape wherever `pattern` matches the text, which is printable ASCII.

    None of what is written too strangely.
    """
    if pattern.flags & (re.VERBOSE | re.ASCII | re.LOCALE | re.MULTILINE):
        return None
    written = pattern.pattern
    any_case = bool(pattern.flags & re.IGNORECASE) or "(?i" in written
    if _VALUE in written:  # what is found stands there, whatever stands around it
        start = written.index(_VALUE)
        written = written[start : _closing(written, start)]
    parts = list(_loose(written, (re.NOFLAG, re.IGNORECASE) if any_case else (re.NOFLAG,)))
    return None if None in parts else "".join(filter(None, parts))


def _loose(written: str, flags: tuple[re.RegexFlag, ...]) -> Iterator[str | None]:
    at = 0
    while match := _PART.match(written, at):
        at = match.end()
        if match["around"]:
            at = _closing(written, match.start())
            yield "(?:)"
        elif match["strange"]:
            yield None
        elif match["back"]:
            yield _ANYTHING
        elif match["edge"]:
            yield "(?:)"
        elif match["group"]:
            yield "(?:"
        else:
            yield match["count"] or match["sign"] or _shape_of(match[0], flags)


@lru_cache(maxsize=1024)
def _shape_of(one: str, flags: tuple[re.RegexFlag, ...]) -> str:
    """A class that has the shapes of what this class, escape or character stands for, by any of the flags."""
    stands_for = [re.compile(one, flag) for flag in flags]
    found = dict.fromkeys(shape for char, shape in _SHAPES.items() if any(each.match(char) for each in stands_for))
    return f"[{''.join(map(re.escape, found))}]" if found else _NEVER


def _closing(written: str, at: int) -> int:
    """Where the group ends that begins at `at`."""
    depth = 0
    for match in _BOUNDARY.finditer(written, at):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    raise ValueError("a group does not end")
