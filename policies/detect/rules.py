"""Runs rules over a text: the strong ones wherever their gates allow, the others near a word of theirs.

A text is looked at once for what it holds (digits, signs), and only rules that could match are searched for. Which
those are is kept by digits and signs, and which words a text stands under by those words: both tables are bounded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import re2

from policies.detect.benign import Benign, benign, head
from policies.detect.beside import Beside
from policies.detect.finding import Finding, Near
from policies.detect.ledgers import eip_55
from policies.detect.rule import Rule
from policies.detect.shapes import Shapes

_DIGEST_CHARS: Final = 32
_DIGEST: Final = re.compile(r"(?=[0-9]{0,64}[a-f])(?![a-f]{2}[0-9]{10,32}\Z)[0-9a-f]{32,128}\Z")
"""A hash: `benign` says so as well, after more work."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_SLOW: Final = frozenset({eip_55})
"""Checks that take a tenth of a millisecond: so many in one text, then the shape is enough."""
_MOST_CHECKED: Final = 500
_NO_WORDS: Final = frozenset[str]()
_ROUNDS: Final = 3
"""A finding may bring a word closer to the next match: this often at most."""
_LONG: Final = 5
"""From so many letters on, a word counts at the end of another as well."""
_SYLLABIC: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}+")
"""Words of scripts that put no blanks between words: they count anywhere in what stands together."""
_LONG_TEXT: Final = 100
"""Characters from which on it pays to ask for a rule's words before taking the text apart."""
_REMEMBERED: Final = 4_096
_LONGEST_KEPT: Final = 64
"""Letters of a word whose rules are remembered."""


class Rules:
    """A Finder over `rules`. Threads may share it: its tables only ever gain entries, and are emptied when full."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self._entities = frozenset(rule.entity for rule in rules)
        self._shapes = Shapes(rules)
        self._below: dict[frozenset[str], frozenset[Rule]] = {}
        self._by_word: dict[str, tuple[Rule, ...]] = _by_word([rule for rule in rules if rule.words])
        self._endings = sorted({len(word) for word in self._by_word if len(word) >= _LONG})
        self._syllabic = tuple(word for word in self._by_word if _SYLLABIC.fullmatch(word))
        self._said: dict[str, tuple[Rule, ...]] = {}
        self._anywhere = {rule: _AnyOf(rule.words) for rule in rules if rule.words}

    @property
    def entities(self) -> frozenset[str]:
        return self._entities

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        skip = head(text) if text.startswith("arn:") else 0
        if not skip:
            return self._find(text, near, check)
        rest = self._find(text[skip:], near, check)
        return [replace(each, start=each.start + skip, end=each.end + skip) for each in rest]

    def _find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        fitting = self._shapes.fitting(text)
        if not (fitting.strong or fitting.weak):
            return ()
        if len(text) >= _DIGEST_CHARS and _DIGEST.match(text):
            return ()
        found: list[Finding] = []
        denying = _NO_WORDS if " " in text else near.words
        for rule in fitting.strong:
            if denying.isdisjoint(rule.unless):
                _add_matches(found, rule, text, check)
        under, beside = self._by_words(text, near, fitting.weak) if fitting.weak else ((), ())
        if not (found or under or beside):
            return ()
        spared = benign(text)
        if spared:
            return [each for each in found if each.why == "checksum"] if spared is Benign.WEAK else ()
        for rule in under:
            if denying.isdisjoint(rule.unless):
                _add_matches(found, rule, text, check)
        if beside:
            self._add_beside(found, beside, text, check)
        return found

    def _add_beside(self, found: list[Finding], rules: Sequence[Rule], text: str, check: Callable[[], None]) -> None:
        """What a word beside it makes a finding. What is found counts as one word for the next."""
        matches: list[tuple[Rule, Finding]] = []
        for rule in rules:
            own: list[Finding] = []
            _add_matches(own, rule, text, check)
            matches += [(rule, each) for each in own]
        for _ in range(_ROUNDS):
            if not matches:
                return
            words = Beside(text, found).words
            far: list[tuple[Rule, Finding]] = []
            near: list[Finding] = []
            for rule, each in matches:
                if any(rule in self._of(word) for word in words(each.start, each.end)):
                    near.append(each)
                else:
                    far.append((rule, each))
            if not near:
                return
            found += near
            matches = far

    def _by_words(self, text: str, near: Near, weak: Sequence[Rule]) -> tuple[Sequence[Rule], Sequence[Rule]]:
        """The weak rules of the words that the text stands under, and of those in it."""
        above = self._under(near.words) if near.words else ()
        under = [rule for rule in weak if rule in above] if above else ()
        lower = text.lower()
        if len(text) > _LONG_TEXT:
            weak = [rule for rule in weak if self._anywhere[rule].search(lower)]
        said: set[Rule] = set()
        if weak and not text.isdigit():
            for word in set(_WORD.findall(lower)):
                said.update(self._said.get(word) or self._of(word))
        return under, [rule for rule in weak if rule in said and rule not in under] if said else ()

    def _under(self, words: frozenset[str]) -> frozenset[Rule]:
        found = self._below.get(words)
        if found is None:
            if len(self._below) >= _REMEMBERED:
                self._below.clear()
            found = self._below[words] = frozenset(rule for word in words for rule in self._of(word))
        return found

    def _of(self, word: str) -> tuple[Rule, ...]:
        found = self._said.get(word)
        if found is None and len(word) > _LONGEST_KEPT:
            return self._meant(word)
        if found is None:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            found = self._said[word] = self._meant(word)
        return found

    def _meant(self, word: str) -> tuple[Rule, ...]:
        singular = word[:-1] if word.endswith("s") else word
        rules = [*self._by_word.get(word, ()), *self._by_word.get(singular, ())]
        for length in self._endings:
            if length > len(word):
                break
            rules += (*self._by_word.get(word[-length:], ()), *self._by_word.get(singular[-length:], ()))
        if not word.isascii():
            for inner in self._syllabic:
                if inner in word:
                    rules += self._by_word[inner]
        return tuple(dict.fromkeys(rules))


class _AnyOf:
    """Whether one of some words stands in a text, as a word or within one. In linear time, however many they are."""

    __slots__ = ("_compiled", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(words)
        self._compiled: Any = None

    def search(self, text: str) -> bool:
        if self._compiled is None:
            self._compiled = re2.compile("|".join(map(re2.escape, self._words)))
        return self._compiled.search(text) is not None


def _by_word(rules: Sequence[Rule]) -> dict[str, tuple[Rule, ...]]:
    found = defaultdict[str, list[Rule]](list)
    for rule in rules:
        for word in rule.words:
            found[word].append(rule)
    return {word: tuple(each) for word, each in found.items()}


def _add_matches(found: list[Finding], rule: Rule, text: str, check: Callable[[], None]) -> None:
    slow = rule.check in _SLOW
    for number, match in enumerate(rule.pattern.finditer(text)):
        check()
        group: str | int = "value" if "value" in rule.pattern.groupindex else 0
        if rule.check is None or (slow and number >= _MOST_CHECKED) or rule.check(match[group]):
            start, end = match.span(group)
            found.append(Finding(start, end, rule.entity, rule.confidence, rule.why, rule.name))
