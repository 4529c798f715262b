"""Requests whose headers are odd, and those that are no POST."""

from __future__ import annotations

import base64
from typing import Final

from tests.differential.case import Case, Header, both, case
from tests.mcp_wire import HANDSHAKE, MODERN

BOTH_KINDS: Final = "application/json, text/event-stream"
_UTF8: Final = "é".encode()
ACCEPT: Final[dict[str, list[Header]]] = {
    "absent": [],
    "empty": [("accept", "")],
    "any": [("accept", "*/*")],
    "any, weighted": [("accept", "*/*;q=0.8")],
    "weights": [("accept", "application/json;q=0.9, text/event-stream;q=0.1")],
    "refusing one kind": [("accept", "application/json, text/event-stream;q=0")],
    "wildcards of both kinds": [("accept", "application/*, text/*")],
    "wildcard and one kind": [("accept", "application/json, */*")],
    "only JSON": [("accept", "application/json")],
    "only event streams": [("accept", "text/event-stream")],
    "neither": [("accept", "text/html")],
    "upper case": [("ACCEPT", "Application/JSON, TEXT/Event-Stream")],
    "no spaces": [("accept", "application/json,text/event-stream")],
    "many spaces": [("accept", "  application/json  ,   text/event-stream  ")],
    "a tab": [("accept", "application/json,\ttext/event-stream\t")],
    "trailing comma": [("accept", "application/json, text/event-stream,")],
    "a parameter": [("accept", "application/json;charset=utf-8, text/event-stream")],
    "a space before a parameter": [("accept", "application/json ;q=1, text/event-stream ;q=1")],
    "quoted comma": [("accept", 'application/json;a=",", text/event-stream')],
    "of two headers": [("accept", "application/json"), ("accept", "text/event-stream")],
    "twice the same": [("accept", BOTH_KINDS), ("accept", BOTH_KINDS)],
    "lookalike": [("accept", "application/jsonp, text/event-stream")],
    "suffix": [("accept", "application/vnd.x+json, text/event-stream")],
}
CONTENT_TYPE: Final[dict[str, list[Header]]] = {
    "absent": [],
    "empty": [("content-type", "")],
    "charset": [("content-type", "application/json; charset=utf-8")],
    "other charset": [("content-type", "application/json; charset=utf-16")],
    "space before the parameter": [("content-type", "application/json ;charset=utf-8")],
    "upper case": [("content-type", "Application/JSON")],
    "text": [("content-type", "text/plain")],
    "form": [("content-type", "application/x-www-form-urlencoded")],
    "suffix": [("content-type", "application/vnd.api+json")],
    "lookalike": [("content-type", "application/jsonp")],
    "two kinds": [("content-type", "application/json, text/plain")],
    "two equal": [("content-type", "application/json, application/json")],
    "twice the same": [("content-type", "application/json"), ("content-type", "application/json")],
    "twice, different": [("content-type", "application/json"), ("content-type", "text/plain")],
    "trailing space": [("content-type", "application/json   ")],
    "odd case of the name": [("cOnTeNt-TyPe", "application/json")],
}
VERSION: Final[dict[str, list[Header]]] = {
    "absent": [],
    "empty": [("mcp-protocol-version", "")],
    "spaces": [("mcp-protocol-version", "   ")],
    **{
        version: [("mcp-protocol-version", version)]
        for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN)
    },
    "unknown": [("mcp-protocol-version", "2025-01-01")],
    "future": [("mcp-protocol-version", "2027-01-01")],
    "text": [("mcp-protocol-version", "latest")],
    "draft": [("mcp-protocol-version", "DRAFT-2026-v1")],
    "trailing space": [("mcp-protocol-version", f"{HANDSHAKE} ")],
    "trailing space, modern": [("mcp-protocol-version", f"{MODERN} ")],
    "of two values": [("mcp-protocol-version", f"{HANDSHAKE}, {MODERN}")],
    "twice the same": [("mcp-protocol-version", HANDSHAKE), ("mcp-protocol-version", HANDSHAKE)],
    "twice the same, modern": [("mcp-protocol-version", MODERN), ("mcp-protocol-version", MODERN)],
    "twice, old then modern": [("mcp-protocol-version", HANDSHAKE), ("mcp-protocol-version", MODERN)],
    "twice, modern then old": [("mcp-protocol-version", MODERN), ("mcp-protocol-version", HANDSHAKE)],
    "odd case of the name": [("MCP-PROTOCOL-version", HANDSHAKE)],
    "not ASCII": [("mcp-protocol-version", _UTF8)],
}
_ENCODED: Final = base64.b64encode(b"echo").decode()
NAME: Final[dict[str, list[Header]]] = {
    "absent": [],
    "empty": [("mcp-name", "")],
    "of another tool": [("mcp-name", "rich")],
    "upper case": [("mcp-name", "ECHO")],
    "spaces around": [("mcp-name", "  echo  ")],
    "base64": [("mcp-name", f"=?base64?{_ENCODED}?=")],
    "base64 of another tool": [("mcp-name", "=?base64?cmljaA==?=")],
    "base64 without padding": [("mcp-name", "=?base64?cmljaA?=")],
    "base64, not canonical": [("mcp-name", "=?base64?ZWNobx==?=")],
    "base64 in upper case": [("mcp-name", f"=?BASE64?{_ENCODED}?=")],
    "base64, unfinished": [("mcp-name", f"=?base64?{_ENCODED}")],
    "twice the same": [("mcp-name", "echo"), ("mcp-name", "echo")],
    "twice, different": [("mcp-name", "echo"), ("mcp-name", "rich")],
    "not ASCII": [("mcp-name", _UTF8)],
}
METHOD: Final[dict[str, list[Header]]] = {
    "absent": [],
    "of another method": [("mcp-method", "tools/list")],
    "upper case": [("mcp-method", "TOOLS/CALL")],
    "trailing space": [("mcp-method", "tools/call ")],
    "base64": [("mcp-method", "=?base64?dG9vbHMvY2FsbA==?=")],
    "twice the same": [("mcp-method", "tools/call"), ("mcp-method", "tools/call")],
    "twice, different": [("mcp-method", "tools/call"), ("mcp-method", "tools/list")],
    "odd case of the name": [("Mcp-METHOD", "tools/call")],
}
MORE: Final[dict[str, list[Header]]] = {
    "origin of loopback": [("origin", "http://localhost:3000")],
    "origin of loopback by address": [("origin", "http://[::1]:1")],
    "foreign origin": [("origin", "https://evil.example")],
    "null origin": [("origin", "null")],
    "empty origin": [("origin", "")],
    "two origins": [("origin", "http://localhost"), ("origin", "https://evil.example")],
    "host by name": [("host", "localhost")],
    "host by address 6": [("host", "[::1]:80")],
    "foreign host": [("host", "evil.example")],
    "empty host": [("host", "")],
    "two hosts, equal": [("host", "localhost"), ("host", "localhost")],
    "two hosts": [("host", "localhost"), ("host", "evil.example")],
    "content-encoding identity": [("content-encoding", "identity")],
    "content-encoding gzip": [("content-encoding", "gzip")],
    "last-event-id": [("last-event-id", "5")],
    "session": [("mcp-session-id", "a" * 32)],
    "empty session": [("mcp-session-id", "")],
    "odd session": [("mcp-session-id", "a b\tc")],
    "session, not ASCII": [("mcp-session-id", _UTF8)],
    "runtime session": [("x-amzn-bedrock-agentcore-runtime-session-id", "b" * 40)],
    "two kinds of session": [("mcp-session-id", "c"), ("x-amzn-bedrock-agentcore-runtime-session-id", "d")],
    "session twice": [("mcp-session-id", "e"), ("mcp-session-id", "e")],
    "user": [("x-amzn-bedrock-agentcore-runtime-user-id", "jane")],
    "authorization": [("authorization", "Bearer callers-own")],
    "authorization twice": [("authorization", "Bearer a"), ("authorization", "Bearer a")],
    "cookie": [("cookie", "a=b"), ("cookie", "c=d")],
    "traceparent": [("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"), ("tracestate", "v=1"), ("baggage", "u=jane")],
    "wrong traceparent": [("traceparent", "00-zz-1-01")],
    "two traceparents": [
        ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"),
        ("traceparent", f"00-{'c' * 32}-{'d' * 16}-01"),
    ],
    "unknown parameter header": [("mcp-param-anything", "x")],
    "not ASCII value": [("x-anything", _UTF8)],
    "empty value": [("x-anything", "")],
    "long value": [("x-anything", "x" * 8000)],
    "many headers": [(f"x-{number}", "1") for number in range(90)],
    "forwarded header": [("x-forwarded-on", "a")],
    "forwarded header, empty": [("x-forwarded-on", "")],
    "forwarded header twice": [("x-forwarded-on", "a"), ("X-Forwarded-On", "b")],
    "forwarded header, not ASCII": [("x-forwarded-on", _UTF8)],
    "forwarded header with spaces": [("x-forwarded-on", "  a  b\t")],
    "expect": [("expect", "100-continue")],
    "upgrade": [("upgrade", "websocket")],
    "forwarded": [("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil")],
    "method override": [("x-http-method-override", "GET")],
    "mcp-method of a handshake caller": [("mcp-method", "tools/list")],
}


def _odd(what: str, table: dict[str, list[Header]], header: str, eras: tuple[str, ...]) -> list[Case]:
    return [
        case(f"{what}: {name}", era=era, instead=lines, without=(header,))
        for name, lines in table.items()
        for era in eras
    ]


def headers() -> list[Case]:
    """Every one a plain `tools/call` but for its headers."""
    every = (HANDSHAKE, MODERN)
    return [
        *_odd("accept", ACCEPT, "accept", every),
        *_odd("content-type", CONTENT_TYPE, "content-type", every),
        *_odd("version", VERSION, "mcp-protocol-version", every),
        *_odd("mcp-name", NAME, "mcp-name", (MODERN,)),
        *_odd("mcp-method", METHOD, "mcp-method", (MODERN,)),
        *(item for name, lines in MORE.items() for item in both(name, headers=lines)),
        *both("chunked", chunked=True),
        *both("both framings", chunked=True, headers=[("content-length", "5")]),
        *both("content-length twice", headers=[("content-length", "2"), ("content-length", "2")], raw=b"{}"),
        *both("content-length too large", headers=[("content-length", "99999999")], raw=b"{}"),
        *both("content-length negative", headers=[("content-length", "-1")], raw=b"{}"),
        *both("slash after the path", path="/mcp/"),
        *both("query", path="/mcp?a=1"),
        *both("encoded path", path="/%6dcp"),
        *both("upper case path", path="/MCP"),
        *both("deeper path", path="/mcp/x"),
        *both("two slashes", path="//mcp"),
        *both("mcp-name without need", "tools/list", headers=[("mcp-name", "echo")]),
        *(item for method in ("GET", "HEAD", "PUT", "PATCH", "OPTIONS", "DELETE") for item in _other(method)),
        case("DELETE of a session", verb="DELETE", headers=[("mcp-session-id", "gone")], raw=b""),
    ]


def _other(method: str) -> list[Case]:
    return both(f"{method}", verb=method, raw=b"")
