from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from policies.loading import load
from policies.model import ANYONE, Caller, Json
from policies.policy import Policy
from policies.redact import Redact
from policies.testing import Ran, build, call, result, run, services, tool
from policies.tokenize import Tokenize

MAIL, SSN, CARD = "jane.doe@example.com", "536-22-8726", "4111111111111111"
RINGS = {"file:ring": [b"1" * 32], "file:other": [b"2" * 32], "file:rotated": [b"2" * 32, b"1" * 32]}
FLOWS = [{"from": "crm.*", "entities": ["CREDIT_CARD", "EMAIL_ADDRESS"], "to": ["payments.refund", "mail.*"]}]
JANE, JOHN = (
    Caller(subject="jane", issuer="x", claims={"org": "a"}),
    Caller(subject="john", issuer="x", claims={"org": "a"}),
)


def tokenize(**config: Any) -> Policy:
    return build(Tokenize, services(keys=RINGS), **{"keys": "file:ring", "scope": "global", "flows": FLOWS, **config})


def token(policy: Policy, value: str = MAIL, of: str = "crm.get", caller: Caller = ANYONE) -> str:
    """The token that stands for the value in a result."""
    text = run(policy, call(of, caller=caller), result(value)).text
    assert value not in text
    return text


def sent(policy: Policy, arguments: Mapping[str, Json], to: str = "mail.send", caller: Caller = ANYONE) -> Ran:
    return run(policy, call(to, arguments, caller=caller))


def test_the_model_sees_a_token_and_the_named_tool_gets_the_value() -> None:
    policy = tokenize()
    made = token(policy)
    ran = sent(policy, {"to": made, "text": f"Dear {made}, and `{made.upper()}`", "json": json.dumps([made])})
    assert ran.call
    assert ran.call.arguments == {"to": MAIL, "text": f"Dear {MAIL}, and `{MAIL}`", "json": json.dumps([MAIL])}


def test_the_same_value_is_the_same_token_in_structure_and_text() -> None:
    ran = run(tokenize(), call("crm.get"), result(json.dumps({"a": MAIL}), structured={"a": MAIL, "b": [MAIL]}))
    assert ran.result
    found = ran.result.structured
    assert found["a"] == found["b"][0]
    assert json.loads(ran.text)["a"] == found["a"]


def test_a_number_comes_back_as_the_number_it_was() -> None:
    policy = tokenize()
    ran = run(policy, call("crm.get"), result(structured={"card_number": int(CARD)}))
    assert ran.result
    made = ran.result.structured["card_number"]
    assert isinstance(made, str)
    back = sent(policy, {"card": made}, "payments.refund").call
    assert back
    assert back.arguments == {"card": int(CARD)}


@pytest.mark.parametrize(
    ("of", "value", "to", "reason"),
    [
        ("crm.get", MAIL, "search.web", "token_not_allowed"),
        ("hr.get", MAIL, "mail.send", "token_not_allowed"),
        ("crm.get", SSN, "mail.send", "token_not_allowed"),
    ],
)
def test_a_value_goes_nowhere_but_where_a_flow_leads(of: str, value: str, to: str, reason: str) -> None:
    policy = tokenize()
    denied = sent(policy, {"x": token(policy, value, of)}, to).denied
    assert denied
    assert denied.reason == reason


def test_without_flows_nothing_opens_and_check_says_so() -> None:
    policy = tokenize(flows=[])
    denied = sent(policy, {"x": token(policy)}).denied
    assert denied
    assert denied.reason == "token_not_allowed"
    assert any("no flows" in note for note in policy.notes())


def test_a_token_of_another_caller_does_not_open() -> None:
    policy = tokenize(scope="caller")
    made = token(policy, caller=JANE)
    assert sent(policy, {"to": made}, caller=JANE).call
    denied = sent(policy, {"to": made}, caller=JOHN).denied
    assert denied
    assert denied.reason == "token_wrong_scope"
    assert token(policy, caller=JOHN) != made


def test_a_tenants_callers_share_their_tokens() -> None:
    policy = tokenize(scope="tenant", claim="org")
    assert sent(policy, {"to": token(policy, caller=JANE)}, caller=JOHN).call


def test_where_nobody_is_verified_a_callers_tokens_are_neither_made_nor_opened() -> None:
    policy = tokenize(scope="caller")
    assert policy.per_caller
    denied = run(policy, call("crm.get"), result(MAIL)).denied
    assert denied
    assert denied.reason == "token_no_scope"
    made = token(policy, caller=JANE)
    denied = sent(policy, {"to": made}).denied
    assert denied
    assert denied.reason == "token_no_scope"
    assert sent(policy, {"to": "nobody"}).call


def test_after_a_rotation_old_tokens_open_and_new_ones_are_made_with_the_new_key() -> None:
    old = token(tokenize())
    rotated = tokenize(keys="file:rotated")
    assert sent(rotated, {"to": old}).call
    assert token(rotated) != old
    denied = sent(tokenize(keys="file:other"), {"to": old}).denied
    assert denied
    assert denied.reason == "token_unknown_key"


def test_a_token_expires() -> None:
    lent = services(keys=RINGS)
    policy = build(Tokenize, lent, keys="file:ring", scope="global", flows=FLOWS, expires_hours=24)
    made = token(policy)
    assert sent(policy, {"to": made}).call
    lent.clock.advance(3 * 86_400)
    denied = sent(policy, {"to": made}).denied
    assert denied
    assert denied.reason == "token_expired"


def test_an_edited_token_is_denied_and_never_passed_on() -> None:
    policy = tokenize()
    made = token(policy)
    swapped = made[:40] + ("0" if made[40] != "0" else "1") + made[41:]
    for bad in (swapped, made[:-20] + ">", made[:-1]):
        ran = sent(policy, {"to": bad})
        assert ran.call is None
        assert ran.denied
        assert ran.denied.reason == "token_damaged"


def test_where_a_schema_asks_for_an_address_the_token_is_one_and_opens_all_the_same() -> None:
    policy = tokenize()
    schema = {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}, "required": ["email"]}
    ran = run(policy, call("crm.get", tool=tool("crm.get", output_schema=schema)), result(structured={"email": MAIL}))
    assert ran.result
    made = ran.result.structured["email"]
    assert made.endswith(".token.example.com")
    again = run([build(Redact), policy], call("crm.get"), ran.result)
    assert again.result
    assert again.result.structured == {"email": made}
    back = sent(policy, {"to": made, "text": f"write to {made}!"}).call
    assert back
    assert back.arguments == {"to": MAIL, "text": f"write to {MAIL}!"}


def test_redact_leaves_tokens_alone_and_takes_what_tokenize_does_not() -> None:
    chain = [build(Redact), tokenize(entities=["EMAIL_ADDRESS"])]
    ran = run(chain, call("crm.get"), result(structured={"email": MAIL, "ssn": SSN}))
    assert ran.result
    assert ran.result.structured["ssn"] == "<US_SSN>"
    assert ran.result.structured["email"].startswith("<EMAIL_ADDRESS:k1")


def test_tokenizing_twice_equals_once() -> None:
    policy = tokenize()
    once = run(policy, call("crm.get"), result(f"{MAIL}, {SSN}", structured={"email": MAIL, "n": int(CARD)})).result
    assert once
    twice = run(policy, call("crm.get"), once).result
    assert twice
    assert twice.body == once.body


def test_redact_tokenizes_the_entities_that_it_is_told_to() -> None:
    config = {
        "actions": {"EMAIL_ADDRESS": "tokenize"},
        "tokens": {"keys": "file:ring", "scope": "global", "flows": FLOWS},
    }
    policy = build(Redact, services(keys=RINGS), **config)
    ran = run(policy, call("crm.get"), result(structured={"email": MAIL, "ssn": SSN}))
    assert ran.result
    assert ran.result.structured["ssn"] == "<US_SSN>"
    back = sent(policy, {"to": ran.result.structured["email"]}).call
    assert back
    assert back.arguments == {"to": MAIL}


@pytest.mark.parametrize(
    "config",
    [
        'use = "tokenize"',
        'use = "tokenize"\nconfig = { keys = "file:ring", scope = "tenant" }',
        'use = "tokenize"\nconfig = { keys = "file:ring", claim = "org" }',
        'use = "tokenize"\nconfig = { keys = "file:ring", flows = [{ from = "a" }] }',
        'use = "redact"\nconfig = { action = "tokenize" }',
        'use = "redact"\nconfig = { action = "hash" }',
    ],
)
def test_what_is_missing_of_a_configuration_is_said_before_anything_runs(tmp_path: Any, config: str) -> None:
    (tmp_path / "policies.toml").write_text(f"[[policy]]\n{config}\n")
    with pytest.raises(Exception, match=r"config"):
        load(tmp_path / "policies.toml", services())
