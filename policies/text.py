"""The one walk over every string of a call or a result, copying only what changes.

`Walk(edit)` calls `edit(leaf, where)` for each string leaf (and each number when `numbers` is set) and rebuilds the
value around what `edit` returned. A subtree in which nothing changed is returned as the same object, so its bytes
stay what they were. `where` is a chain of steps; `path`, `words` and `keys` read it, and nothing is built before they
are asked. Depth is bounded by what `jsontext.loads` accepts; every pass takes linear time.

What is text. Of a call: its params, except the name, URI, cursor, reference, level and request state, which only the
protocol reads. Of a result: everything, except request state, cursor, result type and ids, and base64 of images,
audio and blobs. In both, the keys of a `_meta` that the protocol reserves are left alone. Content of a kind that
nobody knows is walked like any JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from policies.jsontext import MAX_DEPTH
from policies.model import Json, JsonObject
from policies.textjson import parse, rewrite

Where: TypeAlias = "tuple[Any, str | int] | None"
"""None is the root `$`; otherwise the container's Where, and the key or index within it."""

Edit: TypeAlias = Callable[[Any, Where], Json]
"""Takes a leaf and returns the very same object, or what stands in its place; DROP removes it from its object."""

KeyEdit: TypeAlias = Callable[[str, Where], str]


class _Drop:
    """Type of DROP."""


DROP: Final = _Drop()


class KeyCollisionError(ValueError):
    """Two keys of one object became the same."""


CALL_STRUCTURE: Final = frozenset({"name", "uri", "cursor", "requestState", "ref", "level", "_meta"})
RESULT_STRUCTURE: Final = frozenset(
    {"requestState", "nextCursor", "resultType", "progressToken", "requestId", "taskId", "cacheScope", "_meta"}
)
_META_STRUCTURE: Final = frozenset({"progressToken", "traceparent", "tracestate", "baggage"})
_USER_DATA: Final = frozenset({"arguments", "structuredContent", "inputSchema", "outputSchema"})
_RESERVED: Final = re.compile(r"[^./]+\.(?:mcp|modelcontextprotocol)(?:\.[^/]*)?/")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\s]*={0,2}\s*")
_IDENTIFIER: Final = re.compile(r"(?!.*\d{5})[A-Za-z_][A-Za-z0-9_-]{0,39}\Z")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One walk: `edit` for leaves, `key` for object keys (where given); raises KeyCollisionError."""

    edit: Edit
    key: KeyEdit | None = None
    numbers: bool = False

    def call(self, params: JsonObject) -> JsonObject:
        return self._envelope(params, CALL_STRUCTURE)

    def result(self, body: JsonObject) -> JsonObject:
        return self._envelope(body, RESULT_STRUCTURE)

    def value(self, value: Json, where: Where = None, *, protocol: bool = False) -> Json:
        """Any JSON value. `protocol` says that `_meta` and base64 blobs in it are the protocol's."""
        if isinstance(value, str):
            return self.edit(value, where)
        if isinstance(value, Mapping):
            return self._object(value, where, protocol)
        if isinstance(value, list | tuple):
            return self._array(value, where, protocol)
        if self.numbers and value is not None and not isinstance(value, bool):
            return self.edit(value, where)
        return value

    def inside(self, text: str, where: Where) -> str | None:
        """The same walk inside a text that is itself a JSON object or array, written back in its own style.

        None when the text is no JSON, says a key twice, or is nested too deeply: then it is plain text.
        """
        parsed = parse(text, MAX_DEPTH - _depth(where))
        if parsed is None:
            return None
        changed = self.value(parsed, where)
        return text if changed is parsed else rewrite(text, parsed, changed)

    def _envelope(self, value: JsonObject, structure: frozenset[str]) -> JsonObject:
        changed: JsonObject = self._object(value, None, True, structure)
        return changed

    def _object(
        self, value: JsonObject, where: Where, protocol: bool, skip: frozenset[str] = frozenset({"_meta"})
    ) -> Json:
        pairs: list[tuple[str, Json]] = []
        same = True
        for key, child in value.items():
            at = (where, key)
            changed = self._child(value, key, child, at, skip) if protocol else self.value(child, at)
            name = self.key(key, at) if self.key else key
            same = same and changed is child and name is key
            if changed is not DROP:
                pairs.append((name, changed))
        if same:
            return value
        copy = dict(pairs)
        if len(copy) != len(pairs):
            raise KeyCollisionError("two keys of an object became the same")
        return copy

    def _child(self, owner: JsonObject, key: str, child: Json, at: Where, skip: frozenset[str]) -> Json:
        if key == "_meta":
            return self._meta(child, at)
        if key in skip or _is_blob(owner, key, child):
            return child
        return self.value(child, at, protocol=key not in _USER_DATA)

    def _meta(self, meta: Json, where: Where) -> Json:
        if not isinstance(meta, Mapping):
            return self.value(meta, where)
        return self._object(meta, where, True, frozenset(key for key in meta if _reserved(key)))

    def _array(self, value: list[Json] | tuple[Json, ...], where: Where, protocol: bool) -> Json:
        copy: list[Json] | None = None
        for index, child in enumerate(value):
            changed = self.value(child, (where, index), protocol=protocol)
            if changed is not child:
                copy = list(value) if copy is None else copy
                copy[index] = None if changed is DROP else changed
        return value if copy is None else copy


@dataclass(frozen=True, slots=True)
class Leaf:
    """A string: its JSON path, the words of the key above it, the text; `is_key` for the name of a property."""

    path: str
    words: tuple[str, ...]
    text: str
    is_key: bool = False


def leaves(value: Json) -> list[Leaf]:
    """Every string of a JSON value in document order, a property's value before its name."""
    found: list[Leaf] = []

    def see(text: str, where: Where, is_key: bool = False) -> str:
        found.append(Leaf(path(where), words(where), text, is_key))
        return text

    Walk(edit=see, key=lambda text, where: see(text, where, True)).value(value)
    return found


def path(where: Where) -> str:
    """A JSON path such as `$.content[0].text`; a key that does not look like an identifier appears as `*`."""
    steps: list[str] = []
    while where is not None:
        where, step = where
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if _IDENTIFIER.match(step) else ".*")
    return "$" + "".join(reversed(steps))


def keys(where: Where, limit: int = 2) -> tuple[str, ...]:
    """The nearest object keys above a leaf, nearest first; array indexes do not count."""
    found: list[str] = []
    while where is not None and len(found) < limit:
        where, step = where
        if isinstance(step, str):
            found.append(step)
    return tuple(found)


def words(where: Where) -> tuple[str, ...]:
    """The lower-case words of the nearest key: `homePhone_number` gives home, phone, number."""
    return tuple(word for key in keys(where, 1) for word in split_key(key))


def split_key(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(key))


def _depth(where: Where) -> int:
    depth = 0
    while where is not None:
        where, depth = where[0], depth + 1
    return depth


def _reserved(key: str) -> bool:
    return key in _META_STRUCTURE or _RESERVED.match(key) is not None


def _is_blob(owner: JsonObject, key: str, child: Json) -> bool:
    if not isinstance(child, str):
        return False
    named = key == "blob" or (key == "data" and owner.get("type") in ("image", "audio"))
    return named and _BASE64.fullmatch(child) is not None
