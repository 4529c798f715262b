"""JSON Schema, for schemas that an upstream wrote: nothing is fetched, no pattern runs away, what fails is invalid."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NoReturn

import jsonschema_rs as js

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json
from policies.unfolding import Size, UnfoldingError, unfolded

MAX_SCHEMAS: Final = 1_024
"""Compiled schemas kept, the least recently used dropped first."""
MAX_NODES: Final = 100_000
"""Size of a usable schema, its references written out."""

_TOLD_NODES: Final = 2_000
_TOLD_BYTES: Final = 16_384
"""Up to these sizes of schema and instance, the place of a violation is told: to find it, the library copies the
instance into an error for each branch that it tried, which for larger ones takes seconds."""

_LINEAR: Final = js.RegexOptions(size_limit=1 << 20)
_BOUNDED: Final = js.FancyRegexOptions(backtrack_limit=10_000, size_limit=1 << 20)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Validation:
    """Validators by schema, compiled once. Draft 2020-12 unless `$schema` names another."""

    def __init__(self, size: int = MAX_SCHEMAS) -> None:
        self._size = size
        self._compiled: OrderedDict[bytes, _Compiled | None] = OrderedDict()

    def valid(self, schema: Json, instance: Json) -> bool:
        """Whether the instance satisfies the schema; False when the schema cannot be used."""
        return self.problem(schema, instance) is None

    def problem(self, schema: Json, instance: Json) -> str | None:
        """A violation as JSON path and keyword (`$.user.age: maximum`), without values; None when valid.

        `$: invalid` where schema or instance is too large to tell the place, or the schema recursive.
        """
        try:
            compiled = self._get(dumps(schema))
        except JsonError:
            return "the schema is not JSON"
        return "the schema cannot be used" if compiled is None else compiled.problem(instance)

    def _get(self, schema: bytes) -> _Compiled | None:
        key = blake2b(schema, digest_size=16).digest()
        if key not in self._compiled:
            self._compiled[key] = _compile(loads(schema))
            if len(self._compiled) > self._size:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return self._compiled[key]


@dataclass(frozen=True, slots=True)
class _Compiled:
    validator: Any
    told: bool

    def problem(self, instance: Json) -> str | None:
        try:
            return self._problem(instance)
        except (ValueError, TypeError):  # a Mapping, a subclass of str or float …: validate what would be sent
            pass
        try:
            return self._problem(json.loads(dumps(instance), parse_float=Decimal))
        except (ValueError, TypeError, RecursionError):
            return "$: not JSON"

    def _problem(self, instance: Json) -> str | None:
        if self.validator.is_valid(instance):
            return None
        if not (self.told and _small(instance)):
            return "$: invalid"
        try:
            self.validator.validate(instance)
        except js.ValidationError as error:
            return f"{_path(error.instance_path)}: {error.kind.name}"
        return "$: invalid"


def _compile(schema: Json) -> _Compiled | None:
    """With the linear regex engine where it knows every pattern; with bounded backtracking for look-around."""
    if not isinstance(schema, dict | bool):
        return None
    try:
        size = unfolded(schema) if isinstance(schema, dict) else Size(1, False)
    except UnfoldingError:
        return None
    if size.nodes > MAX_NODES:
        return None
    for patterns in (_LINEAR, _BOUNDED):
        try:
            validator = js.validator_for(schema, retriever=_refuse, pattern_options=patterns)
        except (ValueError, TypeError, RecursionError):
            continue
        return _Compiled(validator, told=size.nodes <= _TOLD_NODES and not size.cyclic)
    return None


def _refuse(_: str) -> NoReturn:
    raise LookupError("remote references are not followed")


def _small(instance: Json) -> bool:
    try:
        return len(json.dumps(instance, default=float)) <= _TOLD_BYTES  # a Decimal may be among it
    except (ValueError, TypeError, RecursionError):
        return False


def _path(steps: Sequence[str | int]) -> str:
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.match(step) else f"[{step!r}]"
