from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.chain import Chain, Entry
from policies.hidden import clean, suspicious
from policies.jsontext import dumps, loads
from policies.lent import SetClock, services
from policies.model import ALLOW, ANYONE, Call, Change, Deny, Json, Modify, Result, Tool
from policies.sanitize import MAX_CHANGES, Sanitize, SanitizeConfig
from policies.testing import build, call, frozen, result, tool

ZWSP, RLO, TAG_A, BOM, SHY = "\u200b", "\u202e", "\U000e0041", "\ufeff", "\u00ad"
FAMILY, HEART, FLAG = "👨\u200d👩\u200d👧", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

HIDDEN = [
    (f"a{ZWSP}b", "ab", {"invisible"}),
    (f"{BOM}a{SHY}b\u2060\ufe00", "ab", {"invisible"}),
    (f"a{RLO}b\u2066c\u2069", "abc", {"bidi"}),
    (f"hi{TAG_A}\U000e0049\U000e007f", "hi", {"tag"}),
    ("a\x00b\x07c\x7fd\x85", "abcd", {"control"}),
    ("\x1b[31mred\x1b[0m", "red", {"ansi"}),
    ("\x1b]0;title\x07shown", "shown", {"ansi"}),
    ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", {"ansi"}),
    ("\x1bPdata\x1b\\x\x1b(B\x1b7y", "xy", {"ansi"}),
    ("\x1b]unfinished", "unfinished", {"ansi"}),
    ("end\x1b", "end", {"control"}),
    (f"x\U000e0100y{HEART}\ufe0f", f"xy{HEART}", {"invisible"}),
    ("a\u200db\u200cc", "abc", {"invisible"}),
    ("a\u200eb", "ab", {"bidi"}),
    ("🏴\U000e0061\U000e0062\U000e007f", "🏴", {"tag"}),
    ("می\u200c\u200c\u200cخ", "می\u200cخ", {"invisible"}),
]
MEANT = [
    "plain text\twith\r\nbreaks",
    "Grüße, 東京, עברית, العربية, हिन्दी",
    FAMILY,
    HEART,
    "👍🏽 ✌🏽 1\ufe0f\u20e3 ©\ufe0f 👩🏽\u200d🚀 🏳\ufe0f\u200d🌈",
    FLAG,
    "می\u200cخواهم",
    "क्\u200dष श्री\u200cलंका",
    "abc \u200fعربي",
    "ᠠ\u180bᠨ",
    "ﬁle ① Ⅳ K",
    "C:\\bin\\foo \\u0041",
    "",
]


@pytest.fixture
def policy() -> Sanitize:
    return sanitize()


def sanitize(**config: Any) -> Sanitize:
    policy = build(Sanitize, **config)
    assert isinstance(policy, Sanitize)
    return policy


@pytest.mark.parametrize(("text", "expected", "kinds"), HIDDEN)
def test_hidden_characters_are_stripped_and_named(text: str, expected: str, kinds: set[str]) -> None:
    assert clean(text) == (expected, kinds)
    assert suspicious(dumps({"a": text}))


@pytest.mark.parametrize("text", MEANT)
def test_characters_that_are_meant_stay(text: str) -> None:
    new, kinds = clean(text)
    assert new is text
    assert not kinds


def test_after_very_many_hidden_characters_the_others_are_judged_as_well() -> None:
    text = f"a{ZWSP}" * 200_000 + FAMILY
    assert clean(text) == ("a" * 200_000 + FAMILY, {"invisible"})


ALPHABET = (
    "a1#[]m;\\\n\x1b\x07\x00\x9b\u200b\u202e\u200d\u200c\ufe0f\u20e3\u200f\u180b"
    "❤👩🏽🏴\U000e0041\U000e0067\U000e007fمकᠠé"
)


@given(st.text(ALPHABET, max_size=30) | st.text(max_size=30))
def test_what_was_sanitized_is_clean(text: str) -> None:
    once, _ = clean(text)
    assert clean(once) == (once, frozenset())


@given(st.dictionaries(st.text(max_size=4), st.text(ALPHABET, max_size=12) | st.text(max_size=12), max_size=3))
def test_the_quick_look_misses_nothing(value: dict[str, str]) -> None:
    dirty = any(clean(text)[1] for pair in value.items() for text in pair)
    assert suspicious(dumps(value)) or not dirty


def test_the_quick_look_misses_no_escape_however_it_is_written() -> None:
    every = (chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000)
    hidden = [char for char in every if clean(f"a{char}a")[1]]
    assert len(hidden) > 4_000
    for char in hidden:
        text = json.dumps([f"a{char}a"])
        for written in (text, re.sub("u....", lambda found: f"u{found[0][1:].upper()}", text), json.dumps([text])):
            assert suspicious(dumps({"x": written})), ascii(char)


@pytest.mark.parametrize(
    "text",
    [
        '["\\u200b"]',
        '["\\u200B"]',
        '["\\u202e\\u00e9"]',
        '["[\\u0022\\u005cu200b\\u0022]"]',
        '["[\\"\\\\u20\\u0030b\\"]"]',
        '["[\\"\\\\\\u007520\\u0030b\\"]"]',
        '["\\udb40\\udc41"]',
    ],
)
def test_an_escape_is_found_however_it_is_written(policy: Sanitize, text: str) -> None:
    decision = policy.on_result(call(), result(text))
    assert isinstance(decision, Modify)
    assert decision.changes


def test_escapes_of_ordinary_letters_are_not_looked_into() -> None:
    text = json.dumps({"name": "Grüße, 東京, “quoted” – 👍🏽"})
    assert "\\u" in text
    assert not suspicious(dumps({"text": text}))


@pytest.mark.parametrize("text", MEANT)
def test_a_clean_call_and_result_pass_unchanged(policy: Sanitize, text: str) -> None:
    assert policy.on_call(frozen(call("t", {"a": [text]}))) is ALLOW
    assert policy.on_result(call(), frozen(result(text, structured={"x": text}))) is ALLOW


def test_arguments_inputs_and_meta_are_cleaned_and_the_protocols_fields_are_not(policy: Sanitize) -> None:
    opaque = f"state{ZWSP}"
    params = {
        "name": f"to{ZWSP}ol",
        "requestState": opaque,
        "arguments": {f"ke{ZWSP}y": ["a\x1b[1mb", 1]},
        "inputResponses": {"q": {"content": {"answer": f"y{RLO}es"}}},
        "_meta": {"progressToken": f"t{ZWSP}", "note": f"n{ZWSP}"},
    }
    decision = policy.on_call(frozen(call(params=params)))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Call)
    assert decision.value.params == {
        "name": f"to{ZWSP}ol",
        "requestState": opaque,
        "arguments": {"key": ["ab", 1]},
        "inputResponses": {"q": {"content": {"answer": "yes"}}},
        "_meta": {"progressToken": f"t{ZWSP}", "note": "n"},
    }
    assert set(decision.changes) == {
        Change("$.arguments.*", "invisible"),
        Change("$.arguments.*[0]", "ansi"),
        Change("$.inputResponses.q.content.answer", "bidi"),
        Change("$._meta.note", "invisible"),
    }


@pytest.mark.parametrize(
    "dirty",
    [
        result(f"a{ZWSP}b"),
        result(structured={"a": {"b": [f"{TAG_A}"]}}),
        result(content=[{"type": "resource", "resource": {"uri": "x:y", "text": "\x1b[2Jx"}}]),
        result(content=[{"type": "hologram", "beam": f"a{RLO}"}]),
        Result(body={"code": -1, "message": f"a{ZWSP}", "data": {"x": "y"}}, error=True),
        Result(body={"level": "info", "data": f"a{ZWSP}"}, notice="notifications/message"),
        Result(body={"messages": [{"role": "user", "content": {"type": "text", "text": f"{BOM}a"}}]}),
        Result(body={"tools": [{"name": "x", "description": f"{TAG_A}do evil"}]}),
        result(f"a{ZWSP}b", is_error=True),
    ],
)
def test_results_of_every_kind_are_cleaned(policy: Sanitize, dirty: Result) -> None:
    decision = policy.on_result(call(), frozen(dirty))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Result)
    assert (decision.value.error, decision.value.notice) == (dirty.error, dirty.notice)
    assert not any(mark in dumps(decision.value.body).decode() for mark in (ZWSP, RLO, TAG_A, BOM, "\\u001b"))
    assert policy.on_result(call(), decision.value) is ALLOW


def test_opaque_fields_of_a_result_stay_while_the_rest_is_cleaned(policy: Sanitize) -> None:
    body = {
        "requestState": f"s{ZWSP}",
        "nextCursor": f"c{ZWSP}",
        "content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}, {"type": "text", "text": ZWSP}],
    }
    decision = policy.on_result(call(), Result(body=body))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Result)
    assert decision.value.body["requestState"] is body["requestState"]
    assert decision.value.body["nextCursor"] == "c"
    assert decision.value.content[0] is body["content"][0]  # type: ignore[index]
    listed = {"nextCursor": f"c{ZWSP}", "tools": []}
    assert policy.on_result(call(method="tools/list", params={}), Result(body=listed)) is ALLOW


def test_a_text_copy_still_says_what_the_structured_content_says(policy: Sanitize) -> None:
    structured = {"name": f"Ja{ZWSP}ne", "note": f"é{RLO}"}
    texts = [json.dumps(structured), json.dumps(structured, ensure_ascii=False, indent=2)]
    given = result(content=[{"type": "text", "text": text} for text in texts], structured=structured)
    decision = policy.on_result(call(), given)
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Result)
    expected = {"name": "Jane", "note": "é"}
    assert decision.value.structured == expected
    assert [block["text"] for block in decision.value.content] == [
        json.dumps(expected),
        json.dumps(expected, ensure_ascii=False, indent=2),
    ]


ODD = [
    ('{"a":"x\\u200by","n":1.10,"m":1e5,"z":-0,"s":"a\\/b","u":"\\u00e9"}', "x\\u200by", "xy"),
    ('{"a":"x\\by"}', "x\\by", "xy"),
    ('{"a":"x\\u200by","b":NaN}', "\\u200b", ""),
    ('{"a":"x\\u200by","b":1e400}', "\\u200b", ""),
    ('{"a":"x\\u200by","b":"\\ud800"}', "\\u200b", ""),
    ('{"a":"x\\u200by","a":"x\\u200by"}', "\\u200b", ""),
    ('{"a":"x\\u200by"}\n{"a":1.0}\n', "\\u200b", ""),
    ('\n```json\n{"a":"x\\u200by"}```', "\\u200b", ""),
    ('"x\\u200by"', "\\u200b", ""),
    ('"{\\"a\\":\\"x\\\\u200by\\"}"', "\\\\u200b", ""),
]


@pytest.mark.parametrize(("text", "hidden", "left"), ODD)
def test_escapes_in_what_is_nearly_json_are_stripped_and_nothing_else_moves(
    policy: Sanitize, text: str, hidden: str, left: str
) -> None:
    decision = policy.on_result(call(), result(text))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Result)
    assert decision.value.content[0]["text"] == text.replace(hidden, left)


@pytest.mark.parametrize("text", ['"C:\\bin\\foo"', "write \\u200b for it", '{"a":"\\u200b"', "[\\u200b]"])
def test_escapes_in_what_is_no_json_stay(policy: Sanitize, text: str) -> None:
    assert policy.on_result(call(), result(text)) is ALLOW


def test_what_the_protocol_says_elsewhere_is_cleaned(policy: Sanitize) -> None:
    title = {"name": "n", "title": f"t{TAG_A}"}
    for body in ({"serverInfo": title}, {"_meta": {"io.modelcontextprotocol/serverInfo": title}}):
        decision = policy.on_result(call(method="server/discover", params={}), Result(body=body))
        assert isinstance(decision, Modify)
        assert TAG_A.encode() not in dumps(decision.value.body)  # type: ignore[union-attr]
    up = call(params={"name": "t", "level": f"x{ZWSP}", "ref": {"name": f"x{ZWSP}"}, "uri": f"x{ZWSP}"})
    decision = policy.on_call(up)
    assert isinstance(decision, Modify)
    assert decision.value.params == {"name": "t", "level": "x", "ref": {"name": "x"}, "uri": "x"}  # type: ignore[union-attr]


def test_a_tools_texts_are_cleaned_and_a_name_that_hides_something_hides_the_tool(policy: Sanitize) -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string", "description": f"x{TAG_A}"}}}
    decision = policy.on_tool(frozen(tool("find", schema, title="Find")), ANYONE)
    assert isinstance(decision, Modify)
    assert decision.changes == (Change("$.inputSchema.properties.q.description", "tag"),)
    assert policy.on_tool(tool("find"), ANYONE) is ALLOW
    assert policy.on_tool(tool(f"fi{ZWSP}nd"), ANYONE) == Deny("hidden_name")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [({"enum": [ZWSP] * 100_000}, "too_many_values"), ({"enum": ["x" * (1 << 20)]}, "too_large")],
)
async def test_a_tool_that_would_take_long_is_hidden(policy: Sanitize, schema: Json, reason: str) -> None:
    decision = policy.on_tool(tool("find", schema), ANYONE)
    assert (await decision if isawaitable(decision) else decision) == Deny(reason)


async def test_the_event_loop_runs_on_while_a_long_list_of_dirty_tools_is_cleaned(policy: Sanitize) -> None:
    chain = Chain([Entry(policy=policy, name="sanitize", timeout_ms=1000)])
    dirty = tool("find", {"enum": [f"{number}{ZWSP}" for number in range(3_000)]})
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.ensure_future(turn())
    for _ in range(20):
        assert isinstance(await chain.on_tool(dirty, ANYONE, []), Tool)
    turning.cancel()
    assert turns > 5


def test_deny_refuses_instead_and_says_where_without_the_value() -> None:
    policy = sanitize(action="deny")
    decision = policy.on_call(call("t", {"a": f"secret{ZWSP}"}))
    assert decision == Deny("hidden_characters", "invisible at $.arguments.a")
    assert policy.on_call(call("t", {"a": FAMILY})) is ALLOW


def doubling(text: str, levels: int) -> str:
    """Arrays in texts whose escapes are written so that they do not double with each level."""
    for _ in range(levels):
        text = '["' + text.replace("\\", "\\u005c").replace('"', "\\u0022") + '"]'
    return text


@pytest.mark.parametrize(
    ("config", "arguments", "reason"),
    [
        ({"max_bytes": 100}, {"a": "x" * 100}, "too_large"),
        ({"max_depth": 3}, {"a": [[["x"]]]}, "too_deep"),
        ({"max_keys": 4}, {str(number): "value" for number in range(4)}, "too_many_keys"),
        ({"max_keys": 9}, {f"{number}\\": '":' for number in range(9)}, "too_many_keys"),
        ({}, {"a": {"__proto__": {}}}, "forbidden_key"),
        ({}, {"a": {f"__pro{ZWSP}to__": {}}}, "forbidden_key"),
        ({"forbidden_keys": ["constructor"]}, {"constructor": 1}, "forbidden_key"),
        ({}, {f"a{ZWSP}": 1, "a": 2}, "key_collision"),
        ({}, {"a": f'{{"b{ZWSP}":1,"b":"\\u200b","c\\u200b":2,"c":3}}'}, "key_collision"),
        ({"max_values": 50}, {"a": [ZWSP] * 30}, "too_many_values"),
        ({"max_values": 50}, {"a": ["x"] * 60 + [ZWSP]}, "too_many_values"),
        ({"max_values": 50}, {"a": json.dumps(["x"] * 60 + [ZWSP])}, "too_many_values"),
        ({"max_values": 50}, {"a": f"x{ZWSP}" * 60}, "too_many_values"),
        ({}, {"a": doubling('["' + "\\ud800" * 500 + '\\u200b"]', 18)}, "too_large"),
    ],
)
def test_what_is_over_a_cap_is_denied(config: dict[str, Any], arguments: dict[str, Any], reason: str) -> None:
    decision = sanitize(**config).on_call(call("t", arguments))
    assert isinstance(decision, Deny)
    assert decision.reason == reason


@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ({"max_depth": 4}, {"a": [[["x"]]]}),
        ({"max_depth": 5}, {"a": "[[[[[[[[{{{{{{{{"}),
        ({"max_keys": 10}, {"a": '"b":"c":' * 20}),
        ({"max_keys": 9}, {"a": '\\":' * 20, "b\\": '\\\\":' * 20, "c\\\\": 1, "d": '"'}),
        ({"max_values": 50}, {"a": ["é"] * 1_000}),
        ({}, {"a": '__proto__":', "b": "__proto__", "constructor": 1}),
    ],
)
def test_what_only_looks_like_too_much_passes(config: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert sanitize(**config).on_call(call("t", arguments)) is ALLOW


def test_results_have_their_own_caps_and_may_hold_any_key() -> None:
    policy = sanitize(max_bytes=10, max_result_bytes=200, max_result_keys=3)
    assert policy.on_result(call(), result("x" * 50)) is ALLOW
    assert policy.on_result(call(), result("x" * 200)) == Deny("too_large")
    assert policy.on_result(call(), Result(body={"a": 1, "b": 2, "c": 3, "d": 4})) == Deny("too_many_keys")
    assert policy.on_result(call(), Result(body={"__proto__": 1})) is ALLOW
    deep = loads(b'{"a":' * 150 + b"1" + b"}" * 150)
    assert policy.on_result(call(), Result(body=deep)) == Deny("too_large")
    assert sanitize().on_result(call(), Result(body=deep)) is ALLOW
    assert sanitize(max_result_depth=100).on_result(call(), Result(body=deep)) == Deny("too_deep")


def test_the_deepest_result_that_is_accepted_is_cleaned(policy: Sanitize) -> None:
    deep = loads(b'{"a":' * 200 + b'"x\\u200b"' + b"}" * 200)
    decision = policy.on_result(call(), Result(body=deep))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Result)
    assert dumps(decision.value.body) == b'{"a":' * 200 + b'"x"' + b"}" * 200


def test_a_change_is_told_a_thousand_times_at_most_and_made_everywhere(policy: Sanitize) -> None:
    decision = policy.on_call(call("t", {"a": [ZWSP] * (MAX_CHANGES + 500)}))
    assert isinstance(decision, Modify)
    assert len(decision.changes) == MAX_CHANGES
    assert set(decision.value.params["arguments"]["a"]) == {""}  # type: ignore[union-attr]


def test_what_takes_too_long_is_denied() -> None:
    @dataclass
    class Running(SetClock):
        def monotonic(self) -> float:
            self.advance(2.0)
            return self.time

    policy = Sanitize(SanitizeConfig(), replace(services(), clock=Running()))
    assert isinstance(policy.on_call(call("t", {"a": [["x"] * 10, ZWSP]})), Modify)
    assert policy.on_call(call("t", {"a": [["x"] * 1_000] * 20 + [ZWSP]})) == Deny("too_many_values")


MOST_WORK = [
    [ZWSP] * 60_000,
    [ZWSP] * 690_000,
    [0] * 2_000_000 + [[]] * 100,
    ["a"] * 190_000 + [ZWSP],
    ['["\\u200b"]'] * 20_000,
    "[" + '"x",' * 95_000 + '"\\u200b"]',
    "[" + '{"a":1},' * 60_000 + '"\\u200b"]',
    '["\\u200b' + "a" * 4_000_000 + '"]',
    doubling('["' + "a" * 3_000_000 + '\\u200b"]', 150),
    "\x7fa" * 190_000,
    f"a{ZWSP}" * 1_000_000,
    "\x1b[1;" * 190_000,
    "م\u200c" * 1_000_000,
    "[" * 2_000_000 + "\\u200b",
    '["' + '\\"' * 1_000_000 + "\\u200b",
]


@pytest.mark.parametrize("value", MOST_WORK, ids=range(len(MOST_WORK)))
def test_whatever_is_within_the_caps_takes_about_a_second_at_most(policy: Sanitize, value: Json) -> None:
    for run in (
        lambda: policy.on_call(call("t", {"a": value})),
        lambda: policy.on_result(call(), result(structured=value)),
        lambda: policy.on_tool(tool("t", {"enum": value}), ANYONE),
    ):
        began = time.process_time()
        decision = run()
        took = time.process_time() - began
        if isinstance(decision, Coroutine):
            decision.close()
        assert took < 2.5


@pytest.mark.parametrize(
    "unit",
    ["\x1b]", "\x1b[1;", "\x1bP", "\x1b[ ", "👨\u200d", "\u200d", "1\ufe0f", "م\u200c", "\u200f", "🏴\U000e0067"],
)
def test_any_text_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        clean(text)
        return time.process_time() - began

    small = min(seconds(20_000) for _ in range(3))
    assert min(seconds(400_000) for _ in range(2)) < 20 * 8 * small
