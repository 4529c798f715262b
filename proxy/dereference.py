"""JSON Schemas without references: each local `$ref` is replaced by what it names, and the definitions go.

For gateways that cannot take in a listed schema with `$ref` or `$defs`. The result accepts the same values. A schema
that cannot be written so (recursive, references that are not local pointers, too large or too deep) stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

from policies.jsontext import dumps
from policies.model import Json, JsonObject

MAX_SIZE: Final = 256 * 1024
"""Of the schema written out: characters of its strings and names, and one for each value."""
MAX_DEPTH: Final = 100

_DEFINITIONS: Final = frozenset({"$defs", "definitions"})
_OF_NAMES: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_OF_SCHEMAS: Final = frozenset(
    {"items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "additionalProperties"}
    | {"unevaluatedProperties", "propertyNames", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
)
"""Keywords of one schema, or of a list of them."""
_NOTES: Final = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})
"""Keywords that check nothing: beside a `$ref` they speak of this place, and win."""
_ELSEWHERE: Final = frozenset({"$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"})
"""Keywords that change what references mean, or lead where only a validator follows."""
_HEADER: Final = "x-mcp-header"
"""Behind a `$ref` it does not count (2026-07-28, Streamable HTTP), and must not begin to."""
_OLD: Final = ("draft-03", "draft-04", "draft-06", "draft-07")
"""Dialects in which what stands beside a `$ref` is ignored."""


class StaysError(ValueError):
    """The schema stays as it is; the message says why, and quotes nothing of it."""


class _Made(NamedTuple):
    value: Json
    size: int
    height: int


def dereferenced(schema: Json) -> Json:
    """The schema without references; the same object when it has none. Raises StaysError."""
    if not isinstance(schema, Mapping):
        return schema
    text = dumps(schema)
    if not any(b'"%b"' % name in text for name in (b"$ref", b"$defs", b"definitions")):
        return schema
    made = _Writing(schema).written(schema, 0, inlined=False)
    if b'"$ref"' in dumps(made.value):
        raise StaysError("it has a $ref where no schema is expected")
    return made.value


class _Writing:
    """One schema being written out. What is named twice is written once, and shared."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._old = any(draft in str(root.get("$schema")) for draft in _OLD)
        self._targets: dict[int, _Made] = {}
        self._open: set[int] = set()

    def written(self, node: Json, depth: int, *, inlined: bool) -> _Made:
        if depth > MAX_DEPTH:
            raise StaysError(f"written out it is deeper than {MAX_DEPTH} levels")
        if not isinstance(node, Mapping):
            return _Made(node, _size(node), 1)
        if node is not self._root and not _ELSEWHERE.isdisjoint(node):
            raise StaysError("it has a schema with an identity or an anchor of its own in it")
        fresh: dict[str, Json] = {}
        size, height = 1, 1
        for key, value in node.items():
            if key in _DEFINITIONS or key == "$ref" or (inlined and key == _HEADER):
                continue
            made = self._keyword(key, value, depth + 1, inlined)
            fresh[key] = made.value
            size, height = size + len(key) + made.size, max(height, made.height + 1)
        made = _Made(fresh, size, height)
        return _within(self._beside(node["$ref"], made, depth) if "$ref" in node else made)

    def _keyword(self, key: str, value: Json, depth: int, inlined: bool) -> _Made:
        if key in _OF_NAMES and isinstance(value, Mapping):
            inner = {name: self.written(child, depth + 1, inlined=inlined) for name, child in value.items()}
            size = sum(len(name) + made.size for name, made in inner.items())
            return _Made({name: made.value for name, made in inner.items()}, size + 1, _height(inner.values()))
        if key in _OF_SCHEMAS and isinstance(value, list):
            made = [self.written(child, depth + 1, inlined=inlined) for child in value]
            return _Made([one.value for one in made], sum(one.size for one in made) + 1, _height(made))
        if key in _OF_SCHEMAS:
            return self.written(value, depth, inlined=inlined)
        return _Made(value, _size(value), 1)

    def _beside(self, name: Json, beside: _Made, depth: int) -> _Made:
        """What `$ref` names, and what stands beside it."""
        target = self._target(name, depth)
        size, height = target.size + beside.size, max(target.height, beside.height) + 2
        notes = {key: value for key, value in beside.value.items() if key in _NOTES}
        if not beside.value or (self._old and not notes):
            return target
        if isinstance(target.value, dict) and (self._old or len(notes) == len(beside.value)):
            return _Made({**target.value, **notes}, size, height)
        both = [target.value, *beside.value.get("allOf", ())]
        return _Made({**beside.value, "allOf": both}, size, height)

    def _target(self, name: Json, depth: int) -> _Made:
        found = self._pointed(name)
        key = id(found)
        if key in self._open or found is self._root:
            raise StaysError("it is recursive")
        if key not in self._targets:
            self._open.add(key)
            self._targets[key] = self.written(found, depth + 1, inlined=True)
            self._open.remove(key)
        return self._targets[key]

    def _pointed(self, name: Json) -> Json:
        if name == "#":
            return self._root
        if not isinstance(name, str) or not name.startswith("#/"):
            raise StaysError("it has a reference that is no pointer into itself")
        found: Json = self._root
        for step in name[2:].split("/"):
            step = unquote(step).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError, TypeError):
                raise StaysError("it has a reference that leads nowhere") from None
        if not isinstance(found, Mapping | bool):
            raise StaysError("it has a reference to what is no schema")
        return found


def _within(made: _Made) -> _Made:
    if made.size > MAX_SIZE:
        raise StaysError(f"written out it is larger than {MAX_SIZE} characters")
    if made.height > MAX_DEPTH:
        raise StaysError(f"written out it is deeper than {MAX_DEPTH} levels")
    return made


def _height(made: Iterable[_Made]) -> int:
    return 1 + max((one.height for one in made), default=0)


def _size(value: Json) -> int:
    return len(value) if isinstance(value, str) else len(dumps(value))
