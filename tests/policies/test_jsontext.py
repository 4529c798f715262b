"""A key that comes twice is found, however the text is spelt, and no other text is taken for one."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.jsontext import has_key_twice, loads

PIECES = ('"', ":", "\\", "a", " ", "\n", "b", "\u2028", '"\\":', "{", "}", ",", "/", "\t", "é", "\x01")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


class Members(list[tuple[str, Any]]):
    """An object with its members in order, some of them perhaps of one name."""


VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(st.tuples(TEXTS, inner), max_size=4).map(lambda found: Members(found))
    ),
    max_leaves=8,
)


def spelt(value: Any, chance: Random) -> str:
    """JSON text of the value, with blanks and escapes by chance."""
    if isinstance(value, Members):
        return "{" + ",".join(f"{_key(key, chance)}:{spelt(inner, chance)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spelt(item, chance) for item in value) + "]"
    return _string(value, chance)


def _key(key: str, chance: Random) -> str:
    return _blank(chance) + _string(key, chance) + _blank(chance)


def _blank(chance: Random) -> str:
    return chance.choice(["", " ", "\t\r\n"])


def _string(text: str, chance: Random) -> str:
    return '"' + "".join(_char(char, chance.random()) for char in text) + '"'


def _char(char: str, chance: float) -> str:
    if chance > 0.85 or char == "\x01":
        return f"\\u{ord(char):04x}"
    return {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "/": "\\/" if chance < 0.4 else "/"}.get(char, char)


def repeats(value: Any) -> bool:
    if isinstance(value, Members):
        return len({key for key, _ in value}) < len(value) or any(repeats(inner) for _, inner in value)
    return isinstance(value, list) and any(repeats(item) for item in value)


@settings(max_examples=400, deadline=None)
@given(VALUES, st.randoms())
def test_a_key_twice_is_found_in_every_spelling_and_nothing_else_is(value: Any, chance: Random) -> None:
    text = spelt(value, chance).encode()
    assert has_key_twice(text, loads(text)) == repeats(value)


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        (b'{"a":1,"b":{"a":2}}', False),
        (b'{"a":1,"a":1}', True),
        (b'{"a" : 1 ,"a": 2, "b":"\\"a\\":"}', True),
        (b'{"a":1,"\\u0061":2}', True),
        (b'{"a":"\\u003a","a":2}', True),
        (b'{"a":"x:y::","b":[":",{"c":":"}]}', False),
        (b'{"n":123456789012345678901234567890,"m":0.12345678901234567890123}', False),
        (b"[]", False),
    ],
)
def test_a_text_that_two_readers_may_read_differently(text: bytes, twice: bool) -> None:
    assert has_key_twice(text, loads(text)) is twice
