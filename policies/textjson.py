"""JSON inside a text: read it, and write it back the way it was written (indent, separators, escapes)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policies.jsontext import Exact, JsonError, loads
from policies.model import Json

_INDENT: Final = re.compile(r"[\[{](\r?\n)([ \t]+)")


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

    comma: str
    colon: str
    newline: str = ""
    indent: str | None = None
    ascii_only: bool = False

    @classmethod
    def of(cls, text: str, value: Json) -> Style:
        """The style in which `value` gives exactly `text`; the nearest one when the writer's habits are unknown."""
        ascii_only = text.isascii() and "\\u" in text
        lines = _INDENT.match(text)
        if lines:
            return cls(comma=",", colon=": ", newline=lines[1], indent=lines[2], ascii_only=ascii_only)
        spaced = cls(comma=", ", colon=": ", ascii_only=ascii_only)
        compact = cls(comma=",", colon=":", ascii_only=ascii_only)
        return compact if compact.dumps(value) == text or ": " not in text else spaced

    def dumps(self, value: Json) -> str:
        return self._any(value, self.newline)

    def _any(self, value: Json, line: str) -> str:
        inner = line + (self.indent or "")
        if isinstance(value, Mapping):
            pairs = [f"{self._leaf(key)}{self.colon}{self._any(child, inner)}" for key, child in value.items()]
            return self._wrap("{}", pairs, line, inner)
        if isinstance(value, list | tuple):
            return self._wrap("[]", [self._any(child, inner) for child in value], line, inner)
        return value.text if isinstance(value, Exact) else self._leaf(value)

    def _leaf(self, value: Json) -> str:
        return json.dumps(value, ensure_ascii=self.ascii_only)

    def _wrap(self, pair: str, items: list[str], line: str, inner: str) -> str:
        if not items:
            return pair
        if self.indent is None:
            return pair[0] + self.comma.join(items) + pair[1]
        return pair[0] + inner + f"{self.comma}{inner}".join(items) + line + pair[1]


def rewrite(text: str, old: Json, new: Json) -> str:
    """`text`, which says `old`, saying `new` in the same style, with the white space around it."""
    body = text.strip()
    before, after = text[: text.index(body)], text[text.index(body) + len(body) :]
    return before + Style.of(body, old).dumps(new) + after
