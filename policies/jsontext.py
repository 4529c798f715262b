"""JSON in and out without losing a number: orjson, and a slower parser wherever a number's text would not survive it.

orjson turns integers over 64 bits into floats, rounds long decimals and refuses 1e400. A run of 19 or more digits
(and points) is what such numbers have in common, and finding one costs a fraction of a parse. In the slow parse an
integer stays an `int` of any size, and a decimal that no float can hold becomes an `Exact`, a float that remembers its
text. Numbers beyond the range of a double (1e400) are refused.
"""

from __future__ import annotations

import gc
import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import accumulate
from typing import Final, NoReturn

import orjson

from policies.model import Json

MAX_DEPTH: Final = 200
"""Levels of nesting accepted in either direction: the SDK's models fail at about 255."""

_DIGITS: Final = bytes.maketrans(b"123456789.", b"0" * 10)
_RUN: Final = b"0" * 19
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKET: Final = bytes(code for code in range(256) if code not in b"[]{}")
_LARGE: Final = 2**20
_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_PLAIN: Final = frozenset({str, bool, float, type(None)})
_SCALARS: Final = _PLAIN | {int}
_MAX_DIGITS: Final = 4_000
"""Of a decimal. Python refuses integers of more than 4,300 digits by itself: converting them is quadratic."""
_EXACT_CHARS: Final = 15
"""A decimal of so few characters has no more digits than a double keeps."""


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
        if len(raw) < _LARGE:
            value = _parsed(raw)
        else:
            with _collector_resting():
                value = _parsed(raw)
    except orjson.JSONDecodeError as error:
        raise JsonError(_where(error)) from None
    if raw.count(b"[") + raw.count(b"{") > max_depth and _text_too_deep(raw, max_depth):
        raise JsonError(f"nested deeper than {max_depth} levels")
    return value


def _parsed(raw: bytes | bytearray) -> Json:
    return _slow(raw) if raw.translate(_DIGITS).find(_RUN) >= 0 else orjson.loads(raw)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Millions of new objects make the collector search them again and again; a large parse does without it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def has_key_twice(raw: bytes, value: Json) -> bool:
    """Whether the JSON text `raw`, which was parsed to `value`, gives a key of one object twice.

    Two readers of such a text may believe different values (RFC 8259, section 4). Of keys that come twice the value
    keeps one, so it is written with fewer colons: those in strings are there in either text, plain or escaped.
    """
    colons = raw.count(b":")
    if b"\\u003" in raw:
        escapes = raw.replace(b"\\\\", b"")  # of a run of backslashes only an odd last one begins an escape
        colons += escapes.count(b"\\u003a") + escapes.count(b"\\u003A")
    return colons != dumps(value).count(b":")


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


def _text_too_deep(raw: bytes | bytearray, limit: int) -> bool:
    """Whether valid JSON text nests more than `limit` containers. Of the text: walking millions of objects is slow."""
    marks = array("b", _STRING.sub(b"", raw).translate(_STEPS, _NO_BRACKET))
    return max(accumulate(marks), default=0) > limit


def too_deep(value: Json, limit: int = MAX_DEPTH) -> bool:
    """Whether containers are nested within containers in more than `limit` levels."""
    level: list[Json] = [] if type(value) in _SCALARS else [value]
    for _ in range(limit + 1):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, Mapping) else item)
            if type(child) not in _SCALARS and isinstance(child, Mapping | list | tuple)
        ]
        if not level:
            return False
    return True


def _where(error: orjson.JSONDecodeError) -> str:
    return f"not valid JSON at character {error.pos}"


def _slow(raw: bytes | bytearray) -> Json:
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_decimal, parse_constant=_refuse)
        if b"\\u" in raw:
            orjson.loads(raw)  # refuses lone surrogates, which the other parser lets through
    except orjson.JSONDecodeError as error:
        raise JsonError(_where(error)) from None
    except (ValueError, ArithmeticError, RecursionError):  # ArithmeticError: an exponent beyond even a Decimal
        raise JsonError("not valid JSON") from None
    return value


def _decimal(text: str) -> float:
    near = float(text)
    if math.isinf(near):
        raise ValueError("a number that no double can hold")
    if len(text) <= _EXACT_CHARS:
        return near
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return near if Decimal(repr(near)) == Decimal(text) else Exact(text)


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _fragments(value: Json) -> Json:
    """The document with the numbers that orjson would change as text; itself where there are none.

    Called for the few documents that orjson refused or that may hold one, of any size: hence the plain loops.
    """
    kind = type(value)
    if kind is dict:
        changed = {
            key: new
            for key, child in value.items()
            if not (type(child) in _PLAIN or (type(child) is int and _LEAST <= child <= _MOST))
            and (new := _fragments(child)) is not child
        }
        return {**value, **changed} if changed else value
    if kind is list or kind is tuple:
        return _of_list(value)
    if kind is int:
        return value if _LEAST <= value <= _MOST else orjson.Fragment(str(value))
    if kind is Exact:
        return orjson.Fragment(value.text)
    if isinstance(value, Mapping):
        return {key: _fragments(child) for key, child in value.items()}
    return [_fragments(child) for child in value] if isinstance(value, list | tuple) else value


def _of_list(value: Sequence[Json]) -> Sequence[Json]:
    for child in value:
        if not (type(child) in _PLAIN or (type(child) is int and _LEAST <= child <= _MOST)):
            return [
                item if type(item) in _PLAIN or (type(item) is int and _LEAST <= item <= _MOST) else _fragments(item)
                for item in value
            ]
    return value
