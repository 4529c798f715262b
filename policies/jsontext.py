"""JSON in and out without losing a number: orjson, and a slower parser wherever a number's text would not survive it.

orjson turns integers over 64 bits into floats, rounds long decimals and refuses 1e400. A run of 19 or more digits
(and points) is what such numbers have in common, and finding one costs a fraction of a parse. In the slow parse an
integer stays an `int` of any size, and a decimal that no float can hold becomes an `Exact`, a float that remembers its
text. Numbers beyond the range of a double (1e400) are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NoReturn

import orjson

from policies.model import Json

MAX_DEPTH: Final = 200
"""Levels of nesting accepted in either direction: the SDK's models fail at about 255."""

_DIGITS: Final = bytes.maketrans(b"123456789.", b"0" * 10)
_RUN: Final = b"0" * 19
_INT64: Final = range(-(2**63), 2**64)
_MAX_DIGITS: Final = 4_000
"""Python refuses longer integers itself (quadratic conversion)."""


class Exact(float):
    """A decimal whose text says more than a double can: behaves as the nearest float, is written as its `text`."""

    text: str

    def __new__(cls, text: str) -> Exact:
        self = super().__new__(cls, text)
        self.text = text
        return self


class JsonError(ValueError):
    """The text is not JSON that can be carried. The message holds nothing of the text."""


def loads(data: bytes | bytearray | str, max_depth: int = MAX_DEPTH) -> Json:
    """Parse JSON text, every number kept. Raises JsonError for anything that is not JSON, or is nested too deeply."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        value = _slow(raw) if raw.translate(_DIGITS).find(_RUN) >= 0 else orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise JsonError(_where(error)) from None
    if raw.count(b"[") + raw.count(b"{") > max_depth and too_deep(value, max_depth):
        raise JsonError(f"nested deeper than {max_depth} levels")
    return value


def dumps(value: Json) -> bytes:
    """Serialise to compact UTF-8 JSON. Raises JsonError for what JSON cannot say (lone surrogates, other types)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        return orjson.dumps(_fragments(value))
    except (TypeError, RecursionError):
        raise JsonError("not serialisable as JSON") from None


def too_deep(value: Json, limit: int = MAX_DEPTH) -> bool:
    """Whether containers are nested in more than `limit` levels."""
    level: list[Json] = [value]
    for _ in range(limit + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(item: Json) -> list[Json]:
    if isinstance(item, Mapping):
        return [child for child in item.values() if isinstance(child, (Mapping, list, tuple))]
    return (
        [child for child in item if isinstance(child, (Mapping, list, tuple))] if isinstance(item, list | tuple) else []
    )


def _where(error: orjson.JSONDecodeError) -> str:
    return f"not valid JSON at character {error.pos}"


def _slow(raw: bytes | bytearray) -> Json:
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_decimal, parse_constant=_refuse, parse_int=_integer)
        if b"\\u" in raw:
            orjson.loads(raw)  # refuses lone surrogates, which the other parser lets through
    except orjson.JSONDecodeError as error:
        raise JsonError(_where(error)) from None
    except (ValueError, ArithmeticError, RecursionError):  # ArithmeticError: an exponent beyond even a Decimal
        raise JsonError("not valid JSON") from None
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(text)


def _decimal(text: str) -> float:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    near = float(text)
    if math.isinf(near):
        raise ValueError("a number that no double can hold")
    return near if Decimal(repr(near)) == Decimal(text) else Exact(text)


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _fragments(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _fragments(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_fragments(child) for child in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value not in _INT64:
        return orjson.Fragment(str(value))
    if isinstance(value, Exact):
        return orjson.Fragment(value.text)
    return value
