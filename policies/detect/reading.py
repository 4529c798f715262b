"""What stands in one body's leaves: found once for each text, but for what is exempt."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from policies.detect.encoded import SHORTEST, Encoded, encoded
from policies.detect.engine import LONGEST_KEY, Check, Context, Engine
from policies.detect.finding import Finding
from policies.detect.places import steps_of
from policies.detect.scope import BlobDeniedError, Scope, TooLargeError
from policies.text import Where, keys

NAMED: Final = ("value", "Value")
"""Keys whose neighbours say what stands under them."""


_UNKNOWN: Final = "application/octet-stream"
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Reading:
    """Findings in the leaves of one body. What it keeps is as large as the body, and gone with it."""

    def __init__(self, engine: Engine, scope: Scope, check: Check) -> None:
        self._engine, self._scope, self._check = engine, scope, check
        self.memo: dict[tuple[str, Context], Sequence[Finding]] = {}
        """What stands in a text, exempt or not."""
        self.spares = scope.spared is not None
        self._runs: dict[str, tuple[Encoded, ...]] = {}
        self.names: dict[tuple[str | int, ...], str] = {}
        """What objects say of their `value`, by the objects' places: `{"name": "phone", "value": …}`."""
        self.columns: dict[tuple[str | int, ...], tuple[Sequence[str], tuple[str, ...]]] = {}
        """The names of a table's columns and the key above it, by the place of its rows."""
        self._owner: Where = None
        self._above: tuple[str, ...] = ()

    def context(self, where: Where) -> Context:
        """What the two nearest keys above a leaf say."""
        if where is None:
            return self._engine.context(())
        owner, step = where
        if self.names and step in NAMED and (name := self.names.get(tuple(steps_of(owner)))):
            return self._engine.context((name, step))
        if self.columns and (keys_of := self.column(where)):
            return self._engine.context(keys_of)
        if owner is not self._owner:
            self._owner, self._above = owner, keys(owner, 1)
        return self._engine.context((step, *self._above) if type(step) is str else keys(where))

    def column(self, where: Where) -> tuple[str, ...]:
        """The keys that a cell of a table stands under, none where the place is no cell."""
        row, at = where if where is not None else (None, "")
        if not isinstance(at, int) or row is None or not isinstance(row[1], int):
            return ()
        names, above = self.columns.get(tuple(steps_of(row[0])), ((), ()))
        return (names[at], *above) if at < len(names) else ()

    def above(self, where: Where) -> tuple[str, ...]:
        """The nearest key, none or one."""
        return keys(where, 1)

    def find(self, text: str, where: Where, context: Context) -> Sequence[Finding]:
        """In order, none overlapping another. Raises TooLargeError, and what `check` raises."""
        found = self.memo.get((text, context))
        if found is None:
            if len(text) > self._scope.max_text:
                raise TooLargeError("a text is longer than max_text")
            found = self.memo[text, context] = self._engine.find(text, context, self._check)
        if found and self.spares:
            return [each for each in found if not self.spared(where, each.entity, each.rule)]
        return found

    def key(self, key: str) -> Sequence[Finding]:
        """In the name of a property."""
        return self._engine.key(key, self._check)

    def number(self, leaf: float, where: Where) -> tuple[str, str]:
        """The digits of an integral number, empty for any other, and what its key says that it is, or nothing."""
        digits = "" if isinstance(leaf, float) and not leaf.is_integer() else str(int(leaf))
        context = self.context(where)
        rule = self._engine.number(digits, context) if context.said and digits else None
        return digits, rule.entity if rule and not self.spared(where, rule.entity) else ""

    def encoded(self, text: str) -> tuple[Encoded, ...]:
        """Its runs of base64 that say a text."""
        if len(text) < SHORTEST:
            return ()
        found = self._runs.get(text)
        if found is None:
            found = self._runs[text] = tuple(encoded(text))
        return found

    def blob(self, data: str, mime: str) -> str | None:
        """The text of a blob that is to be looked at; None of one that passes. Raises BlobDeniedError."""
        kind = mime.partition(";")[0].strip().lower() or _UNKNOWN
        treated = next((how for glob, how in self._scope.blobs if fnmatchcase(kind, glob)), "pass")
        if treated == "deny":
            raise BlobDeniedError(kind if kind.isascii() and len(kind) < LONGEST_KEY else "a blob")
        if treated != "scan":
            return None
        return _if_text(data) if kind == _UNKNOWN else _text_of(data)

    def spared(self, where: Where, entity: str, rule: str = "") -> bool:
        """Whether such a finding is exempt at this place."""
        return self._scope.spared is not None and self._scope.spared(where, entity, rule)


def _if_text(data: str) -> str | None:
    """Of a blob that may be anything: its text where it is UTF-8 without the signs that no text has."""
    try:
        text = binascii.a2b_base64(data).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if _NO_TEXT.search(text) else text


def _text_of(data: str) -> str:
    try:
        raw = binascii.a2b_base64(data)
    except binascii.Error:
        return data
    for encoding in ("utf-8", "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
