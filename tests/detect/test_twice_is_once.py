"""What was redacted is not redacted again, and what holds nothing stays as it is, numbers as they are written."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect.actions import Actions
from policies.detect.catalog import engine
from policies.detect.entities import ENTITIES, LOCALES
from policies.detect.redaction import Redaction
from policies.detect.scope import Scope
from policies.jsontext import dumps, loads
from policies.model import Json, JsonObject
from policies.text import Walk
from policies.tokens.layout import Parts, written
from tests.detect.redacting import CARD, EMAIL, IBAN, PHONE, SSN

ENGINE: Final = engine(ENTITIES, LOCALES, 0.4)


def seal(value: str, entity: str, number: bool) -> str:
    """A whole token that nobody can open."""
    sealed = hashlib.shake_256(f"{value} {number}".encode()).digest(24 + len(value))
    return written(Parts(entity=entity, key_id=b"abc", expiry=0, sealed=sealed))


ACTIONS: Final[dict[str, Actions]] = {
    **{name: Actions(default=name) for name in ("replace", "mask", "remove")},  # type: ignore[arg-type]
    "hash": Actions(default="hash", key=b"k" * 32),
    "tokenize": Actions(default="tokenize", seal=seal),
}

values = st.sampled_from(
    [EMAIL, PHONE, SSN, CARD, IBAN, "10.1.2.3", "4111111111111111", "+14155550132", "1984-03-12", "jane@example.com"]
)
words = st.sampled_from(
    [
        "ask",
        "tel",
        "SSN:",
        "born",
        "card",
        "order",
        "or",
        "at",
        ",",
        ";",
        "\n",
        "(",
        ")",
        '"',
        "<b>",
        "dob=",
        "Maria Lopez",
    ]
)
texts = st.lists(st.one_of(values, words), max_size=7).map(" ".join)
keys = st.sampled_from(
    ["email", "phone", "ssn", "note", "dob", "first_name", "order_id", "card_number", "a", "address", "iban", "url"]
)
leaves = st.one_of(
    texts, values, st.integers(0, 10**16), st.sampled_from([536228726, 4111111111111111, None, True, 1.5])
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=3).map(lambda value: dumps(value).decode()),
    ),
    max_leaves=8,
)


def redacted(body: JsonObject, actions: Actions) -> JsonObject:
    return Redaction(ENGINE, Scope(max_text=1 << 20, actions=actions), lambda: None).run(body, Walk.result)


def as_body(text: str, tree: Json) -> JsonObject:
    content = [{"type": "text", "text": text}, {"type": "text", "text": json.dumps(tree)}]
    return {"content": content, "structuredContent": tree}


@pytest.mark.parametrize("action", [name for name in ACTIONS if name != "remove"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=texts, tree=trees)
def test_redacting_twice_equals_once(action: str, text: str, tree: Json) -> None:
    once = redacted(as_body(text, tree), ACTIONS[action])
    assert redacted(once, ACTIONS[action]) == once


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    text=st.lists(st.one_of(values, st.sampled_from(["ask", "or", "at", ",", "\n", "(", ")", '"'])), max_size=7).map(
        " ".join
    )
)
def test_removing_twice_equals_once_in_a_text(text: str) -> None:
    """Where no word speaks of a value: what is removed brings the words around it closer to others."""
    once = redacted({"content": [{"type": "text", "text": text}]}, ACTIONS["remove"])
    assert redacted(once, ACTIONS["remove"]) == once


@pytest.mark.parametrize(
    "text",
    [
        "<EMAIL_ADDRESS>",
        "ask <EMAIL_ADDRESS> or <PERSON:ab2c3d4e5f6g7h2i>, SSN: <US_SSN>, tel <PHONE_NUMBER:2125550101212555>",
        f"card {seal(CARD, 'CREDIT_CARD', False)} of {seal('Maria', 'PERSON', False)}",
        f"tel {seal(PHONE, 'PHONE_NUMBER', False)}".replace("<", "&lt;").replace(">", "&gt;"),
    ],
)
@pytest.mark.parametrize("key", ["note", "email", "phone", "ssn", "name", "card_number", "address"])
def test_labels_and_tokens_are_nothing_to_find(text: str, key: str) -> None:
    body = as_body(text, {key: text, "x": [f"{{{text}}}"]})
    assert redacted(body, Actions()) is body


def test_what_stands_beside_a_label_is_found() -> None:
    text = f"<EMAIL_ADDRESS> {EMAIL} <PERSON:abcd>{SSN} {seal(SSN, 'US_SSN', False)} {CARD}"
    clean = redacted({"content": [{"type": "text", "text": text}]}, Actions())["content"][0]["text"]
    assert clean == text.replace(EMAIL, "<EMAIL_ADDRESS>").replace(f">{SSN}", "><US_SSN>").replace(
        CARD, "<CREDIT_CARD>"
    )


NUMBERS: Final = (
    "1180591620717411303424",
    "-1180591620717411303424",
    "1.10",
    "1e5",
    "1E+5",
    "0.1000000000000000055511151231257827",
    "-0.0",
    "12345678",
)
plain = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.text('abc déß"\\\n日😀', max_size=12).map(json.dumps)
)


def _object(pairs: list[tuple[str, str]], between: str) -> str:
    return "{" + f",{between}".join(f"{json.dumps(key)}:{between}{value}" for key, value in pairs) + "}"


documents = st.recursive(
    plain.map(lambda value: value if isinstance(value, str) else json.dumps(value)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
        st.tuples(
            st.lists(st.tuples(st.sampled_from("abcd"), inner), max_size=4), st.sampled_from(["", " ", "\n  "])
        ).map(lambda made: _object(*made)),
        inner.map(json.dumps),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(documents)
def test_without_findings_the_value_is_the_same_object_and_every_number_keeps_its_text(document: str) -> None:
    value: Any = loads(document)
    body = {"content": [{"type": "text", "text": document}], "structuredContent": {"in": value, "text": document}}
    before = dumps(body)
    assert redacted(body, Actions()) is body
    assert dumps(body) == before


@pytest.mark.parametrize("number", NUMBERS)
def test_beside_a_finding_every_number_keeps_its_text(number: str) -> None:
    text = f'{{"email": "{EMAIL}", "n": [{number}, {{"m": {number}}}]}}'
    deep = json.dumps({"in": text})
    body = {
        "content": [{"type": "text", "text": text}, {"type": "text", "text": deep}],
        "structuredContent": loads(text),
    }
    clean = redacted(body, Actions())
    assert clean["content"][0]["text"] == text.replace(EMAIL, "<EMAIL_ADDRESS>")
    assert clean["content"][1]["text"] == deep.replace(EMAIL, "<EMAIL_ADDRESS>")
    assert dumps(clean["structuredContent"]) == dumps(loads(text)).replace(EMAIL.encode(), b"<EMAIL_ADDRESS>")
