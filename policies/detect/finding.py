"""What is found in a text, and who finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

Why: TypeAlias = Literal["checksum", "key", "word", "shape", "entropy", "model", "known"]
"""Why it is taken for one: a check digit that is right, the name of the key above it, a word near it, a shape that
nothing else has, randomness beside a key word, a recognizer's or a model's say, or found elsewhere in the result."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters `start` to `end` of a text are an `entity`. Never holds the value.

    `confidence` (0 to 1) decides between findings that overlap. `rule` names the rule, for people (`aws-access-key`).
    `number` says that they stand in the text as a JSON number.
    """

    start: int
    end: int
    entity: str
    confidence: float = 1.0
    why: Why = "shape"
    rule: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """What a text stands under: `keys`, at most two, nearest first, and all their lower-case `words`, singular."""

    keys: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()


NOWHERE: Final = Near()


class ElsewhereError(Exception):
    """Raised by a finder that takes too long for where it was asked: it is to be asked again in a thread."""


class Finder(Protocol):
    """Finds in one text at a time. Threads share it: it keeps nothing between two texts but caches of its own making.

    Linear in the text. The text comes folded: hidden characters gone, every script's digits, wide signs, hyphens and
    spaces in their ASCII form, entities and escapes undone; spans count in that text.
    """

    @property
    def entities(self) -> frozenset[str]:
        """What it can find."""
        ...

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        """Findings in any order, overlapping or not. `check` is called every few findings, and may raise to stop."""
        ...
