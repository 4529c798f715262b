"""A rule: one way to recognise one entity by its pattern. Rules are data; `rules.py` runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from policies.detect.finding import Why


class Late:
    """A pattern that is compiled when it is first asked: a process compiles what its texts need, as they come.

    Compiling all of them takes a fifth of a second; `compile` does it ahead of time. A wrong pattern shows then.
    """

    __slots__ = ("_compiled", "flags", "pattern")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self.flags = pattern, flags
        self._compiled: re.Pattern[str] | None = None

    def compile(self) -> re.Pattern[str]:
        """The pattern, compiled. Raises re.error."""
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self.flags)
        return self._compiled

    @property
    def finditer(self) -> Callable[[str], Iterator[re.Match[str]]]:
        return self.compile().finditer

    @property
    def search(self) -> Callable[..., re.Match[str] | None]:
        return self.compile().search

    @property
    def match(self) -> Callable[..., re.Match[str] | None]:
        return self.compile().match

    @property
    def fullmatch(self) -> Callable[[str], re.Match[str] | None]:
        return self.compile().fullmatch

    @property
    def groupindex(self) -> Mapping[str, int]:
        return self.compile().groupindex


Pattern: TypeAlias = "re.Pattern[str] | Late"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """Where `pattern` matches and `check` (given the match's text, or its group `value`) agrees, there is an `entity`.

    With `words`, a match counts only near one of them: under a key that has it, or among the five words before it (or
    the two after). Words are lower-case and singular, of any language; of a word of five letters and more, a word that
    ends in it counts too (`homephone`). Without, the pattern is strong enough by itself.

    `pattern` takes linear time (possessive quantifiers, or bounded ones; never one that can give up to another),
    begins with a set of characters (`re` searches for those fast) and only then looks behind, and matches as a whole
    what is to go. `locale` is the country (`us`, `gb`, … in lower case; empty: everywhere), `source` says where the
    rule is written.

    `unless` are words of the keys above under which a text of one word is none: a `version` is no address.

    The others spare a text the search: `digits` is how many ASCII digits a match needs at least, with `row` all in one
    row of digits, blanks and the signs `.()/+-`; `letters`, how many ASCII letters; `least`, how many letters, digits
    and colons it needs without anything between them; `holds`, characters of which each match has one; `says`, parts of
    words of which the text has one, in any case where they are written in lower case.
    """

    name: str
    entity: str
    pattern: Pattern
    source: str
    why: Why = "shape"
    confidence: float = 0.8
    check: Callable[[str], bool] | None = None
    words: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    digits: int = 0
    row: bool = False
    letters: int = 0
    least: int = 0
    holds: str = ""
    says: tuple[str, ...] = ()
    locale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyRule:
    """A key that holds all of one of `choices` speaks of `entity`; so it is one, if `shape` matches the whole text.

    Words are lower-case and singular: `homePhone_numbers` gives home, phone, number. `unless` are words that make the
    key speak of something else (`email_template`, `card_type`). `check` may refuse what only looks like one.
    `numbers` says that a JSON number may be one too, `unless_above` that a word of `unless` in the key above counts.
    """

    entity: str
    choices: tuple[frozenset[str], ...]
    shape: Pattern
    unless: frozenset[str] = frozenset()
    check: Callable[[str], bool] | None = None
    numbers: bool = False
    unless_above: bool = False
    locale: str = ""
