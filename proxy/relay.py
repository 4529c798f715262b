"""The relay: the door for every message that the SDK's server receives, on every transport.

One entry at index 0 of the server's middleware list. It sees raw method and params, and what it answers leaves
untouched by the SDK's per-version models. `initialize` is negotiated by the SDK first; what the exchange does not
carry (ping, notifications, unknown methods) stays the SDK's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import validate_mcp_param_headers

from policies.model import Caller, Json, JsonObject
from proxy.asgi import ARRIVED, Arrived
from proxy.eras import MODERN
from proxy.errors import RpcError
from proxy.exchange import Exchanges
from proxy.inbound import METHODS, CheckHeaders, Inbound, Notify, session_of

if TYPE_CHECKING:
    from mcp.server.context import CallNext, ServerRequestContext

_ON_PIPES: Final = Caller(asserted={"session": "stdio"})


class Relay:
    """The middleware. `Context` and `CallNext` are the SDK's (mcp.server.context)."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> Any:
        modern = ctx.protocol_version >= MODERN
        if ctx.request_id is None or ctx.method not in METHODS[modern]:
            return await call_next(ctx)
        answer = _dumped(await call_next(ctx)) if ctx.method == "initialize" else None
        try:
            return await self._exchanges.run(_inbound(ctx, answer))
        except RpcError as error:
            raise MCPError(error.code, error.message, error.data if error.has_data else None) from None


def _inbound(ctx: ServerRequestContext[Any, Any], answer: JsonObject | None) -> Inbound:
    arrived: Arrived | None = ctx.request.scope[ARRIVED] if ctx.request else None
    caller = arrived.caller if arrived else _ON_PIPES
    return Inbound(
        method=ctx.method,
        params=ctx.params,
        protocol=str(answer["protocolVersion"]) if answer else ctx.protocol_version,
        door="relay",
        request_id=ctx.request_id,
        headers={} if ctx.request is None else dict(ctx.request.headers),
        caller=caller,
        session=session_of(caller),
        notify=_notifier(ctx),
        answer=answer,
        check_headers=_header_check(ctx.request.headers) if ctx.request and ctx.protocol_version >= MODERN else None,
    )


def _header_check(headers: Mapping[str, str]) -> CheckHeaders:
    """The SDK's own check, made here once the tool is known to be the caller's: a hidden one must not be told by it."""

    async def check(schema: Json, arguments: JsonObject) -> None:
        found = validate_mcp_param_headers(schema, arguments, headers)
        if found is not None:
            raise RpcError(found.code, found.message, found.data)

    return check


def _notifier(ctx: ServerRequestContext[Any, Any]) -> Notify:
    async def notify(method: str, params: JsonObject) -> None:
        message: Any = _Notification(method, params)
        # Without the related id the notification has no stream to go to, and vanishes in stateless mode.
        await ctx.session.send_notification(message, related_request_id=ctx.request_id)

    return notify


class _Notification:
    """What the SDK's `send_notification` asks of a model: a dump. A real model would drop unknown fields."""

    def __init__(self, method: str, params: JsonObject) -> None:
        self._raw = {"method": method, "params": dict(params)}

    def model_dump(self, **_: object) -> dict[str, Any]:
        return self._raw


def _dumped(answer: Any) -> JsonObject:
    """The SDK's own initialize result; a model or a dict, depending on what sits behind index 0."""
    if isinstance(answer, Mapping):
        return answer
    dumped: JsonObject = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dumped
