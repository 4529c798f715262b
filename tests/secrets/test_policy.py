from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policies.finding import PolicyConfigError
from policies.loading import announcements, load
from policies.model import ALLOW, Deny, Json, Modify, Result
from policies.secrets import Secrets
from policies.testing import build, call, frozen, result, run, services, tool

KEY = "AKIA" + "Q4TZ7NLWD3HVXKEB"
TOKEN = "ghp_" + "9aKfL2mQx7RtWv3ZcB8nYs5Dj1Hg6PeU0oIr"


def secrets(**config: Any) -> Secrets:
    made = build(Secrets, **config)
    assert isinstance(made, Secrets)
    return made


@pytest.mark.parametrize(
    "given",
    [
        result(f"export AWS_ACCESS_KEY_ID={KEY}"),
        result(structured={"env": [{"name": "GITHUB_TOKEN", "value": TOKEN}]}),
        result(json.dumps({"log": f"using {TOKEN} now"}), structured={"log": f"using {TOKEN} now"}),
        result("data: " + base64.b64encode(f"token {TOKEN}".encode()).decode()),
        result(f"denied for {KEY}", is_error=True),
        Result(body={"code": -1, "message": f"bad {KEY}"}, error=True),
        Result(body={"level": "info", "data": f"got {TOKEN}"}, notice="notifications/message"),
        Result(body={"contents": [{"uri": "x:y", "text": KEY}]}),
    ],
    ids=range(8),
)
def test_a_credential_passes_nowhere(given: Result) -> None:
    ran = run(secrets(), call(), given)
    assert ran.result
    left = json.dumps(ran.result.body)
    assert KEY not in left
    assert TOKEN not in left
    assert base64.b64encode(TOKEN.encode()).decode()[:-4] not in left
    assert {change.kind for step in ran.steps for change in step.changes} == {"SECRET"}


@pytest.mark.parametrize("where", [{"note": TOKEN}, {"deep": [json.dumps({"key": KEY})]}, {TOKEN: 1}])
def test_a_call_that_carries_one_is_denied(where: Mapping[str, Json]) -> None:
    ran = run(secrets(), call("send", where))
    assert ran.denied
    assert (ran.denied.reason, ran.call) == ("contains_secret", None)
    assert TOKEN not in ran.denied.detail


def test_a_call_may_lose_it_instead_or_keep_it_as_configured() -> None:
    cleaned = run(secrets(arguments="redact"), call("send", {"note": TOKEN})).call
    assert cleaned
    assert cleaned.arguments == {"note": "<SECRET>"}
    passed = run(secrets(arguments="pass"), call("send", {"note": TOKEN})).call
    assert passed
    assert passed.arguments == {"note": TOKEN}


def test_a_result_may_be_denied_instead() -> None:
    ran = run(secrets(results="deny"), call(), result(KEY))
    assert ran.denied
    assert ran.denied.reason == "contains_secret"


def test_a_tools_description_loses_it_and_keeps_its_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"description": f"as {TOKEN}", "enum": [TOKEN]}}}
    given = tool("t", schema, description=f"Send {KEY}.")

    async def decided() -> Any:
        policy = secrets()
        await policy.open()
        try:
            decision = policy.on_tool(frozen(given), call().caller)
            return decision if not hasattr(decision, "__await__") else await decision
        finally:
            await policy.close()

    decision = asyncio.run(decided())
    assert isinstance(decision, Modify)
    definition = decision.value.definition  # type: ignore[union-attr]
    assert definition["description"] == "Send <SECRET>."
    assert definition["inputSchema"]["properties"]["a"] == {"description": "as <SECRET>", "enum": [TOKEN]}


EXEMPT = {"tools": ["vault.*"], "kinds": ["github*"], "reason": "the vault's own work"}


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [("vault.read", TOKEN, TOKEN), ("vault.read", KEY, "<SECRET>"), ("other", TOKEN, "<SECRET>")],
)
def test_what_is_exempt_stays_in_its_tool_and_of_its_kind_alone(name: str, text: str, left: str) -> None:
    assert run(secrets(exempt=[EXEMPT], arguments="pass"), call(name), result(text)).text == left


def test_an_exempt_place_keeps_it_and_every_other_loses_it() -> None:
    policy = secrets(exempt=[{"paths": ["$.structuredContent.kept"], "reason": "shown on purpose"}])
    ran = run(policy, call(), result(structured={"kept": TOKEN, "lost": TOKEN}))
    assert ran.result
    assert ran.result.structured == {"kept": TOKEN, "lost": "<SECRET>"}


def test_exemptions_are_announced_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    exempt = 'exempt = [{ tools = ["vault.*"], kinds = ["github*"], reason = "its own work" }]'
    path.write_text(f'[[policy]]\nuse = "secrets"\n[policy.config]\n{exempt}\n')
    said = announcements(load(path, services()))
    assert "policy secrets: secrets may stay in tools vault.*; kinds github*: its own work" in said


@pytest.mark.parametrize(
    "exempt",
    [
        [{"reason": "everything"}],
        [{"tools": ["a"], "reason": " "}],
        [{"tools": ["a"]}],
        [{"paths": ["a.b"], "reason": "x"}],
    ],
)
def test_an_exemption_of_everything_or_without_a_reason_is_a_config_error(exempt: Json) -> None:
    with pytest.raises(ValueError):
        secrets(exempt=[exempt])


RULES = """
[[rules]]
id = "acme-token"
description = "Acme"
regex = '''acme_[0-9a-z]{12}'''
keywords = ["acme_"]
"""


def test_users_rules_lie_beside_the_policy_file_and_count_as_well(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    path = tmp_path / "policies.toml"
    path.write_text('[[policy]]\nuse = "secrets"\nconfig = { rules = ["rules.toml"] }\n')
    ran = run(load(path, services()), call(), result(f"acme_1a2b3c4d5e6f and {KEY}"))
    assert ran.text == "<SECRET> and <SECRET>"


def test_users_rules_that_cannot_be_used_keep_the_proxy_from_starting(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rules]]\nid = 'x'\nregex = '(unclosed'\n")
    path = tmp_path / "policies.toml"
    path.write_text('[[policy]]\nuse = "secrets"\nconfig = { rules = ["rules.toml"] }\n')
    (entry,) = load(path, services())
    with pytest.raises(PolicyConfigError, match=r"rules\.toml"):
        asyncio.run(entry.policy.open())


@pytest.mark.parametrize(
    "text",
    [
        "the token_type is bearer",
        "sha256:" + "9f" * 32,
        "see AKIA for the prefix",
        "password: changeme",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert run(secrets(), call(), result(text, structured={"a": text})).text == text


def test_too_much_is_denied() -> None:
    policy = secrets(max_bytes=100)
    assert asyncio.run(_decided(policy, result("x" * 200))) == Deny("too_large_to_redact")
    assert asyncio.run(_decided(policy, result("x"))) is ALLOW


async def _decided(policy: Secrets, given: Result) -> Any:
    await policy.open()
    try:
        decision = policy.on_result(call(), given)
        return decision if not hasattr(decision, "__await__") else await decision
    finally:
        await policy.close()
