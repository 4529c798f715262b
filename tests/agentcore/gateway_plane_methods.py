"""The methods of MCP that a gateway answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.agentcore.gateway_plane_catalog import (
    SEARCH,
    SEARCH_TOOL,
    is_semantic,
    listed,
    page,
    search,
    served,
    target_of,
)
from tests.agentcore.gateway_plane_client import TargetError
from tests.agentcore.gateway_plane_eras import (
    MODERN,
    SESSION,
    Session,
    Sessions,
    check_version,
    has_sessions,
    negotiated,
    settings,
    supported,
)
from tests.agentcore.gateway_plane_errors import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Answer, GatewayError
from tests.agentcore.gateway_plane_targets import Targets, streams
from tests.agentcore.world import Gateway

Json = dict[str, Any]

_INFO = {"name": "agentcore-gateway", "version": "1.0.0"}
_CAN = {"tools": {"listChanged": False}}
_FRESH = {"ttlMs": 0, "cacheScope": "private"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One message of an admitted caller. `headers` are by lower-case name."""

    gateway: Gateway
    caller: str
    headers: Mapping[str, str]
    message: Json

    @property
    def version(self) -> str | None:
        return self.headers.get("mcp-protocol-version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer that goes out as an event stream."""

    messages: AsyncIterator[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    targets: Targets
    sessions: Sessions
    page_size: int
    empty_cursor: bool

    async def answer(self, asked: Asked) -> Answer | Streamed:
        """Raises GatewayError."""
        version = check_version(asked.gateway, asked.headers, asked.message)
        method, params = asked.message["method"], asked.message.get("params", {})
        if method == "initialize" and version != MODERN:
            return self._initialize(asked, params)
        session = self._session(asked, version)
        if "id" not in asked.message:
            return Answer(status=202)
        if method == "tools/call":
            return await self._call(asked, params, version, session)
        result = await self._own(asked, method, params, version)
        return Answer(body=_reply(asked, _said(result, version)))

    def _session(self, asked: Asked, version: str) -> Session | None:
        """The caller's session, where the gateway has sessions; 2026-07-28 knows none."""
        if version == MODERN or not has_sessions(asked.gateway):
            return None
        return self.sessions.of(asked.gateway, asked.headers.get(SESSION.lower()), asked.caller)

    def _initialize(self, asked: Asked, params: Json) -> Answer:
        result = {
            "protocolVersion": negotiated(asked.gateway, params.get("protocolVersion")),
            "capabilities": _CAN,
            "serverInfo": _INFO,
            **_instructions(asked.gateway),
        }
        named = {SESSION: self.sessions.begin(asked.gateway, asked.caller)} if has_sessions(asked.gateway) else {}
        return Answer(headers=named, body=_reply(asked, result))

    async def _own(self, asked: Asked, method: str, params: Json, version: str) -> Json:
        if method == "tools/list":
            found = await self._page(asked.gateway, params)
            return {**found, **_FRESH} if version == MODERN else found
        if method == "server/discover" and version == MODERN:
            known = {"supportedVersions": supported(asked.gateway), "capabilities": _CAN}
            meta = {"_meta": {"io.modelcontextprotocol/serverInfo": _INFO}}
            return {**known, **_instructions(asked.gateway), **_FRESH, **meta}
        if method == "ping" and version != MODERN:
            return {}
        raise GatewayError(METHOD_NOT_FOUND, f"Method not found: {method}")

    async def _page(self, gateway: Gateway, params: Json) -> Json:
        front = [SEARCH_TOOL] if is_semantic(gateway) else []
        tools = [*front, *await self._tools(gateway)]
        size = len(tools) or 1 if settings(gateway).get("disableMcpListToolsPagination") else self.page_size
        return page(tools, params.get("cursor"), size, empty_cursor=self.empty_cursor)

    async def _tools(self, gateway: Gateway) -> list[Json]:
        try:
            return listed([(target, await self.targets.tools(gateway, target)) for target in served(gateway)])
        except TargetError as error:
            raise GatewayError(INTERNAL_ERROR, str(error)) from None

    async def _call(self, asked: Asked, params: Json, version: str, session: Session | None) -> Answer | Streamed:
        name = params.get("name")
        if not isinstance(name, str) or not isinstance(params.get("arguments", {}), dict):
            raise GatewayError(INVALID_PARAMS, "A call has a name, and an object for its arguments")
        if name == SEARCH and is_semantic(asked.gateway):
            found = search(await self._tools(asked.gateway), params.get("arguments", {}).get("query"))
            return Answer(body=_reply(asked, _said(found, version)))
        target, own = target_of(asked.gateway, name)
        messages = self.targets.call(asked.gateway, target, {**params, "name": own}, version, session, asked.headers)
        if streams(asked.gateway):
            return Streamed(messages=_numbered(asked, messages, version))
        final: Json = {}
        async for message in _numbered(asked, messages, version):
            final = message
        return Answer(body=final)


async def _numbered(asked: Asked, messages: AsyncIterator[Json], version: str) -> AsyncIterator[Json]:
    """Messages of a target under the caller's id. A target that fails is a tool's error, which says where."""
    try:
        async for message in messages:
            if "result" in message:
                yield _reply(asked, _said(message["result"], version))
            elif "error" in message:
                yield {"jsonrpc": "2.0", "id": asked.message["id"], "error": message["error"]}
            elif "method" in message and "id" not in message:
                yield message
    except TargetError as error:
        failed = {"content": [{"type": "text", "text": str(error)}], "isError": True}
        yield _reply(asked, _said(failed, version))


def _said(result: Json, version: str) -> Json:
    """A result in the caller's era."""
    return {"resultType": "complete", **result} if version == MODERN else result


def _reply(asked: Asked, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": asked.message.get("id"), "result": result}


def _instructions(gateway: Gateway) -> Json:
    told = settings(gateway).get("instructions")
    return {"instructions": told} if told else {}
