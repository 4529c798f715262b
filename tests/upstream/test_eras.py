"""A message of one era said in the other: the whole table, and nothing else changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from proxy.eras import downward, relabel, relabelled_subscription, upward
from proxy.errors import RpcError

P = "io.modelcontextprotocol/"
CLIENT = {"name": "proxy", "version": "1"}
ENVELOPE = {
    P + "protocolVersion": "2026-07-28",
    P + "clientInfo": {"name": "agent", "version": "9"},
    P + "clientCapabilities": {"elicitation": {}},
    P + "logLevel": "debug",
}
OURS = {P + "protocolVersion": "2026-07-28", P + "clientInfo": CLIENT, P + "clientCapabilities": {}}
VENDOR = {"com.example/x": {"deep": [1]}, "traceparent": "00-1-2-03"}

UP: list[tuple[str, str, bool, bool, int | None, Any, Any]] = [
    ("same era, as received", "tools/call", False, False, None, {"_meta": VENDOR}, {"_meta": VENDOR}),
    ("same era, nothing added", "tools/list", False, False, None, {"cursor": ""}, {"cursor": ""}),
    ("our token", "tools/call", False, False, 5, {"name": "x"}, {"name": "x", "_meta": {"progressToken": 5}}),
    ("the caller's token stays here", "tools/call", False, False, None, {"_meta": {"progressToken": 1}}, {}),
    ("modern as received", "tools/call", True, True, None, {"_meta": ENVELOPE | VENDOR}, {"_meta": ENVELOPE | VENDOR}),
    (
        "modern with our token",
        "tools/call",
        True,
        True,
        5,
        {"_meta": ENVELOPE | {"progressToken": "t"}},
        {"_meta": ENVELOPE | {"progressToken": 5}},
    ),
    (
        "a retry's answers ride along",
        "tools/call",
        True,
        True,
        None,
        {"inputResponses": {"a": 1}, "requestState": "s", "_meta": ENVELOPE},
        {"inputResponses": {"a": 1}, "requestState": "s", "_meta": ENVELOPE},
    ),
    ("our envelope", "tools/list", False, True, None, {"_meta": VENDOR}, {"_meta": VENDOR | OURS}),
    (
        "our envelope with a log level",
        "tools/call",
        False,
        True,
        7,
        {"name": "x"},
        {"name": "x", "_meta": OURS | {P + "logLevel": "info", "progressToken": 7}},
    ),
    ("an envelope that is not a caller's to set", "tools/list", False, True, None, {"_meta": ENVELOPE}, None),
    ("the envelope stripped", "tools/call", True, False, None, {"_meta": ENVELOPE | VENDOR}, {"_meta": VENDOR}),
    ("an empty envelope gone", "tools/call", True, False, None, {"name": "x", "_meta": ENVELOPE}, {"name": "x"}),
    ("stripped, our token", "tools/call", True, False, 3, {"_meta": ENVELOPE}, {"_meta": {"progressToken": 3}}),
]


@pytest.mark.parametrize(("case", "method", "caller", "upstream", "token", "params", "expected"), UP)
def test_params_reach_the_upstream_in_its_own_era(
    case: str, method: str, caller: bool, upstream: bool, token: int | None, params: Any, expected: Any
) -> None:
    frozen = MappingProxyType(params)
    found = upward(method, frozen, caller_modern=caller, modern=upstream, client=CLIENT, progress=token)
    if expected is None:
        assert found["_meta"][P + "clientInfo"] == CLIENT
        assert found["_meta"][P + "clientCapabilities"] == {}
    else:
        assert dict(found) == expected


CACHE = {"ttlMs": 9, "cacheScope": "public"}
FRESH = {"ttlMs": 0, "cacheScope": "private"}
DONE = {"resultType": "complete"}

DOWN: list[tuple[str, str, bool, bool, Any, Any]] = [
    ("same era", "tools/list", False, False, {"tools": [], "x": 1}, {"tools": [], "x": 1}),
    ("same modern era", "tools/list", True, True, {"tools": [], **CACHE, **DONE}, {"tools": [], **CACHE, **DONE}),
    ("to handshake", "tools/list", False, True, {"tools": [], **CACHE, **DONE}, {"tools": []}),
    ("a call's own ttlMs is its own", "tools/call", False, True, {"ttlMs": 3, **DONE}, {"ttlMs": 3}),
    ("another result type stays", "tools/call", False, True, {"resultType": "x"}, {"resultType": "x"}),
    ("scalar structure stays", "tools/call", False, True, {"structuredContent": 3, **DONE}, {"structuredContent": 3}),
    ("to modern, a call", "tools/call", True, False, {"content": []}, {"content": [], **DONE}),
    ("to modern, a list", "prompts/list", True, False, {"prompts": []}, {"prompts": [], **DONE, **FRESH}),
    ("to modern, a read", "resources/read", True, False, {"contents": []}, {"contents": [], **DONE, **FRESH}),
    (
        "to modern, a ttl of its own",
        "tools/list",
        True,
        False,
        {"ttlMs": 4},
        {"ttlMs": 4, **DONE, "cacheScope": "private"},
    ),
]


@pytest.mark.parametrize(("case", "method", "caller", "upstream", "body", "expected"), DOWN)
def test_a_result_reaches_the_caller_in_its_own_era(
    case: str, method: str, caller: bool, upstream: bool, body: Any, expected: Any
) -> None:
    assert downward(method, MappingProxyType(body), caller_modern=caller, modern=upstream) == expected


def test_a_question_to_a_caller_that_cannot_answer_is_an_error() -> None:
    asking = {"resultType": "input_required", "inputRequests": {}}
    with pytest.raises(RpcError) as caught:
        downward("tools/call", asking, caller_modern=False, modern=True)
    assert caught.value.code == -32603
    assert downward("tools/call", asking, caller_modern=True, modern=True) == asking


@pytest.mark.parametrize(
    ("method", "params", "token", "expected"),
    [
        (
            "notifications/progress",
            {"progressToken": 8, "progress": 1},
            "mine",
            {"progressToken": "mine", "progress": 1},
        ),
        ("notifications/progress", {"progressToken": 8}, 0, {"progressToken": 0}),
        ("notifications/progress", {"progressToken": 9}, "mine", None),
        ("notifications/progress", {"progressToken": 8}, None, None),
        ("notifications/message", {"data": "x"}, None, {"data": "x"}),
        (
            "notifications/x",
            {"_meta": {P + "subscriptionId": 8, "a": 1}},
            1,
            {"_meta": {P + "subscriptionId": "r", "a": 1}},
        ),
    ],
)
def test_notifications_carry_the_callers_own_tokens(method: str, params: Any, token: Any, expected: Any) -> None:
    assert relabel(method, params, own=8, progress_token=token, request_id="r") == expected


def test_a_result_without_a_subscription_is_not_touched() -> None:
    body = {"_meta": {"a": 1}}
    assert relabelled_subscription(body, 4) is body
