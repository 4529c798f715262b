"""What rules find in a text, without the engine around them: each pattern, each check, the words near by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policies.detect import (
    banks,
    cards,
    crypto,
    ids_americas,
    ids_asia_pacific,
    ids_europe,
    ids_southern_europe,
    ids_us,
)
from policies.detect.rule import KeyRule, Rule

_MODULES = (cards, banks, crypto, ids_us, ids_europe, ids_southern_europe, ids_asia_pacific, ids_americas)
RULES: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in module.RULES)
KEYS: tuple[KeyRule, ...] = tuple(key for module in _MODULES for key in module.KEYS)


def found(text: str, entity: str, rules: Iterable[Rule] = RULES) -> set[str]:
    """The values of `entity` in `text`; every word of the text counts as near."""
    near = {form for word in re.findall(r"[^\W\d_]+", text.lower()) for form in (word, word.removesuffix("s"))}
    return {
        match[group]
        for rule in rules
        if rule.entity == entity and (not rule.words or rule.words & near)
        for group in ["value" if "value" in rule.pattern.groupindex else 0]
        for match in rule.pattern.finditer(text)
        if rule.check is None or rule.check(match[group])
    }


def keyed(words: str, value: str) -> set[str]:
    """The entities that a key of these words makes of `value`."""
    near = set(words.split())
    return {
        key.entity
        for key in KEYS
        if any(choice <= near for choice in key.choices) and not key.unless & near
        if key.shape.fullmatch(value) and (key.check is None or key.check(value))
    }


def edited(value: str, places: Iterable[int]) -> list[str]:
    """`value` with the character at each place replaced by the next digit or letter."""
    return [value[:place] + _next(value[place]) + value[place + 1 :] for place in places]


def glued(value: str) -> list[str]:
    """`value` inside something longer, which it is no part of."""
    return [
        f"ORD-{value}",
        f"{value}-X7",
        f"a{value}",
        f"{value}b",
        f"7{value}",
        f"{value}7",
        f"id_{value}",
        f"{value}_id",
        f"f47ac10b-58cc-4372-a567-{value}",
        f"arn:aws:sqs:us-east-1:{value}:queue",
        f"arn:aws:iam::{value}:role/x",
        f"3.{value}",
        f"{value}.5",
    ]


def _next(char: str) -> str:
    return {"9": "0", "Z": "A", "z": "a"}.get(char, chr(ord(char) + 1))
