"""Finds personal data in a text: addresses by themselves, the rest by Presidio in the parts that could hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from policies.redact import recognizers
from policies.redact.addresses import emails, ips
from policies.redact.context import IP
from policies.redact.recognizers import CONTEXT_SCORE, WEAK_SCORE
from policies.redact.shapes import before, plain, windows
from policies.redact.spans import Span, apart

_IP_SCORE: Final = 0.6


class Engine:
    """Finds spans. Keeps nothing between two texts: threads may share it."""

    def __init__(self, analyzer: Any, entities: Iterable[str], threshold: float) -> None:
        self._analyzer = analyzer
        self._entities = frozenset(entities)
        self._asked = [entity for entity in recognizers.ENTITIES if entity in self._entities]
        self._threshold = threshold

    def find(
        self, text: str, words: Sequence[str], check: Callable[[], None], without: frozenset[str] = frozenset()
    ) -> list[Span]:
        """Spans in order, none overlapping another. `words` are those of the keys above, lower-cased.

        `check` is called every few findings and may raise to stop. `without` are entities not to look for here.
        """
        return apart(self._all(plain(text), words, check, without))

    def _all(
        self, text: str, words: Sequence[str], check: Callable[[], None], without: frozenset[str]
    ) -> Iterator[Span]:
        entities = self._entities - without
        if "EMAIL_ADDRESS" in entities and "@" in text:
            for start, end in emails(text):
                check()
                yield Span(start, end, "EMAIL_ADDRESS")
        if "IP_ADDRESS" in entities:
            for start, end in ips(text):
                check()
                if self._counts(text, start, words):
                    yield Span(start, end, "IP_ADDRESS", _IP_SCORE)
        if self._asked:
            for window in windows(text, words, every=self._threshold <= WEAK_SCORE):
                check()
                yield from self._window(text, window, words)

    def _counts(self, text: str, start: int, words: Sequence[str]) -> bool:
        if self._threshold <= _IP_SCORE:
            return True
        return self._threshold <= _IP_SCORE + CONTEXT_SCORE and IP.among([*before(text, start), *words])

    def _window(self, text: str, window: tuple[int, int, int, int], words: Sequence[str]) -> Iterator[Span]:
        start, end, first, last = window
        results = self._analyzer.analyze(
            text[start:end],
            "en",
            entities=self._asked,
            score_threshold=self._threshold,
            context=list(words) or None,
        )
        for item in results:
            if first <= item.start + start < last:
                yield Span(item.start + start, item.end + start, item.entity_type, item.score)


def load(entities: Sequence[str], threshold: float) -> Engine:
    """The engine for these entities, Presidio's part included, which takes a second or two to import."""
    return Engine(recognizers.load(), entities, threshold)
