"""What stands in a value's place: of the same type, and valid where the tool's schema says what is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from policies.detect.descent import Place, list_of, reached
from policies.model import Json
from policies.text import DROP
from policies.tokens.mail import as_mail
from policies.validation import Validation

_BY_FORMAT: Final[Mapping[str, str]] = {
    "email": "redacted@example.com",
    "idn-email": "redacted@example.com",
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


class NotRedactableError(Exception):
    """Nothing valid can stand in the place of a value that must go."""


class Schema:
    """A tool's schema, asked about places in the data it describes. `check` is called all along and may raise.

    What is found out about a place is kept: the work per value does not grow with the schema.
    """

    def __init__(self, root: Json, validation: Validation, check: Callable[[], None] = lambda: None) -> None:
        self._root = root if isinstance(root, Mapping) else {}
        self._validation, self._check = validation, check
        self._start = Place.at_root(self._root)
        self._alone: dict[int, Json] = {}
        self._answers: dict[tuple[int, type, Json], bool] = {}

    def accepts(self, value: Json) -> bool:
        return self._validation.valid(self._root, value)

    def replacement(self, steps: Sequence[str | int], value: Json, wanted: Json, masked: Iterable[str]) -> Json:
        """What to put at `steps` for `value`: `wanted` if that is valid there, else the next best, else DROP.

        `masked` are the value with characters blotted out, its shape kept. Raises NotRedactableError.
        """
        owner, place = self._start, self._start
        for step in steps:
            owner, place = place, place.below(self._root, step)
        here = [each for each in place.schemas if len(place.schemas) == 1 or self._valid(each, value)]
        if not here:
            return wanted
        if place.lists(value, here):
            return value  # the schema publishes it: nobody's secret
        for candidate in _candidates(here, value, wanted, masked):
            if candidate != value and all(self._valid(schema, candidate) for schema in here):
                return candidate
        if steps and isinstance(steps[-1], str) and not owner.requires(steps[-1]):
            return DROP
        raise NotRedactableError("no valid replacement")

    def _valid(self, schema: Mapping[str, Any], value: Json) -> bool:
        key = (id(schema), type(value), value)
        if key not in self._answers:
            self._answers[key] = self._validation.valid(self._standing_alone(schema), value)
        return self._answers[key]

    def _standing_alone(self, schema: Mapping[str, Any]) -> Json:
        """The schema of one place, with the definitions that it needs and no others."""
        if id(schema) not in self._alone:
            shared = {"$schema": self._root["$schema"]} if "$schema" in self._root else {}
            self._alone[id(schema)] = {**shared, **reached(self._root, schema, self._check), "allOf": [schema]}
        return self._alone[id(schema)]


def _formats(schema: Json) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("format"), str):
            yield schema["format"]
        for name in ("allOf", "anyOf", "oneOf"):
            for each in list_of(schema.get(name)):
                if isinstance(each, Mapping) and isinstance(each.get("format"), str):
                    yield each["format"]


def _formatted(name: str, wanted: Json) -> str:
    """A token stays one: as an address, where the schema asks for that."""
    mail = as_mail(wanted) if isinstance(wanted, str) and name.endswith("email") else None
    return mail or _BY_FORMAT[name]


def _candidates(
    schemas: Sequence[Mapping[str, Any]], value: Json, wanted: Json, masked: Iterable[str]
) -> Iterator[Json]:
    if isinstance(value, str):
        formats = dict.fromkeys(name for schema in schemas for name in _formats(schema))
        yield from (_formatted(name, wanted) for name in formats if name in _BY_FORMAT)
        yield wanted
        yield from masked
        yield from ("*" * length for length in _LENGTHS)
        yield ""
    else:
        yield wanted
        yield 1
        digits = len(str(abs(int(value))))
        yield from (10 ** (digits - 1), 10**digits - 1)
        yield from (schema[name] for schema in schemas for name in ("minimum", "maximum") if name in schema)
    yield None
