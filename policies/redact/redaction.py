"""One result (or one call's params) redacted: look at every leaf, then write every leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from policies.hidden import clean
from policies.model import Change, Json, JsonObject
from policies.redact.engine import Engine
from policies.redact.keys import benign, digits_of, head, is_mask, no_address, said, shaped, shaped_number
from policies.redact.known import Known
from policies.redact.places import Places, steps_of
from policies.redact.reading import Layer, Pair, layers, pairs
from policies.redact.replace import OWN, NotRedactableError, Schema
from policies.redact.shapes import plain
from policies.redact.spans import Span, apart, blot, cover, label
from policies.text import Budget, Walk, Where, keys, path, split_key

_NO_ADDRESS: Final = frozenset({"IP_ADDRESS"})
_LONGEST_KEY: Final = 64
"""Characters of a key that are read for what it says, and that a path may show."""
MOST_VALUES: Final = 500_000
"""Of a result, its texts that are JSON included."""
_NOTHING: Final[frozenset[str]] = frozenset()


class TooLargeError(Exception):
    """A text is longer than may be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is redacted. `schema` describes the data under the top-level key `described`; None when nothing does.

    `spoken` is the address that the caller itself asked for. `max_text` is in characters.
    """

    entities: frozenset[str]
    max_text: int
    schema: Schema | None = None
    described: str = "structuredContent"
    spoken: str = ""


class Redaction:
    """The state of one redaction. `check` is called all along and may raise to stop it."""

    def __init__(self, engine: Engine, scope: Scope, check: Callable[[], None]) -> None:
        self._engine, self._scope, self._check = engine, scope, check
        self._known = Known(check)
        self._places = Places(scope.schema, scope.described)
        self._found = False
        self._spans: dict[tuple[str, tuple[str, ...], bool], list[Span]] = {}
        self._contexts: dict[tuple[str, ...], tuple[tuple[str, ...], frozenset[str]]] = {}
        self._said: dict[tuple[str, ...], str | None] = {}
        self._names: dict[str, str] = {}
        self._taken: dict[str, int] = {}
        self._renamed: set[str] = set()
        self._changes: list[tuple[Where, str]] = []
        self._looking = Walk(edit=self._look, key=self._look_at_key, numbers=True, budget=self._budget())
        self._writing = Walk(edit=self._write, key=self._write_key, numbers=True, budget=self._budget())

    def run(self, body: JsonObject, walk: Callable[[Walk, JsonObject], JsonObject]) -> JsonObject:
        """The redacted body, or the same object.

        Raises NotRedactableError, KeyCollisionError, TooLargeError, TooManyValuesError, GrowthError, and what `check`
        raises.
        """
        walk(self._looking, body)
        if not self._found:
            return body
        schema, key = self._scope.schema, self._scope.described
        described = body.get(key)
        if schema and described is not None:
            self._writing.value(described, (None, key))  # decides, before its text copy is written
        new = walk(self._writing, body)
        self._check()
        changed = new.get(key)
        if schema and changed is not described and not schema.accepts(changed):
            raise NotRedactableError("the redacted value is not valid")
        return new

    def _budget(self) -> Budget:
        def late() -> bool:
            self._check()
            return False

        return Budget(MOST_VALUES, late)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed, once each; a key that was changed appears as `*` in every path."""
        return tuple(dict.fromkeys(Change(path(self._masked(where)), kind) for where, kind in self._changes))

    def _masked(self, where: Where) -> Where:
        masked: Where = None
        for step in steps_of(where):
            hidden = isinstance(step, str) and (len(step) > _LONGEST_KEY or step in self._renamed)
            masked = (masked, "*" if hidden else step)
        return masked

    # --- looking ---

    def _look(self, leaf: Json, where: Where) -> Json:
        self._check()
        if not isinstance(leaf, str):
            digits, entity = self._number(leaf, where)
            if entity:
                self._found = True
                self._known.add(digits, entity)
        elif self._looking.inside(leaf, where) is None:
            self._find(clean(leaf)[0], _near(where))
        return leaf

    def _look_at_key(self, key: str, where: Where) -> str:
        self._find(clean(key)[0], (), is_key=True)
        return key

    def _entity(self, near: tuple[str, ...]) -> str | None:
        """What the keys say, of the entities asked for."""
        if near not in self._said:
            entity = said(near)
            self._said[near] = entity if entity in self._scope.entities else None
        return self._said[near]

    def _context(self, near: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
        """The words of the keys, and what cannot stand under them."""
        if near not in self._contexts:
            words = tuple(word for key in near for word in split_key(key))
            self._contexts[near] = (words, _NO_ADDRESS if no_address(near) else _NOTHING)
        return self._contexts[near]

    def _number(self, leaf: float, where: Where) -> tuple[str, str]:
        """Its digits and what they are; both empty when they are nobody's."""
        entity = self._entity(_near(where))
        digits = shaped_number(leaf, entity) if entity else ""
        return (digits, entity) if entity and digits else ("", "")

    def _find(self, text: str, near: tuple[str, ...], is_key: bool = False) -> list[Span]:
        """Where something stands in a text; what it is is known from now on."""
        memo = self._spans.get((text, near, is_key))
        if memo is None:
            found = [span for layer in layers(text) for span in self._in_layer(layer, near, is_key)]
            memo = self._spans[text, near, is_key] = apart(found)
            self._found = self._found or bool(memo)
        return memo

    def _in_layer(self, layer: Layer, near: tuple[str, ...], is_key: bool) -> Iterator[Span]:
        spans = self._detect(layer.text, near)
        for span in [*spans, *(() if is_key else self._pairs(layer.text, near))]:
            self._known.add(layer.text[span.start : span.end], span.entity)
            yield Span(*layer.place(span.start, span.end), span.entity, span.score, span.number)

    def _detect(self, text: str, near: tuple[str, ...]) -> list[Span]:
        self._check()
        if len(text) > self._scope.max_text:
            raise TooLargeError("a text is longer than max_text")
        if text in OWN or is_mask(text):
            return []
        seen = plain(text)
        entity = self._entity(near)
        if entity and shaped(seen.strip(), entity):
            return [Span(0, len(text), entity)]
        if benign(seen):
            return []
        skip = head(seen)
        words, without = self._context(near)
        found = self._engine.find(seen[skip:], words, self._check, without)
        return [Span(span.start + skip, span.end + skip, span.entity, span.score) for span in found] if skip else found

    def _pairs(self, text: str, near: tuple[str, ...]) -> Iterator[Span]:
        seen = plain(text)
        for pair in pairs(seen):
            self._check()
            value, entity = seen[pair.start : pair.end], self._entity((pair.key, *near))
            if entity and not is_mask(value) and (shaped(value, entity) or _is_short(value, pair, entity)):
                yield Span(pair.start, pair.end, entity, number=pair.number)

    # --- writing ---

    def _write(self, leaf: Json, where: Where) -> Json:
        self._check()
        if isinstance(leaf, str):
            inner = self._writing.inside(leaf, where)
            return self._text(leaf, where) if inner is None else inner
        entity = self._number(leaf, where)[1] or self._known.entities.get(digits_of(leaf))
        return self._put(leaf, 0, (), where, [entity]) if entity else leaf

    def _text(self, leaf: str, where: Where) -> Json:
        if keys(where, 1) == ("uri",) and leaf == self._scope.spoken:
            return leaf  # the caller's own address for it
        seen = clean(leaf)[0]
        spans = self._all(seen, _near(where))
        if not spans:
            return leaf
        masks = (cover(seen, spans, partial(blot, digit)) for digit in "019")
        return self._put(leaf, cover(seen, spans, label), masks, where, dict.fromkeys(span.entity for span in spans))

    def _all(self, text: str, near: tuple[str, ...], is_key: bool = False) -> list[Span]:
        known = [
            Span(*layer.place(span.start, span.end), span.entity, 0.0)
            for layer in layers(text)
            for span in self._known.find(layer.text)
        ]
        return apart([*self._find(text, near, is_key), *known])

    def _put(self, leaf: Json, wanted: Json, masks: Iterable[str], where: Where, entities: Iterable[str]) -> Json:
        new = self._places.replacement(steps_of(where), leaf, wanted, masks)
        if new is not leaf:
            self._changes += [(where, entity) for entity in entities]
        return new

    def _write_key(self, key: str, where: Where) -> str:
        self._check()
        seen = clean(key)[0]
        if seen not in self._names:
            self._names[seen] = self._name(seen)
        if self._names[seen] == seen:
            return key
        self._renamed.add(key)
        self._changes.append((where, self._all(seen, (), is_key=True)[0].entity))
        return self._names[seen]

    def _name(self, key: str) -> str:
        """The key with its values covered, and numbered where another key looks the same."""
        spans = self._all(key, (), is_key=True)
        if not spans:
            return key
        covered = cover(key, spans, label)
        count = self._taken[covered] = self._taken.get(covered, 0) + 1
        at = covered.rindex(">")
        return covered if count == 1 else f"{covered[:at]}_{count}{covered[at:]}"


def _near(where: Where) -> tuple[str, ...]:
    return tuple(key[:_LONGEST_KEY] for key in keys(where))


def _is_short(value: str, pair: Pair, entity: str) -> bool:
    return pair.number and value.isdigit() and bool(shaped_number(int(value), entity))
