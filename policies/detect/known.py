"""Values found somewhere in a result, found again wherever else they stand as whole words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from policies.detect.finding import Finding
from policies.detect.layers import layers, plain, reads_as_written
from policies.detect.replace import OWN

_WORD: Final = re.compile(r"([^\W_]+)")
_SIGNS: Final = re.compile(r"[ .()/+-]")
_SHORTEST: Final = 5
"""A shorter value is only removed where it was found."""
_MOST_PARTS: Final = 64
"""A value of more words and signs is only removed where it was found."""
_CHECK_EVERY: Final = 256


@dataclass(slots=True)
class _Node:
    entity: str = ""
    confidence: float = 0.0
    below: dict[str, _Node] = field(default_factory=dict)


class Known:
    """A tree of words and of what stands between them: a text is followed into it from each of its words."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._root = _Node()
        self._values: dict[str, float] = {}
        self.numbers: dict[str, str] = {}
        """The entity of each value of digits and signs, by its digits."""

    def add(self, value: str, entity: str, confidence: float = 1.0) -> None:
        """Of two entities that were found for one value, the surer one counts. The value counts as it reads, too."""
        for text in (value,) if reads_as_written(value) else (layer.text for layer in layers(value)):
            self._add(text, entity, confidence)

    def _add(self, value: str, entity: str, confidence: float) -> None:
        if len(value) < _SHORTEST or value in OWN or self._values.get(value, -1.0) >= confidence:
            return
        parts = _WORD.split(plain(value))[1:-1]  # from its first word to its last
        if not parts or len(parts) > _MOST_PARTS:
            return
        self._values[value] = confidence
        digits = _SIGNS.sub("", plain(value))
        if digits.isdecimal() and len(digits) >= _SHORTEST:
            self.numbers[digits] = entity
        node = self._root
        for part in parts:
            below = node.below.get(part)
            if below is None:
                below = node.below[part] = _Node()
            node = below
        if confidence > node.confidence:
            node.entity, node.confidence = entity, confidence

    def find(self, text: str) -> Iterator[Finding]:
        if not self._root.below:
            return
        parts = _WORD.split(plain(text))
        if self._root.below.keys().isdisjoint(parts):
            return
        at, done = 0, 0
        for number, part in enumerate(parts):
            if number % _CHECK_EVERY == 0:
                self._check()
            if number % 2 and at >= done and part in self._root.below:
                span = self._longest(parts, number, at)
                if span:
                    done = span.end
                    yield span
            at += len(part)

    def _longest(self, parts: list[str], number: int, start: int) -> Finding | None:
        node, end, until, found = self._root, start, start, ""
        for part in parts[number : number + _MOST_PARTS]:
            below = node.below.get(part)
            if below is None:
                break
            node, end = below, end + len(part)
            if node.entity:
                found, until = node.entity, end
        return Finding(start, until, found, 0.0, "known") if found else None
