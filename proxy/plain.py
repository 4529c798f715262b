"""Which messages are plain: sent as the protocol says in every respect, so that the lane may answer them.

A message that is odd in any way is not refused here. It is the door's, whose SDK knows the right refusal. The checks
follow what the SDK (mcp 2.3) checks of a message that it accepts; a differential test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from policies.model import Json, JsonObject
from proxy.asgi import Arrived
from proxy.eras import CLIENT_CAPABILITIES, CLIENT_INFO, HANDSHAKE_VERSIONS, MODERN, PROTOCOL_VERSION

UNSAID_VERSION: Final = "2025-03-26"
"""The revision of a request without MCP-Protocol-Version (2025-11-25, Streamable HTTP, Protocol Version Header)."""

_VERSIONS: Final[Mapping[bytes | None, str]] = {
    None: UNSAID_VERSION,
    **{name.encode(): name for name in (*HANDSHAKE_VERSIONS, MODERN)},
}
_ODD: Final = frozenset({b"origin", b"transfer-encoding", b"content-encoding", b"last-event-id"})
_ONCE: Final = frozenset(
    {b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"content-type", b"accept", b"content-length", b"host"}
)
_LONG: Final = 512
"""Bytes of a header that is not looked at here: what was looked at is remembered."""
_LARGEST_ID: Final = 2**53
_REQUEST: Final = frozenset({"jsonrpc", "id", "method", "params"})
_NOTIFICATION: Final = frozenset({"jsonrpc", "method", "params"})
_INFO: Final = frozenset({"name", "version", "title", "description", "websiteUrl"})
_NOTHING: Final[JsonObject] = {}


def protocol_of(arrived: Arrived) -> str | None:
    """The revision that the caller speaks, when the message is plain; None when it is the door's to answer."""
    message, headers = arrived.message, arrived.headers
    method = message.get("method")
    if not isinstance(method, str) or (check := _CHECKS.get(method)) is None:
        return None
    protocol = _VERSIONS.get(headers.get(b"mcp-protocol-version"))
    if protocol is None or not _plain_headers(arrived):
        return None
    params = message.get("params", _NOTHING)
    if message.get("jsonrpc") != "2.0" or not isinstance(params, dict) or not _plain_meta(params):
        return None
    modern = protocol == MODERN
    if modern and not _says_what_it_carries(headers, message, params):
        return None
    return protocol if _identified(message, method) and check(params, modern) else None


def negotiated(params: JsonObject) -> str:
    """The revision that `initialize` agrees on: to a wish that is none, the newest."""
    wished = params.get("protocolVersion")
    return wished if wished in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def _plain_headers(arrived: Arrived) -> bool:
    headers = arrived.headers
    return (
        headers.keys().isdisjoint(_ODD)
        and arrived.repeated.isdisjoint(_ONCE)
        and len(headers.get(b"content-type", b"")) < _LONG
        and len(headers.get(b"accept", b"")) < _LONG
        and _is_json(headers.get(b"content-type", b""))
        and _takes_both(headers.get(b"accept", b""))
    )


@lru_cache(maxsize=256)
def _is_json(value: bytes) -> bool:
    return value.partition(b";")[0].strip() == b"application/json"


@lru_cache(maxsize=256)
def _takes_both(value: bytes) -> bool:
    """Whether an Accept value takes JSON and event streams. Wildcards count; weights make it no longer plain."""
    kinds = {kind.strip().lower() for kind in value.split(b",")}
    json = kinds & {b"application/json", b"application/*", b"*/*"}
    return bool(json and kinds & {b"text/event-stream", b"text/*", b"*/*"}) and not any(b";" in kind for kind in kinds)


def _identified(message: JsonObject, method: str) -> bool:
    """Whether a request has an id that both doors write alike, and a notification none; and nothing else."""
    if method.startswith("notifications/"):
        return message.keys() <= _NOTIFICATION
    key = message.get("id")
    known = isinstance(key, str) or (type(key) is int and -_LARGEST_ID < key < _LARGEST_ID)
    return known and message.keys() <= _REQUEST


def _plain_meta(params: JsonObject) -> bool:
    meta = params.get("_meta", _NOTHING)
    return isinstance(meta, dict) and ("progressToken" not in meta or type(meta["progressToken"]) in (str, int))


def _says_what_it_carries(headers: Mapping[bytes, bytes], message: JsonObject, params: JsonObject) -> bool:
    """The envelope of 2026-07-28, and the headers that repeat it (Streamable HTTP, Standard Request Headers)."""
    meta = params.get("_meta", _NOTHING)
    name = params.get("name")
    return (
        meta.get(PROTOCOL_VERSION) == MODERN
        and isinstance(meta.get(CLIENT_CAPABILITIES), dict)
        and _plain_info(meta.get(CLIENT_INFO))
        and headers.get(b"mcp-method") == message["method"].encode("utf-8", "surrogatepass")
        and (name is None or (isinstance(name, str) and name.isascii() and _named(headers, name)))
        and not any(header.startswith(b"mcp-param-") for header in headers)
    )


def _named(headers: Mapping[bytes, bytes], name: str) -> bool:
    return headers.get(b"mcp-name") == name.encode() and not name.startswith("=?")


def _plain_info(info: Json) -> bool:
    return (
        isinstance(info, dict)
        and "name" in info
        and "version" in info
        and info.keys() <= _INFO
        and all(isinstance(value, str) for value in info.values())
    )


def _call(params: JsonObject, modern: bool) -> bool:
    return (
        isinstance(params.get("name"), str)
        and isinstance(params.get("arguments", _NOTHING), dict)
        and params.keys() <= {"name", "arguments", "_meta"}
    )


def _list(params: JsonObject, modern: bool) -> bool:
    return isinstance(params.get("cursor", ""), str) and params.keys() <= {"cursor", "_meta"}


def _initialize(params: JsonObject, modern: bool) -> bool:
    capabilities = params.get("capabilities")
    return (
        not modern
        and params.keys() <= {"protocolVersion", "capabilities", "clientInfo", "_meta"}
        and isinstance(params.get("protocolVersion"), str)
        and isinstance(capabilities, dict)
        and all(_plain_capability(name, value) for name, value in capabilities.items())
        and _plain_info(params.get("clientInfo"))
    )


def _plain_capability(name: str, value: Json) -> bool:
    """Objects of objects, and the one flag there is."""
    if name == "roots":
        return isinstance(value, dict) and all(key == "listChanged" and type(value[key]) is bool for key in value)
    return isinstance(value, dict) and all(_plain_capability("", inner) for inner in value.values())


def _discover(params: JsonObject, modern: bool) -> bool:
    return modern and params.keys() <= {"_meta"}


def _handshake_only(params: JsonObject, modern: bool) -> bool:
    return not modern and params.keys() <= {"_meta"}


_CHECKS: Final[Mapping[str, Callable[[JsonObject, bool], bool]]] = {
    "tools/call": _call,
    "tools/list": _list,
    "initialize": _initialize,
    "server/discover": _discover,
    "ping": _handshake_only,
    "notifications/initialized": _handshake_only,
}
