"""Many words as one pattern that passes over most of a text at the speed of a search for a few characters.

Each word is entered at its rarest character: the pattern begins with one of a dozen of those, matches what is left of
the word, and only then looks back at what should stand before.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

_FREQUENT: Final = '" e0123456789taoinsr:hldu_cm-f.g/yp,wb'
"""Characters of JSON in lower case, the most frequent first; all others are rarer."""
_SHORTEST: Final = 2
"""Characters of a word from where it is entered."""


class Words:
    """Where words stand in a text. The words and the text are lower-case; no word is shorter than two characters."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)

    @cached_property
    def _tails(self) -> dict[str, list[str]]:
        return _tails(self._words)

    @cached_property
    def pattern(self) -> str:
        """What finds where a word is entered. Made when it is first asked for, as all of this is."""
        return _branch(self._tails)

    @cached_property
    def _search(self) -> Callable[[str, int], re.Match[str] | None]:
        return re.compile(self.pattern).search

    @cached_property
    def _spans(self) -> dict[str, tuple[tuple[int, int], ...]]:
        return {tail: _spans(tail, self._tails) for tail in self._tails}

    def hit(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The next place, from `start` on, where a word is entered."""
        return self._search(text, start)

    def at(self, text: str, hit: re.Match[str]) -> Iterator[tuple[int, str]]:
        """The words that are entered there, each with the place where it begins."""
        entry = hit.start()
        for before, behind in self._spans[hit[0]]:
            word = text[entry - before : entry + behind] if before <= entry else ""
            if word in self._words:
                yield entry - before, word


def _spans(tail: str, tails: Mapping[str, Sequence[str]]) -> tuple[tuple[int, int], ...]:
    """Characters before and behind the entry, of the words that the tail ends or that end within it."""
    return tuple(
        sorted({(len(word) - end, end) for end in range(1, len(tail) + 1) for word in tails.get(tail[:end], ())})
    )


def _tails(words: frozenset[str]) -> dict[str, list[str]]:
    """What is left of the words from where they are entered, and the words. Raises ValueError for too short a word."""
    if not words or min(map(len, words)) < _SHORTEST:
        raise ValueError("words of two characters and more")
    chosen, tails = _chosen(words), defaultdict[str, list[str]](list)
    for word in sorted(words):
        entry = min(
            (at for at, char in enumerate(word[: 1 - _SHORTEST]) if char in chosen), key=lambda at: _weight(word[at])
        )
        tails[word[entry:]].append(word)
    return tails


def _chosen(words: frozenset[str]) -> set[str]:
    """A few rare characters, one of which is in each word: taken by how many words they serve for their frequency."""
    left, chosen = set(words), set[str]()
    while left:
        served = Counter(char for word in left for char in set(word[: 1 - _SHORTEST]))
        best = max(sorted(served), key=lambda char: served[char] / _weight(char))
        chosen.add(best)
        left = {word for word in left if best not in word[: 1 - _SHORTEST]}
    return chosen


def _weight(char: str) -> float:
    at = _FREQUENT.find(char)
    return 1 if at < 0 else 4 + 2 * (len(_FREQUENT) - at)


def _branch(tails: Mapping[str, Sequence[str]]) -> str:
    firsts = defaultdict[str, dict[str, Sequence[str]]](dict)
    for tail, words in tails.items():
        if tail:
            firsts[tail[0]][tail[1:]] = words
    arms = [re.escape(first) + _branch(firsts[first]) for first in sorted(firsts)]
    if "" in tails:
        by_length = defaultdict[int, list[str]](list)
        for word in tails[""]:
            by_length[len(word)].append(re.escape(word))
        arms += [f"(?<={'|'.join(words)})" for words in by_length.values()]
    return arms[0] if len(arms) == 1 else f"(?:{'|'.join(arms)})"
