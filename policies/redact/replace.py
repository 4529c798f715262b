"""What stands in a value's place: of the same type, and valid where the tool's schema says what is valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policies.model import Json
from policies.text import DROP
from policies.validation import Validation

_BY_FORMAT: Final[Mapping[str, str]] = {
    "email": "redacted@example.invalid",
    "idn-email": "redacted@example.invalid",
    "date": "1900-01-01",
    "date-time": "1900-01-01T00:00:00Z",
    "uri": "urn:redacted:value",
    "uri-reference": "urn:redacted:value",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "0.0.0.0",
    "ipv6": "::",
    "hostname": "redacted.invalid",
}
OWN: Final = frozenset(_BY_FORMAT.values())
"""Our own replacements: not redacted again."""

_LENGTHS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32, 64)
_NESTED: Final = ("allOf", "anyOf", "oneOf")
_MAX_SCHEMAS: Final = 64


class NotRedactableError(Exception):
    """Nothing valid can stand in the place of a value that must go."""


class Schema:
    """A tool's schema, asked about places in the data it describes."""

    def __init__(self, root: Json, validation: Validation) -> None:
        self._root = root if isinstance(root, Mapping) else {}
        self._validation = validation

    def accepts(self, value: Json) -> bool:
        return self._validation.valid(self._root, value)

    def replacement(self, steps: Sequence[str | int], value: Json, wanted: Json, masked: Sequence[str]) -> Json:
        """What to put at `steps` for `value`: `wanted` if that is valid there, else the next best, else DROP.

        `masked` are the value with characters blotted out, its shape kept. Raises NotRedactableError.
        """
        here = [schema for schema in self._at(steps) if self._valid(schema, value)]
        if not here:
            return wanted
        if any(value in _listed(schema) for schema in here):
            return value  # the schema publishes it: nobody's secret
        for candidate in _candidates(here, value, wanted, masked):
            if candidate != value and all(self._valid(schema, candidate) for schema in here):
                return candidate
        if steps and isinstance(steps[-1], str) and not self._required(steps):
            return DROP
        raise NotRedactableError("no valid replacement")

    def _valid(self, schema: Json, value: Json) -> bool:
        shared = {key: self._root[key] for key in ("$schema", "$defs", "definitions") if key in self._root}
        return self._validation.valid({**shared, "allOf": [schema]}, value)

    def _required(self, steps: Sequence[str | int]) -> bool:
        owners = self._at(steps[:-1])
        return any(steps[-1] in owner.get("required", ()) or "minProperties" in owner for owner in owners)

    def _at(self, steps: Sequence[str | int]) -> list[Mapping[str, Any]]:
        level = self._flat([self._root], descend=bool(steps))
        for number, step in enumerate(steps, 1):
            level = self._flat([each for owner in level for each in _below(owner, step)], descend=number < len(steps))
        return level

    def _flat(self, schemas: Sequence[Json], *, descend: bool) -> list[Mapping[str, Any]]:
        """References followed, and unions opened when one is to go on below them. Bounded against cycles."""
        found: list[Mapping[str, Any]] = []
        pending = list(schemas)
        seen: set[int] = set()
        while pending and len(seen) < _MAX_SCHEMAS:
            schema = pending.pop(0)
            if not isinstance(schema, Mapping) or id(schema) in seen:
                continue
            seen.add(id(schema))
            found.append(schema)
            pending += [self._resolve(schema["$ref"])] if "$ref" in schema else []
            pending += [each for name in _NESTED for each in _list(schema.get(name))] if descend else []
        return found

    def _resolve(self, reference: Json) -> Json:
        target: Json = self._root
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        for part in reference[1:].split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            target = target.get(part) if isinstance(target, Mapping) else None
        return target


def _below(owner: Mapping[str, Any], step: str | int) -> Iterator[Json]:
    if isinstance(step, str):
        properties = owner.get("properties")
        if isinstance(properties, Mapping) and step in properties:
            yield properties[step]
        else:
            yield owner.get("additionalProperties")
        return
    first = _list(owner.get("prefixItems"))
    yield first[step] if step < len(first) else owner.get("items")


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []


def _listed(schema: Mapping[str, Any]) -> list[Json]:
    return [*_list(schema.get("enum")), *([schema["const"]] if "const" in schema else [])]


def _formats(schema: Json) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("format"), str):
            yield schema["format"]
        for name in _NESTED:
            for each in _list(schema.get(name)):
                if isinstance(each, Mapping) and isinstance(each.get("format"), str):
                    yield each["format"]


def _candidates(
    schemas: Sequence[Mapping[str, Any]], value: Json, wanted: Json, masked: Sequence[str]
) -> Iterator[Json]:
    if isinstance(value, str):
        formats = [name for schema in schemas for name in _formats(schema)]
        yield from (_BY_FORMAT[name] for name in formats if name in _BY_FORMAT)
        yield wanted
        yield from masked
        yield from ("*" * length for length in _LENGTHS)
        yield ""
    else:
        yield wanted
        yield 1
        digits = len(str(abs(value)))
        yield from (10 ** (digits - 1), 10**digits - 1)
        yield from (schema[name] for schema in schemas for name in ("minimum", "maximum") if name in schema)
    yield None
