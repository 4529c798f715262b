from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect.finding import Near
from policies.detect.layers import layers
from policies.secrets.finder import SecretFinder
from policies.secrets.trie import Words
from tests.secrets.planted import Maker
from tests.secrets.texts import UNDER_KEYS, WRITTEN

FINDER = SecretFinder()
SECRETS = [
    *Maker().shaped().values(),
    *(frame.replace("{}", secret) for frame, secret in Maker().named().values()),
    *(text.replace("⟦", "").replace("⟧", "") for text in WRITTEN),
]


def _wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


DISGUISES: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: "\u200b".join(text),
    lambda text: "\u00ad".join(text),
    _wide,
    lambda text: text.replace("-", "\u2011").replace(".", "\uff0e").replace(":", "\uff1a"),
    lambda text: "".join(f"&#{ord(char)};" for char in text),
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    lambda text: "".join(f"\\u{ord(char):04x}" for char in text) + '"',
    lambda text: json.dumps(text),
    lambda text: json.dumps(json.dumps({"a": text})),
    lambda text: text.replace("/", "\\/") + '"',
    lambda text: re.sub(r"([_.@+~*-])", r"\\\1", text),
    lambda text: "\x08".join(text),
    lambda text: "\x1b[0m".join(text),
)


@settings(max_examples=150, deadline=None)
@given(
    secret=st.sampled_from(SECRETS),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    disguise=st.sampled_from(DISGUISES),
    ascii_only=st.booleans(),
)
def test_the_gate_lets_through_every_document_in_which_something_would_be_found(
    secret: str, before: str, after: str, disguise: Callable[[str], str], ascii_only: bool
) -> None:
    text = f"{before} {disguise(secret)} {after}"
    raw = json.dumps({"t": text}, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8", "surrogatepass")

    found = any(list(FINDER.find(layer.text, Near(("t",)), lambda: None)) for layer in layers(text))

    assert FINDER.may_hold(raw) or not found


@pytest.mark.parametrize(("key", "value"), UNDER_KEYS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_gate_lets_through_what_stands_under_a_key(key: str, value: str, ascii_only: bool) -> None:
    document: object = value
    for each in key.split("<"):
        document = {each: document}

    assert FINDER.may_hold(json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"ORD-1","created_at":"2026-01-02T03:04:05Z","name":"Jane Roe","url":"https://shop.example.org/o/1"}',
        '{"description":"Ein schönes Gerät für die Küche – 20 % günstiger","n":[1,2,3]}',
        '{"t":"passed all tests, 12 passengers, keyboard, monkey & co"}',
    ],
)
def test_the_gate_holds_back_plain_documents(text: str) -> None:
    assert not FINDER.may_hold(text.encode())


@given(
    words=st.sets(st.text("abck_-", min_size=2, max_size=5), min_size=1, max_size=8),
    text=st.text("abck_-", max_size=40),
)
def test_words_are_found_wherever_they_stand(words: set[str], text: str) -> None:
    table, found, at = Words(words), set(), 0
    while hit := table.hit(text, at):
        found |= set(table.at(text, hit))
        at = hit.start() + 1

    assert found == {(at, word) for word in words for at in range(len(text)) if text.startswith(word, at)}
