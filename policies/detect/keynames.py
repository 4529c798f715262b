"""What the names of keys say: their words, and the rule that they select."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, pairwise
from typing import Final, TypeAlias

from policies.detect.rule import KeyRule
from policies.detect.wording import words

_Choice: TypeAlias = "tuple[frozenset[str], int, KeyRule]"

_SPLIT: Final = re.compile(r"[iI][pP][vV][46]|[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_ACCENTS: Final = re.compile(r"[\u0300-\u036f]+")
_LONG: Final = 5
"""Letters from which on a word counts as the end of a compound; two are enough where each letter is a syllable."""
_SHORTEST_HEAD: Final = 2
_LONGEST_KEY: Final = 200
_JOINED: Final = {("user", "name"): "username"}
"""Two words that say something else than `name` under `user` does."""

GENERIC: Final = words(
    """
    value number text primary secondary home work main no nr num other alternate alternative alt personal
    private business office preferred default raw current new old complete data info detail record field entry
    content display formatted normalized original masked hash item object attribute property profile input
    output line string list a b of the de da du del di do la le el principal wert valor valeur valore nummer
    numero numéro 番号 値
    """
)
"""They say little: what stands above such a key decides."""


class KeyNames:
    """Finds the rule for a key and the one above it. Immutable once made; a thread may share it."""

    __slots__ = ("_choices", "_known", "_tails")

    def __init__(self, rules: Iterable[KeyRule], whole: Iterable[str] = ()) -> None:
        """The first of `rules` wins where two choices are equally long. Their words come with or without accents.

        `whole` are further words that no two known ones make up: `latest` is not `la test`.
        """
        choices: dict[str, list[_Choice]] = {}
        known = set(GENERIC) | {_folded(word) for word in chain(GENERIC, whole)}
        for order, rule in enumerate(map(_with_folded, rules)):
            for choice in rule.choices:
                folded = frozenset(_folded(word) for word in choice)
                choices.setdefault(min(folded), []).append((folded, -order, rule))
                known |= folded
            known |= {_folded(word) for word in rule.unless}
        self._choices = choices
        self._known = frozenset(known)
        self._tails = frozenset(word for word in known if len(word) >= _LONG or (len(word) > 1 and not word.isascii()))

    def words(self, key: str) -> tuple[str, ...]:
        """The key's words in their order: lower-case, singular, without accents, known compounds taken apart."""
        found: list[str] = []
        for part in _SPLIT.findall(_folded_case(key[:_LONGEST_KEY])):
            found.extend(self._apart(part.lower()))
        joined = pairwise(found)
        at = next((index for index, pair in enumerate(joined) if pair in _JOINED), None)
        if at is not None:
            found[at : at + 2] = [_JOINED[found[at], found[at + 1]]]
        return tuple(found)

    def near(self, keys: tuple[str, ...]) -> frozenset[str]:
        """The words of all `keys`, without those that their own key takes back: `phone_id` says nothing of a phone."""
        return frozenset().union(*(self._meant(self.words(key)) for key in keys))

    def _meant(self, words: tuple[str, ...]) -> frozenset[str]:
        here = frozenset(words)
        denied = [choice for choice, _, rule in self._candidates(here) if not rule.unless.isdisjoint(here)]
        return here.difference(*denied)

    def said(self, keys: tuple[str, ...]) -> KeyRule | None:
        """The first of `rules_for`."""
        return next(iter(self.rules_for(keys)), None)

    def rules_for(self, keys: tuple[str, ...]) -> tuple[KeyRule, ...]:
        """The rules that `keys`, nearest first, select, those that ask for most words first.

        The nearest decides. The one above counts with it where a choice has words in both, and alone where the nearest
        has but generic words. A key that repeats the one below it says nothing more, and further keys do not count.
        """
        if not keys:
            return ()
        near = self.words(keys[0])
        above = next((words for words in map(self.words, keys[1:]) if words != near), ())
        found = {**self._by_nearest(near, above), **(self._by_both(near, above) if above else {})}
        return tuple(sorted(found, key=found.__getitem__, reverse=True))

    def _by_nearest(self, near: tuple[str, ...], above: tuple[str, ...]) -> dict[KeyRule, tuple[int, int]]:
        """Rules, each with how many words it asks for and its order."""
        here, both = frozenset(near), frozenset(near) | frozenset(above)
        found: dict[KeyRule, tuple[int, int]] = {}
        for choice, order, rule in self._candidates(here):
            if rule.unless.isdisjoint(both if rule.unless_above else here):
                found[rule] = max(found.get(rule, (0, 0)), (len(choice), order))
        return found

    def _by_both(self, near: tuple[str, ...], above: tuple[str, ...]) -> dict[KeyRule, tuple[int, int]]:
        both = frozenset(near) | frozenset(above)
        telling = [word for word in above if not _is_generic(word)]
        found: dict[KeyRule, tuple[int, int]] = {}
        for choice, order, rule in self._candidates(both):
            rest = [word for word in near if word not in choice and not _is_generic(word)]
            if rest or not telling or telling[-1] not in choice or not rule.unless.isdisjoint(both):
                continue
            if not choice.isdisjoint(near) or all(map(_is_generic, near)):
                found[rule] = max(found.get(rule, (0, 0)), (len(choice), order))
        return found

    def _candidates(self, words: frozenset[str]) -> Iterator[_Choice]:
        for word in words:
            for each in self._choices.get(word, ()):
                if each[0] <= words:
                    yield each

    def _apart(self, word: str) -> list[str]:
        """The word in the singular; or the known word that it ends in, with what stands before it."""
        single = self._singular(word)
        if single in self._known:
            return [single]
        for at in range(_SHORTEST_HEAD if word.isascii() else 1, len(single) - 1):
            head, tail = single[:at], single[at:]
            if tail in self._tails or (tail in self._known and head in self._known and len(tail) > 2):
                return [head, tail]
        return [single]

    def _singular(self, word: str) -> str:
        if word in self._known or not word.endswith("s") or len(word) < 3:
            return word
        stems = (word[:-1], word[:-2], word[:-3] + "y")
        known = next((stem for stem in stems if stem in self._known), None)
        if known:
            return known
        if word.endswith(("ss", "us", "is")):
            return word
        if word.endswith("ies"):
            return stems[2]
        return stems[1] if word.endswith(("sses", "xes", "ches", "shes")) else stems[0]


def _is_generic(word: str) -> bool:
    return word in GENERIC or word.isdigit()


def _folded_case(key: str) -> str:
    """Without accents; the case stays."""
    if key.isascii():
        return key
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", key.replace("ß", "ss")))
    return unicodedata.normalize("NFC", plain)


def _folded(word: str) -> str:
    return _folded_case(word).lower()


def _with_folded(rule: KeyRule) -> KeyRule:
    return replace(rule, unless=frozenset(map(_folded, rule.unless)))
