"""JSON inside a text: read it, and write it back the way it was written (indent, separators, escapes)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from policies.jsontext import JsonError, loads
from policies.model import Json

_INDENT: Final = re.compile(r"[\[{](\r?\n)([ \t]*)")
_COMMA: Final = re.compile(r'["\d\]}el],([ \t]*)(?=["\[{\d\-tfn])')
_COLON: Final = re.compile(r'"([ \t]*:[ \t]*)(?=["\[{\d\-tfn])')


def parse(text: str, max_depth: int) -> Json | None:
    """The object or array that the text is; None for any other text.

    A text that says a key twice is not taken for JSON: its first value would never be seen.
    """
    if not text or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = loads(text, max(max_depth, 0))
        json.loads(text, object_pairs_hook=_once, parse_int=_skip, parse_float=_skip)
    except (JsonError, ValueError, RecursionError):
        return None
    return value


def _once(pairs: list[tuple[str, Json]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key twice")


def _skip(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a JSON text was written."""

    indent: str | None
    newline: str
    comma: str
    colon: str
    ascii_only: bool
    before: str
    after: str

    @classmethod
    def of(cls, text: str) -> Style:
        body = text.strip()
        start = text.index(body)
        lines = _INDENT.match(body)
        comma, colon = _COMMA.search(body), _COLON.search(body)
        return cls(
            indent=lines[2] if lines else None,
            newline=lines[1] if lines else "",
            comma="," + (comma[1] if comma and not lines else ""),
            colon=colon[1] if colon else ": ",
            ascii_only="\\u" in body and body.isascii(),
            before=text[:start],
            after=text[start + len(body) :],
        )

    def dumps(self, value: Json) -> str:
        return self.before + self._any(value, self.newline) + self.after

    def _any(self, value: Json, line: str) -> str:
        if isinstance(value, Mapping):
            inner = line + (self.indent or "")
            pairs = [f"{self._text(key)}{self.colon}{self._any(child, inner)}" for key, child in value.items()]
            return self._wrap("{}", pairs, line, inner)
        if isinstance(value, list | tuple):
            inner = line + (self.indent or "")
            return self._wrap("[]", [self._any(child, inner) for child in value], line, inner)
        if isinstance(value, Decimal):
            return str(value)
        return self._text(value)

    def _text(self, value: Json) -> str:
        return json.dumps(value, ensure_ascii=self.ascii_only)

    def _wrap(self, pair: str, items: list[str], line: str, inner: str) -> str:
        if not items:
            return pair
        if self.indent is None:
            return pair[0] + self.comma.join(items) + pair[1]
        return pair[0] + inner + f"{self.comma}{inner}".join(items) + line + pair[1]
