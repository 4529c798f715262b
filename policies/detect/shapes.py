"""Which rules could match a text of a certain shape: every digit the same, every letter, signs as they are.

Most texts of a result have shapes that came before (`ORD-12345`, a date, an amount): what those leave to be searched
for, often nothing, is kept by shape, in a bounded table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from policies.detect.loose import SHAPE, Loose
from policies.detect.rule import Rule

_ROW: Final = re.compile(rb"0(?:[ .()/+-]{0,4}+0)*+")
_RUN: Final = re.compile(rb"[0aA:]++")
_NOBODYS: Final = re.compile(rb"0000-00-00(?:[A ]00:00(?::00(?:[.,]0{1,9})?)?(?:A|[+-]00:?00)?)?\Z|[0.,+-]{1,6}\Z")
"""Dates with times, and short numbers."""
_PLAIN: Final = re.compile(rb"[ -~]{0,1024}+\Z")
"""What the automaton is asked about: of longer texts each rule is asked by itself."""
_USUAL: Final = b"0aA "
_LONGEST_KEPT: Final = 128
_REMEMBERED: Final = 4_096


@dataclass(frozen=True, slots=True)
class Fitting:
    """The rules that could match: strong ones, weak ones, and those of both that also need a text to say a word."""

    strong: tuple[Rule, ...] = ()
    weak: tuple[Rule, ...] = ()
    saying: tuple[Rule, ...] = ()


_NOTHING: Final = Fitting()


class Shapes:
    """Rules by the shapes of texts. Threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._loose = Loose(self._rules)
        self._says = {rule: _by_case(rule.says) for rule in self._rules}
        self._holds = {rule: frozenset(rule.holds.encode().translate(SHAPE)) for rule in self._rules}
        self._known: dict[bytes, Fitting] = {}

    def fitting(self, text: str) -> Fitting:
        """The rules that could match this text."""
        shape = text.encode(errors="replace").translate(SHAPE)
        found = self._known.get(shape)
        if found is None:
            found = self._fitting(shape)
            if len(shape) <= _LONGEST_KEPT:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[shape] = found
        return self._with_saying(found, text) if found.saying else found

    def _with_saying(self, found: Fitting, text: str) -> Fitting:
        """Also the rules of whose words the text says one."""
        lower, said = text.lower(), list[Rule]()
        for rule in found.saying:
            small, large = self._says[rule]
            for word in small:
                if word in lower:
                    said.append(rule)
                    break
            else:
                if large and any(word in text for word in large):
                    said.append(rule)
        if not said:
            return found
        strong, weak = [rule for rule in said if not rule.words], [rule for rule in said if rule.words]
        return Fitting((*found.strong, *strong), (*found.weak, *weak))

    def _fitting(self, shape: bytes) -> Fitting:
        if _NOBODYS.match(shape):
            return _NOTHING
        rules = self._loose.fitting(shape.decode()) if _PLAIN.match(shape) else self._rules
        digits = shape.count(b"0")
        letters = shape.count(b"a") + shape.count(b"A")
        held = frozenset(shape.translate(None, _USUAL)).union(sign for sign in _USUAL if sign in shape)
        row = run = -1  # found out for the rules that ask
        strong: list[Rule] = []
        weak: list[Rule] = []
        saying: list[Rule] = []
        for rule in rules:
            if rule.digits > digits or rule.letters > letters:
                continue
            if rule.holds and self._holds[rule].isdisjoint(held):
                continue
            if rule.row and rule.digits:
                row = max((each.count(b"0") for each in _ROW.findall(shape)), default=0) if row < 0 else row
                if rule.digits > row:
                    continue
            if rule.least:
                run = max(map(len, _RUN.findall(shape)), default=0) if run < 0 else run
                if rule.least > run:
                    continue
            (saying if rule.says else weak if rule.words else strong).append(rule)
        return Fitting(tuple(strong), tuple(weak), tuple(saying)) if strong or weak or saying else _NOTHING


def _by_case(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that count in any case, and those in capitals, which count as they are."""
    return tuple(word for word in words if not word.isupper()), tuple(word for word in words if word.isupper())
