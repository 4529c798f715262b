"""`logs`: the audit lines that a real proxy wrote, and what CloudWatch may answer instead."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.errors import DeployError, FailedError, WaitedError
from deployment.logs import logs, query, records, shown, table
from tests.deployment.gateway.people import Operator

ASKED: dict[str, Any] = {"minutes": 60, "limit": 50, "tool": None}

CALL = {
    "time": "2026-11-20T10:00:00.123Z",
    "exchange": "0199aaaa-0000-7000-8000-000000000001",
    "method": "tools/call",
    "name": "get_customer",
    "outcome": "completed",
    "duration_ms": 12.345,
    "is_error": False,
    "policies": [
        {"policy": "sanitize", "hook": "on_call", "action": "allow", "mode": "enforce", "us": 3},
        {"policy": "redact", "hook": "on_result", "action": "modify", "mode": "enforce", "us": 30},
        {"policy": "redact", "hook": "on_result", "action": "modify", "mode": "enforce", "us": 10},
        {"policy": "limit", "hook": "on_call", "action": "deny", "mode": "shadow", "us": 1},
    ],
}
DENIED = {
    **CALL,
    "exchange": "0199aaaa-0000-7000-8000-000000000002",
    "name": "delete_customer",
    "outcome": "denied",
    "reason": "not_allowed",
    "policies": [{"policy": "authorize", "hook": "on_call", "action": "deny", "mode": "enforce", "us": 1}],
}


def written(shop: Operator, *lines: str) -> str:
    """The runtime's log group, with one event a line, the last one the newest."""
    [runtime] = shop.emulator.world.runtimes.values()
    group, client = f"/aws/bedrock-agentcore/runtimes/{runtime.id}-DEFAULT", shop.aws("logs")
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now - len(lines) + at, "message": line} for at, line in enumerate(lines)]
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    return group


def test_recent_tool_calls_come_newest_first_with_what_policies_did(shop: Operator) -> None:
    noise = ["listening on 8000", json.dumps({**CALL, "method": "tools/list"}), '{"exchange": "x"}', "[1]", "{"]
    group = written(shop, json.dumps(CALL), *noise, json.dumps(DENIED))
    answer = shop.run(logs, **ASKED).document
    assert answer["log_group"] == group
    first, second = answer["calls"]
    assert (first["tool"], first["outcome"], first["reason"]) == ("delete_customer", "denied", "not_allowed")
    assert first["acted"] == ["authorize: deny"]
    assert (second["tool"], second["duration_ms"], second["exchange"]) == ("get_customer", 12.345, CALL["exchange"])
    assert second["acted"] == ["redact: modify", "limit: deny (shadow)"]
    assert shop.account.made == []


def test_one_tool_alone_and_no_more_than_asked_for(shop: Operator) -> None:
    written(shop, *[json.dumps(CALL), json.dumps(DENIED)] * 3)
    answer = shop.run(logs, **{**ASKED, "tool": "get_customer"}).document
    assert [each["tool"] for each in answer["calls"]] == ["get_customer"] * 3
    assert len(shop.run(logs, **{**ASKED, "limit": 2}).document["calls"]) == 2


def test_no_log_group_is_one_clear_sentence(shop: Operator) -> None:
    with pytest.raises(DeployError, match=r"there is no log group /aws/bedrock-agentcore/runtimes/shop-\w{10}-DEFAULT"):
        shop.run(logs, **ASKED)


def test_no_calls_and_no_runtime_are_said(shop: Operator) -> None:
    written(shop, "listening")
    assert "no tool calls in" in shop.run(logs, **ASKED).told[-1]
    shop.changed(agent_name="other")
    with pytest.raises(DeployError, match="there is no runtime other"):
        shop.run(logs, **ASKED)


def test_a_named_endpoint_has_a_log_group_of_its_own(shop: Operator) -> None:
    shop.changed(endpoint="prod")
    with pytest.raises(DeployError, match="-prod yet"):
        shop.run(logs, **ASKED)


def answering(shop: Operator, operation: str, answer: Callable[[], Any]) -> None:
    """CloudWatch or X-Ray answer this to every such call."""

    class Answer:
        status_code = 200

    def replaced(model: Any, **_: Any) -> Any:
        return (Answer, answer()) if model.name == operation else None

    service = "xray" if operation == "GetTraceSegmentDestination" else "logs"
    shop.account.client(service).meta.events.register("before-call", replaced)


@pytest.fixture(autouse=True)
def search(shop: Operator) -> dict[str, str]:
    """What X-Ray says of Transaction Search, which moto does not know; an empty answer is a refusal."""
    said = {"Destination": "XRay", "Status": "ACTIVE"}

    def answer() -> dict[str, str]:
        if not said:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetTraceSegmentDestination")
        return said

    answering(shop, "GetTraceSegmentDestination", answer)
    return said


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_does_not_complete_says_how_it_ended(shop: Operator, status: str) -> None:
    written(shop, json.dumps(CALL))
    answering(shop, "GetQueryResults", lambda: {"status": status})
    with pytest.raises(FailedError, match=status):
        shop.run(logs, **ASKED)


def test_a_query_is_waited_for_and_not_for_ever(shop: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    written(shop, json.dumps(CALL))
    monkeypatch.setattr("deployment.logs.QUERY_S", 0.05)
    answering(shop, "GetQueryResults", lambda: {"status": "Running"})
    with pytest.raises(WaitedError, match="the Logs Insights query to end"):
        shop.run(logs, **ASKED)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"Destination": "CloudWatchLogs", "Status": "ACTIVE"}, "on"),
        ({"Destination": "CloudWatchLogs", "Status": "PENDING"}, "pending"),
        ({"Destination": "XRay", "Status": "ACTIVE"}, "off"),
    ],
    ids=["on", "pending", "off"],
)
def test_transaction_search_is_told_once_and_never_switched(
    shop: Operator, search: dict[str, str], answer: dict[str, str], said: str
) -> None:
    written(shop, json.dumps(CALL))
    search.update(answer)
    report = shop.run(logs, **ASKED)
    assert report.document["transaction_search"] == said
    assert len([line for line in report.told if "Transaction Search" in line]) == 1
    assert shop.account.made == []


def test_where_xray_does_not_tell_it_is_unknown(shop: Operator, search: dict[str, str]) -> None:
    search.clear()
    written(shop, json.dumps(CALL))
    assert shop.run(logs, **ASKED).document["transaction_search"] == "unknown"


def test_a_tools_name_cannot_become_a_query() -> None:
    assert 'name = "shop.get-1"' in query("shop.get-1", 5)
    assert query('x" or 1 = 1 | delete', 5) == query(None, 5)
    assert query(None, 5).endswith("| limit 5")


def test_the_table_lines_up_and_names_what_is_unknown() -> None:
    lines = table([shown(CALL), shown(DENIED), shown({"exchange": "e", "method": "tools/call", "outcome": "failed"})])
    assert lines[0].split() == ["time", "tool", "outcome", "ms", "exchange", "policies", "that", "acted"]
    assert (
        len({line.index("get_customer") if "get_customer" in line else lines[0].index("tool") for line in lines}) == 1
    )
    assert "denied (not_allowed)" in lines[2]
    assert "(unknown)" in lines[3]


def test_lines_of_others_are_passed_over() -> None:
    lines = ["{", "null", "[]", "1", json.dumps({"method": "tools/call"}), "[" * 100_000, json.dumps(CALL)]
    assert [line["exchange"] for line in records(lines, None)] == [CALL["exchange"]]
