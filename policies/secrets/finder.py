"""The Finder of secrets: keywords first, and at each keyword the kinds that it may begin."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from policies.detect.finding import Finding, Near
from policies.secrets.assignments import assignment, name_end
from policies.secrets.gate import Gate
from policies.secrets.kind import Kind
from policies.secrets.kinds import KINDS, NAMED
from policies.secrets.trie import Words
from policies.secrets.values import is_secret
from policies.secrets.words import CONTAINERS, Sort, keywords, sort_of

SECRET: Final = "SECRET"
_NOTHING: Final = Finding(0, 0, SECRET, 0.0)
_REMEMBERED: Final = 4_096
_LONGEST_KEY: Final = 64
_CHECK_EVERY: Final = 64
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,20} {1,3}(?=[^ ]{8,8192}\Z)")
"""`Bearer`, `Basic`, `token` before the credential of an `Authorization` key."""


class SecretFinder:
    """A Finder of SECRET, by `kinds`, by names in the text, and by the keys above it.

    Threads share it: its one table, of what keys say, is bounded.
    """

    def __init__(self, kinds: Sequence[Kind] = KINDS) -> None:
        names = keywords()
        self._kinds = _by_keyword(kinds)
        every = frozenset(names).union(self._kinds)
        self._words = Words(every)
        self._names = frozenset(names)
        self._gate = Gate(every)
        self._said: dict[str, Sort | None] = {}

    @property
    def entities(self) -> frozenset[str]:
        """SECRET alone; the rule of a finding says which kind."""
        return frozenset({SECRET})

    def may_hold(self, raw: bytes) -> bool:
        """Whether `find` could find something in a text of this JSON. Linear: 10 µs a KB of ASCII, 50 of other text."""
        return self._gate.may_hold(raw)

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        """Findings of one text: what the key says first, then what stands in it."""
        return [*self._by_key(text, near), *self._in_text(text, check)]

    def _in_text(self, text: str, check: Callable[[], None]) -> Iterator[Finding]:
        lower, last, hits, named = _lower(text), _NOTHING, 0, 0
        hit = self._words.hit(lower)
        while hit is not None:
            hits += 1
            if hits % _CHECK_EVERY == 0:
                check()
            for at, word in self._words.at(lower, hit):
                found = [_match(kind, text, at) for kind in self._kinds.get(word, ())]
                if at >= max(named, last.end) and word in self._names:
                    named = name_end(text, at)
                    found.append(assignment(text, at, self._sort_of))
                for finding in found:
                    if finding and (finding.end > last.end or finding.confidence > last.confidence):
                        last = finding
                        yield finding
            hit = self._words.hit(lower, hit.start() + 1)

    def _by_key(self, text: str, near: Near) -> Iterator[Finding]:
        sort = self._sort(near.keys)
        if sort is None:
            return
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        scheme = _SCHEME.match(text, start) if sort == "token" else None
        start = scheme.end() if scheme else start
        if is_secret(text[start:end], sort):
            yield Finding(start, end, SECRET, 0.9, "key", NAMED)

    def _sort(self, keys: tuple[str, ...]) -> Sort | None:
        """What the nearest key says; where that says nothing at all, the one above."""
        if not keys:
            return None
        sort = self._sort_of(keys[0])
        if sort is None and len(keys) > 1 and keys[0].lower() in CONTAINERS:
            return self._sort_of(keys[1])
        return sort

    def _sort_of(self, key: str) -> Sort | None:
        if key in self._said:
            return self._said[key]
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        short = key[:_LONGEST_KEY]
        said = self._said[key] = sort_of(short) if self._words.hit(_lower(short) + '"') else None
        return said


def _match(kind: Kind, text: str, at: int) -> Finding | None:
    if kind.back:
        match = kind.pattern.search(text, max(at - kind.back, 0), at + kind.reach)
    else:
        match = kind.pattern.match(text, at)
    if match is None:
        return None
    group: str | int = "secret" if "secret" in kind.pattern.groupindex else 0
    if kind.check is not None and not kind.check(match[group]):
        return None
    return Finding(*match.span(group), SECRET, kind.confidence, kind.why, kind.name)


def _by_keyword(kinds: Iterable[Kind]) -> dict[str, tuple[Kind, ...]]:
    found = defaultdict[str, list[Kind]](list)
    for kind in kinds:
        for word in kind.keywords:
            found[word].append(kind)
    return {word: tuple(each) for word, each in found.items()}


def _lower(text: str) -> str:
    """Lower-case, each character in its place: only one letter has a lower-case form of another length."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()
