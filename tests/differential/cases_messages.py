"""Requests whose JSON-RPC envelope, `_meta` or method is odd."""

from __future__ import annotations

from typing import Any, Final

from tests.differential.case import ECHO, INITIALIZE, LEFT_OUT, Case, both, case
from tests.mcp_wire import ENVELOPE, HANDSHAKE, MODERN

_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
_INFO: Final = "io.modelcontextprotocol/clientInfo"
IDS: Final[dict[str, Any]] = {
    "null": None,
    "fraction": 1.5,
    "whole fraction": 1.0,
    "boolean": True,
    "object": {"a": 1},
    "list": [1],
    "negative": -7,
    "zero": 0,
    "largest exact": 2**53 - 1,
    "just inexact": 2**53,
    "64 bits": 2**63,
    "huge": 2**70 + 1,
    "very negative": -(2**70),
    "empty text": "",
    "text": "a-b",
    "text of digits": "7",
    "odd text": "é\u2028\x00\n\U0001f600",
    "long text": "x" * 20_000,
    "absent": LEFT_OUT,
}
MEMBERS: Final[dict[str, dict[str, Any]]] = {
    "no jsonrpc": {"jsonrpc": LEFT_OUT},
    "jsonrpc 1.0": {"jsonrpc": "1.0"},
    "jsonrpc as a number": {"jsonrpc": 2.0},
    "jsonrpc null": {"jsonrpc": None},
    "no method": {"method": LEFT_OUT},
    "method null": {"method": None},
    "method a number": {"method": 7},
    "method empty": {"method": ""},
    "method in upper case": {"method": "TOOLS/CALL"},
    "method with a space": {"method": "tools/call "},
    "params null": {"params": None},
    "params a list": {"params": []},
    "params a text": {"params": "x"},
    "params false": {"params": False},
    "params absent": {"params": LEFT_OUT},
    "extra member": {"x-vendor": {"a": [1]}},
    "extra result": {"result": {}},
    "extra error": {"error": {"code": 1, "message": "m"}},
    "extra _meta": {"_meta": {}},
    "a response": {"method": LEFT_OUT, "params": LEFT_OUT, "result": {}},
    "an error response": {"method": LEFT_OUT, "params": LEFT_OUT, "error": {"code": 1, "message": "m"}},
    "an error response without an id": {
        "method": LEFT_OUT,
        "params": LEFT_OUT,
        "id": None,
        "error": {"code": 1, "message": "m"},
    },
    "nothing": dict.fromkeys(("jsonrpc", "id", "method", "params"), LEFT_OUT),
}
TOKENS: Final[dict[str, Any]] = {
    "a number": 5,
    "text": "mine",
    "empty": "",
    "zero": 0,
    "negative": -1,
    "huge": 2**70,
    "null": None,
    "fraction": 1.5,
    "whole fraction": 1.0,
    "boolean": True,
    "object": {},
    "list": [1],
}
METAS: Final[dict[str, Any]] = {
    "null": None,
    "a list": [],
    "a text": "x",
    "a number": 1,
    "empty": {},
    "vendor keys": {"a.b/c": {"deep": [None]}, "": 1, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    "a wrong traceparent": {"traceparent": 7},
}
ENVELOPES: Final[dict[str, dict[str, Any]]] = {
    "no version": {_VERSION: LEFT_OUT},
    "no capabilities": {_CAPABILITIES: LEFT_OUT},
    "no info": {_INFO: LEFT_OUT},
    "version null": {_VERSION: None},
    "version a number": {_VERSION: 2026},
    "version of the handshake": {_VERSION: HANDSHAKE},
    "version of the future": {_VERSION: "2027-01-01"},
    "capabilities null": {_CAPABILITIES: None},
    "capabilities a list": {_CAPABILITIES: []},
    "capabilities a text": {_CAPABILITIES: "x"},
    "roots null": {_CAPABILITIES: {"roots": None}},
    "roots a text": {_CAPABILITIES: {"roots": "x"}},
    "roots with a wrong flag": {_CAPABILITIES: {"roots": {"listChanged": "yes"}}},
    "sampling a number": {_CAPABILITIES: {"sampling": 1}},
    "sampling in depth": {_CAPABILITIES: {"sampling": {"tools": {"a": 1}, "context": {}}}},
    "sampling in depth, wrong": {_CAPABILITIES: {"sampling": {"tools": []}}},
    "elicitation of two kinds": {_CAPABILITIES: {"elicitation": {"form": {}, "url": {}}}},
    "elicitation wrong": {_CAPABILITIES: {"elicitation": {"form": 1}}},
    "experimental": {_CAPABILITIES: {"experimental": {"x": {"a": 1}}}},
    "experimental wrong": {_CAPABILITIES: {"experimental": {"x": 1}}},
    "extensions": {_CAPABILITIES: {"extensions": {"a.b/c": {"n": [1]}}}},
    "extensions wrong": {_CAPABILITIES: {"extensions": {"a.b/c": 1}}},
    "extensions a list": {_CAPABILITIES: {"extensions": []}},
    "tasks": {_CAPABILITIES: {"tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}}}}},
    "tasks wrong": {_CAPABILITIES: {"tasks": {"list": 1}}},
    "unknown capability": {_CAPABILITIES: {"vendor": {"a": 1}}},
    "unknown capability, no object": {_CAPABILITIES: {"vendor": 1}},
    "info null": {_INFO: None},
    "info a text": {_INFO: "x"},
    "info a list": {_INFO: []},
    "info empty": {_INFO: {}},
    "info without version": {_INFO: {"name": "t"}},
    "info without name": {_INFO: {"version": "1"}},
    "info with a number for version": {_INFO: {"name": "t", "version": 1}},
    "info with null for name": {_INFO: {"name": None, "version": "1"}},
    "info with null for title": {_INFO: {"name": "t", "version": "1", "title": None}},
    "info with a number for title": {_INFO: {"name": "t", "version": "1", "title": 1}},
    "info with all texts": {
        _INFO: {"name": "", "version": "", "title": "T", "description": "d", "websiteUrl": "https://a.example"}
    },
    "info with a wrong address": {_INFO: {"name": "t", "version": "1", "websiteUrl": "no address"}},
    "info with icons": {_INFO: {"name": "t", "version": "1", "icons": [{"src": "https://a.example/i.png"}]}},
    "info with wrong icons": {_INFO: {"name": "t", "version": "1", "icons": "x"}},
    "info with more": {_INFO: {"name": "t", "version": "1", "x": {"a": 1}}},
    "a log level": {"io.modelcontextprotocol/logLevel": "debug"},
    "a wrong log level": {"io.modelcontextprotocol/logLevel": "loud"},
    "a log level of a wrong type": {"io.modelcontextprotocol/logLevel": 7},
    "unknown key of the protocol": {"io.modelcontextprotocol/later": {"a": 1}},
    "a subscription": {"io.modelcontextprotocol/subscriptionId": "5"},
    "a related task": {"io.modelcontextprotocol/related-task": {"taskId": "1"}},
    "a related task, wrong": {"io.modelcontextprotocol/related-task": 7},
}
METHODS: Final = (
    *("tools/call", "tools/list", "initialize", "server/discover", "ping", "notifications/initialized"),
    *("notifications/cancelled", "notifications/progress", "notifications/roots/list_changed", "notifications/vendor"),
    *("resources/list", "resources/templates/list", "prompts/list", "logging/setLevel", "vendor/method"),
    *("Ping", "tools", "initialize/", "tasks/list", "roots/list", "sampling/createMessage", "rpc.discover", "é"),
)


def messages() -> list[Case]:
    """In either era, all but those of an era's own envelope."""
    handshake_info = {name: changes[_INFO] for name, changes in ENVELOPES.items() if _INFO in changes}
    handshake_capabilities = {n: c[_CAPABILITIES] for n, c in ENVELOPES.items() if _CAPABILITIES in c}
    return [
        *(item for name, value in IDS.items() for item in both(f"id: {name}", members={"id": value})),
        *(item for name, value in IDS.items() for item in _other_methods(name, value)),
        *(item for name, changes in MEMBERS.items() for item in both(f"message: {name}", members=changes)),
        *(item for name, token in TOKENS.items() for item in both(f"token: {name}", meta={"progressToken": token})),
        *(item for name, token in TOKENS.items() for item in _told(name, token)),
        *(item for name, meta in METAS.items() for item in _metas(name, meta)),
        *(case(f"envelope: {name}", era=MODERN, meta=changes) for name, changes in ENVELOPES.items()),
        *(case(f"envelope of a list: {name}", "tools/list", era=MODERN, meta=c) for name, c in ENVELOPES.items()),
        *(
            case(f"envelope of discover: {name}", "server/discover", era=MODERN, meta=c)
            for name, c in ENVELOPES.items()
        ),
        *(
            case(f"info: {name}", "initialize", _initialize("clientInfo", value))
            for name, value in handshake_info.items()
        ),
        *(
            case(f"capabilities: {name}", "initialize", _initialize("capabilities", value))
            for name, value in handshake_capabilities.items()
        ),
        *_eras_mixed(),
        *(item for method in METHODS for item in _methods(method)),
    ]


def _other_methods(name: str, value: Any) -> list[Case]:
    return [
        case(f"id of ping: {name}", "ping", members={"id": value}),
        case(f"id of initialize: {name}", "initialize", members={"id": value}),
        case(f"id of discover: {name}", "server/discover", era=MODERN, members={"id": value}),
        *both(f"id of a notification: {name}", "notifications/initialized", members={"id": value}),
    ]


def _told(name: str, token: Any) -> list[Case]:
    return both(f"token, told: {name}", params={"name": "told", "arguments": {}}, meta={"progressToken": token})


def _metas(name: str, meta: Any) -> list[Case]:
    full = {**ENVELOPE, **meta} if isinstance(meta, dict) else meta
    return [
        case(f"_meta: {name}", members={"params": {**ECHO, "_meta": meta}}),
        case(f"_meta: {name}", era=MODERN, members={"params": {**ECHO, "_meta": meta}}),
        case(f"_meta and envelope: {name}", era=MODERN, members={"params": {**ECHO, "_meta": full}}),
        case(f"_meta of ping: {name}", "ping", members={"params": {"_meta": meta}}),
        case(f"_meta of a notification: {name}", "notifications/initialized", members={"params": {"_meta": meta}}),
    ]


def _initialize(member: str, value: Any) -> dict[str, Any]:
    return {key: held for key, held in {**INITIALIZE, member: value}.items() if held is not LEFT_OUT}


def _eras_mixed() -> list[Case]:
    return [
        case("modern header, handshake body", instead=[("mcp-protocol-version", MODERN)]),
        case("handshake header, modern body", era=MODERN, instead=[("mcp-protocol-version", HANDSHAKE)]),
        case("no header, modern body", era=MODERN, without=("mcp-protocol-version",)),
        case("modern header, older version in the body", era=MODERN, meta={_VERSION: "2025-06-18"}),
        case("older header, older version in the body", meta={**ENVELOPE, _VERSION: "2025-06-18"}),
        case("handshake header, envelope of the handshake", meta={**ENVELOPE, _VERSION: HANDSHAKE}),
        case("modern initialize", "initialize", era=MODERN),
        case("modern initialize of the modern version", "initialize", _initialize("protocolVersion", MODERN), MODERN),
        case("initialize, envelope in the handshake", "initialize", meta=dict(ENVELOPE)),
    ]


def _methods(method: str) -> list[Case]:
    params = {"tools/call": ECHO, "initialize": INITIALIZE}.get(method, {})
    odd = {"name": "echo", "x": 1, "cursor": 5, "uri": None}
    return [
        *both(f"method: {method}", method, params),
        *both(f"method with odd params: {method}", method, odd),
        *both(f"method without id: {method}", method, params, members={"id": LEFT_OUT}),
        *both(f"method with id: {method}", method, params, members={"id": 9}),
    ]
