"""Which rules could match a text of a certain shape: every digit the same, every letter, signs as they are.

Most texts of a result have shapes that came before (`ORD-12345`, a date, an amount): what those leave to be searched
for, often nothing, is kept by shape, in a bounded table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from policies.detect.rule import Rule

_SHAPE: Final = bytes.maketrans(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0" * 10 + b"a" * 26 + b"A" * 26
)
_ROW: Final = re.compile(rb"0(?:[ .()/+-]{0,4}+0)*+")
_RUN: Final = re.compile(rb"[0aA:]++")
_NOBODYS: Final = re.compile(rb"0000-00-00(?:[A ]00:00(?::00(?:[.,]0{1,9})?)?(?:A|[+-]00:?00)?)?\Z|[0.,+-]{1,6}\Z")
"""Dates with times, and short numbers."""
_LONGEST_KEPT: Final = 128
_REMEMBERED: Final = 4_096

Search: TypeAlias = Callable[[str], "re.Match[str] | None"]


@dataclass(frozen=True, slots=True)
class Fitting:
    """The strong rules that could match, with their searches, and whether a weak one could."""

    strong: tuple[tuple[Rule, Search], ...]
    weak: bool


class Shapes:
    """Rules by the shapes of texts. Threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        says = dict.fromkeys(word for rule in self._rules for word in rule.says)
        saying = (re.escape(word) if word.isupper() else f"(?i:{re.escape(word)})" for word in says)
        self._saying = re.compile("|".join(saying) or r"(?!)")
        self._known: dict[tuple[bytes, bool], Fitting] = {}

    def fitting(self, text: str) -> Fitting:
        """The rules that could match this text."""
        shape = text.encode(errors="replace").translate(_SHAPE)
        key = (shape, b" " in shape and self._saying.search(text) is not None)
        found = self._known.get(key)
        if found is None:
            found = self._fitting(*key)
            if len(shape) <= _LONGEST_KEPT:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = found
        return found

    def _fitting(self, shape: bytes, said: bool) -> Fitting:
        if _NOBODYS.match(shape):
            return Fitting((), False)
        digits = shape.count(b"0")
        letters = shape.count(b"a") + shape.count(b"A")
        row = max((each.count(b"0") for each in _ROW.findall(shape)), default=0)
        run = max(map(len, _RUN.findall(shape)), default=0)

        def fits(rule: Rule) -> bool:
            if rule.digits > (row if rule.row else digits) or rule.letters > letters or rule.least > run:
                return False
            if rule.says and not said:
                return False
            return not rule.holds or any(sign in shape for sign in rule.holds.encode().translate(_SHAPE))

        fitting = [rule for rule in self._rules if fits(rule)]
        strong = tuple((rule, rule.pattern.search) for rule in fitting if not rule.words)
        return Fitting(strong, any(rule.words for rule in fitting))
