"""The demo upstream's JSON-RPC: one POST in, one message out, without sessions, in both eras.

Sources: MCP 2025-11-25 (lifecycle, transports, tools) and 2026-07-28 (server/discover, per-request envelope, headers).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from policies.jsontext import JsonError, loads
from policies.model import Json, JsonObject
from proxy import demo_tools
from proxy.errors import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError

MODERN: Final = "2026-07-28"
HANDSHAKE: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")

HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
_STATUS: Final = {METHOD_NOT_FOUND: 404}
_META: Final = "io.modelcontextprotocol/"

_INFO: Final = {"name": "customer-support-demo", "title": "Customer support (demo)", "version": "1.0.0"}
_SAYS: Final = "Made-up customer data for trying the proxy out. Customer CUST001 exists."
_CAN: Final = {"tools": {"listChanged": False}}
_CACHE: Final = {"ttlMs": 60_000, "cacheScope": "public"}


def reply(headers: Mapping[str, str], body: bytes) -> tuple[int, Json]:
    """The HTTP status and JSON-RPC message for one POST; None as message for a notification."""
    request_id: Json = None
    try:
        message = _message(body)
        request_id = message.get("id")
        if "id" not in message:
            return 202, None
        result = _modern(headers, message) if _is_modern(headers) else _handshake(message)
    except RpcError as error:
        return _failure(request_id, error, modern=_is_modern(headers))
    return 200, {"jsonrpc": "2.0", "id": request_id, "result": result}


def _message(body: bytes) -> JsonObject:
    try:
        message = loads(body)
    except JsonError:
        raise RpcError(PARSE_ERROR, "Parse error") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise RpcError(INVALID_REQUEST, "Not a JSON-RPC 2.0 request")
    if not isinstance(message.get("params", {}), dict):
        raise RpcError(INVALID_PARAMS, "params must be an object")
    return message


def _failure(request_id: Json, error: RpcError, *, modern: bool) -> tuple[int, Json]:
    told = {"code": error.code, "message": error.message, **({"data": error.data} if error.has_data else {})}
    # The handshake era answers an error of a well-formed request with 200.
    malformed = error.code in (PARSE_ERROR, INVALID_REQUEST)
    status = _STATUS.get(error.code, 400) if modern or malformed else 200
    return status, {"jsonrpc": "2.0", "id": request_id, "error": told}


def _is_modern(headers: Mapping[str, str]) -> bool:
    version = headers.get("mcp-protocol-version")
    return version is not None and version not in HANDSHAKE


def _handshake(message: JsonObject) -> JsonObject:
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        asked = params.get("protocolVersion")
        version = asked if asked in HANDSHAKE else HANDSHAKE[0]
        return {"protocolVersion": version, "capabilities": _CAN, "serverInfo": _INFO, "instructions": _SAYS}
    if method == "ping":
        return {}
    return _tools(method, params)


def _modern(headers: Mapping[str, str], message: JsonObject) -> JsonObject:
    method, params = message["method"], message.get("params", {})
    _check_envelope(headers, method, params)
    if method == "server/discover":
        found = {"supportedVersions": [MODERN], "capabilities": _CAN, "instructions": _SAYS, **_CACHE}
    else:
        found = {**_tools(method, params), **(_CACHE if method == "tools/list" else {})}
    return {"resultType": "complete", **found, "_meta": {f"{_META}serverInfo": _INFO}}


def _check_envelope(headers: Mapping[str, str], method: str, params: JsonObject) -> None:
    """2026-07-28: every request carries its version and capabilities, and headers that agree with the body."""
    version = headers["mcp-protocol-version"]
    if version != MODERN:
        raise RpcError(
            UNSUPPORTED_VERSION,
            "Unsupported protocol version",
            {"supported": [MODERN, *HANDSHAKE], "requested": version},
        )
    meta = params.get("_meta")
    if not isinstance(meta, dict) or not isinstance(meta.get(f"{_META}clientCapabilities"), dict):
        raise RpcError(INVALID_PARAMS, "_meta must hold the protocol version and the client's capabilities")
    if meta.get(f"{_META}protocolVersion") != version:
        raise RpcError(HEADER_MISMATCH, "MCP-Protocol-Version does not agree with the body")
    if headers.get("mcp-method") != method:
        raise RpcError(HEADER_MISMATCH, "Mcp-Method does not agree with the body")
    if method == "tools/call" and _decoded(headers.get("mcp-name")) != params.get("name"):
        raise RpcError(HEADER_MISMATCH, "Mcp-Name does not agree with the body")


def _decoded(value: str | None) -> str | None:
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _tools(method: str, params: JsonObject) -> JsonObject:
    if method == "tools/list":
        if params.get("cursor") is not None:
            raise RpcError(INVALID_PARAMS, "Invalid cursor")
        return {"tools": list(demo_tools.TOOLS.values())}
    if method == "tools/call":
        return _call(params)
    raise RpcError(METHOD_NOT_FOUND, "Method not found")


def _call(params: JsonObject) -> JsonObject:
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or name not in demo_tools.TOOLS:
        raise RpcError(INVALID_PARAMS, "Unknown tool")
    if not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "arguments must be an object")
    return demo_tools.call(name, arguments)
