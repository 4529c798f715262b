"""The answers that the proxy composes itself: denials, and the error that stands for an unknown tool."""

from __future__ import annotations

from typing import Final

from policies.model import Call, Result
from proxy.errors import DENIED, INTERNAL_ERROR, INVALID_PARAMS, RpcError

DENIED_META: Final = "mcp-policy-proxy/denied"
"""The `_meta` key under which a denied tool result carries its machine-readable reason."""


def denial(call: Call, reason: str, policy: str | None, *, modern: bool) -> Result:
    """A denied tools/call is a tool result that the model can read; any other method gets a JSON-RPC error."""
    text = f"Denied: {reason} (exchange {call.id})" + (f" by policy {policy}" if policy else "")
    facts = {"reason": reason, "exchange": call.id, **({"policy": policy} if policy else {})}
    if call.method != "tools/call":
        return Result(body={"code": DENIED, "message": text, "data": facts}, error=True)
    body: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": True}
    if modern:
        body["resultType"] = "complete"
    return Result(body={**body, "_meta": {DENIED_META: facts}})


def unknown_tool(exchange: str) -> Result:
    """For a name that the catalog does not hold and for a hidden one: the same, and without the name."""
    message = f"Unknown tool (exchange {exchange})"
    return Result(body={"code": INVALID_PARAMS, "message": message, "data": {"exchange": exchange}}, error=True)


def error_of(result: Result) -> RpcError:
    """The JSON-RPC error that an error Result stands for."""
    code, message = result.body.get("code"), result.body.get("message")
    return RpcError(
        code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR,
        message if isinstance(message, str) else "",
        result.body.get("data"),
        has_data="data" in result.body,
    )
