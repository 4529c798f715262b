from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.jsontext import dumps, loads
from policies.model import Json
from policies.text import (
    DROP,
    Budget,
    GrowthError,
    KeyCollisionError,
    Leaf,
    TooManyValuesError,
    Walk,
    Where,
    keys,
    leaves,
    path,
    split_key,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def same(leaf: Any, where: Where) -> Any:
    return leaf


def shout(leaf: str, where: Where) -> str:
    return leaf if leaf.upper() == leaf else leaf.upper()


def strip_marks(leaf: str, where: Where) -> str:
    """Drops every exclamation mark, also in JSON inside the text, and leaves what has none as it is."""
    new = leaf.replace("!", "") if "!" in leaf else leaf
    return MARKS.inside(new, where) or new


MARKS = Walk(edit=strip_marks)
PICTURE = base64.b64encode(bytes(range(256))).decode()


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
    "key",
    [
        *("jane@example.com", "4111 1111", "", "x" * 41, "a.b", "a\nb", "tel5551234567", "1st", "é"),
        *("card_4111-1111-1111-1111", "ssn-536-22-8726", "ssn_536_22_8726", "id1234", "t5_551_2"),
    ],
)
def test_a_key_that_is_no_identifier_shows_as_a_star_in_a_path(key: str) -> None:
    assert path((None, key)) == "$.*"


@pytest.mark.parametrize("key", ["name", "line_1", "address2", "_meta", "x-api-key"])
def test_a_plain_name_shows_in_a_path(key: str) -> None:
    assert path((None, key)) == f"$.{key}"


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
        "requestState": "opaque",
        "arguments": {"name": "n", "uri": "u", "cursor": "c", "_meta": {"progressToken": "t"}},
        "inputResponses": {"q": {"action": "accept", "content": {"answer": "a"}}},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "client"},
            "io.modelcontextprotocol/other": "o",
            "com.mcp.x/key": "k",
            "progressToken": "t",
            "traceparent": "00-",
            "baggage": {"deep": "b"},
            "vendor.example/note": "note",
        },
    }
    assert paths_of(lambda walk: walk.call(params, "tools/call")) == [
        "$.arguments.name",
        "$.arguments.uri",
        "$.arguments.cursor",
        "$.arguments._meta.progressToken",
        "$.inputResponses.q.action",
        "$.inputResponses.q.content.answer",
        "$._meta.*.name",
        "$._meta.*",
        "$._meta.*",
        "$._meta.baggage.deep",
        "$._meta.*",
    ]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("tools/call", {"name", "requestState"}),
        ("prompts/get", {"name", "requestState"}),
        ("resources/read", {"uri", "requestState"}),
        ("resources/subscribe", {"uri"}),
        ("tools/list", {"cursor"}),
        ("logging/setLevel", {"level"}),
        ("completion/complete", {"ref"}),
        ("ping", set()),
        ("", {"name", "uri", "cursor", "requestState", "ref", "level"}),
    ],
)
def test_a_field_of_a_call_is_the_protocols_only_where_the_method_has_it(method: str, fields: set[str]) -> None:
    every = ("name", "uri", "cursor", "requestState", "level", "taskId")
    params = {**dict.fromkeys(every, "x"), "ref": {"type": "t", "name": "n", "more": "m"}}
    seen = paths_of(lambda walk: walk.call(params, method))
    assert {name for name in (*every, "ref") if f"$.{name}" not in seen and f"$.{name}.name" not in seen} == fields
    assert "$.ref.more" in seen


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("tools/call", {"requestState"}),
        ("tools/list", {"nextCursor"}),
        ("notifications/progress", {"progressToken"}),
        ("server/discover", set()),
        ("error", set()),
        ("", {"requestState", "nextCursor", "progressToken", "requestId"}),
    ],
)
def test_a_field_of_a_result_is_the_protocols_only_where_the_method_has_it(method: str, fields: set[str]) -> None:
    every = ("requestState", "nextCursor", "progressToken", "requestId", "taskId", "cacheScope", "serverInfo")
    seen = paths_of(lambda walk: walk.result(dict.fromkeys(every, "x"), method))
    assert set(every) - {step.removeprefix("$.") for step in seen} == fields


@pytest.mark.parametrize("value", [{"deep": "x"}, ["x"], [{"y": "x"}]])
@pytest.mark.parametrize("key", ["nextCursor", "progressToken", "requestState", "requestId"])
def test_a_field_of_the_protocol_that_holds_more_than_one_value_is_text(key: str, value: Json) -> None:
    assert paths_of(lambda walk: walk.result({key: value, "_meta": {"progressToken": value}})) != []
    assert len(paths_of(lambda walk: walk.result({key: value, "_meta": {"progressToken": value}}))) == 2


def test_of_a_result_everything_is_text_but_the_protocols_own_fields_and_base64() -> None:
    body = {
        "nextCursor": "c",
        "requestState": "s",
        "content": [
            {"type": "image", "data": PICTURE, "mimeType": "image/png"},
            {"type": "audio", "data": f"{PICTURE[:-4]} not base64!"},
            {"type": "resource", "resource": {"uri": "x:y", "blob": PICTURE}},
            {"type": "hologram", "beam": {"deep": ["words"]}, "blob": PICTURE, "data": PICTURE},
        ],
        "contents": [{"uri": "x:y", "blob": PICTURE}],
        "messages": [{"role": "user", "content": {"type": "image", "data": PICTURE}}],
        "blob": PICTURE,
        "structuredContent": {"type": "image", "data": PICTURE, "resource": {"blob": PICTURE}},
        "_meta": {"io.modelcontextprotocol/serverInfo": {"title": "y"}, "other": "z"},
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
        "$.content[3].blob",
        "$.content[3].data",
        "$.contents[0].uri",
        "$.messages[0].role",
        "$.messages[0].content.type",
        "$.blob",
        "$.structuredContent.type",
        "$.structuredContent.data",
        "$.structuredContent.resource.blob",
        "$._meta.*.title",
        "$._meta.other",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "aGk=",
        "ssn 536-22-8726, call me on that number",
        "4111111111111111" * 4,
        "+12125550100" * 3,
        "Call+12125550100orElseThisIsBase64ToYou/",
        f"{PICTURE}=",
        PICTURE[:-1],
        f"{PICTURE}\n",
        f"{PICTURE[:-4]}Ａ" + "===",
    ],
)
def test_what_only_claims_to_be_base64_is_text(text: str) -> None:
    blob = {"contents": [{"blob": text}], "content": [{"type": "image", "data": text}]}
    assert paths_of(lambda walk: walk.result(blob)) == ["$.contents[0].blob", "$.content[0].type", "$.content[0].data"]


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
    "text",
    [
        *("plain", "", "{not json}", '"just a string"', "12", "[" * 300 + "]" * 300, '{"a":"x"', '["x"]]', '["x"}'),
        *("[555 123 4567]", "[1] 4111111111111111", '{"a" "b"}', '{"a":}', '["a":1]', "[+1]", '{"a":"b":"c"}', "[,]"),
        *('["x"] said jane', '"To be," he said, "or not"', '"C:\\bin\\foo"', '```json\n["x"]', '```1\n["x"]\n```'),
    ],
)
def test_a_text_that_is_no_json_is_plain(text: str) -> None:
    assert Walk(edit=same).inside(text, None) is None


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"a": "x!"}',
        '\u200b \n{"a": "x!"}\n',
        '{"a": NaN, "b": "x!", "c": [-Infinity, Infinity]}',
        '{"a": "x!", "n": 1e400, "m": 1e-99999999999999999999}',
        f'{{"a": "x!", "n": {"9" * 5_000}}}',
        '```json\n{"a": "x!"}\n```',
        '```\n["x!"]```\n',
        '{"a": "x"}\n{"a": "x!"}\n\n{"b": 1}\n',
        '["\\ud800x!"]',
        '{"a": "x!", "b": [1, 2,],}',
        '{"a": "x!", "a": "y!"}',
        '"\\u0021x"',
        '"{\\"a\\": \\"x!\\"}"',
        '{"a": "tab\there!"}',
        '["{\\"a\\": [\\"x!\\"]}"]',
    ],
)
def test_what_is_nearly_json_is_looked_into_and_keeps_all_that_is_not_changed(text: str) -> None:
    assert MARKS.inside(text, None) == text.replace("!", "").replace("\\u0021", "").replace("tab\t", "tab\\t")


def test_of_a_json_text_only_the_strings_that_change_are_written() -> None:
    kept = '"n" :1.10,"m":1e5, "z":-0,\r\n\t"q":0.30000000000000004,"s":"a\\/b","u":"\\u00e9","e":"",  "l":[ ],"o":{ }'
    text = f' {{{kept} ,"x":"\\u0021y", "k!":[1.0 , "z!\\n"]}}\n'
    walk = Walk(edit=strip_marks, key=strip_marks)
    assert walk.inside(text, None) == f' {{{kept} ,"x":"y", "k":[1.0 , "z\\n"]}}\n'


@given(JSON, st.randoms())
def test_a_json_text_says_after_the_walk_what_a_walk_of_its_value_gives(value: Json, chance: random.Random) -> None:
    style = chance.choice(STYLES)
    wrapped = {"in": value}
    text = json.dumps(wrapped, **style)
    try:
        expected = Walk(edit=shout, key=shout).value(wrapped)
    except KeyCollisionError:
        with pytest.raises(KeyCollisionError):
            Walk(edit=shout, key=shout).inside(text, None)
        return
    assert Walk(edit=shout, key=shout).inside(text, None) == json.dumps(expected, **style)


@given(JSON)
def test_the_paths_in_a_json_text_are_those_of_its_value(value: Json) -> None:
    plain, inner = [], []
    Walk(edit=lambda leaf, where: plain.append((where, leaf)) or leaf, numbers=True).value([value])
    text = json.dumps([value])
    Walk(edit=lambda leaf, where: inner.append((where, leaf)) or leaf, numbers=True).inside(text, None)
    assert inner == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":"go"}', "{}"),
        ('{ "a": "go" , "b": 1 }', '{ "b": 1 }'),
        ('{"b": 1, "a": "go"}', '{"b": 1}'),
        (
            '{\n  "a": "go",\n  "b": "go",\n  "c": 1,\n  "d": "go",\n  "e": "go",\n  "f": 2\n}',
            '{\n  "c": 1,\n  "f": 2\n}',
        ),
        ('["go", {"x": {"a": "go"}}]', '[null, {"x": {}}]'),
    ],
)
def test_a_property_in_a_json_text_can_be_dropped(text: str, expected: str) -> None:
    walk = Walk(edit=lambda leaf, where: DROP if leaf == "go" else leaf, key=lambda key, where: f"{key}"[:])
    assert walk.inside(text, None) == expected


def test_a_number_in_a_json_text_can_be_replaced() -> None:
    walk = Walk(edit=lambda leaf, where: 0 if leaf == 536228726 else leaf, numbers=True)
    assert walk.inside('{"a":536228726 ,"b":1.50,"c":5.36228726e8}', None) == '{"a":0 ,"b":1.50,"c":0}'


def test_keys_in_a_json_text_that_become_the_same_are_an_error() -> None:
    walk = Walk(edit=same, key=shout)
    with pytest.raises(KeyCollisionError):
        walk.inside('{"a":1,"A":2}', None)
    assert walk.inside('{"a":1,"a":{"b":2}}', None) == '{"A":1,"A":{"B":2}}'


def test_a_json_text_does_not_grow_with_the_indent_or_the_escapes_that_its_writer_chose() -> None:
    indented = "{\n" + " " * 4_000 + '"h":"x!",' + ",".join(f'"{number}":1' for number in range(2_000)) + "}"
    assert MARKS.inside(indented, None) == indented.replace("!", "")
    nested = '["' + '\\"' * 500 + '\\u0021"]'
    for _ in range(18):
        nested = '["' + nested.replace("\\", "\\u005c").replace('"', "\\u0022") + '"]'
    with pytest.raises(GrowthError):
        MARKS.inside(nested, None)


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


@pytest.mark.parametrize(
    "unit",
    [" ", '"', '\\"', '["', "[", "{", '{"a":', '"a",', "0,", "\\", '{"a":1}', '["\\u0041"]', "1", "-", "`", "\ufeff"],
)
@pytest.mark.parametrize("frame", ["{}", '["x",{}', "```json\n[{}]\n```", '"\\u0041{}"', '["{}"]', '["x"{}]'])
def test_any_text_is_read_in_linear_time(unit: str, frame: str) -> None:
    def seconds(size: int) -> float:
        text = frame.replace("{}", unit * (size // len(unit)))
        return min(_timed(lambda: Walk(edit=same, key=same, numbers=True).inside(text, None)) for _ in range(3))

    assert seconds(80_000) < 8 * 4 * seconds(10_000) + 0.005


@pytest.mark.parametrize("text", [" " * 200_000 + "!", "A" * 200_000 + "!", "a=" * 100_000, "Aa" * 100_000 + "="])
def test_base64_is_recognised_in_linear_time(text: str) -> None:
    assert _timed(lambda: Walk(edit=same).result({"contents": [{"blob": text}]})) < 0.1


def test_a_budget_bounds_the_walk_in_and_outside_of_texts() -> None:
    value = [{"a": "x"}, json.dumps(["y"] * 50)]

    def walked(values: int) -> None:
        walk = Walk(edit=lambda leaf, where: walk.inside(leaf, where) or leaf, budget=Budget(values, lambda: False))
        walk.value(value)

    walked(70)
    for values in (0, 4, 12, 60):
        with pytest.raises(TooManyValuesError):
            walked(values)


def test_a_budget_that_is_late_has_nothing_left() -> None:
    walk = Walk(edit=same, budget=Budget(1_000_000, lambda: True))
    walk.value(["x"])
    with pytest.raises(TooManyValuesError):
        walk.value([["x"] * 100] * 100)


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
