from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from itertools import pairwise
from typing import Any, NoReturn

import pytest

from policies.jsontext import dumps, loads
from policies.model import ALLOW, Allow, Call, Change, Deny, Json, JsonObject, Modify, Result, Tool
from policies.redact import Redact
from policies.redact.addresses import emails, ips
from policies.redact.engine import Engine, load
from policies.redact.entities import ENTITIES
from policies.redact.keys import benign, is_mask, named
from policies.redact.lanes import OutOfTimeError
from policies.redact.reading import layers
from policies.redact.redaction import Redaction, Scope
from policies.redact.replace import NotRedactableError, Schema
from policies.redact.shapes import AFTER, BEFORE, windows
from policies.testing import build, call, frozen, result, tool
from policies.text import DROP, Walk
from policies.validation import Validation
from proxy import demo_tools

EMAIL, PHONE, SSN, CARD, IBAN = (
    "jane.doe@example.com",
    "+1 425-882-8080",
    "536-22-8726",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
)
CANARIES = (EMAIL, PHONE, SSN, CARD, IBAN)
PROFILE = {
    "customer_id": "CUST001",
    "email": EMAIL,
    "phone": PHONE,
    "ssn": SSN,
    "card_number": CARD,
    "iban": IBAN,
    "date_of_birth": "1984-03-12",
    "orders": ["ORD-10021", "ORD-10077"],
    "created_at": "2021-06-01T09:30:00Z",
}


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    made = redact()
    asyncio.run(made.open())
    yield made
    asyncio.run(made.close())


@pytest.fixture(scope="module")
def engine(policy: Redact) -> Engine:
    assert policy._worker
    return policy._worker.result()._engine


def redact(**config: Any) -> Redact:
    made = build(Redact, **config)
    assert isinstance(made, Redact)
    return made


async def decide(policy: Redact, given: Result, a_call: Call | None = None) -> Allow | Modify | Deny:
    decision = policy.on_result(a_call or call(), frozen(given))
    return await decision if isawaitable(decision) else decision


async def redacted(policy: Redact, given: Result, a_call: Call | None = None) -> Result:
    decision = await decide(policy, given, a_call)
    assert isinstance(decision, Modify), decision
    assert isinstance(decision.value, Result)
    return decision.value


def described(**properties: Json) -> Tool:
    required = properties.pop("required", [])
    return tool("get", output_schema={"type": "object", "properties": properties, "required": required})


# --- where it looks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", CANARIES)
@pytest.mark.parametrize(
    "place",
    [
        lambda value: result(f"The value is {value}, as asked."),
        lambda value: result(json.dumps({"a": [{"note": f"see {value}"}]})),
        lambda value: result(structured={"deep": [[{"x": value}]]}),
        lambda value: result(structured=[value]),
        lambda value: result(structured=value),
        lambda value: result(structured={"json": json.dumps({"in": json.dumps([value])})}),
        lambda value: result(structured={"by": {value: 1}}),
        lambda value: result(content=[{"type": "resource", "resource": {"uri": "x:y", "text": value}}]),
        lambda value: result(content=[{"type": "resource_link", "uri": "x:y", "name": "n", "description": value}]),
        lambda value: result(content=[{"type": "hologram", "beam": {"of": value}}]),
        lambda value: result(f"Unknown customer {value}", is_error=True),
        lambda value: Result(body={"code": -1, "message": f"bad {value}", "data": {"seen": [value]}}, error=True),
        lambda value: Result(body={"level": "info", "data": f"got {value}"}, notice="notifications/message"),
        lambda value: Result(body={"messages": [{"role": "user", "content": {"type": "text", "text": value}}]}),
        lambda value: Result(body={"contents": [{"uri": "x:y", "text": value}]}),
        lambda value: result("fine", _meta={"vendor/seen": value}),
    ],
)
async def test_a_value_is_gone_wherever_it_stood(policy: Redact, value: str, place: Any) -> None:
    given = place(value)
    clean = await redacted(policy, given)
    assert value not in json.dumps(clean.body)
    assert (clean.error, clean.notice) == (given.error, given.notice)
    assert await decide(policy, clean) is ALLOW


@pytest.mark.parametrize("value", ["jane.doe\u200b@example.com", "536-\u200b22-8726", "4111\u2060 1111 1111 1111"])
async def test_hidden_characters_do_not_hide_a_value(policy: Redact, value: str) -> None:
    clean = await redacted(policy, result(f"x {value} y", structured={"a": value}))
    assert "<" in clean.content[0]["text"]
    assert value not in json.dumps(clean.body, ensure_ascii=False)


async def test_json_escapes_do_not_hide_a_value(policy: Redact) -> None:
    clean = await redacted(policy, result('{"a": "jane\\u0040example.com", "b": 1}'))
    assert clean.content[0]["text"] == '{"a": "<EMAIL_ADDRESS>", "b": 1}'


async def test_a_key_said_twice_does_not_hide_a_value(policy: Redact) -> None:
    clean = await redacted(policy, result('{"a": "jane@example.com", "a": "x"}'))
    assert "jane" not in clean.content[0]["text"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"dob": "1984-03-12", "x": NaN}', '{"dob": "<DATE_OF_BIRTH>", "x": NaN}'),
        ('{"dob": "1984-03-12", "ssn": 536228726, "x": "cut', '{"dob": "<DATE_OF_BIRTH>", "ssn": 0, "x": "cut'),
        ('{"phones": ["882 8080"], "x": tru', '{"phones": ["<PHONE_NUMBER>"], "x": tru'),
        ('{"ssn": 12345678, "x": tru', '{"ssn": 0, "x": tru'),
        ("{'dob': '1984-03-12', 'ok': True}", "{'dob': '<DATE_OF_BIRTH>', 'ok': True}"),
        ('Here: {"email": "jane@localhost"}', 'Here: {"email": "<EMAIL_ADDRESS>"}'),
        ('{"a": "jane\\u0040example.com", ', '{"a": "<EMAIL_ADDRESS>", '),
        ('{"a": "tel\\n555-0142-99", ', '{"a": "tel\\n<PHONE_NUMBER>", '),
        ('{"in": "{\\"dob\\": \\"1984-03-12\\"}", ', '{"in": "{\\"dob\\": \\"<DATE_OF_BIRTH>\\"}", '),
        ('"jane\\u0040example.com"', '"<EMAIL_ADDRESS>"'),
        ('see "jane\\u0040example.com"', 'see "<EMAIL_ADDRESS>"'),
        ('{"dob": "1984-03-12"}\n{"dob": "1985-03-12"}', '{"dob": "<DATE_OF_BIRTH>"}\n{"dob": "<DATE_OF_BIRTH>"}'),
    ],
)
async def test_what_is_almost_json_is_read_like_json(policy: Redact, text: str, expected: str) -> None:
    assert (await redacted(policy, result(text))).content[0]["text"] == expected


async def test_a_value_found_elsewhere_is_found_behind_escapes(policy: Redact) -> None:
    clean = await redacted(policy, result('cut: {"a": "882\\u00208080', structured={"phone": "882 8080"}))
    assert clean.content[0]["text"] == 'cut: {"a": "<PHONE_NUMBER>'


@pytest.mark.parametrize("text", ["plain", '"a\\u0040b\\ud83d\\ude00c"', '"\\\\u0040" \\n', '"\\\\\\"\\u005cu0040'])
def test_every_character_of_a_layer_has_its_place_in_the_raw_text(text: str) -> None:
    for layer in layers(text):
        places = [layer.place(at, at + 1) for at in range(len(layer.text))]
        assert [start for start, _ in places] == [0, *(end for _, end in places[:-1])]
        assert places[-1][1] == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel +١ ٤٢٥ ٨٨٢ ٨٠٨٠", "tel <PHONE_NUMBER>"),
        ("+1\u00a0425\u2011882\u20118080", "<PHONE_NUMBER>"),
        ("jane＠example．com", "<EMAIL_ADDRESS>"),
        ("電話+14258828080", "電話<PHONE_NUMBER>"),
        ("地址10.1.2.3", "地址<IP_ADDRESS>"),
        ("2222222 жане@почта.рф", "2222222 <EMAIL_ADDRESS>"),
    ],
)
async def test_digits_and_signs_of_other_scripts_do_not_hide_a_value(policy: Redact, text: str, expected: str) -> None:
    assert (await redacted(policy, result(text))).content[0]["text"] == expected


async def test_the_deepest_result_that_is_accepted_is_redacted(policy: Redact) -> None:
    deep = loads(f'{"[" * 198}"{EMAIL}"{"]" * 198}')
    clean = await redacted(policy, result(dumps(deep).decode(), structured={"x": deep}))
    assert EMAIL not in dumps(clean.body).decode()
    assert clean.content[0]["text"].count("[") == 198


@pytest.mark.parametrize(
    ("structured", "expected"),
    [
        ({"phones": [2125550101]}, {"phones": [0]}),
        ({"SSNs": [536228726]}, {"SSNs": [0]}),
        ({"ssn": 12345678}, {"ssn": 0}),
        ({"ssn": 536228726.0}, {"ssn": 0}),
        ({"ssn": "536228726.0"}, {"ssn": "<US_SSN>"}),
        ({"card_numbers": [4111111111111112]}, {"card_numbers": [0]}),
        ({"dob": "May 5 76"}, {"dob": "<DATE_OF_BIRTH>"}),
        ({"peer": "fdab:cdef:abcd:efab:cdef:abcd:efab:cde1"}, {"peer": "<IP_ADDRESS>"}),
        ({"wallet": "1NoeVXE9VvokyCsPuJQyMokAxqjdRhREfc"}, {"wallet": "<CRYPTO>"}),
        ({"note": f"order 1234 {CARD}"}, {"note": "order 1234 <CREDIT_CARD>"}),
        ({"note": f"{CARD} 2027"}, {"note": "<CREDIT_CARD> 2027"}),
        ({"account": "DE89370400440532013000"}, {"account": "<IBAN_CODE>"}),
        ({"contact": "415.555.0132"}, {"contact": "<PHONE_NUMBER>"}),
        ({"role": f"arn:aws:sts::123456789012:assumed-role/Admin/{EMAIL}"}, None),
        ({"role": f"arn:x:SSN {SSN}"}, {"role": "arn:x:SSN <US_SSN>"}),
        ({"version_notes": f"{EMAIL} on 10.1.2.3"}, {"version_notes": "<EMAIL_ADDRESS> on 10.1.2.3"}),
    ],
)
async def test_a_shape_that_hid_a_value_hides_it_no_more(policy: Redact, structured: Json, expected: Json) -> None:
    clean = await redacted(policy, result(structured=structured))
    assert clean.structured == (expected or {"role": "arn:aws:sts::123456789012:assumed-role/Admin/<EMAIL_ADDRESS>"})


@pytest.mark.parametrize(
    ("find", "text", "found"),
    [
        (emails, f"Jane <{EMAIL}>, '{EMAIL}'.", [EMAIL, EMAIL]),
        (emails, f"{EMAIL}_backup mailto:{EMAIL}?x", ["jane.doe@example.com", EMAIL]),
        (
            emails,
            "a@b@c.co josé+x@münchen.de me@xn--mnchen-3ya.de",
            ["b@c.co", "josé+x@münchen.de", "me@xn--mnchen-3ya.de"],
        ),
        (emails, "x@localhost @a.b git@1.2.x a@b.c user:pw@host.com@evil", []),
        (emails, f"{'x' * 300}@example.com", [f"{'x' * 300}@example.com"]),
        (ips, "host:10.1.2.3:80 10.0.0.0/24, 8.8.8.8.", ["10.1.2.3", "10.0.0.0/24", "8.8.8.8"]),
        (ips, "addr:fe80::1%eth0 [2001:db8::2]:80, fe80::/10.", ["fe80::1%eth0", "2001:db8::2", "fe80::/10"]),
        (ips, "::ffff:10.1.2.3.", ["10.1.2.3", "::ffff:10.1.2.3"]),
        (ips, "v1.2.3.4 1.2.3.4.5 300.1.1.1 010.1.1.1 127.0.0.1 ::1 :: 255.255.0.0", []),
        (ips, "12:30:45 aa:bb:cc:dd:ee:ff a::b std::cafe:1 f::1st", []),
    ],
)
def test_addresses_are_found_by_structure(
    find: Callable[[str], Iterator[tuple[int, int]]], text: str, found: Sequence[str]
) -> None:
    assert [text[start:end] for start, end in find(text)] == found


# --- what it leaves ---------------------------------------------------------------------------------------------


BENIGN = [
    "ORD-12345",
    "INV-2026-0001",
    "SKU 12-3456-78",
    "2026-11-20T12:44:02.123Z",
    "2026-11-20 12:44:02+01:00",
    "updated 2026-11-20 12:44:02, again 2026-11-21",
    "12:30:45",
    "550e8400-e29b-41d4-a716-446655440000",
    "id 550e8400-e29b-41d4-a716-446655440000 seen",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit 62afe90b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f",
    "1.2.3",
    "v10.0.19041-beta.2",
    "$1,299.99",
    "1299.99",
    "1763642642123",
    "1763642642",
    "order 1234567890 of 12",
    "arn:aws:lambda:us-east-1:123456789012:function:my-func",
    "37.7749, -122.4194",
    "page 3 of 120; 15,000 rows",
    "std::vector<int> a::b",
    "127.0.0.1:8080",
    "foo@bar",
    "@decorator x@1.2.3",
    "ISBN 978-3-16-148410-0",
    "Grüße, 東京",
    "السعر ٢٠٠ ريال، السعر ٣٠٠ ريال USD",
    "lodash@4.17.x",
    "react@18.0.0-rc.next",
    "hotel 12345678, excellent 1234567",
    "account 123456789012",
    "v0.0.0-20210101000000-abcdef123456",
    "netmask 255.255.255.0, build 1.2.3.4.5",
    "std::dead::beef",
    "C:\\new\\table",
]


@pytest.mark.parametrize("text", BENIGN)
async def test_what_is_nobodys_stays(policy: Redact, text: str) -> None:
    body = {"note": text, "rows": [text], "text": json.dumps({"x": text})}
    assert await decide(policy, result(text, structured=body)) is ALLOW


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "1.2.3.4"),
        ("phone_model", "Pixel 9"),
        ("email_verified", True),
        ("email_count", 12345678),
        ("phone", "none"),
        ("phone", None),
        ("card_type", "visa"),
        ("card_id", "card_8f3a"),
        ("quantity", 4111111111111111),
        ("ssn_required", "yes"),
        ("birth_country", "FR"),
    ],
)
async def test_a_keys_name_alone_redacts_nothing_of_another_shape(policy: Redact, key: str, value: Json) -> None:
    assert await decide(policy, result("id 1234", structured={key: value, "n": [1234567, 1.5]})) is ALLOW


async def test_the_protocols_fields_and_blobs_stay(policy: Redact) -> None:
    image = base64.b64encode(bytes(range(256))).decode()
    body = {
        "requestState": EMAIL,
        "content": [
            {"type": "image", "data": image, "mimeType": "image/png"},
            {"type": "text", "text": EMAIL},
        ],
    }
    clean = await redacted(policy, Result(body=body))
    assert clean.body == {**body, "content": [body["content"][0], {"type": "text", "text": "<EMAIL_ADDRESS>"}]}


async def test_a_state_in_an_error_or_under_another_method_is_text(policy: Redact) -> None:
    clean = await redacted(policy, Result(body={"code": -1, "message": "x", "requestState": EMAIL}, error=True))
    assert clean.body["requestState"] == "<EMAIL_ADDRESS>"
    clean = await redacted(policy, Result(body={"nextCursor": SSN}))
    assert clean.body == {"nextCursor": "<US_SSN>"}


async def test_an_address_that_the_caller_asked_for_keeps_its_name(policy: Redact) -> None:
    uri = "crm://people/jane@example.com"
    read = call(method="resources/read", params={"uri": uri})
    clean = await redacted(policy, Result(body={"contents": [{"uri": uri, "text": f"{uri} {SSN}"}]}), read)
    assert clean.body["contents"][0] == {"uri": uri, "text": "crm://people/<EMAIL_ADDRESS> <US_SSN>"}


async def test_tool_definitions_are_left_alone(policy: Redact) -> None:
    listed = Result(body={"tools": [{"name": "x", "description": f"ask {EMAIL}"}]})
    assert await decide(policy, listed, call(method="tools/list", params={})) is ALLOW


async def test_calls_are_left_alone_unless_configured() -> None:
    made = call("send", {"to": EMAIL})
    assert redact().on_call(made) is ALLOW
    policy = redact(arguments=True)
    await policy.open()
    try:
        decision = policy.on_call(frozen(made))
        assert isawaitable(decision)
        found = await decision
    finally:
        await policy.close()
    assert isinstance(found, Modify)
    assert isinstance(found.value, Call)
    assert found.value.params == {"name": "send", "arguments": {"to": "<EMAIL_ADDRESS>"}}
    assert found.changes == (Change("$.arguments.to", "EMAIL_ADDRESS"),)


# --- everywhere in a result, and the same everywhere ------------------------------------------------------------


async def test_a_value_that_one_place_gives_away_is_removed_from_every_other(policy: Redact) -> None:
    structured = {"ssn": "536228726", "phone": "882 8080", "birth_date": "March 12, 1984", "card": 999988887777}
    prose = "Jane: 536228726, tel. 882 8080; born March 12, 1984; pays with 999988887777. Order 5362287261."
    clean = await redacted(policy, result(prose, structured=structured))
    assert clean.content[0]["text"] == (
        "Jane: <US_SSN>, tel. <PHONE_NUMBER>; born <DATE_OF_BIRTH>; pays with <CREDIT_CARD>. Order 5362287261."
    )


@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}])
async def test_the_text_copy_says_what_the_structured_content_says(policy: Redact, style: Mapping[str, Any]) -> None:
    a_tool = described(
        email={"type": "string", "format": "email"},
        phone={"type": "string", "maxLength": 15, "pattern": r"^[+\d -]+$"},
        ssn={"type": "string", "pattern": r"^\d{3}-\d\d-\d{4}$"},
        iban={"type": "string", "pattern": "^DE89"},
        required=["email", "phone", "ssn"],
    )
    given = result(json.dumps(PROFILE, **style), structured=PROFILE)
    clean = await redacted(policy, given, call("get", tool=a_tool))
    assert Validation().valid(a_tool.output_schema, clean.structured)
    assert clean.content[0]["text"] == json.dumps(clean.structured, **style)
    assert clean.structured == {
        "customer_id": "CUST001",
        "email": "redacted@example.com",
        "phone": "+0 000-000-0000",
        "ssn": "000-00-0000",
        "card_number": "<CREDIT_CARD>",
        "date_of_birth": "<DATE_OF_BIRTH>",
        "orders": ["ORD-10021", "ORD-10077"],
        "created_at": "2021-06-01T09:30:00Z",
    }
    assert not any(value in json.dumps(clean.body) for value in CANARIES)
    assert await decide(policy, clean, call("get", tool=a_tool)) is ALLOW


async def test_changes_are_paths_and_entities_without_values(policy: Redact) -> None:
    decision = await decide(policy, result(f"Write to {EMAIL}", structured={"ssn": SSN, "by": {EMAIL: [PHONE]}}))
    assert isinstance(decision, Modify)
    assert set(decision.changes) == {
        Change("$.content[0].text", "EMAIL_ADDRESS"),
        Change("$.structuredContent.ssn", "US_SSN"),
        Change("$.structuredContent.by.*", "EMAIL_ADDRESS"),
        Change("$.structuredContent.by.*[0]", "PHONE_NUMBER"),
    }


async def test_a_key_that_was_changed_appears_in_no_path(policy: Redact) -> None:
    structured = {"card_4111-1111-1111-1111": {"email": EMAIL}, "dob": "March76", "March76": {"x": 1, "email": EMAIL}}
    text = json.dumps({EMAIL: {"dob": "1984-03-12"}})
    decision = await decide(policy, result(text, structured=structured))
    assert isinstance(decision, Modify)
    assert {change.path for change in decision.changes} == {
        "$.structuredContent.*",
        "$.structuredContent.*.email",
        "$.structuredContent.dob",
        "$.content[0].text.*",
        "$.content[0].text.*.dob",
    }


async def test_the_same_value_is_replaced_in_the_text_as_at_its_place_in_the_structured_content(policy: Redact) -> None:
    mail: Json = {"type": "string", "format": "email"}
    a_tool = described(a={"properties": {"email": {"type": "string"}}}, b={"properties": {"email": mail}})
    data = {"a": {"email": EMAIL}, "b": {"email": EMAIL}}
    clean = await redacted(policy, result(json.dumps(data), structured=data), call("get", tool=a_tool))
    assert clean.structured == {"a": {"email": "<EMAIL_ADDRESS>"}, "b": {"email": "redacted@example.com"}}
    assert json.loads(clean.content[0]["text"]) == clean.structured


async def test_a_wrapped_list_is_mirrored_by_one_text_or_by_one_for_each_item(policy: Redact) -> None:
    kinds: Json = [{"type": "string"}, {"type": "string", "format": "email"}]
    a_tool = described(result={"type": "array", "prefixItems": [{"properties": {"a": kind}} for kind in kinds]})
    rows = [{"a": EMAIL}, {"a": EMAIL}]
    content = [{"type": "text", "text": json.dumps(each)} for each in (rows, *rows)]
    for blocks in (content[:1], content[1:]):
        given = result(content=blocks, structured={"result": rows})
        clean = await redacted(policy, given, call("get", tool=a_tool))
        said = [json.loads(block["text"]) for block in clean.content]
        assert (said if len(said) > 1 else said[0]) == clean.structured["result"]
        assert clean.structured["result"] == [{"a": "<EMAIL_ADDRESS>"}, {"a": "redacted@example.com"}]


async def test_what_is_dropped_from_the_structured_content_leaves_a_plain_text_in_its_block(policy: Redact) -> None:
    a_tool = described(text={"type": "string", "pattern": "^jane"})
    clean = await redacted(policy, result(EMAIL, structured={"text": EMAIL}), call("get", tool=a_tool))
    assert clean.body == {"content": [{"type": "text", "text": "<EMAIL_ADDRESS>"}], "structuredContent": {}}


async def test_two_keys_that_are_values_stay_two(policy: Redact) -> None:
    clean = await redacted(policy, result(structured={"a@example.com": 1, "b@example.com": 2}))
    assert clean.structured == {"<EMAIL_ADDRESS>": 1, "<EMAIL_ADDRESS_2>": 2}


@pytest.mark.parametrize("customer", ["CUST001", "CUST002"])
async def test_the_demos_profile_stays_valid_and_useful_without_its_personal_data(
    policy: Redact, customer: str
) -> None:
    definition = demo_tools.TOOLS["get_customer_profile"]
    body = demo_tools.call("get_customer_profile", {"customer_id": customer})
    made = call("get_customer_profile", tool=Tool(definition=definition))
    clean = await redacted(policy, Result(body=body), made)
    assert Validation().valid(definition["outputSchema"], clean.structured)
    assert json.loads(clean.content[0]["text"]) == clean.structured
    before, after = body["structuredContent"], clean.structured
    gone = {key for key in before if before[key] != after[key]}
    assert gone == {"email", "phone", "ssn", "card_number", "date_of_birth"}
    assert not any(before[key] in json.dumps(clean.body) for key in gone)


# --- what stands in its place -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "value", "wanted", "masks", "expected"),
    [
        ({"type": "string"}, EMAIL, "<E>", [], "<E>"),
        ({"type": "string", "format": "email"}, EMAIL, "<E>", [], "redacted@example.com"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "1984-03-12", "<D>", [], "1900-01-01"),
        ({"$ref": "#/$defs/mail"}, EMAIL, "<E>", [], "redacted@example.com"),
        ({"type": "string", "pattern": r"^\d{3}-\d{4}$"}, "555-0142", "<P>", ["000-0000"], "000-0000"),
        ({"type": "string", "pattern": "^[1-9]{4}$"}, "5551", "<P>", ["0000", "1111"], "1111"),
        ({"type": "string", "maxLength": 3}, "5550142"[:3], "<PHONE>", ["000"], "000"),
        ({"type": "string", "maxLength": 2, "minLength": 2}, "ab", "<X>", [], "**"),
        ({"type": "integer"}, 4111, 0, [], 0),
        ({"type": "integer", "minimum": 1000, "maximum": 9999}, 4111, 0, [], 1000),
        ({"type": ["integer", "null"], "minimum": 7, "maximum": 7}, 7, 0, [], None),
        ({"type": "string", "enum": ["a@example.com", "none"]}, "a@example.com", "<E>", [], "a@example.com"),
        ({"type": "string", "pattern": "^only-this$"}, "only-this", "<E>", [], DROP),
        (True, EMAIL, "<E>", [], "<E>"),
    ],
)
def test_a_replacement_is_valid_where_it_stands(
    schema: Json, value: Json, wanted: Json, masks: Sequence[str], expected: Json
) -> None:
    defs = {"mail": {"type": "string", "format": "email"}}
    root = {"type": "object", "properties": {"list": {"items": {"properties": {"x": schema}}}}, "$defs": defs}
    assert Schema(root, Validation()).replacement(["list", 0, "x"], value, wanted, masks) == expected


def test_a_required_property_that_nothing_can_replace_is_an_error() -> None:
    root = {"properties": {"x": {"type": "string", "pattern": "^only-this$"}}, "required": ["x"]}
    with pytest.raises(NotRedactableError):
        Schema(root, Validation()).replacement(["x"], "only-this", "<E>", [])


def test_of_a_union_only_the_branch_that_the_value_took_counts() -> None:
    root = {
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}},
            {"properties": {"kind": {"const": "b"}, "x": {"type": "string", "format": "email"}}},
        ]
    }
    assert Schema(root, Validation()).replacement(["x"], EMAIL, "<E>", []) == "redacted@example.com"


async def test_a_result_that_cannot_be_made_valid_is_denied(policy: Redact) -> None:
    a_tool = described(email={"type": "string", "pattern": "^jane"}, required=["email"])
    decision = await decide(policy, result(structured={"email": EMAIL}), call("get", tool=a_tool))
    assert decision == Deny("not_redactable", "no valid replacement")


async def test_a_number_stays_a_number(policy: Redact) -> None:
    clean = await redacted(policy, result('{"ssn": 536228726}', structured={"ssn": 536228726, "n": 5}))
    assert clean.structured == {"ssn": 0, "n": 5}
    assert clean.content[0]["text"] == '{"ssn": 0}'


# --- bounds and failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{"max_bytes": 100}, {"max_text": 50}, {"max_seconds": 1e-9}])
async def test_what_is_too_large_to_look_at_is_denied(config: dict[str, Any]) -> None:
    small = redact(**config)
    await small.open()
    try:
        assert await decide(small, result(f"{EMAIL} " * 10)) == Deny("too_large_to_redact")
    finally:
        await small.close()


async def test_when_presidio_does_not_load_nothing_passes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no presidio")

    monkeypatch.setattr("policies.redact.work.load", broken)
    policy = redact()
    await policy.open()
    try:
        depths = []
        for _ in range(20):
            with pytest.raises(ImportError) as raised:
                await decide(policy, result(EMAIL))
            depths.append(len(raised.traceback))
        # The exception is one and the same: frames that gathered in it would keep each result.
        assert max(depths) < 20
        assert "redact cannot be loaded (ImportError)" in caplog.text
    finally:
        await policy.close()


async def test_the_event_loop_runs_on_meanwhile(policy: Redact) -> None:
    work = asyncio.ensure_future(decide(policy, result(f"{SSN} and {EMAIL}; " * 400)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert isinstance(await work, Modify)
    assert turns > 5


async def test_work_that_nobody_waits_for_stops(policy: Redact) -> None:
    text = result(f"{SSN} and {EMAIL}; " * 6_000)
    work = asyncio.ensure_future(decide(policy, text))
    await asyncio.sleep(0.05)
    work.cancel()
    began = time.monotonic()
    await redacted(policy, result(EMAIL))
    assert time.monotonic() - began < 2


async def test_no_value_is_logged(policy: Redact, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await redacted(policy, result(f"IBAN DE00 3704 0044 0532 0130 00, card 4111 1111 1111 1112, {EMAIL}, {SSN}"))
    assert not [record for record in caplog.records if any(text in record.getMessage() for text in ("3704", "4111"))]


def structured_of(key: str, unit: str) -> Callable[[int], JsonObject]:
    return lambda size: {"structuredContent": {key: (unit * (size // len(unit) + 1))[:size] + "!"}}


def with_schema(size: int) -> tuple[JsonObject, Json]:
    """As many definitions as values, each value under its own."""
    count = size // 32
    mails = [{"type": "string", "format": "email", "title": str(at)} for at in range(count)]
    defs = {f"d{at}": {"properties": {"email": mail}} for at, mail in enumerate(mails)}
    schema = {"$defs": defs, "properties": {f"p{at}": {"$ref": f"#/$defs/d{at}"} for at in range(count)}}
    return {"structuredContent": {f"p{at}": {"email": f"u{at}@example.com"} for at in range(count)}}, schema


HOSTILE: Mapping[str, Callable[[int], Any]] = {
    **{
        unit: structured_of("x", unit)
        for unit in (
            "1234567 ", "1", "1 ", "a@", "@", "a@b.", "ab:cd::", ":", "1.", "1-", "(1", "+1", "+1 (555) ", "10.1.2.3 ",
            "DE89 3704 ", "AA11", "1a", "bc1q", "tel 1 ", "phone 5551234 ", "4111 1111 1111 1111 ", "123-45-6789 ",
            "السعر ٢٠٠ ريال، ", "٠", '"a":', "x'", "\\", '"\\u0040', '"\\\\', "arn:aws:a:a:1:", "-",
        )
    },
    **{f"{key} {unit}": structured_of(key, unit) for key in ("email", "phone", "dob") for unit in "@1a٠"},
    "a long word": lambda size: {"structuredContent": {"x": f"@{'1' * size}"}},
    "a long domain": lambda size: {"structuredContent": {"x": f"{'a' * size}@{'b' * size}.{'c.' * size}"}},
    "tokens and lengths": lambda size: {
        "content": [{"text": "a " * size}],
        "structuredContent": [{"email": f"a@{'b' * length}"} for length in range(5, 5 + min(size // 40, 300))],
    },
    "keys": lambda size: {"structuredContent": {f"u{at}@example.com": 1 for at in range(size // 20)}},
    "one long key": lambda size: {"structuredContent": {"ssn" * size: [1] * (size // 4)}},
    "schema": with_schema,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_result_takes_more_than_linear_time(engine: Engine, name: str) -> None:
    def seconds(size: int) -> float:
        made = HOSTILE[name](size)
        body, schema = made if isinstance(made, tuple) else (made, None)
        scope = Scope(
            entities=frozenset(ENTITIES), max_text=1 << 20, schema=Schema(schema, Validation()) if schema else None
        )
        began = time.thread_time()
        Redaction(engine, scope, lambda: None).run(body, Walk.result)
        return time.thread_time() - began

    small = min(seconds(2_000) for _ in range(2))
    assert min(seconds(8_000) for _ in range(2)) < 2.5 * 4 * small + 0.01


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("+00 (000) 000-0000", True),
        ("1111-1111", True),
        ("000000", False),
        ("0000000a", False),
        ("0000000@0", False),
        ("0" * 65, False),
        ("00000001", False),
        ("٠٠٠٠٠٠٠ жане", False),
        ("السعر ٢٠٠ ريال، " * 11 + "USD", False),
        ("٠" * 60 + "a", False),
    ],
)
def test_a_mask_is_one_digit_without_letters(text: str, mask: bool) -> None:
    assert is_mask(text) is mask


async def test_small_results_do_not_wait_for_large_ones(policy: Redact) -> None:
    heavy = [asyncio.ensure_future(decide(policy, result(f"{CARD} {at} " * 9_000))) for at in range(4)]
    await asyncio.sleep(0.05)
    for _ in range(3):
        await redacted(policy, result(f"ask {EMAIL} or {PHONE}"))
    assert not any(work.done() for work in heavy)
    for work in heavy:
        work.cancel()
    await asyncio.wait(heavy)


async def test_large_results_do_not_wait_for_one_another(policy: Redact) -> None:
    heavy = asyncio.ensure_future(decide(policy, result(f"{CARD} " * 12_000)))
    await asyncio.sleep(0.02)
    await redacted(policy, result(f"{EMAIL} {'word ' * 10_000}"))
    assert not heavy.done()
    heavy.cancel()


def test_threads_share_an_engine(engine: Engine) -> None:
    texts = [f"{at}: {PHONE}, {SSN}, {IBAN}, tel 555 01{at:02}, {CARD}" for at in range(50)]

    def spans(text: str) -> list[Any]:
        return engine.find(text, (), lambda: None)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(spans, texts)) == [spans(text) for text in texts]


@pytest.mark.parametrize("structured", [{"a": EMAIL}, {EMAIL: {}}, {"ssn": 536228726}, {"a": json.dumps([EMAIL])}])
def test_the_time_can_run_out_while_writing(engine: Engine, structured: Json) -> None:
    walks: list[Walk] = []
    done: list[Walk] = []

    def walk(each: Walk, body: JsonObject) -> JsonObject:
        walks.append(each)
        new = each.result(body)
        done.append(each)
        return new

    def check() -> None:
        if len(walks) > 1:
            raise OutOfTimeError

    scope = Scope(entities=frozenset(ENTITIES), max_text=1_000)
    with pytest.raises(OutOfTimeError):
        Redaction(engine, scope, check).run({"structuredContent": structured}, walk)
    assert done == walks[:1]


def test_the_time_can_run_out_within_a_text(engine: Engine) -> None:
    for unit in (f"{EMAIL} ", "10.1.2.3 ", f"{CARD} "):
        calls: list[int] = []
        engine.find(unit * 1_000, (), lambda calls=calls: calls.append(1))  # type: ignore[misc]
        assert len(calls) >= 10


def test_the_time_for_one_result_is_two_seconds_by_default() -> None:
    assert Redact.Config().model_dump()["max_seconds"] == 2


async def test_a_text_of_too_many_values_is_denied(policy: Redact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.redact.redaction.MOST_VALUES", 100)
    assert await decide(policy, result(f"[{'12345,' * 100}1]")) == Deny("too_large_to_redact")


async def test_nothing_is_asked_of_the_network(policy: Redact, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    load(ENTITIES, 0.4)
    clean = await redacted(policy, result(f"{' '.join(CANARIES)} 8.8.8.8 https://example.com"))
    assert clean.content[0]["text"].count("<") == len(CANARIES) + 1


def test_every_place_of_a_long_text_is_one_windows_own_with_what_stands_around_it() -> None:
    text = f"{'word ' * 1000}{CARD} {'123-45-6789 ' * 1000}"
    found = list(windows(text, ()))
    assert all(end - start <= 2_000 for start, end, _, _ in found)
    assert found[0][2] <= text.index(CARD)
    assert found[-1][3] == found[-1][1] == len(text)
    for (_, _, _, until), (_, _, since, _) in pairwise(found):
        assert since == until
    for start, end, since, until in found:
        assert start == since or since - start >= BEFORE
        assert end in (until, until + AFTER)


@pytest.mark.parametrize(
    ("keys", "text", "entity"),
    [
        (("homePhone",), "555-0142", "PHONE_NUMBER"),
        (("number", "phone"), "5550142", "PHONE_NUMBER"),
        (("id", "phone"), "5550142", None),
        (("customerEmail",), "a@b", "EMAIL_ADDRESS"),
        (("e-mail",), "a@b.example", "EMAIL_ADDRESS"),
        (("social_security_number",), "536 22 8726", "US_SSN"),
        (("cardNumber",), "4532-1234-5678-9012", "CREDIT_CARD"),
        (("dob",), "1984-03-12", "DATE_OF_BIRTH"),
        (("birthDate",), "12 March 1984", "DATE_OF_BIRTH"),
        (("date",), "1984-03-12", None),
        ((), "5550142", None),
    ],
)
def test_a_keys_name_and_a_texts_shape_together_say_what_it_is(
    keys: tuple[str, ...], text: str, entity: str | None
) -> None:
    assert named(text, keys) == entity


@pytest.mark.parametrize("text", ["4111111111111111", "536-22-8726", "jane@example.com", "192.0.2.1", "882-8080"])
def test_shapes_that_could_be_someones_are_not_benign(text: str) -> None:
    assert not benign(text)


@pytest.mark.parametrize("entities", [["NOPE"], []])
def test_unknown_entities_are_a_config_error(entities: list[str]) -> None:
    with pytest.raises(ValueError, match="EMAIL_ADDRESS"):
        redact(entities=entities)


async def test_only_the_entities_asked_for_are_redacted() -> None:
    policy = redact(entities=["US_SSN"])
    await policy.open()
    try:
        clean = await redacted(policy, result(f"{EMAIL} {SSN}", structured={"email": EMAIL, "ssn": SSN}))
    finally:
        await policy.close()
    assert clean.body["content"][0]["text"] == f"{EMAIL} <US_SSN>"
    assert clean.structured == {"email": EMAIL, "ssn": "<US_SSN>"}
