"""One result (or one call's params) redacted: look at every leaf, then write every leaf."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from policies.hidden import clean
from policies.model import Change, Json, JsonObject
from policies.redact.engine import Engine, Span
from policies.redact.keys import benign, is_mask, named
from policies.redact.replace import OWN, NotRedactableError, Schema
from policies.text import DROP, Walk, Where, keys, path, split_key

_TOKEN: Final = re.compile(r"[^\W_]+")
_SHORTEST: Final = 5
"""A shorter value is only removed where it was found."""


class TooLargeError(Exception):
    """A text is longer than may be looked at."""


class Known:
    """Values found somewhere in a result, found again wherever else they stand as whole words. Linear in the text."""

    def __init__(self) -> None:
        self._by_token: dict[str, dict[int, dict[str, str]]] = {}
        self.entities: dict[str, str] = {}

    def add(self, value: str, entity: str) -> None:
        token = _TOKEN.search(value)
        if token is None or len(value) < _SHORTEST or value in OWN:
            return
        rest = value[token.start() :]
        self._by_token.setdefault(token[0], {}).setdefault(len(rest), {})[rest] = entity
        self.entities[value] = entity

    def find(self, text: str) -> Iterator[Span]:
        if not self._by_token:
            return
        for token in _TOKEN.finditer(text):
            for length, values in self._by_token.get(token[0], {}).items():
                end = token.start() + length
                entity = values.get(text[token.start() : end])
                if entity and not (text[end - 1].isalnum() and text[end : end + 1].isalnum()):
                    yield Span(token.start(), end, entity, 1.0)


class Redaction:
    """The state of one redaction. `schema` describes the data under the top-level key `described`."""

    def __init__(
        self,
        engine: Engine,
        entities: frozenset[str],
        max_text: int,
        check: Callable[[], None],
        *,
        schema: Schema | None = None,
        described: str = "structuredContent",
        spoken: str = "",
    ) -> None:
        self._engine, self._entities, self._max_text, self._check = engine, entities, max_text, check
        self._schema, self._described, self._spoken = schema, described, spoken
        self._known = Known()
        self._found = False
        self._spans: dict[tuple[str, tuple[str, ...]], list[Span]] = {}
        self._chosen: dict[tuple[str, Json], Json] = {}
        self._by_value: dict[Json, Json] = {}
        self._names: dict[str, str] = {}
        self._changes: dict[Change, None] = {}
        self._looking = Walk(edit=self._look, key=self._look_at_key, numbers=True)
        self._writing = Walk(edit=self._write, key=self._write_key, numbers=True)

    def run(self, body: JsonObject, walk: Callable[[Walk, JsonObject], JsonObject]) -> JsonObject:
        """The redacted body, or the same object. Raises NotRedactableError, TooLargeError, KeyCollisionError."""
        walk(self._looking, body)
        if not self._found:
            return body
        described = body.get(self._described)
        if self._schema and described is not None:
            self._writing.value(described, (None, self._described))  # decides, before its text copy is written
        new = walk(self._writing, body)
        changed = new.get(self._described)
        if self._schema and changed is not described and not self._schema.accepts(changed):
            raise NotRedactableError("the redacted value is not valid")
        return new

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(self._changes)

    def _look(self, leaf: Json, where: Where) -> Json:
        if not isinstance(leaf, str):
            entity = self._named(str(leaf), where) if isinstance(leaf, int) else None
            if entity:
                self._found = True
                self._known.add(str(leaf), entity)
        elif self._looking.inside(leaf, where) is None:
            self._remember(leaf, where)
        return leaf

    def _look_at_key(self, key: str, where: Where) -> str:
        self._remember(key, None)
        return key

    def _remember(self, text: str, where: Where) -> None:
        seen = clean(text)[0]
        for span in self._find(seen, where):
            self._found = True
            self._known.add(seen[span.start : span.end], span.entity)

    def _find(self, text: str, where: Where) -> list[Span]:
        near = keys(where)
        memo = self._spans.get((text, near))
        if memo is None:
            memo = self._spans[text, near] = self._detect(text, near)
        return memo

    def _detect(self, text: str, near: tuple[str, ...]) -> list[Span]:
        self._check()
        if text in OWN or is_mask(text):
            return []
        entity = named(text.strip(), near)
        if entity in self._entities and entity:
            return [Span(0, len(text), entity, 1.0)]
        if benign(text, near):
            return []
        if len(text) > self._max_text:
            raise TooLargeError("a text is longer than max_text")
        context = [word for key in near for word in split_key(key)]
        return self._engine.find(text, context, self._check)

    def _named(self, text: str, where: Where) -> str | None:
        entity = named(text, keys(where))
        return entity if entity in self._entities else None

    def _write(self, leaf: Json, where: Where) -> Json:
        if isinstance(leaf, str):
            inner = self._writing.inside(leaf, where)
            return self._text(leaf, where) if inner is None else inner
        if isinstance(leaf, int):
            entity = self._named(str(leaf), where) or self._known.entities.get(str(leaf))
            return self._put(leaf, 0, (), entity, where) if entity else leaf
        return leaf

    def _text(self, leaf: str, where: Where) -> Json:
        near = keys(where, 1)
        if near == ("uri",) and leaf == self._spoken:
            return leaf  # the caller's own address for it
        seen = clean(leaf)[0]
        spans = _union(self._find(seen, where), self._known.find(seen))
        if not spans:
            return leaf
        wanted = _cover(seen, spans, lambda _, span: f"<{span.entity}>")
        masks = [_cover(seen, spans, partial(_blot, digit)) for digit in "019"]
        return self._put(leaf, wanted, masks, spans[0].entity, where, [span.entity for span in spans])

    def _put(
        self, leaf: Json, wanted: Json, masks: Sequence[str], entity: str, where: Where, all_of: Iterable[str] = ()
    ) -> Json:
        name = (keys(where, 1) or ("",))[0]
        steps = _steps(where)
        if self._schema and steps[:1] == [self._described]:
            new = self._schema.replacement(steps[1:], leaf, wanted, masks)
            self._chosen.setdefault((name, leaf), new)
            if new is not DROP:
                self._by_value.setdefault(leaf, new)
        else:
            new = self._chosen.get((name, leaf), self._by_value.get(leaf, wanted))
        if new is not leaf:
            self._changes.update((Change(path(where), kind), None) for kind in all_of or (entity,))
        return new

    def _write_key(self, key: str, where: Where) -> str:
        seen = clean(key)[0]
        spans = _union(self._find(seen, None), self._known.find(seen))
        if not spans:
            return key
        self._changes[Change(path(where), spans[0].entity)] = None
        if seen not in self._names:
            covered = _cover(seen, spans, lambda _, span: f"<{span.entity}>")
            taken = sum(1 for name in self._names.values() if name.startswith(covered[:-1]))
            self._names[seen] = covered if not taken else f"{covered[:-1]}_{taken + 1}{covered[-1]}"
        return self._names[seen]


def _steps(where: Where) -> list[str | int]:
    steps: list[str | int] = []
    while where is not None:
        where, step = where
        steps.append(step)
    return steps[::-1]


def _union(first: Iterable[Span], second: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted([*first, *second], key=lambda span: (span.start, -span.end)):
        last = merged[-1] if merged else None
        if last and span.start < last.end:
            merged[-1] = Span(last.start, max(last.end, span.end), last.entity, last.score)
        else:
            merged.append(span)
    return merged


def _cover(text: str, spans: Iterable[Span], cover: Callable[[str, Span], str]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], cover(text[span.start : span.end], span)]
        at = span.end
    return "".join([*parts, text[at:]])


def _blot(digit: str, text: str, _: Span) -> str:
    return "".join(
        digit if char.isdigit() else ("x" if char.islower() else "X") if char.isalpha() else char for char in text
    )
