from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from policies.detect.replace import NotRedactableError, Schema
from policies.model import ALLOW, Change, Deny, Json, Modify, Result, Tool
from policies.redact import Redact
from policies.testing import call, result
from policies.text import DROP
from policies.validation import Validation
from proxy import demo_tools
from tests.detect.redacting import CANARIES, EMAIL, PHONE, PROFILE, SSN, decide, described, opened, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


# --- everywhere in a result, and the same everywhere ------------------------------------------------------------


async def test_a_value_that_one_place_gives_away_is_removed_from_every_other(policy: Redact) -> None:
    structured = {"ssn": "536228726", "phone": "882 8080", "birth_date": "March 12, 1984", "card_number": 999988887777}
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
    assert gone == {"name", "email", "phone", "ssn", "card_number", "date_of_birth", "address"}
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
