"""How large a JSON Schema is with its references written out: twenty definitions that each name the next one twice are
a million subschemas, and a validator may visit them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from policies.model import Json

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_META: Final = ("http://json-schema.org/", "https://json-schema.org/")


class UnfoldingError(ValueError):
    """The size cannot be told: a reference leads nowhere, or the nesting is too deep."""


@dataclass(frozen=True, slots=True)
class Size:
    """Objects and lists with references written out, each cycle once."""

    nodes: int
    cyclic: bool


def unfolded(schema: Json) -> Size:
    """The size of a schema. Raises UnfoldingError; embedded resources (`$id` below the root) are not followed."""
    measure = _Measure(schema)
    try:
        return Size(measure.nodes(schema), measure.cyclic)
    except RecursionError:
        raise UnfoldingError("nested too deeply") from None


class _Measure:
    def __init__(self, root: Json) -> None:
        self.root = root
        self.cyclic = False
        self._known: dict[int, int] = {}
        self._open: set[int] = set()
        self._anchors: dict[str, Any] | None = None
        # Draft 4 says `id` where later ones say `$id`; either moves what references mean.
        old = isinstance(root, dict) and "draft-04" in str(root.get("$schema"))
        self._bases = ("$id", "$schema", "id") if old else ("$id", "$schema")

    def nodes(self, item: Json) -> int:
        key = id(item)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            self.cyclic = True
            return 1
        self._open.add(key)
        total = 1 + sum(self.nodes(child) for child in self._children(item))
        self._open.remove(key)
        self._known[key] = total
        return total

    def _children(self, item: Json) -> Iterator[Json]:
        values = item.values() if isinstance(item, dict) else item
        yield from (value for value in values if isinstance(value, dict | list))
        if isinstance(item, dict):
            if item is not self.root and any(isinstance(item.get(key), str) for key in self._bases):
                raise UnfoldingError("an embedded resource")
            names = [item[key] for key in _REFERENCES if isinstance(item.get(key), str)]
            yield from (self._target(name) for name in names if not name.startswith(_META))

    def _target(self, name: str) -> Json:
        if name == "#":
            return self.root
        if name.startswith("#/"):
            return self._pointed(name[2:].split("/"))
        if self._anchors is None:
            self._anchors = dict(_anchors(self.root))
        if name not in self._anchors:
            raise UnfoldingError("a reference that leads nowhere")
        return self._anchors[name]

    def _pointed(self, steps: list[str]) -> Json:
        found = self.root
        for step in steps:
            step = unquote(step).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError, TypeError):
                raise UnfoldingError("a reference that leads nowhere") from None
        return found if isinstance(found, dict | list) else {}


def _anchors(item: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(item, dict):
        yield from ((f"#{item[key]}", item) for key in _ANCHORS if isinstance(item.get(key), str))
    for value in item.values() if isinstance(item, dict) else item:
        if isinstance(value, dict | list):
            yield from _anchors(value)
