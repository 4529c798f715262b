from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from policies.detect.layers import layers
from policies.jsontext import dumps, loads
from policies.model import ALLOW, Change, Json, Result
from policies.redact import Redact
from policies.testing import call, result, run
from tests.detect.redacting import CANARIES, CARD, EMAIL, SSN, decide, opened, redact, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


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
        ({"version_notes": f"{EMAIL} on 10.1.2.3"}, {"version_notes": "<EMAIL_ADDRESS> on <IP_ADDRESS>"}),
    ],
)
async def test_a_shape_that_hid_a_value_hides_it_no_more(policy: Redact, structured: Json, expected: Json) -> None:
    clean = await redacted(policy, result(structured=structured))
    assert clean.structured == (expected or {"role": "arn:aws:sts::123456789012:assumed-role/Admin/<EMAIL_ADDRESS>"})


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


def test_calls_are_left_alone_unless_configured() -> None:
    made = call("send", {"to": EMAIL})
    assert run(redact(), made).call == made
    ran = run(redact(arguments=True), made)
    assert ran.call
    assert ran.call.params == {"name": "send", "arguments": {"to": "<EMAIL_ADDRESS>"}}
    assert ran.steps[0].changes == (Change("$.arguments.to", "EMAIL_ADDRESS"),)
