"""A gateway's targets, listed and called: MCP servers over the network, Lambda functions in this process."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.agentcore.gateway_plane_catalog import SEPARATOR
from tests.agentcore.gateway_plane_client import Client, Place, TargetError, place_of
from tests.agentcore.gateway_plane_eras import HANDSHAKE, MODERN, UNSUPPORTED, Session, settings
from tests.agentcore.world import ACCOUNT, Gateway, Target, World

Json = dict[str, Any]
Function = Callable[[Any, Any], Any]
"""What a test registers for a Lambda function's ARN: `(event, context) -> answer`, plain or async."""

PAGES = 1_000
LISTING_S = 20.0
"""How long a listing may take in all, a cold start of the target included."""

CALL_S = 300.0
LAMBDA_BYTES = 6 * 2**20


@dataclass(kw_only=True)
class Targets:
    """`client` is there while the plane serves. `runtimes` gives the URL of the Runtime's data plane."""

    world: World
    runtimes: Callable[[], str]
    functions: dict[str, Function] = field(default_factory=dict)
    listing_s: float = LISTING_S
    client: Client | None = None

    async def list_tools(self, world: World, gateway: Gateway, target: Target) -> list[Json]:
        """What SynchronizeGatewayTargets asks: every page of tools/list. Raises TargetError: one sentence."""
        place = place_of(gateway, target, self.runtimes())
        try:
            async with asyncio.timeout(self.listing_s):
                return await self._list(place)
        except TimeoutError:
            raise TargetError(f"{place.boundary}: the tools were not listed within {self.listing_s:g} s") from None

    async def _list(self, place: Place) -> list[Json]:
        session = await self._client.initialize(place)
        tools: list[Json] = []
        seen: set[str] = set()
        params: Json = {}
        for _ in range(PAGES):
            found = await self._client.ask(place, "tools/list", params, HANDSHAKE[0], session)
            if not isinstance(found.get("tools"), list):
                raise TargetError(f"{place.boundary}: tools/list was answered without tools")
            tools += found["tools"]
            cursor = found.get("nextCursor")
            if cursor is None:
                return tools
            if cursor in seen:
                break
            seen.add(cursor)
            params = {"cursor": cursor}
        raise TargetError(f"{place.boundary}: the pages of tools/list have no end")

    async def tools(self, gateway: Gateway, target: Target) -> list[Json]:
        """As last synchronised, or asked anew where the listing mode is DYNAMIC. Raises TargetError."""
        server = target.request["targetConfiguration"].get("mcp", {}).get("mcpServer", {})
        if server.get("listingMode") == "DYNAMIC":
            return await self.list_tools(self.world, gateway, target)
        return target.tools

    async def call(
        self,
        gateway: Gateway,
        target: Target,
        params: Json,
        version: str,
        session: Session | None,
        headers: Mapping[str, str],
    ) -> AsyncIterator[Json]:
        """Messages of a call as they come; the last one has `result` or `error`. `params` has the tool's own name.

        Raises TargetError.
        """
        lambda_arn = target.request["targetConfiguration"].get("mcp", {}).get("lambda", {}).get("lambdaArn")
        if lambda_arn is not None:
            yield {"result": await self._function(gateway, target, lambda_arn, params)}
            return
        place = place_of(gateway, target, self.runtimes())
        passed = _passed(target, headers)
        try:
            async with asyncio.timeout(CALL_S):
                async for message in self._call(place, params, version, session, passed):
                    yield message
        except TimeoutError:
            raise TargetError(f"{place.boundary}: the target did not answer within {CALL_S:g} s") from None

    async def _call(
        self, place: Place, params: Json, version: str, session: Session | None, passed: Mapping[str, str]
    ) -> AsyncIterator[Json]:
        if version == MODERN:
            fallback = False
            async for message in self._client.exchange(place, "tools/call", params, MODERN, None, passed):
                fallback = message.get("error", {}).get("code") == UNSUPPORTED
                if not fallback:
                    yield message
            if not fallback:
                return
        async for message in self._handshake_call(place, _bare(params), session, passed):
            yield _modernised(message) if version == MODERN else message

    async def _handshake_call(
        self, place: Place, params: Json, session: Session | None, passed: Mapping[str, str]
    ) -> AsyncIterator[Json]:
        """With the target's session kept for the caller's; a lost one is replaced once, for it cannot have run."""
        held = session.targets if session is not None else {}
        known = place.target.id in held
        for last in (not known, True):
            if place.target.id not in held:
                held[place.target.id] = await self._client.initialize(place)
            try:
                own = held[place.target.id]
                async for message in self._client.exchange(place, "tools/call", params, HANDSHAKE[0], own, passed):
                    yield message
                return
            except TargetError as error:
                if error.status != 404 or last:
                    raise
                del held[place.target.id]

    async def _function(self, gateway: Gateway, target: Target, arn: str, params: Json) -> Json:
        """A Lambda target's answer as a tool result; a dict that has `content` is taken for a whole result."""
        name = str(params["name"])
        custom = {
            "bedrockAgentCoreGatewayId": gateway.id,
            "bedrockAgentCoreTargetId": target.id,
            "bedrockAgentCoreToolName": f"{target.name}{SEPARATOR}{name}",
            "bedrockAgentCoreAwsRequestId": str(uuid.uuid4()),
        }
        answer = await self.run(arn, params.get("arguments", {}), custom)
        if isinstance(answer, dict) and isinstance(answer.get("content"), list):
            return answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        result: Json = {"content": [{"type": "text", "text": text}], "isError": False}
        typed = any(tool["name"] == name and "outputSchema" in tool for tool in target.tools)
        return {**result, "structuredContent": answer} if typed and isinstance(answer, dict) else result

    async def run(self, arn: str, event: Any, custom: Mapping[str, str]) -> Any:
        """Invoke a registered function as Lambda does. Raises TargetError."""
        function = self.functions.get(arn)
        if function is None:
            raise TargetError(f"gateway → Lambda: {arn} is not registered")
        if len(json.dumps(event)) > LAMBDA_BYTES:
            raise TargetError(f"gateway → Lambda: the event is over {LAMBDA_BYTES} bytes")
        context = SimpleNamespace(
            aws_request_id=str(uuid.uuid4()),
            client_context=SimpleNamespace(custom=dict(custom)),
            invoked_function_arn=arn,
            get_remaining_time_in_millis=lambda: 30_000,
        )
        try:
            answer = function(json.loads(json.dumps(event)), context)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            raise TargetError(f"gateway → Lambda: {arn} failed ({type(error).__name__})") from error

    @property
    def _client(self) -> Client:
        assert self.client is not None
        return self.client


def custom_of(gateway: Gateway, request_id: str, source: str) -> dict[str, str]:
    """The client context of an interceptor's invocation."""
    named = {"GATEWAY_ARN": gateway.arn, "GATEWAY_ACCOUNT_ID": ACCOUNT}
    return {**named, "REQUEST_ID": request_id, "SOURCE_IP": source}


def streams(gateway: Gateway) -> bool:
    return bool(settings(gateway).get("streamingConfiguration", {}).get("enableResponseStreaming"))


def _passed(target: Target, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the caller that the target's configuration lets through."""
    listed = {name.lower() for name in target.request.get("metadataConfiguration", {}).get("allowedRequestHeaders", ())}
    return {name: value for name, value in headers.items() if name.lower() in listed}


def _bare(params: Json) -> Json:
    """`params` without the modern envelope."""
    given = (params.get("_meta") or {}).items()
    meta = {key: value for key, value in given if not key.startswith("io.modelcontextprotocol/")}
    rest = {key: value for key, value in params.items() if key != "_meta"}
    return {**rest, "_meta": meta} if meta else rest


def _modernised(message: Json) -> Json:
    return {**message, "result": {"resultType": "complete", **message["result"]}} if "result" in message else message
