"""Calls, lists and initialize with odd params, and plain ones that the upstream or a policy answers oddly."""

from __future__ import annotations

import itertools
from typing import Any, Final

from tests.differential.case import ECHO, INITIALIZE, LEFT_OUT, Case, Header, both, case
from tests.differential.upstream import SCRIPTS
from tests.mcp_wire import HANDSHAKE, MODERN
from tests.rich_upstream import RESULTS

CALLS: Final[dict[str, dict[str, Any]]] = {
    "unknown tool": {"name": "nowhere"},
    "no name": {"arguments": {}},
    "name null": {"name": None},
    "name a number": {"name": 7},
    "name an object": {"name": {}},
    "name empty": {"name": ""},
    "name with a space": {"name": "echo "},
    "name in upper case": {"name": "ECHO"},
    "name very long": {"name": "x" * 5000},
    "name of a resource": {"name": "a://b"},
    "name that looks encoded": {"name": "=?base64?ZWNobw==?="},
    "arguments null": {"name": "echo", "arguments": None},
    "arguments absent": {"name": "echo"},
    "arguments a list": {"name": "echo", "arguments": []},
    "arguments a text": {"name": "echo", "arguments": "{}"},
    "arguments false": {"name": "echo", "arguments": False},
    "arguments empty": {"name": "echo", "arguments": {}},
    "arguments of every type": {
        "name": "echo",
        "arguments": {"t": "s", "n": None, "b": True, "f": 1.5, "l": [[], {}], "i": 2**70},
    },
    "a task": {**ECHO, "task": {"ttl": 1000}},
    "a task of a wrong type": {**ECHO, "task": 7},
    "inputResponses": {**ECHO, "inputResponses": {"who": {"action": "accept"}}},
    "inputResponses null": {**ECHO, "inputResponses": None},
    "inputResponses a list": {**ECHO, "inputResponses": []},
    "requestState": {**ECHO, "requestState": "abc"},
    "requestState a number": {**ECHO, "requestState": 7},
    "a vendor member": {**ECHO, "x-vendor": {"a": [1]}},
    "a cursor": {**ECHO, "cursor": "5"},
    "wrong by the schema": {"name": "strict", "arguments": {"n": "x"}},
    "right by the schema": {"name": "strict", "arguments": {"n": 1}},
    "more than the schema": {"name": "strict", "arguments": {"n": 1, "m": 2}},
    "missing by the schema": {"name": "strict"},
    "slow tool": {"name": "asking", "arguments": {}},
    "answered asking": {"name": "asking", "inputResponses": {"who": {"action": "accept"}}, "requestState": "st4te=="},
    "personal arguments": {"name": "echo", "arguments": {"mail": "jane.roe@example.com", "ssn": "536-90-4399"}},
}
LISTS: Final[dict[str, dict[str, Any]]] = {
    "first page": {},
    "empty cursor": {"cursor": ""},
    "second page": {"cursor": "40"},
    "unknown cursor": {"cursor": "nowhere"},
    "cursor null": {"cursor": None},
    "cursor a number": {"cursor": 5},
    "cursor an object": {"cursor": {}},
    "cursor a boolean": {"cursor": True},
    "cursor a long text": {"cursor": "9" * 2000},
    "an extra member": {"x": 1},
    "a name": {"name": "echo"},
    "a limit": {"limit": 5},
}
INITIALIZES: Final[dict[str, dict[str, Any]]] = {
    **{f"wish {version}": {"protocolVersion": version} for version in ("2024-11-05", "2025-03-26", "2025-06-18")},
    **{f"wish {version}": {"protocolVersion": version} for version in (HANDSHAKE, MODERN, "2027-01-01", "1.0", "")},
    "wish null": {"protocolVersion": None},
    "wish a number": {"protocolVersion": 20251125},
    "wish whole number": {"protocolVersion": 1},
    "no wish": {"protocolVersion": LEFT_OUT},
    "no capabilities": {"capabilities": LEFT_OUT},
    "no info": {"clientInfo": LEFT_OUT},
    "an extra member": {"x": {"a": 1}},
    "a token": {"_meta": {"progressToken": 5}},
    "a wrong token": {"_meta": {"progressToken": 1.5}},
    "an odd _meta": {"_meta": {"a.b/c": 7}},
    "_meta null": {"_meta": None},
    "roots, an extra key": {"capabilities": {"roots": {"listChanged": True, "x": 1}}},
    "roots, a number for the flag": {"capabilities": {"roots": {"listChanged": 1}}},
    "roots, null for the flag": {"capabilities": {"roots": {"listChanged": None}}},
    "a capability in capital letters": {"capabilities": {"Roots": {}}},
    "a flag of a vendor": {"capabilities": {"vendor": {"on": True}}},
    "everything at once": {
        "capabilities": {
            "roots": {},
            "sampling": {"tools": {}},
            "elicitation": {"form": {}},
            "experimental": {"a": {}},
            "tasks": {"requests": {"elicitation": {"create": {}}}},
            "extensions": {"a.b/c": {}},
        }
    },
}
_GOOD: Final = {"region": "eu", "count": 5, "where": {"zone": True}}
_SAID: Final[list[Header]] = [("mcp-param-region", "eu"), ("mcp-param-count", "5"), ("mcp-param-zone", "true")]
ANNOTATED: Final[dict[str, tuple[dict[str, Any], list[Header]]]] = {
    "right headers": (_GOOD, _SAID),
    "no headers": (_GOOD, []),
    "one header missing": (_GOOD, _SAID[:2]),
    "one header wrong": (_GOOD, [("mcp-param-region", "us"), *_SAID[1:]]),
    "one header too many": ({"region": "eu"}, _SAID),
    "headers without arguments": ({}, _SAID),
    "neither": ({}, []),
    "only what needs none": ({"plain": "x"}, []),
    "null needs none": ({"region": None, "plain": "x"}, []),
    "null with a header": ({"region": None}, [("mcp-param-region", "null")]),
    "a header twice": ({"region": "eu"}, [("mcp-param-region", "eu"), ("mcp-param-region", "eu")]),
    "an encoded header": ({"region": "é"}, [("mcp-param-region", "=?base64?w6k=?=")]),
    "an encoded header, wrong": ({"region": "é"}, [("mcp-param-region", "=?base64?w6l=?=")]),
    "a header not ASCII": ({"region": "é"}, [("mcp-param-region", "é".encode())]),
    "a number as decimal": ({"count": 5}, [("mcp-param-count", "5.0")]),
    "a decimal as number": ({"count": 5.0}, [("mcp-param-count", "5")]),
    "a large number": ({"count": 2**70}, [("mcp-param-count", str(2**70))]),
    "a list": ({"region": ["eu"]}, []),
    "a text where an object belongs": ({"where": "x"}, []),
    "a header of nothing": ({"plain": "x"}, [("mcp-param-nothing", "x")]),
    "odd case": ({"region": "eu"}, [("MCP-Param-REGION", "eu")]),
    "empty": ({"region": ""}, [("mcp-param-region", "")]),
    "empty without a header": ({"region": ""}, []),
}
WISHES: Final = ("denied", "denied_late", "responded", "exploding", "replaced", "unwritable")
READS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "a resource": ("resources/read", {"uri": "a://b"}),
    "a denied resource": ("resources/read", {"uri": "a://denied"}),
    "a prompt": ("prompts/get", {"name": "p", "arguments": {"a": "1"}}),
    "an unknown prompt": ("prompts/get", {"name": "q"}),
    "a completion": (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "x"}},
    ),
    "a subscription": ("resources/subscribe", {"uri": "a://b"}),
    "a log level": ("logging/setLevel", {"level": "info"}),
    "a wrong log level": ("logging/setLevel", {"level": 7}),
}


def calls() -> list[Case]:
    """Odd params, and answers of every script."""
    scripted = [name for name in (*RESULTS, "refusing", "chatty", *SCRIPTS) if name not in ("slow",)]
    return [
        *(item for name, params in CALLS.items() for item in both(f"call: {name}", params=params)),
        *(item for name, params in LISTS.items() for item in both(f"list: {name}", "tools/list", params)),
        *(item for name in scripted for item in both(f"answer: {name}", params={"name": name, "arguments": {}})),
        *(item for name in ("told", "chatty", "told_then_error", "told_after") for item in _with_token(name)),
        *itertools.chain.from_iterable(_annotated(name) for name in ANNOTATED),
        *(item for name, (method, params) in READS.items() for item in both(f"read: {name}", method, params)),
        *_unasciied(),
        *(item for wish in WISHES for item in _wishes(wish)),
    ]


def _wishes(wish: str) -> list[Case]:
    meta = {"example.com/wish": wish}
    return [
        *both(f"policy of a list: {wish}", "tools/list", meta=meta),
        *both(f"policy of prompts: {wish}", "prompts/list", meta=meta),
        case(f"policy of initialize: {wish}", "initialize", meta=meta),
        case(f"policy of discover: {wish}", "server/discover", era=MODERN, meta=meta),
    ]


def initializes() -> list[Case]:
    """Of any wish and shape, and those of a session and what follows them."""
    return [
        *(case(f"initialize: {name}", "initialize", _wished(changes)) for name, changes in INITIALIZES.items()),
        *(_without_version(name, changes) for name, changes in INITIALIZES.items() if name.startswith("wish ")),
        case("initialize: header of another version", "initialize", instead=[("mcp-protocol-version", "2025-03-26")]),
        case("initialize: of a session", "initialize", headers=[("mcp-session-id", "mine")]),
        case("initialize: of a session, again", "initialize", headers=[("mcp-session-id", "mine")]),
        case("initialize: call of that session", headers=[("mcp-session-id", "mine")]),
        case("initialize: initialized", "notifications/initialized", headers=[("mcp-session-id", "mine")]),
        case("initialize: end of that session", headers=[("mcp-session-id", "mine")], raw=b"", verb="DELETE"),
        case("initialize: call after the end", headers=[("mcp-session-id", "mine")]),
    ]


def _wished(changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**INITIALIZE, **changes}.items() if value is not LEFT_OUT}


def _without_version(name: str, changes: dict[str, Any]) -> Case:
    without = ("mcp-protocol-version",)
    return case(f"initialize, no header: {name}", "initialize", _wished(changes), without=without)


def _with_token(name: str) -> list[Case]:
    params = {"name": name, "arguments": {}, "_meta": {"progressToken": "mine"}}
    return both(f"answer with token: {name}", params=params)


def _annotated(name: str) -> list[Case]:
    arguments, lines = ANNOTATED[name]
    return [
        *both(f"annotated: {name}", params={"name": "annotated", "arguments": arguments}, headers=lines),
        case(
            f"misannotated: {name}",
            "tools/call",
            {"name": "misannotated", "arguments": arguments},
            MODERN,
            headers=lines,
        ),
    ]


def _unasciied() -> list[Case]:
    """A name that no header can say as it stands."""
    return [
        case("call: name not ASCII", params={"name": "é"}),
        case("call: name not ASCII", params={"name": "é"}, era=MODERN),
        case(
            "call: name not ASCII, encoded", params={"name": "é"}, era=MODERN, instead=[("mcp-name", "=?base64?w6k=?=")]
        ),
        case("call: name not ASCII, in UTF-8", params={"name": "é"}, era=MODERN, instead=[("mcp-name", "é".encode())]),
    ]
