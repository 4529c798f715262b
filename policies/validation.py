"""JSON Schema, for schemas that an upstream wrote: nothing is fetched, no pattern runs away, what fails is invalid."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NoReturn

import jsonschema_rs as js

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json

MAX_SCHEMAS: Final = 1_024
"""Compiled schemas kept, the least recently used dropped first."""

_LINEAR: Final = js.RegexOptions(size_limit=1 << 20)
_BOUNDED: Final = js.FancyRegexOptions(backtrack_limit=10_000, size_limit=1 << 20)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Validation:
    """Validators by schema, compiled once. Draft 2020-12 unless `$schema` names another."""

    def __init__(self, size: int = MAX_SCHEMAS) -> None:
        self._size = size
        self._compiled: OrderedDict[bytes, Any] = OrderedDict()

    def valid(self, schema: Json, instance: Json) -> bool:
        """Whether the instance satisfies the schema; False when the schema cannot be used."""
        return self.problem(schema, instance) is None

    def problem(self, schema: Json, instance: Json) -> str | None:
        """The first violation as JSON path and keyword (`$.user.age: maximum`), without values; None when valid."""
        try:
            validator = self._validator(dumps(schema))
        except JsonError:
            return "the schema is not JSON"
        return "the schema cannot be compiled" if validator is None else _violation(validator, instance)

    def _validator(self, schema: bytes) -> Any:
        key = blake2b(schema, digest_size=16).digest()
        if key not in self._compiled:
            self._compiled[key] = _compile(loads(schema))
            if len(self._compiled) > self._size:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return self._compiled[key]


def _compile(schema: Json) -> Any:
    """The linear regex engine where it knows every pattern; one with bounded backtracking for look-around."""
    if not isinstance(schema, dict | bool):
        return None
    for patterns in (_LINEAR, _BOUNDED):
        try:
            return js.validator_for(schema, retriever=_refuse, pattern_options=patterns)
        except (ValueError, TypeError, RecursionError):
            continue
    return None


def _refuse(_: str) -> NoReturn:
    raise LookupError("remote references are not followed")


def _violation(validator: Any, instance: Json) -> str | None:
    try:
        return _first(validator, instance)
    except (ValueError, TypeError):  # a Mapping, a str subclass …: validate what would be sent
        pass
    try:
        return _first(validator, loads(dumps(instance)))
    except (ValueError, TypeError):
        return "$: not JSON"


def _first(validator: Any, instance: Json) -> str | None:
    if validator.is_valid(instance):
        return None
    error = next(iter(validator.iter_errors(instance)), None)
    return "$: invalid" if error is None else f"{_path(error.instance_path)}: {error.kind.name}"


def _path(steps: Sequence[str | int]) -> str:
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.match(step) else f"[{step!r}]"
