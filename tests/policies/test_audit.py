from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from policies.audit import MAX_CHANGES, Audit
from policies.model import ANYONE, Call, Caller, Change, Exchange, Outcome, Result, Step
from policies.testing import build, call, result, run, services, tool

CANARY = "canary-7f3a"


def exchange(a_call: Call, a_result: Result | None = None, outcome: Outcome = "completed", **more: Any) -> Exchange:
    return Exchange(call=a_call, result=a_result, outcome=outcome, **more)


def line_of(an_exchange: Exchange) -> Mapping[str, Any]:
    lent = services()
    build(Audit, lent).on_done(an_exchange)
    (line,) = lent.sinks.lines
    assert "\n" not in line
    found: Mapping[str, Any] = json.loads(line)
    return found


def test_a_line_says_who_what_when_how_long_and_what_was_decided() -> None:
    steps = (
        Step(policy="sanitize", hook="on_call", action="allow", micros=7),
        Step(policy="redact", hook="on_result", action="modify", changes=(Change("$.a", "US_SSN"),), micros=900),
        Step(policy="limit", hook="on_result", action="deny", mode="shadow", reason="big", detail="12 MB", micros=1),
    )
    made = call("get", {"a": "b"}, tool=tool("get"), caller=Caller(subject="jane", issuer="https://idp"))
    line = line_of(
        exchange(
            made,
            result("x"),
            steps=steps,
            upstream="http://up/mcp",
            protocol="2025-11-25",
            door="relay",
            trace_id="ab" * 16,
            started=1_790_000_000.5,
            duration_ms=12.3456,
            upstream_ms=9.87654,
        )
    )
    assert line == {
        "time": "2026-09-21T14:13:20.500Z",
        "exchange": made.id,
        "method": "tools/call",
        "name": "get",
        "outcome": "completed",
        "policies": [
            {"policy": "sanitize", "hook": "on_call", "action": "allow", "mode": "enforce", "us": 7, "count": 1},
            {
                "policy": "redact",
                "hook": "on_result",
                "action": "modify",
                "mode": "enforce",
                "changes": [{"path": "$.a", "kind": "US_SSN"}],
                "us": 900,
            },
            {
                "policy": "limit",
                "hook": "on_result",
                "action": "deny",
                "mode": "shadow",
                "reason": "big",
                "detail": "12 MB",
                "us": 1,
            },
        ],
        "subject": "jane",
        "issuer": "https://idp",
        "upstream": "http://up/mcp",
        "protocol": "2025-11-25",
        "door": "relay",
        "trace_id": "ab" * 16,
        "duration_ms": 12.346,
        "upstream_ms": 9.877,
        "is_error": False,
    }


@pytest.mark.parametrize(
    ("an_exchange", "expected"),
    [
        (exchange(call(CANARY)), {}),
        (exchange(call("known", tool=tool("known"))), {"name": "known"}),
        (exchange(call(method="prompts/get", params={"name": "p"}), Result(body={})), {"name": "p"}),
        (exchange(call(method="prompts/get", params={"name": CANARY}), Result(body={}, error=True)), {}),
        (exchange(call(method="prompts/get", params={"name": CANARY}), None, "denied"), {}),
        (exchange(call(method="resources/read", params={"uri": f"file:///{CANARY}"})), {"uri_scheme": "file"}),
        (exchange(call(method="resources/read", params={"uri": CANARY})), {}),
    ],
)
def test_a_name_shows_only_when_it_is_the_upstreams(an_exchange: Exchange, expected: dict[str, str]) -> None:
    line = line_of(an_exchange)
    assert {key: line[key] for key in ("name", "uri_scheme") if key in line} == expected
    assert CANARY not in json.dumps(line)


def test_no_value_of_an_exchange_is_in_its_line() -> None:
    caller = Caller(claims={"email": CANARY}, asserted={"session": CANARY, "user": CANARY})
    made = call("get", {CANARY: CANARY}, tool=tool("get", description=CANARY), caller=caller)
    failed = Result(body={"code": -32003, "message": CANARY, "data": {"x": CANARY}}, error=True)
    for outcome in (failed, result(CANARY, structured={CANARY: CANARY}, is_error=True)):
        line = line_of(exchange(made, outcome))
        assert CANARY not in json.dumps(line)
        assert line["is_error"] is True
    assert line_of(exchange(made, failed))["error_code"] == -32003


def test_a_session_shows_as_the_same_digest_each_time() -> None:
    lines = [line_of(exchange(call(caller=Caller(asserted={"session": text})))) for text in ("one", "one", "two")]
    assert lines[0]["session"] == lines[1]["session"] != lines[2]["session"]
    assert "session" not in line_of(exchange(call(caller=ANYONE)))


def test_steps_that_only_allowed_are_summed_and_long_lists_of_changes_are_cut() -> None:
    allowed = [Step(policy="a", hook="on_tool", action="allow", micros=2) for _ in range(50)]
    changes = tuple(Change(f"$[{number}]", "tag") for number in range(MAX_CHANGES + 5))
    line = line_of(
        exchange(call(), steps=[*allowed, Step(policy="b", hook="on_call", action="modify", changes=changes)])
    )
    summed, modified = line["policies"]
    assert (len(modified["changes"]), modified["changes_left_off"]) == (MAX_CHANGES, 5)
    assert summed == {"policy": "a", "hook": "on_tool", "action": "allow", "mode": "enforce", "us": 100, "count": 50}


def test_decisions_stand_in_the_order_of_time_with_sums_where_the_first_stood() -> None:
    actions: tuple[tuple[str, Literal["allow", "deny"]], ...] = (("a", "allow"), ("b", "deny"), ("c", "allow"))
    steps = [Step(policy=name, hook="on_call", action=action) for name, action in (*actions, actions[0])]
    told = line_of(exchange(call(), None, "denied", steps=steps))["policies"]
    assert [(item["policy"], item.get("count")) for item in told] == [("a", 2), ("b", None), ("c", 1)]


def test_a_line_is_written_whatever_a_policy_put_into_its_detail() -> None:
    step = Step(policy="p", hook="on_call", action="deny", reason="r", detail="\ud800\n\u2028")
    assert line_of(exchange(call(), None, "denied", steps=[step]))["policies"][0]["detail"] == "\ud800\n\u2028"


def test_it_writes_one_line_per_exchange_from_within_a_chain() -> None:
    ran = run(build(Audit), call("get", {"a": CANARY}, tool=tool("get")), result("fine"))
    (line,) = ran.lines
    assert json.loads(line)["outcome"] == "completed"
    assert CANARY not in line
