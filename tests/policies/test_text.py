from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.jsontext import dumps, loads
from policies.model import Json
from policies.text import DROP, KeyCollisionError, Leaf, Walk, Where, keys, leaves, path, split_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def same(leaf: Any, where: Where) -> Any:
    return leaf


def shout(leaf: str, where: Where) -> str:
    return leaf if leaf.upper() == leaf else leaf.upper()


def paths_of(walk: Callable[[Walk], object]) -> list[str]:
    seen: list[str] = []

    def note(leaf: str, where: Where) -> str:
        seen.append(path(where))
        return leaf

    walk(Walk(edit=note))
    return seen


@given(JSON)
def test_a_value_in_which_nothing_changes_comes_back_as_the_same_object(value: Json) -> None:
    assert Walk(edit=same, key=same, numbers=True).value(value) is value


@given(JSON)
def test_every_string_and_every_key_is_seen(value: Json) -> None:
    def strings(item: Json) -> list[str]:
        if isinstance(item, str):
            return [item]
        if isinstance(item, dict):
            return [text for key, child in item.items() for text in (*strings(child), key)]
        return [text for child in item for text in strings(child)] if isinstance(item, list) else []

    assert [leaf.text for leaf in leaves(value)] == strings(value)


def test_only_the_branches_that_change_are_copied() -> None:
    value = {"a": ["x", {"b": "Y"}], "c": {"d": ["Z", 1]}, "e": 2}
    new = Walk(edit=shout).value(value)
    assert new == {"a": ["X", {"b": "Y"}], "c": {"d": ["Z", 1]}, "e": 2}
    assert new["a"][1] is value["a"][1]  # type: ignore[index]
    assert new["c"] is value["c"]
    assert value["a"] == ["x", {"b": "Y"}]


def test_leaves_have_a_path_and_the_words_of_their_key() -> None:
    value = {"customer": {"homePhone_number": ["555"], "jane@x.org": "y"}}
    assert leaves(value) == [
        Leaf("$.customer.homePhone_number[0]", ("home", "phone", "number"), "555"),
        Leaf("$.customer.homePhone_number", ("home", "phone", "number"), "homePhone_number", True),
        Leaf("$.customer.*", ("jane", "x", "org"), "y"),
        Leaf("$.customer.*", ("jane", "x", "org"), "jane@x.org", True),
        Leaf("$.customer", ("customer",), "customer", True),
    ]


@pytest.mark.parametrize(
    "key", ["jane@example.com", "4111 1111", "", "x" * 41, "a.b", "a\nb", "tel5551234567", "1st", "é"]
)
def test_a_key_that_is_no_identifier_shows_as_a_star_in_a_path(key: str) -> None:
    assert path((None, key)) == "$.*"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("dateOfBirth", ("date", "of", "birth")),
        ("SSN", ("ssn",)),
        ("user-email_2", ("user", "email", "2")),
        ("IPAddress", ("ip", "address")),
    ],
)
def test_key_names_are_split_into_words(key: str, words: tuple[str, ...]) -> None:
    assert split_key(key) == words


def test_the_nearest_keys_skip_array_indexes() -> None:
    assert keys(((((None, "a"), "b"), 0), 1)) == ("b", "a")


def test_of_a_call_only_what_people_and_models_write_is_text() -> None:
    params = {
        "name": "tool",
        "uri": "file:///x",
        "cursor": "abc",
        "requestState": "opaque",
        "ref": {"type": "ref/prompt", "name": "p"},
        "arguments": {"name": "n", "uri": "u", "cursor": "c", "_meta": {"progressToken": "t"}},
        "argument": {"name": "n", "value": "v"},
        "inputResponses": {"q": {"action": "accept", "content": {"answer": "a"}}},
        "_meta": {
            "io.modelcontextprotocol/clientInfo": {"name": "client"},
            "com.mcp.x/key": "k",
            "progressToken": "t",
            "traceparent": "00-",
            "vendor.example/note": "note",
        },
    }
    assert paths_of(lambda walk: walk.call(params)) == [
        "$.arguments.name",
        "$.arguments.uri",
        "$.arguments.cursor",
        "$.arguments._meta.progressToken",
        "$.argument.name",
        "$.argument.value",
        "$.inputResponses.q.action",
        "$.inputResponses.q.content.answer",
        "$._meta.*",
    ]


def test_of_a_result_everything_is_text_but_the_protocols_own_fields_and_base64() -> None:
    body = {
        "resultType": "complete",
        "nextCursor": "c",
        "requestState": "s",
        "content": [
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "audio", "data": "not base64!"},
            {"type": "resource", "resource": {"uri": "x:y", "blob": "aGk="}},
            {"type": "hologram", "beam": {"deep": ["words"]}},
        ],
        "structuredContent": {"type": "image", "data": "5551234567", "_meta": {"traceparent": "x"}},
        "_meta": {"io.modelcontextprotocol/x": "y", "other": "z"},
    }
    assert paths_of(lambda walk: walk.result(body)) == [
        "$.content[0].type",
        "$.content[0].mimeType",
        "$.content[1].type",
        "$.content[1].data",
        "$.content[2].type",
        "$.content[2].resource.uri",
        "$.content[3].type",
        "$.content[3].beam.deep[0]",
        "$.structuredContent.type",
        "$.structuredContent.data",
        "$.structuredContent._meta.traceparent",
        "$._meta.other",
    ]


def test_a_property_can_be_dropped() -> None:
    walk = Walk(edit=lambda leaf, where: DROP if leaf == "go" else leaf)
    assert walk.value({"a": "go", "b": "stay"}) == {"b": "stay"}


def test_keys_that_become_the_same_are_an_error() -> None:
    with pytest.raises(KeyCollisionError):
        Walk(edit=same, key=shout).value({"a": 1, "A": 2})


STYLES = [
    {"separators": (",", ":")},
    {"separators": (", ", ": ")},
    {"indent": 2},
    {"indent": 4},
    {"indent": "\t"},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": 2, "ensure_ascii": False},
]


@pytest.mark.parametrize("style", STYLES)
def test_json_inside_a_text_is_written_back_in_its_own_style(style: dict[str, Any]) -> None:
    value = {"name": "jané", "list": [1, 2.5, "a: b, c", [], {}], "none": None, "deep": {"yes": True}}
    expected = {**value, "name": "JANÉ", "list": [1, 2.5, "A: B, C", [], {}]}
    text = json.dumps(value, **style)
    assert Walk(edit=shout).inside(f"\n{text} ", None) == f"\n{json.dumps(expected, **style)} "
    assert Walk(edit=same).inside(text, None) is text


def test_numbers_inside_a_json_text_keep_every_digit() -> None:
    text = '{"big":1180591620717411303424,"exact":0.12345678901234567890123,"s":"a"}'
    assert Walk(edit=shout).inside(text, None) == text.replace('"a"', '"A"')


@pytest.mark.parametrize(
    "text", ["plain", "", "{not json}", '"just a string"', "12", '{"a":1,"a":2}', "[" * 300 + "]" * 300]
)
def test_a_text_that_is_no_json_or_says_a_key_twice_is_plain(text: str) -> None:
    assert Walk(edit=same).inside(text, None) is None


def test_the_deepest_value_that_is_accepted_can_be_walked_also_inside_a_text() -> None:
    value = loads(b'{"a":' * 200 + b'"x"' + b"}" * 200)
    assert dumps(Walk(edit=shout, key=same).value(value)).count(b"X") == 1
    text = dumps(loads(b"[" * 199 + b'"x"' + b"]" * 199)).decode()
    walk = Walk(edit=lambda leaf, where: walk.inside(leaf, where) or leaf.upper())
    assert walk.value([text]) == [text.upper()]


def test_a_walk_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        value = [{"key": "text", "deep": [["a"]]} for _ in range(size)]
        return min(_timed(lambda: Walk(edit=same, key=same).value(value)) for _ in range(3))

    assert seconds(40_000) < 10 * 5 * seconds(4_000)


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
