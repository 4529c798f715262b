"""Going down a JSON Schema along the data: which schemas describe a place, found out once for each place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from policies.model import Json

_NESTED: Final = ("allOf", "anyOf", "oneOf")
_SHARED: Final = ("$defs", "definitions")
_MAX_SCHEMAS: Final = 64
_OTHER: Final = ""
"""Every property that no schema names, and every item of a list that names none: one place."""


class Place:
    """One place in the data, and the schemas that describe it, references followed."""

    def __init__(self, schemas: Sequence[Mapping[str, Any]]) -> None:
        self.schemas = schemas
        self._opened: list[Mapping[str, Any]] | None = None
        self._below: dict[str | int, Place] = {}
        self._listed: dict[int, tuple[frozenset[Json], list[Json]]] = {}

    @classmethod
    def at_root(cls, root: Json) -> Place:
        return cls(_flat(root, [root], descend=False))

    def below(self, root: Json, step: str | int) -> Place:
        owners = self._open(root)
        known = any(_names(owner, step) for owner in owners)
        key: str | int = step if known else _OTHER if isinstance(step, str) else -1
        if key not in self._below:
            level = [each for owner in owners for each in _below(owner, step)]
            self._below[key] = Place(_flat(root, level, descend=False))
        return self._below[key]

    def requires(self, name: str) -> bool:
        """Whether an object here is not valid without that property."""
        return any(name in list_of(owner.get("required")) or "minProperties" in owner for owner in self.schemas)

    def lists(self, value: Json, schemas: Sequence[Mapping[str, Any]]) -> bool:
        """Whether one of these schemas of the place says the very value (`enum`, `const`)."""
        return any(_holds(self._values(schema), value) for schema in schemas)

    def _values(self, schema: Mapping[str, Any]) -> tuple[frozenset[Json], list[Json]]:
        if id(schema) not in self._listed:
            values = [*list_of(schema.get("enum")), *([schema["const"]] if "const" in schema else [])]
            self._listed[id(schema)] = (
                frozenset(value for value in values if isinstance(value, str)),
                [value for value in values if isinstance(value, int | float)],
            )
        return self._listed[id(schema)]

    def _open(self, root: Json) -> list[Mapping[str, Any]]:
        """Unions opened as well, to go on below them."""
        if self._opened is None:
            self._opened = _flat(root, self.schemas, descend=True)
        return self._opened


def _holds(listed: tuple[frozenset[Json], list[Json]], value: Json) -> bool:
    return value in listed[0] if isinstance(value, str) else value in listed[1]


def _flat(root: Json, schemas: Sequence[Json], *, descend: bool) -> list[Mapping[str, Any]]:
    """References followed, and with `descend` unions opened. Bounded against cycles."""
    found: list[Mapping[str, Any]] = []
    pending = list(schemas)
    seen: set[int] = set()
    for schema in pending:
        if len(seen) == _MAX_SCHEMAS:
            break
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        found.append(schema)
        pending += [_resolve(root, schema["$ref"])] if "$ref" in schema else []
        pending += [each for name in _NESTED for each in list_of(schema.get(name))] if descend else []
    return found


def _resolve(root: Json, reference: Json) -> Json:
    target: Json = root
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        target = target.get(part) if isinstance(target, Mapping) else None
    return target


def _names(owner: Mapping[str, Any], step: str | int) -> bool:
    if isinstance(step, str):
        properties = owner.get("properties")
        return isinstance(properties, Mapping) and step in properties
    return step < len(list_of(owner.get("prefixItems")))


def _below(owner: Mapping[str, Any], step: str | int) -> Iterator[Json]:
    if isinstance(step, str):
        yield owner["properties"][step] if _names(owner, step) else owner.get("additionalProperties")
    else:
        yield list_of(owner.get("prefixItems"))[step] if _names(owner, step) else owner.get("items")


def list_of(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()


def reached(root: Mapping[str, Any], schema: Json, check: Callable[[], None]) -> dict[str, dict[str, Json]]:
    """The shared definitions that `schema` refers to, and those that they refer to. `check` may raise to stop."""
    found: dict[str, dict[str, Json]] = {}
    pending: list[Json] = [schema]
    while pending:
        check()
        item = pending.pop()
        if isinstance(item, Mapping):
            pending.extend(item.values())
            reference = item.get("$ref")
            if isinstance(reference, str) and _take(root, reference, found):
                _, kind, name, *_ = (*reference.split("/"), "", "")
                pending.append(found[kind][_unescaped(name)])
        elif isinstance(item, list | tuple):
            pending.extend(item)
    return found


def _take(root: Mapping[str, Any], reference: str, found: dict[str, dict[str, Json]]) -> bool:
    """Whether the reference names a definition that was not yet taken, and takes it."""
    parts = reference.split("/")
    if len(parts) < 3 or parts[0] != "#" or parts[1] not in _SHARED:
        return False
    shared, name = root.get(parts[1]), _unescaped(parts[2])
    if not isinstance(shared, Mapping) or name not in shared or name in found.get(parts[1], {}):
        return False
    found.setdefault(parts[1], {})[name] = shared[name]
    return True


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")
