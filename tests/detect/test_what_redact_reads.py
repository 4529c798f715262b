"""What stands inside a text, whatever it is wrapped in; blobs; tools' texts; actions."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from inspect import isawaitable
from typing import Any
from urllib.parse import quote

import pytest

from policies.detect.actions import masked
from policies.model import ALLOW, Deny, Json, Modify, Result, Tool
from policies.redact import Redact
from policies.testing import call, frozen, result, run, services, tool
from tests.detect.redacting import CARD, EMAIL, SSN, decide, opened, redact, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


def base(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        EMAIL.replace("@", "\u200b@"),
        EMAIL.replace("doe", "d\u00adoe"),
        EMAIL.replace("@", "＠"),
        EMAIL.replace("@", "&#64;").replace(".com", "&period;com"),
        EMAIL.replace("@", " (at) ").replace(".com", " (dot) com"),
        quote(EMAIL, safe=""),
        f"https://x.example/?mail={quote(EMAIL, safe='')}&x=1",
        "4111\u20091111\u20091111\u20091111",
        "４１１１１１１１１１１１１１１１",
        base(f"the mail is {EMAIL}"),
        base(json.dumps({"email": EMAIL})),
        base(base(f"twice: {EMAIL}")),
        f"id 7, data {base(f'contact {EMAIL} today')}, end",
        json.dumps(json.dumps(json.dumps({"a": EMAIL}))),
        f"id,mail\n1,{EMAIL}\n2,none\n",
        f"| id | mail |\n|----|------|\n| 1 | {EMAIL} |\n",
        f"<user><mail>{EMAIL}</mail></user>",
        f"level=info user={EMAIL} ok",
    ],
)
async def test_a_disguise_hides_nothing(policy: Redact, text: str) -> None:
    clean = await redacted(policy, result(f"{text}", structured={"x": text}))
    left = json.dumps(clean.body, ensure_ascii=False)
    for value in (EMAIL, "jane", "4111", "４１１１", base(EMAIL)[4:12], base(f"the mail is {EMAIL}")[8:20]):
        assert value not in left
    assert await decide(policy, clean) is ALLOW


@pytest.mark.parametrize("escape", ["%41", "&amp;", "\u200b", '\\u0041"', "%E2%80%8B"])
@pytest.mark.parametrize("at", [0, 20_000, 39_000])
async def test_one_escape_in_a_long_text_hides_nothing_before_or_behind_it(
    policy: Redact, escape: str, at: int
) -> None:
    words = "word " * 8_000
    text = f"{EMAIL} {words[:at]}{escape} jane%2Edoe%40example.com {words[at:]}{SSN} jane.r\u200boe@example.org"
    left = (await redacted(policy, result(text))).content[0]["text"]
    assert (left.count("<EMAIL_ADDRESS>"), left.count("<US_SSN>")) == (3, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name;phone\nAnna;0301234567\n", "name;phone\nAnna;<PHONE_NUMBER>\n"),
        (
            "| Phone | Note |\n|---|---|\n| 5550142 | 5550143 |\n",
            "| Phone | Note |\n|---|---|\n| <PHONE_NUMBER> | 5550143 |\n",
        ),
        ("ssn\tqty\n536228726\t536228720\n", "ssn\tqty\n<US_SSN>\t536228720\n"),
        (
            "Before.\n\nid,date_of_birth\n1,1984-03-12\n\nOn 1984-03-13 it rained.",
            "Before.\n\nid,date_of_birth\n1,<DATE_OF_BIRTH>\n\nOn 1984-03-13 it rained.",
        ),
        ('"last, first",phone\n"Doe, J",5550142\n', '"last, first",phone\n"Doe, J",<PHONE_NUMBER>\n'),
    ],
)
async def test_a_cell_stands_under_its_columns_name(policy: Redact, text: str, expected: str) -> None:
    assert (await redacted(policy, result(text))).content[0]["text"] == expected


async def test_a_value_stands_under_the_name_beside_it(policy: Redact) -> None:
    rows = [{"name": "phone", "value": "5550142"}, {"name": "quantity", "value": "5550143"}]
    clean = await redacted(policy, result(json.dumps(rows), structured={"rows": rows}))
    assert clean.structured["rows"] == [{"name": "phone", "value": "<PHONE_NUMBER>"}, rows[1]]
    assert json.loads(clean.content[0]["text"]) == clean.structured["rows"]


async def test_what_base64_says_is_said_again_around_what_is_gone(policy: Redact) -> None:
    clean = await redacted(policy, result(base(f"to {EMAIL}, with love")))
    assert base64.b64decode(clean.content[0]["text"]).decode() == "to <EMAIL_ADDRESS>, with love"


# --- blobs ---


def blob(text: str, mime: str | None) -> Result:
    resource: dict[str, Json] = {"uri": "x:y", "blob": base(text)}
    return Result(body={"contents": [resource if mime is None else {**resource, "mimeType": mime}]})


BLOB = f"Dear {EMAIL}, your number is {SSN}. " * 3


@pytest.mark.parametrize(
    "mime", ["text/plain", "text/csv; charset=utf-8", "application/json", "TEXT/html", "image/svg+xml", None]
)
async def test_a_blob_of_text_is_read(policy: Redact, mime: str | None) -> None:
    clean = await redacted(policy, blob(BLOB, mime))
    text = base64.b64decode(clean.body["contents"][0]["blob"]).decode()
    assert text == BLOB.replace(EMAIL, "<EMAIL_ADDRESS>").replace(SSN, "<US_SSN>")


async def test_another_blob_passes(policy: Redact) -> None:
    assert await decide(policy, blob(BLOB, "image/png")) is ALLOW
    assert await decide(policy, blob(f"\0{BLOB}", "application/octet-stream")) is ALLOW


async def test_blobs_are_denied_where_the_configuration_says_so() -> None:
    with_blobs = redact(blobs={"image/*": "deny", "*": "scan"})
    await with_blobs.open()
    try:
        assert await decide(with_blobs, blob(BLOB, "image/png")) == Deny("blob_not_allowed", "image/png")
        assert isinstance(await decide(with_blobs, blob(BLOB, None)), Modify)
    finally:
        await with_blobs.close()


# --- tools ---


def on_tool(policy: Redact, given: Tool) -> Any:
    async def decided() -> Any:
        await policy.open()
        try:
            decision = policy.on_tool(frozen(given), call().caller)
            return await decision if isawaitable(decision) else decision
        finally:
            await policy.close()

    return asyncio.run(decided())


def test_descriptions_and_titles_of_a_tool_lose_values_and_its_contract_stays() -> None:
    schema = {
        "type": "object",
        "title": f"of {EMAIL}",
        "properties": {
            "to": {
                "type": "string",
                "description": f"as {EMAIL}",
                "default": EMAIL,
                "enum": [EMAIL],
                "pattern": "^a@b$",
            },
            "description": {"type": "string"},
        },
    }
    decision = on_tool(redact(), tool("mail", schema, description=f"Ask {EMAIL} first.", title="Mail"))
    assert isinstance(decision, Modify)
    assert isinstance(decision.value, Tool)
    definition = decision.value.definition
    assert definition["description"] == "Ask <EMAIL_ADDRESS> first."
    assert definition["inputSchema"]["title"] == "of <EMAIL_ADDRESS>"
    assert definition["inputSchema"]["properties"] == {
        "to": {**schema["properties"]["to"], "description": "as <EMAIL_ADDRESS>"},  # type: ignore[index]
        "description": {"type": "string"},
    }


@pytest.mark.parametrize(
    "description",
    [
        "Looks a customer up.\n\nArgs:\n    name: The customer's full name.\n    phone: The phone number, E.164.",
        "Since 2024; at most 100 results, 1.5 s each. See RFC 9110 section 15.5.",
        "Takes an ISO 8601 date (2026-01-31) and a UUID.",
    ],
)
def test_a_description_in_plain_words_stays(description: str) -> None:
    assert on_tool(redact(), tool("t", description=description)) is ALLOW


def test_tools_texts_may_be_left_alone() -> None:
    assert on_tool(redact(tool_texts=False), tool("t", description=EMAIL)) is ALLOW


async def test_instructions_of_a_greeting_are_text_and_the_rest_is_the_protocols(policy: Redact) -> None:
    greeting = {"serverInfo": {"name": EMAIL, "version": "1.2.3.4"}, "instructions": f"Ask {EMAIL}."}
    clean = await redacted(policy, Result(body=greeting), call(method="initialize", params={}))
    assert clean.body == {**greeting, "instructions": "Ask <EMAIL_ADDRESS>."}


# --- actions ---

KEY = {"file:key": "0123456789abcdef"}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("replace", {"a": "card <CREDIT_CARD>!", "b": "<CREDIT_CARD>", "card_number": 0}),
        ("mask", {"a": "card **** **** **** 1111!", "b": "**** **** **** 1111", "card_number": 1111}),
        ("remove", {"a": "card !", "card_number": 0}),
    ],
)
def test_an_action_is_done_with_every_value(action: str, expected: Json) -> None:
    structured = {"a": f"card {CARD}!", "b": CARD, "card_number": 4111111111111111}
    ran = run(redact(action=action), call(), result(json.dumps(structured), structured=structured))
    assert ran.result
    assert ran.result.structured == expected
    assert json.loads(ran.text) == expected


def test_a_content_block_keeps_its_text_when_all_of_it_is_removed() -> None:
    given = result(
        EMAIL, content=[{"type": "resource", "resource": {"uri": "x:y", "text": EMAIL}}], structured={"a": EMAIL}
    )
    ran = run(redact(action="remove"), call(), given)
    assert ran.result
    assert ran.result.body["content"] == [
        {"type": "text", "text": ""},
        {"type": "resource", "resource": {"uri": "x:y", "text": ""}},
    ]
    assert ran.result.structured == {}


def test_the_same_value_has_the_same_hash_and_another_key_gives_another() -> None:
    def hashed(key: str) -> Any:
        lent = services(secrets={"file:key": key})
        made = Redact(Redact.Config.model_validate({"action": "hash", "hash_key": "file:key"}), lent)
        ran = run(made, call(), result(structured={"a": EMAIL, "b": [EMAIL], "c": f"x{EMAIL}"}))
        assert ran.result
        return ran.result.structured

    one, other = hashed("0123456789abcdef"), hashed("fedcba9876543210")
    assert one["a"] == one["b"][0] != one["c"]
    assert one["a"].startswith("<EMAIL_ADDRESS:")
    assert one["a"] != other["a"]


def test_an_entity_may_have_an_action_of_its_own_and_deny() -> None:
    policy = redact(actions={"US_SSN": "deny", "EMAIL_ADDRESS": "mask"})
    denied = run(policy, call(), result(structured={"people": [{"ssn": SSN}]})).denied
    assert denied
    assert (denied.reason, denied.detail) == ("contains_personal_data", "US_SSN at $.structuredContent.people[0].ssn")
    assert run(policy, call(), result(EMAIL)).text == "****.***@*******.***"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CARD, "**** **** **** 1111"),
        ("12345678", "********"),
        ("123456789", "*****6789"),
        ("", ""),
        ("+1 (555) 01", "+* (***) **"),
        ("536-22-8726 10.1.2.3", "***-**-**** **.*.*.*"),
        ("12 Harbour Road", "** ******* ****"),
    ],
)
def test_a_mask_shows_four_of_more_than_eight(value: str, expected: str) -> None:
    assert masked(value) == expected


@pytest.mark.parametrize("action", ["replace", "mask", "remove", "hash"])
def test_redacting_twice_equals_once(action: str) -> None:
    lent = services(secrets=KEY)
    config = {"action": action, **({"hash_key": "file:key"} if action == "hash" else {})}
    body = {"email": EMAIL, "ssn": SSN, "card_number": CARD, "dob": "1984-03-12", "first_name": "Maria", "n": 536228726}
    policy = Redact(Redact.Config.model_validate(config), lent)
    once = run(policy, call(), result(json.dumps(body), structured=body)).result
    assert once
    twice = run(policy, call(), once).result
    assert twice
    assert twice.body == once.body
