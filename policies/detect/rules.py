"""Runs rules over a text: the strong ones wherever their gates allow, the others near a word of theirs.

A text is looked at once for what it holds (digits, signs), and only rules that could match are searched for. Which
those are is kept by digits and signs, and which words a text stands under by those words: both tables are bounded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from policies.detect.benign import Benign, benign, head
from policies.detect.finding import Finding, Near
from policies.detect.rule import Rule
from policies.detect.shapes import Shapes

_TELLING: Final = re.compile(
    r"[0-9@:=%&<>(\[{|\\\n\r\t\"]|[A-Za-z+/_-]{16}| (?i:at|arroba|arobase|chiocciola) |[^\W\d_]{2}\.[A-Za-z]{2}"
)
"""What a text of plain words has none of: no rule finds anything there."""
_DIGEST_CHARS: Final = 32
_DIGEST: Final = re.compile(r"(?=[0-9]{0,64}[a-f])(?![a-f]{2}[0-9]{10,32}\Z)[0-9a-f]{32,128}\Z")
"""A hash: `benign` says so as well, after more work."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_COUNTED: Final = re.compile(r"[^\W_]+")
_BEFORE, _AFTER = 128, 48
"""Characters before and after a match in which its words are looked for."""
_WORDS_BEFORE, _WORDS_AFTER = 5, 2
_LONG: Final = 5
"""From so many letters on, a word counts at the end of another as well."""
_REMEMBERED: Final = 4_096
_NO_RULES: Final[frozenset[Rule]] = frozenset()


class Rules:
    """A Finder over `rules`. Threads may share it: its tables only ever gain entries, and are emptied when full."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self._entities = frozenset(rule.entity for rule in rules)
        self._shapes = Shapes(rules)
        self._below: dict[frozenset[str], frozenset[Rule]] = {}
        self._by_word: dict[str, tuple[Rule, ...]] = _by_word([rule for rule in rules if rule.words])
        self._endings = tuple(word for word in self._by_word if len(word) >= _LONG)
        self._said: dict[str, tuple[Rule, ...]] = {}

    @property
    def entities(self) -> frozenset[str]:
        return self._entities

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        if _TELLING.search(text) is None and text.isascii():
            return ()
        skip = head(text) if text.startswith("arn:") else 0
        if skip:
            rest = self.find(text[skip:], near, check)
            return [replace(each, start=each.start + skip, end=each.end + skip) for each in rest]
        if len(text) >= _DIGEST_CHARS and _DIGEST.match(text):
            return ()
        fitting = self._shapes.fitting(text)
        if not (fitting.strong or fitting.weak):
            return ()
        hits = [rule for rule, search in fitting.strong if search(text)] if fitting.strong else []
        under, beside = self._by_words(text, near) if fitting.weak else (_NO_RULES, _NO_RULES)
        if not (hits or under or beside):
            return ()
        if near.words and " " not in text:
            hits = [rule for rule in hits if rule.unless.isdisjoint(near.words)]
            under = frozenset(rule for rule in under if rule.unless.isdisjoint(near.words))
        spared = benign(text)
        if spared:
            hits = [rule for rule in hits if rule.why == "checksum"] if spared is Benign.WEAK else []
            under = beside = _NO_RULES
        found = [finding for rule in (*hits, *under) for finding in _matches(rule, text, check)]
        for rule in beside:
            found += [each for each in _matches(rule, text, check) if self._beside(text, each, rule)]
        return found

    def _by_words(self, text: str, near: Near) -> tuple[frozenset[Rule], frozenset[Rule]]:
        """The weak rules of the words that the text stands under, and of those in it."""
        under = self._under(near.words) if near.words else _NO_RULES
        beside: set[Rule] = set()
        for word in _WORD.findall(text.lower()):
            rules = self._of(word)
            if rules:
                beside.update(rules)
        return under, frozenset(beside) - under if beside else _NO_RULES

    def _under(self, words: frozenset[str]) -> frozenset[Rule]:
        found = self._below.get(words)
        if found is None:
            if len(self._below) >= _REMEMBERED:
                self._below.clear()
            found = self._below[words] = frozenset(rule for word in words for rule in self._of(word))
        return found

    def _of(self, word: str) -> tuple[Rule, ...]:
        found = self._said.get(word)
        if found is None:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            found = self._said[word] = self._meant(word)
        return found

    def _meant(self, word: str) -> tuple[Rule, ...]:
        singular = word[:-1] if word.endswith("s") else word
        rules = [*self._by_word.get(word, ()), *self._by_word.get(singular, ())]
        for ending in self._endings:
            if word.endswith(ending) or singular.endswith(ending):
                rules += self._by_word[ending]
        return tuple(dict.fromkeys(rules))

    def _beside(self, text: str, found: Finding, rule: Rule) -> bool:
        before = _COUNTED.findall(text[max(found.start - _BEFORE, 0) : found.start].lower())[-_WORDS_BEFORE:]
        after = _COUNTED.findall(text[found.end : found.end + _AFTER].lower())[:_WORDS_AFTER]
        return any(rule in self._of(word) for word in (*before, *after))


def _by_word(rules: Sequence[Rule]) -> dict[str, tuple[Rule, ...]]:
    found = defaultdict[str, list[Rule]](list)
    for rule in rules:
        for word in rule.words:
            found[word].append(rule)
    return {word: tuple(each) for word, each in found.items()}


def _matches(rule: Rule, text: str, check: Callable[[], None]) -> Iterator[Finding]:
    for match in rule.pattern.finditer(text):
        check()
        group: str | int = "value" if "value" in rule.pattern.groupindex else 0
        if rule.check is None or rule.check(match[group]):
            yield Finding(*match.span(group), rule.entity, rule.confidence, rule.why, rule.name)
