"""What stands in the place of each value, so that a copy of it says the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policies.detect.replace import Schema
from policies.model import Json
from policies.text import DROP, Where

_MISSING: Final = object()


def steps_of(where: Where) -> list[str | int]:
    steps: list[str | int] = []
    while where is not None:
        where, step = where
        steps.append(step)
    return steps[::-1]


class Places:
    """The replacements in the data that `schema` describes, by place, by key and by value."""

    def __init__(self, schema: Schema | None, described: str) -> None:
        self._schema, self._described = schema, described
        self._by_place: dict[tuple[str | int, ...], tuple[Json, Json]] = {}
        self._by_key: dict[tuple[str | int, Json], Json] = {}
        self._by_value: dict[Json, Json] = {}

    def replacement(self, steps: Sequence[str | int], value: Json, wanted: Json, masks: Iterable[str]) -> Json:
        """What to put at `steps` for `value`: of the schema's choice where it describes the place, elsewhere the same.

        DROP only within described data or JSON that mirrors it. Raises NotRedactableError.
        """
        if self._schema is None:
            return wanted
        if steps[0] == self._described:
            return self._described_as(self._schema, tuple(steps[1:]), value, wanted, masks)
        for place in _mirrored(steps):
            found = self._by_place.get(place)
            if found and found[0] == value:
                return found[1]
        return self._by_key.get((_key(steps), value), self._by_value.get(value, wanted))

    def _described_as(
        self, schema: Schema, place: tuple[str | int, ...], value: Json, wanted: Json, masks: Iterable[str]
    ) -> Json:
        found = self._by_place.get(place, _MISSING)
        if isinstance(found, tuple) and found[0] == value:
            return found[1]
        new = schema.replacement(place, value, wanted, masks)
        self._by_place[place] = (value, new)
        if new is not DROP:
            self._by_key.setdefault((_key(place), value), new)
            self._by_value.setdefault(value, new)
        return new


def _key(steps: Sequence[str | int]) -> str | int:
    return next((step for step in reversed(steps) if isinstance(step, str)), "")


def _mirrored(steps: Sequence[str | int]) -> Iterator[tuple[str | int, ...]]:
    """Where in the described data the same may stand, for a place in JSON that a content's text is.

    A server that has to say an object wraps what is none as `result`, and may say a list as one text for each item.
    """
    if len(steps) > 3 and steps[0] == "content" and steps[2] == "text":
        yield tuple(steps[3:])
        yield ("result", *steps[3:])
        yield ("result", *steps[1:2], *steps[3:])
