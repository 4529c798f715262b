"""What stands where in one text: rules and other finders over the text as it reads, names and values, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from policies.detect.counting import counts
from policies.detect.finding import Finder, Finding, Near
from policies.detect.keynames import KeyNames
from policies.detect.layers import Layer, layers, reads_as_written, rewritten
from policies.detect.ours import beside_ours, is_ours
from policies.detect.pairs import Pair, pairs
from policies.detect.replace import OWN
from policies.detect.rule import KeyRule
from policies.detect.spans import apart
from policies.detect.tables import parts

LONGEST_KEY: Final = 64
"""Characters of a key that are read for what it says."""
_REMEMBERED: Final = 4_096
_BELOW: Final = 256
KEY_CONFIDENCE: Final = 0.9

Check = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What the keys above a text say: the words for the rules, and the rule for the text as a whole.

    `counts` says that digits alone are a number that a business gives out.
    """

    near: Near
    said: tuple[KeyRule, ...]
    counts: bool


class Below(dict[str, Context]):
    """The contexts of the keys below certain keys, each made when it is first asked for."""

    __slots__ = ("_above", "_engine")

    def __init__(self, engine: Engine, above: tuple[str, ...]) -> None:
        self._engine, self._above = engine, above

    def __missing__(self, key: str) -> Context:
        if len(self) >= _BELOW:
            self.clear()
        found = self._engine.context((key, *self._above))
        if len(key) <= LONGEST_KEY:
            self[key] = found
        return found


class Engine:
    """Finds in texts, by `finders` and by what keys say. Threads share it; its tables are bounded."""

    def __init__(self, finders: Sequence[Finder], names: KeyNames, entities: Iterable[str]) -> None:
        self._finders, self._names = tuple(finders), names
        self._entities = frozenset(entities)
        self._contexts: dict[tuple[str, ...], Context] = {}
        self._below: dict[tuple[str, ...], Below] = {}
        self.plain_keys: set[str] = set()
        """Names of properties that are known to hold nothing."""

    def context(self, keys: tuple[str, ...]) -> Context:
        """For the nearest keys above a text, nearest first."""
        found = self._contexts.get(keys)
        if found is None:
            cut = tuple(key[:LONGEST_KEY] for key in keys)
            if cut != keys:
                return self.context(cut)
            if len(self._contexts) >= _REMEMBERED:
                self._contexts.clear()
            found = self._contexts[keys] = self._context(keys)
        return found

    def below(self, above: tuple[str, ...]) -> Below:
        """For each key below the nearest ones, nearest first."""
        found = self._below.get(above)
        if found is None:
            cut = tuple(key[:LONGEST_KEY] for key in above)
            if cut != above:
                return self.below(cut)
            if len(self._below) >= _BELOW:
                self._below.clear()
            found = self._below[above] = Below(self, above)
        return found

    def _context(self, keys: tuple[str, ...]) -> Context:
        said = tuple(rule for rule in self._names.rules_for(keys) if rule.entity in self._entities)
        return Context(
            Near(keys, self._names.near(keys)),
            said,
            counts([self._names.words(key) for key in keys]),
        )

    def key(self, key: str, check: Check) -> list[Finding]:
        """What stands in the name of a property."""
        if key in self.plain_keys:
            return []
        found = apart(self._in_layers(key, self.context(()), check, False))
        if not found and len(key) <= LONGEST_KEY:
            if len(self.plain_keys) >= _REMEMBERED:
                self.plain_keys.clear()
            self.plain_keys.add(key)
        return found

    def number(self, digits: str, context: Context) -> KeyRule | None:
        """The rule by which a JSON number under this key is one; `digits` as it is written."""
        return next((rule for rule in context.said if rule.numbers and _is(rule, digits)), None)

    def find(self, text: str, context: Context, check: Check) -> Sequence[Finding]:
        """In order, none overlapping another, in the raw text."""
        if reads_as_written(text):  # and so has no line feed, and is no table
            found = self._in_layer(text, context, check, True)
        else:
            found = self._deeply(text, context, check)
        if not found or text in OWN:
            return ()
        found = beside_ours(text, found)
        return found if len(found) < 2 else apart(found)

    def _deeply(self, text: str, context: Context, check: Check) -> Sequence[Finding]:
        """In any order."""
        table = parts(text) if "\n" in text else []
        if not table:
            return self._in_layers(text, context, check, True)
        found: list[Finding] = []
        for part in table:
            check()
            if part.end > part.start:
                keys = context.near.keys if part.key is None else (part.key, *context.near.keys)
                inner = self._in_layers(text[part.start : part.end], self.context(keys), check, part.key is None)
                found += [replace(each, start=each.start + part.start, end=each.end + part.start) for each in inner]
        return found

    def _in_layers(self, text: str, context: Context, check: Check, pairs_too: bool) -> Sequence[Finding]:
        if reads_as_written(text):
            return self._in_layer(text, context, check, pairs_too)
        found: list[Finding] = []
        looked_at: list[Layer | None] = []
        for layer in layers(text):
            check()
            for start, end in rewritten(layer) if layer.below in looked_at else ((0, len(layer.text)),):
                part = layer.text if end - start == len(layer.text) else layer.text[start:end]
                inner = self._in_layer(part, context, check, pairs_too)
                found += [_placed(each, layer, start) for each in inner] if start or layer.below else inner
            looked_at.append(layer)
        return found

    def _in_layer(self, text: str, context: Context, check: Check, pairs_too: bool) -> Sequence[Finding]:
        said = next((rule for rule in context.said if _is(rule, text)), None)
        if said is not None:
            blank = len(text) - len(text.lstrip())
            return (Finding(blank, len(text.rstrip()), said.entity, KEY_CONFIDENCE, "key"),)
        found: list[Finding] = []
        for finder in () if context.counts and text.isdecimal() else self._finders:
            inner = finder.find(text, context.near, check)
            if inner:
                found += inner
        if found and context.counts:
            found = [each for each in found if not text[each.start : each.end].isdecimal()]
        if pairs_too and (":" in text or "=" in text or "</" in text):
            for pair in pairs(text):
                check()
                each = self._pair(text, pair, context)
                if each:
                    found.append(each)
        return found

    def _pair(self, text: str, pair: Pair, context: Context) -> Finding | None:
        value = text[pair.start : pair.end]
        rules = self.context((pair.key, *context.near.keys)).said
        said = next((rule for rule in rules if (rule.numbers or not pair.number) and _is(rule, value)), None)
        if said is None:
            return None
        return Finding(pair.start, pair.end, said.entity, KEY_CONFIDENCE, "key", number=pair.number)


def _is(rule: KeyRule, text: str) -> bool:
    """Whether the whole text has the rule's shape."""
    text = text.strip().removesuffix(".0")
    if rule.shape.fullmatch(text) is None or text in OWN or is_ours(text):
        return False
    return rule.check is None or rule.check(text)


def _placed(finding: Finding, layer: Layer, at: int) -> Finding:
    start, end = layer.place(finding.start + at, finding.end + at)
    return replace(finding, start=start, end=end)
