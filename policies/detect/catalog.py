"""All rules of ours, and the engine made of those that a configuration asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Final

from policies.detect import (
    banks,
    cards,
    crypto,
    emails,
    ids_americas,
    ids_asia_pacific,
    ids_europe,
    ids_southern_europe,
    ids_us,
    network,
    people,
    phones,
)
from policies.detect.engine import Engine
from policies.detect.finding import Finder
from policies.detect.keynames import KeyNames
from policies.detect.rule import KeyRule, Rule
from policies.detect.rules import Rules

_SOURCES: Final = (
    emails,
    network,
    phones,
    people,
    cards,
    banks,
    crypto,
    ids_us,
    ids_americas,
    ids_europe,
    ids_southern_europe,
    ids_asia_pacific,
)
_NUMBERS: Final = frozenset(
    (
        "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "US_ITIN", "US_ROUTING_NUMBER", "US_BANK_NUMBER", "UK_NHS",
        "DE_TAX_ID", "IN_AADHAAR", "AU_TFN", "CA_SIN", "BR_CPF",
    )
)  # fmt: skip
"""Their values are digits, blanks and signs."""

RULES: Final[tuple[Rule, ...]] = tuple(
    replace(rule, row=rule.entity in _NUMBERS) for source in _SOURCES for rule in source.RULES
)
KEYS: Final[tuple[KeyRule, ...]] = tuple(chain.from_iterable(source.KEYS for source in _SOURCES))


def engine(
    entities: Collection[str], locales: Collection[str], threshold: float, others: Sequence[Finder] = ()
) -> Engine:
    """An engine for these entities by the rules of these countries, and by `others` besides."""
    rules, names = _of(frozenset(entities), frozenset(locales), threshold)
    asked = frozenset(entities).union(*(other.entities for other in others))
    return Engine([rules, *others], names, asked)


@lru_cache(maxsize=4)
def _of(entities: frozenset[str], locales: frozenset[str], threshold: float) -> tuple[Rules, KeyNames]:
    """Both are shared by the policies of a chain that ask for the same: making them is most of what loading costs."""
    rules = [
        rule
        for rule in RULES
        if rule.entity in entities and (not rule.locale or rule.locale in locales) and rule.confidence >= threshold
    ]
    names = [rule for rule in KEYS if not rule.locale or rule.locale in locales]
    denying = frozenset[str]().union(*(rule.unless for rule in rules))
    return Rules(rules), KeyNames(names, denying)
