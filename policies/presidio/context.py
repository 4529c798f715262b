"""Words near a finding that say what it is: Presidio's rule, in linear time.

Presidio compares all words around all findings with all context words; its blank pipelines have no lemmas to compare.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_BEFORE: Final = 5
_LONG: Final = 5
"""From so many letters on, a context word counts within another word as well: `homephone`."""
RAISE: Final = 0.35
LEAST: Final = 0.4
"""What a context word adds to a score, and the least that it makes of one: Presidio's own figures
(`LemmaContextAwareEnhancer`)."""


class ContextWords:
    """The context of one recognizer. Of an entry of several words, all must be near."""

    def __init__(self, words: Iterable[str]) -> None:
        entries = [frozenset(_WORD.findall(each.lower())) for each in words]
        self._single = frozenset(next(iter(entry)) for entry in entries if len(entry) == 1)
        self._several = [entry for entry in entries if len(entry) > 1]
        self._long = [word for word in self._single if len(word) >= _LONG]

    def among(self, near: frozenset[str]) -> bool:
        """Whether one is among these lower-case words, the plural included, or within a long one of them."""
        if not self._single.isdisjoint(near) or any(word[:-1] in self._single for word in near if word[-1:] == "s"):
            return True
        if any(entry <= near for entry in self._several):
            return True
        return any(word in each for each in near if len(each) > _LONG for word in self._long)


class Words:
    """The words of one part of a text, split once, when they are first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._split: tuple[Sequence[str], Sequence[int]] | None = None

    def before(self, at: int) -> frozenset[str]:
        """The last five words before a place, lower-cased."""
        if self._split is None:
            found = list(_WORD.finditer(self._text))
            self._split = [match[0].lower() for match in found], [match.start() for match in found]
        words, starts = self._split
        end = bisect_left(starts, at)
        return frozenset(words[max(end - _BEFORE, 0) : end])
