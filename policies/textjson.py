"""JSON inside a text: where its strings and numbers stand. `textpatch` puts others in their places.

The reader is there to look, so it takes more than JSON: a byte order mark and other blanks, a ``` fence around it, one
value after the other (NDJSON), NaN and Infinity, numbers of any size, a comma too many, a key said twice, lone
surrogates. Numbers are found, not parsed. One pass over the text, without recursion; what is not read is not changed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from policies.model import Json

Where: TypeAlias = "tuple[Any, str | int] | None"
"""None is the root `$`; otherwise the container's Where, and the key or index within it."""

_BLANK: Final = " \t\r\n\x0b\x0c\xa0\xad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\ufeff"
_START: Final = re.compile(rf"[{_BLANK}]*+(?:(```|~~~)[A-Za-z]{{0,10}}5?[{_BLANK}]*+)?(?=[\[{{\"])")
_TEXT: Final = r'"(?:[^"\\]++|\\.)*+"'
_WORD: Final = r"-?(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|Infinity)|NaN|true|false|null"
_TOKEN: Final = re.compile(
    rf"[{_BLANK}]*+(?:"
    rf"(?:({_TEXT})(?:[{_BLANK}]*+(:)[{_BLANK}]*+(?:({_TEXT})|({_WORD}))?)?|([\]}}])|({_WORD}))(?:[{_BLANK}]*+,)?"
    r"|([\[{])|(.))",
    re.DOTALL,
)
_STRING, _KEY, _WITH_STRING, _WITH_WORD, _CLOSE, _BARE, _OPEN, _JUNK = range(1, 9)
"""Groups of `_TOKEN`, each the last of its match: a string, a name without and with its value, a bracket, a word.
The comma behind a value or a bracket belongs to its match."""

_DECODER: Final = json.JSONDecoder(strict=False)
_MAX_DIGITS: Final = 4_000
"""Python refuses longer integers itself (quadratic conversion)."""


class TooManyValuesError(ValueError):
    """More values than may be looked at."""


class _NoJsonError(ValueError):
    """The text is something else."""


@dataclass(slots=True)
class Braces:
    """An object in the text: the span inside its braces."""

    start: int
    end: int = 0


class Token(NamedTuple):
    """A string or a number of the text, at `[start, end)`. `value` is decoded; of a number it is the text.

    `owner` is the object of which it is a name or a value; items of an array have none. `until` is set for a name:
    the end of its value, which is the token before it where it is a string or a number.
    """

    start: int
    end: int
    value: str
    where: Where
    owner: Braces | None = None
    until: int = 0
    is_number: bool = False


_new: Final = tuple.__new__
"""Makes a Token in half the time of its own constructor; there is one for every name and value of a text."""


def may_be_json(text: str) -> bool:
    """Whether it begins like JSON: a quick look that saves most texts from being read."""
    return _START.match(text) is not None


def read(text: str, where: Where, max_depth: int, most: int, *, numbers: bool = False) -> list[Token] | None:
    """Strings (and numbers) of a text that is JSON, a property's value before its name; None for any other text.

    A text that is one JSON string counts where it shows something else than it says: an escape `\\u`, or JSON in it.
    Raises TooManyValuesError after `most` values, keys and brackets.
    """
    begun = _START.match(text)
    if begun is None:
        return None
    start, end, fence = begun.end(), len(text.rstrip(_BLANK)), begun[1]
    if fence:
        if not text.endswith(fence, start, end):
            return None
        end = len(text[: end - len(fence)].rstrip(_BLANK))
    try:
        if text[start] == '"':
            return _one_string(text, start, end, where)
        return _Reader(text, where, max_depth, numbers).read(start, end, most)
    except (_NoJsonError, json.JSONDecodeError):
        return None


def number(text: str) -> Json:
    """The number that a token says; None when it is none that one can work with (beyond a double, very long)."""
    if len(text) > _MAX_DIGITS:
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    near = float(text)
    return near if near - near == 0 else None


def _one_string(text: str, start: int, end: int, where: Where) -> list[Token] | None:
    value, stop = _DECODER.raw_decode(text, start)
    if stop != end:
        return None
    inner = value.lstrip(_BLANK)[:1]
    if inner == '"' or (inner not in ("{", "[") and "\\u" not in text):
        return None  # one level of quotes is looked through, no more
    return [Token(start, end, value, where)]


class _Reader:
    """One pass over the text. `_owner` is the object that is open (None in an array), `_key` waits for its value."""

    __slots__ = (
        "_documents",
        "_here",
        "_index",
        "_key",
        "_max_depth",
        "_numbers",
        "_owner",
        "_stack",
        "_text",
        "_where",
    )

    def __init__(self, text: str, where: Where, max_depth: int, numbers: bool) -> None:
        self._text, self._where, self._max_depth, self._numbers = text, where, max_depth, numbers
        self._stack: list[tuple[Braces | None, Where, int, tuple[int, int, str] | None]] = []
        self._owner: Braces | None = None
        self._key: tuple[int, int, str] | None = None
        self._here = where
        self._index = 0
        self._documents = 0

    def read(self, start: int, end: int, most: int) -> list[Token]:
        text, tokens, due = self._text, list[Token](), True
        for match in _TOKEN.finditer(text, start, end):
            most -= 1
            if most < 0:
                raise TooManyValuesError("more values in a text than may be looked at")
            kind = match.lastindex or _JUNK
            if kind == _CLOSE:
                self._close(match.start(_CLOSE), tokens)
            elif not due or kind == _JUNK:
                raise _NoJsonError
            elif kind == _OPEN:
                self._open(match.start(_OPEN))
                continue
            elif _KEY <= kind <= _WITH_WORD:
                self._member(match, kind, tokens)
            else:
                self._leaf(match.span(kind), self._place(), kind == _STRING, tokens)
            due = kind == _KEY or not self._stack or text[match.end() - 1] == ","
        if self._stack:
            raise _NoJsonError
        return tokens

    def _member(self, match: re.Match[str], kind: int, tokens: list[Token]) -> None:
        owner = self._owner
        if owner is None or self._key is not None:
            raise _NoJsonError
        start, end = match.span(_STRING)
        name = self._text[start + 1 : end - 1]
        if "\\" in name:
            name = self._decoded(start)
        if kind == _KEY:
            if self._text[match.end() - 1] == ",":
                raise _NoJsonError
            self._key = (start, end, name)
            return
        where = (self._here, name)
        span = match.span(kind)
        self._leaf(span, where, kind == _WITH_STRING, tokens)
        tokens.append(_new(Token, (start, end, name, where, owner, span[1], False)))

    def _leaf(self, span: tuple[int, int], where: Where, is_string: bool, tokens: list[Token]) -> None:
        start, end = span
        if is_string:
            value = self._text[start + 1 : end - 1]
            if "\\" in value:
                value = self._decoded(start)
            tokens.append(_new(Token, (start, end, value, where, self._owner, 0, False)))
        elif self._numbers and self._text[end - 1].isdigit():
            tokens.append(_new(Token, (start, end, self._text[start:end], where, self._owner, 0, True)))

    def _decoded(self, start: int) -> str:
        return str(_DECODER.raw_decode(self._text, start)[0])

    def _open(self, at: int) -> None:
        if len(self._stack) >= self._max_depth:
            raise _NoJsonError
        if self._stack:
            here = self._place() if self._key is None else (self._here, self._key[2])
        else:
            here = (self._where, self._documents) if self._documents else self._where
            self._documents += 1
        self._stack.append((self._owner, self._here, self._index, self._key))
        self._owner = Braces(at + 1) if self._text[at] == "{" else None
        self._here, self._index, self._key = here, 0, None

    def _place(self) -> Where:
        """Of the next item of the array that is open."""
        if self._owner is not None or not self._stack:
            raise _NoJsonError
        self._index += 1
        return self._here, self._index - 1

    def _close(self, at: int, tokens: list[Token]) -> None:
        if not self._stack or self._key is not None or (self._text[at] == "}") != (self._owner is not None):
            raise _NoJsonError
        if self._owner is not None:
            self._owner.end = at
        inside = self._here
        self._owner, self._here, self._index, self._key = self._stack.pop()
        if self._owner is not None and self._key is not None:
            start, end, name = self._key
            tokens.append(_new(Token, (start, end, name, inside, self._owner, at + 1, False)))
            self._key = None
