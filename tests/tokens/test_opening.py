"""Tokens in the arguments of a call: opened where a flow leads, and the call denied where one does not open."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote

import pytest

from policies.jsontext import dumps, loads
from policies.model import Allow, Call, Caller, Change, Deny, Json, Modify
from policies.testing import call, frozen
from policies.tokens.errors import NoScopeError
from policies.tokens.flows import Flow, allowed, notes
from policies.tokens.opening import Opening, asks_for_newer_keys
from policies.tokens.scopes import OF_A_CALLER, Scope, scope_of
from policies.tokens.tokens import Lifetime, Opened
from tests.tokens.making import FOREIGN, HOUR, MAIL, NEW, OLD, SCOPE, TOOL, At, mail, tokens

TOKEN = mail()
BARE = TOKEN[1:-1]
CARD = tokens().make("4111 1111 1111 1111", "CREDIT_CARD", SCOPE, TOOL)
HARD = tokens().make('O"Neil <&\\ ü>', "PERSON", SCOPE, TOOL)
EVERYWHERE = [Flow(to=("*",))]


def number(text: str) -> str:
    return tokens().make(text, "US_BANK_NUMBER", SCOPE, TOOL, is_number=True)


def decided(given: Call, flows: Any = EVERYWHERE, made: Any = None) -> Allow | Modify | Deny:
    opening = Opening(tokens=made or tokens(), flows=flows, monotonic=At())
    return opening.call(frozen(given), SCOPE)


def opened(arguments: dict[str, Json]) -> Json:
    found = decided(call("mail.send", arguments))
    assert isinstance(found, Modify), found
    assert isinstance(found.value, Call)
    return loads(dumps(found.value.arguments))


def denied(arguments: dict[str, Json], **more: Any) -> Deny:
    found = decided(call("mail.send", arguments), **more)
    assert isinstance(found, Deny), found
    return found


LEAVES: list[tuple[Json, Json]] = [
    (TOKEN, MAIL),
    (TOKEN.upper(), MAIL),
    (BARE, MAIL),
    (f'"{TOKEN}"', MAIL),
    (f"'{TOKEN}'", MAIL),
    (f'\\"{TOKEN}\\"', MAIL),
    (f"`{TOKEN}`", MAIL),
    (f"```\n{TOKEN}\n```", MAIL),
    (f"**_{TOKEN}_**", MAIL),
    (f"“{TOKEN}”", MAIL),
    (f"<{TOKEN}>", MAIL),
    (f" {TOKEN}\n", MAIL),
    (html.escape(TOKEN), MAIL),
    (html.escape(f'"<{TOKEN}>"'), MAIL),
    (quote(TOKEN), MAIL),
    (TOKEN.replace("<", "\\u003c").replace(">", "\\u003e"), MAIL),
    (f"{TOKEN[:60]}\n  {TOKEN[60:]}", MAIL),
    (f"to {TOKEN}, please", f"to {MAIL}, please"),
    (f"**{TOKEN}** and `{TOKEN}`", f"**{MAIL}** and `{MAIL}`"),
    (f"Ann <{TOKEN}>", f"Ann <{MAIL}>"),
    (f"'{TOKEN}", f"'{MAIL}"),
    (f"{TOKEN}{TOKEN}", MAIL * 2),
    (f"{TOKEN};{CARD}", f"{MAIL};4111 1111 1111 1111"),
    (f"<p>{html.escape(HARD)}</p>", "<p>O&quot;Neil &lt;&amp;\\ ü&gt;</p>"),
    (f"https://example.com/?q={quote(TOKEN)}&p=1", "https://example.com/?q=ann.miller%40example.com&p=1"),
    (number("12345678901234567890123"), 12345678901234567890123),
    (f'"{number("7")}"', 7),
    (f"account {number('0070')}", "account 0070"),
    (number("no number"), "no number"),
    (number("true"), "true"),
    ([1, {"a": TOKEN}, None], [1, {"a": MAIL}, None]),
    (f"{TOKEN} at 12:30", f"{MAIL} at 12:30"),
]


@pytest.mark.parametrize(("leaf", "value"), LEAVES)
def test_a_token_is_opened_however_it_is_wrapped(leaf: Json, value: Json) -> None:
    assert opened({"deep": [{"to": leaf}], "n": 1}) == {"deep": [{"to": value}], "n": 1}


@pytest.mark.parametrize("text", ["1.10", "-0", "1E40", "0.1", "1e5", "-17", "9" * 30, "3.14159265358979323846264"])
def test_a_number_comes_back_with_its_very_text(text: str) -> None:
    found = decided(call("mail.send", {"n": number(text)}))
    assert isinstance(found, Modify)
    assert isinstance(found.value, Call)
    assert dumps(found.value.arguments) == b'{"n":' + text.encode() + b"}"


def test_names_of_properties_are_opened() -> None:
    assert opened({"m": {TOKEN: 1, f"x {BARE}": 2, number("5"): 3}}) == {"m": {MAIL: 1, f"x {MAIL}": 2, "5": 3}}


@pytest.mark.parametrize("level", [1, 2])
def test_a_text_that_is_json_is_opened_inside_and_stays_json(level: int) -> None:
    inner: Json = {"to": HARD, "n": [number("17")], TOKEN: f"about {HARD}", "same": 1.10}
    for _ in range(level):
        inner = json.dumps(inner)
    text = opened({"body": f" {inner}"})["body"]
    for _ in range(level):
        text = json.loads(text)
    hard = 'O"Neil <&\\ ü>'
    assert text == {"to": hard, "n": [17], MAIL: f"about {hard}", "same": 1.10}


def test_json_with_escaped_brackets_is_opened() -> None:
    text = json.dumps({"to": TOKEN}).replace("<", "\\u003c").replace("k1", "\\u006b1")
    assert opened({"body": text}) == {"body": json.dumps({"to": MAIL})}


def test_a_token_that_json_spells_in_escapes_is_opened() -> None:
    spelled = "".join(f"\\u{ord(sign):04x}" for sign in TOKEN)
    assert opened({"body": f'{{"to": "{spelled}"}}'}) == {"body": json.dumps({"to": MAIL})}


def test_answers_of_a_retry_are_opened_and_nothing_else() -> None:
    params = {"name": "mail.send", "arguments": {}, "inputResponses": {"a": {"content": {"to": TOKEN}}}, "x": TOKEN}
    found = decided(call(params=params))
    assert isinstance(found, Modify)
    assert isinstance(found.value, Call)
    assert found.value.inputs == {"a": {"content": {"to": MAIL}}}
    assert found.value.params["x"] == TOKEN


def test_changes_say_where_and_what_and_no_value() -> None:
    found = decided(call("mail.send", {"to": TOKEN, "cc": [CARD]}))
    assert isinstance(found, Modify)
    assert found.changes == (
        Change("$.arguments.to", "opened:EMAIL_ADDRESS"),
        Change("$.arguments.cc[0]", "opened:CREDIT_CARD"),
    )


@pytest.mark.parametrize("arguments", [{}, {"a": "plain", "n": 1, "k1": ["k1", None, 1.5]}, {"a": '{"k1": "b"}'}])
def test_a_call_without_tokens_is_left_alone(arguments: dict[str, Json]) -> None:
    assert isinstance(decided(call("mail.send", arguments), flows=[]), Allow)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TOKEN[:-1], "token_damaged"),
        (f"x {TOKEN[:50]}", "token_damaged"),
        (json.dumps({"a": TOKEN[:-2]}), "token_damaged"),
        (mail(tokens([FOREIGN])), "token_unknown_key"),
        (tokens().make(MAIL, "EMAIL_ADDRESS", "another", TOOL), "token_wrong_scope"),
        (f"{TOKEN} {CARD[:-1]}", "token_damaged"),
        (json.dumps(dict([BARE.split(":")])), "token_damaged"),
        (f'{{"a": {TOKEN[:-1]}}}', "token_damaged"),
    ],
)
def test_one_token_that_stays_closed_denies_the_call_and_shows_nothing(text: str, reason: str) -> None:
    for arguments in ({"ok": TOKEN, "to": [text]}, {"ok": TOKEN, "to": [{text: 1}]}):
        found = denied(arguments, made=tokens([NEW, OLD]))
        assert found.reason == reason
        assert "$.arguments.to[0]" in found.detail
        assert MAIL not in found.detail
        assert "k1" not in found.detail


def test_an_expired_token_denies() -> None:
    now = At()
    made = tokens(now=now, lifetime=Lifetime(hours=1, grain=1))
    token = mail(made)
    now.time += 3 * HOUR
    assert denied({"to": token}, made=made).reason == "token_expired"


def test_a_denial_names_ten_places_at_most() -> None:
    found = denied({"to": [TOKEN[:-1]] * 500})
    assert found.detail.count("token_damaged") == 10


def test_only_an_unknown_key_asks_for_newer_keys() -> None:
    assert asks_for_newer_keys(denied({"to": [TOKEN[:-1], mail(tokens([FOREIGN]))]}))
    assert not asks_for_newer_keys(denied({"to": TOKEN[:-1]}))
    assert not asks_for_newer_keys(Allow())


def test_names_that_become_the_same_and_too_many_tokens_deny() -> None:
    assert denied({"m": {TOKEN: 1, BARE: 2}}).reason == "key_collision"
    assert denied({"m": TOKEN * 30_000}).reason == "too_many_values"


FLOWS = [
    Flow.model_validate({"from": "crm.*", "entities": ["CREDIT_CARD"], "to": ["payments.refund"]}),
    Flow.model_validate({"entities": "EMAIL_*", "to": ["mail.*", "crm.?et"]}),
]
PROMPT = call(method="prompts/get", params={"name": "mail.send", "arguments": {"to": TOKEN}})


@pytest.mark.parametrize(
    ("given", "is_allowed"),
    [
        (call("payments.refund", {"x": CARD}), True),
        (call("payments.refund2", {"x": CARD}), False),
        (call("Payments.refund", {"x": CARD}), False),
        (call("mail.send", {"x": CARD}), False),
        (call("payments.refund", {"x": TOKEN}), False),
        (call("mail.send", {"x": TOKEN}), True),
        (call("crm.get", {"x": TOKEN}), True),
        (call("payments.refund", {"x": tokens().make("1", "CREDIT_CARD", SCOPE, "web.crm.a")}), False),
        (call("payments.refund", {"x": tokens().make("1", "CREDIT_CARD", SCOPE, "CRM.a")}), False),
        (PROMPT, False),
    ],
)
def test_a_value_goes_where_a_flow_leads_and_nowhere_else(given: Call, is_allowed: bool) -> None:
    found = decided(given, flows=FLOWS)
    if is_allowed:
        assert isinstance(found, Modify)
    else:
        assert isinstance(found, Deny)
        assert found.reason == "token_not_allowed"
        assert found.detail.startswith("token_not_allowed at $.arguments.")


def test_without_flows_nothing_opens_and_check_says_so() -> None:
    assert denied({"to": TOKEN}, flows=[]).reason == "token_not_allowed"
    assert [note.split(":")[0] for note in notes([])] == ["no flows"]
    assert list(notes(FLOWS)) == []
    assert [note.split(":")[0] for note in notes([Flow(to=("*",)), Flow(entities=("email",), to=("a",))])] == [
        "flow 1",
        "flow 2",
    ]


@pytest.mark.parametrize(
    "config", [{}, {"to": []}, {"to": "a", "from": []}, {"to": "a", "form": "b"}, {"to": "a", "entities": [1]}]
)
def test_a_flow_that_says_nothing_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Flow.model_validate(config)


def test_any_rule_that_allows_is_enough() -> None:
    value = Opened(value="x", entity="EMAIL_ADDRESS", tool="crm.get")
    assert allowed(FLOWS, value, "mail.send")
    assert not allowed(FLOWS[:1], value, "mail.send")


def caller(subject: str | None = "ann", issuer: str | None = "https://idp", **claims: Json) -> Caller:
    return Caller(subject=subject, issuer=issuer, claims=claims, asserted={"subject": "eve"})


def test_scopes_of_different_callers_and_kinds_are_different() -> None:
    names = [scope_of("global", caller())]
    names += [scope_of("caller", caller(*each)) for each in (("a", "b"), ("b", "a"), ('a", "b', "c"), ("a", None))]
    names += [scope_of("caller", caller("a", '"b')), scope_of("caller", caller('"a', "b"))]
    names += [scope_of("tenant", caller(org=org), "org") for org in ("a", "1", 1, 'a"', "ann")]
    names += [scope_of("tenant", caller(org="a", issuer="x"), "org"), scope_of("tenant", caller(t="a"), "t")]
    assert len(set(names)) == len(names)


def test_a_scope_is_that_of_everyone_whom_it_names() -> None:
    assert scope_of("global", caller(None)) == scope_of("global", caller("x"))
    assert scope_of("tenant", caller("x", org="a"), "org") == scope_of("tenant", caller("y", org="a"), "org")
    assert scope_of("caller", caller(org="a")) == scope_of("caller", caller(org="b")) != ""


@pytest.mark.parametrize(
    ("scope", "who", "claim"),
    [
        ("caller", caller(None), ""),
        ("caller", caller(""), ""),
        ("tenant", caller(None, org="a"), "org"),
        ("tenant", caller(), "org"),
        ("tenant", caller(org=""), "org"),
        ("tenant", caller(org=None), "org"),
        ("tenant", caller(org=True), "org"),
        ("tenant", caller(org=["a"]), "org"),
        ("tenant", caller(org="a"), ""),
    ],
)
def test_nobody_verified_has_no_scope(scope: Scope, who: Caller, claim: str) -> None:
    with pytest.raises(NoScopeError) as raised:
        scope_of(scope, who, claim)
    assert raised.value.reason == "token_no_scope"
    assert scope in OF_A_CALLER
