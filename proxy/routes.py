"""What each method asks of the upstream, and what it is answered while the upstream is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from policies.model import Call, JsonObject
from proxy.catalogs import Catalogs
from proxy.errors import INVALID_PARAMS, METHOD_NOT_FOUND, ProxyError, RpcError, UpstreamError
from proxy.hello import discovered, initialized
from proxy.inbound import READS, Inbound, Notify
from proxy.settings import Bounds, Settings
from proxy.snapshot import Snapshot
from proxy.telemetry import Span
from proxy.upstream import Hello, Origin, Upstream
from proxy.workload import workload_of

log = logging.getLogger(__name__)

_STATEFUL: Final = frozenset({"resources/subscribe", "resources/unsubscribe", "logging/setLevel"})


class Routes:
    """Takes a judged call to the upstream."""

    def __init__(self, upstream: Upstream, catalogs: Catalogs, settings: Settings, snapshot: Snapshot | None) -> None:
        self._upstream = upstream
        self._catalogs = catalogs
        self._bounds: Bounds = settings.bounds
        self._snapshot = snapshot
        self._passthrough = settings.auth_mode == "passthrough"
        # Anywhere but behind a Runtime the header is only the caller's word.
        self._lends = settings.auth_mode == "identity" and settings.inbound == "platform"
        self._renames = settings.strip_target_prefix
        self._forward = tuple(name.lower() for name in settings.forward_headers)
        self.endpoint = upstream.endpoint

    async def fetch(
        self, call: Call, inbound: Inbound, notify: Notify, token: str | int | None, span: Span
    ) -> JsonObject:
        """The result body, as the caller's era expects it. Raises RpcError as the upstream answered, UpstreamError."""
        origin = self.origin(inbound, span)
        if call.method == "initialize":
            return initialized(inbound.answer or {}, await self._hello(origin))
        if call.method == "server/discover":
            return discovered(await self._hello(origin))
        if call.method in _STATEFUL and (await self._upstream.hello(origin)).era == "modern":
            return {}
        if call.method == "subscriptions/listen" and (await self._upstream.hello(origin)).era == "handshake":
            raise RpcError(METHOD_NOT_FOUND, "Method not found", call.method)
        with span.to_upstream(call.method, call.name if call.tool else "", self.endpoint) as headers:
            if headers:
                origin, call = self.origin(inbound, span, headers), _traced(call, headers)
            if call.method == "tools/list":
                return await self._list_tools(call, inbound, origin, notify, token)
            return await self._request(call, inbound, origin, notify, token)

    def origin(self, inbound: Inbound, span: Span, trace: Mapping[str, str] | None = None) -> Origin:
        """On whose behalf: nothing of the caller's headers but what the configuration names."""
        named = {name: inbound.headers[name] for name in self._forward if name in inbound.headers}
        traced = span.headers() if trace is None else trace
        # Baggage is the caller's own words: it goes on only where the configuration names it.
        traced = {name: value for name, value in traced.items() if name != "baggage"}
        return Origin(
            version=inbound.protocol,
            session=inbound.session,
            authorization=inbound.headers.get("authorization") if self._passthrough else None,
            workload=self.workload(inbound) if self._lends else None,
            headers={**named, **traced},
        )

    def workload(self, inbound: Inbound) -> str | None:
        """The call's workload access token, where the proxy has its own credential by it."""
        return workload_of(inbound.headers) if self._lends else None

    async def _request(
        self, call: Call, inbound: Inbound, origin: Origin, notify: Notify, token: str | int | None
    ) -> JsonObject:
        return await self._upstream.request(
            call.method,
            self._called(call, inbound) if self._renames and call.tool else call.params,
            origin,
            notify=notify,
            progress_token=token,
            request_id=inbound.request_id,
            repeatable=_repeatable(call),
            definition=call.tool.definition if call.tool else None,
        )

    def _called(self, call: Call, inbound: Inbound) -> JsonObject:
        """The params with the upstream's own name of the tool. Raises RpcError where another has come to share it."""
        name = self._catalogs.of(inbound).publishing.called(call.name)
        if name is None:
            raise RpcError(INVALID_PARAMS, "Unknown tool")
        return {**call.params, "name": name}

    async def _list_tools(
        self, call: Call, inbound: Inbound, origin: Origin, notify: Notify, token: str | int | None
    ) -> JsonObject:
        catalog = self._catalogs.of(inbound)
        try:
            async with asyncio.timeout(self._bounds.first_list_s):
                if self._renames and catalog.state == "empty":
                    await catalog.renew(origin.workload)  # which names are shared shows in the whole list alone
                return await self._request(call, inbound, origin, notify, token)
        except (UpstreamError, TimeoutError) as error:
            if call.params.get("cursor") is None and len(catalog):
                log.warning("the upstream did not list its tools; a caller got the %d last known", len(catalog))
                listed = catalog.publishing.listed([tool.definition for tool in catalog.tools])
                return _whole(listed, modern=inbound.modern)
            if isinstance(error, UpstreamError):
                raise
            raise UpstreamError(
                "timeout", f"The upstream did not list its tools within {self._bounds.first_list_s:g} s"
            ) from None

    async def _hello(self, origin: Origin) -> Hello | None:
        """The upstream's hello, waited for within its bound; else the snapshot's; else None: tools only."""
        known = self._upstream.known()
        if known is not None and not self._passthrough:
            return known
        try:
            async with asyncio.timeout(self._bounds.hello_s):
                return await (self._upstream.introduce(origin) if self._passthrough else self._upstream.hello(origin))
        except (ProxyError, TimeoutError):
            return self._snapshot.hello() if self._snapshot else None


def _traced(call: Call, headers: Mapping[str, str]) -> Call:
    """The call with the CLIENT span as parent where its `_meta` names the caller's (MCP 2026-07-28, trace context)."""
    if "traceparent" not in call.meta:
        return call
    ours = {name: value for name, value in headers.items() if name in ("traceparent", "tracestate")}
    return call.with_params({**call.params, "_meta": {**call.meta, **ours}})


def _whole(listed: Sequence[JsonObject], *, modern: bool) -> JsonObject:
    return {"tools": listed, **({"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if modern else {})}


def _repeatable(call: Call) -> bool:
    """Whether sending the call twice does no harm: lists and reads, and tools annotated read-only or idempotent."""
    if call.tool is None:
        return call.method in READS
    hints = call.tool.annotations
    return hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True
