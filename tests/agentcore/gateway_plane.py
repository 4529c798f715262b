"""The data plane of AgentCore Gateway on loopback: MCP in both eras, at `/{gateway's id}/mcp`.

A request goes the way it goes at AWS: payload cap, who calls, limits, the REQUEST interceptor, revision and session,
the method itself (own, or a target's), and the RESPONSE interceptor.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from tests.agentcore.gateway_plane_callers import Callers
from tests.agentcore.gateway_plane_client import Client
from tests.agentcore.gateway_plane_eras import MODERN, SESSION, Sessions
from tests.agentcore.gateway_plane_errors import INVALID_REQUEST, PARSE_ERROR, THROTTLED, Answer, GatewayError
from tests.agentcore.gateway_plane_identity import Outbound
from tests.agentcore.gateway_plane_interceptors import Interception
from tests.agentcore.gateway_plane_methods import Asked, Methods, Streamed
from tests.agentcore.gateway_plane_targets import LISTING_S, Function, Targets
from tests.agentcore.signatures import Received, received
from tests.agentcore.signatures_iam import Permissions
from tests.agentcore.world import Gateway, World

PAYLOAD_BYTES = 6 * 2**20
PAGE = 50


@dataclass(kw_only=True)
class Plane:
    """One data plane. `outbound.tamper` and `targets.functions` are for tests to set, before or while it serves."""

    world: World
    callers: Callers
    sessions: Sessions
    targets: Targets
    outbound: Outbound
    methods: Methods
    http: aiohttp.ClientSession | None = None


PLANE = web.AppKey("plane", Plane)


def app(
    world: World,
    moto: str,
    *,
    runtimes: Callable[[], str],
    functions: dict[str, Function] | None = None,
    page_size: int = PAGE,
    empty_cursor: bool = False,
    listing_s: float = LISTING_S,
) -> web.Application:
    """`runtimes` gives the URL of the Runtime's data plane, where targets at its AWS host are asked.

    `functions` are Lambda functions by their ARN: targets and interceptors. With `empty_cursor` the second page of a
    list has the empty string for its cursor. app[PLANE].targets.list_tools is what a synchronisation calls.
    """
    permissions = Permissions(moto)
    targets = Targets(world=world, runtimes=runtimes, functions=functions or {}, listing_s=listing_s)
    sessions = Sessions(world.faults)
    application = web.Application(client_max_size=PAYLOAD_BYTES)
    application[PLANE] = Plane(
        world=world,
        callers=Callers(world, permissions),
        sessions=sessions,
        targets=targets,
        outbound=Outbound(world, permissions),
        methods=Methods(targets=targets, sessions=sessions, page_size=page_size, empty_cursor=empty_cursor),
    )
    application.cleanup_ctx.append(_running)
    application.router.add_post("/{gateway}/mcp", _post)
    application.router.add_delete("/{gateway}/mcp", _delete)
    application.router.add_get("/{gateway}/.well-known/oauth-protected-resource", _metadata)
    return application


async def _running(application: web.Application) -> AsyncIterator[None]:
    plane = application[PLANE]
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(timeout=timeout, skip_auto_headers=("User-Agent",)) as plane.http:
        plane.targets.client = Client(http=plane.http, outbound=plane.outbound)
        yield


def _gateway(request: web.Request) -> Gateway:
    found = request.app[PLANE].world.gateways.get(request.match_info["gateway"])
    if found is None or found.status in ("CREATING", "FAILED", "DELETING"):
        raise web.HTTPNotFound(text=json.dumps({"message": "no such gateway"}), content_type="application/json")
    return found


def _origin(request: web.Request) -> str:
    return f"http://{request.host}/{request.match_info['gateway']}"


async def _post(request: web.Request) -> web.StreamResponse:
    plane, gateway = request.app[PLANE], _gateway(request)
    modern = request.headers.get("MCP-Protocol-Version") == MODERN
    message_id: Any = None
    try:
        came = received(request, await _payload(request))
        caller = await _admitted(plane, request, gateway, came)
        message = _message(came.body)
        message_id = message.get("id")
        return await _intercepted(plane, request, gateway, came, caller, message)
    except GatewayError as error:
        return error.answer(message_id, modern=modern).response()


async def _payload(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise GatewayError(INVALID_REQUEST, f"The payload is over {PAYLOAD_BYTES} bytes", 413) from None


async def _admitted(plane: Plane, request: web.Request, gateway: Gateway, came: Received) -> str:
    assert plane.http is not None
    caller = await plane.callers.admit(plane.http, gateway, came, _origin(request))
    faults = plane.world.faults
    if faults.gateway_throttled > 0:
        faults.gateway_throttled -= 1
        data = {"limitKey": "per-caller", "metric": "requests", "retryAfter": faults.gateway_retry_after_s}
        raise GatewayError(THROTTLED, "Rate limit exceeded", 200, data)
    return caller


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise GatewayError(PARSE_ERROR, "Parse error", 400) from None
    sound = isinstance(message, dict) and message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
    if not sound or not isinstance(message.get("params", {}), dict):
        raise GatewayError(INVALID_REQUEST, "Not a JSON-RPC 2.0 request", 400)
    found: dict[str, Any] = message
    return found


async def _intercepted(
    plane: Plane, request: web.Request, gateway: Gateway, came: Received, caller: str, message: dict[str, Any]
) -> web.StreamResponse:
    """Between the interceptors of the gateway, where it has any."""
    source, raw = request.remote or "", came.body.decode("utf-8", "replace")
    interception = Interception(plane.targets, gateway, came.values(), raw, source)
    changed, instead = await interception.request(message)
    if instead is None:
        asked = Asked(gateway=gateway, caller=caller, headers=interception.headers, message=changed)
        found = await _answered(plane.methods, asked)
        if isinstance(found, Streamed):
            return await _streamed(request, found, interception)
        instead = found
    return (await interception.response(instead)).response()


async def _answered(methods: Methods, asked: Asked) -> Answer | Streamed:
    """An error is an answer too: the RESPONSE interceptor sees it."""
    try:
        return await methods.answer(asked)
    except GatewayError as error:
        return error.answer(asked.message.get("id"), modern=asked.version == MODERN)


async def _streamed(request: web.Request, found: Streamed, interception: Interception) -> web.StreamResponse:
    """An event stream; each event with a JSON-RPC id passes the RESPONSE interceptor."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    async for message in found.messages:
        body = message
        if "id" in message:
            body = (await interception.response(Answer(body=message), streaming=True)).body
        await response.write(f"event: message\ndata: {json.dumps(body)}\n\n".encode())
    await response.write_eof()
    return response


async def _delete(request: web.Request) -> web.Response:
    """The end of a session."""
    plane, gateway = request.app[PLANE], _gateway(request)
    try:
        caller = await _admitted(plane, request, gateway, received(request, await request.read()))
        name = request.headers.get(SESSION)
        plane.sessions.of(gateway, name, caller)
        plane.sessions.end(gateway, str(name))
    except GatewayError as error:
        return error.answer(None, modern=False).response()
    return web.Response(status=200)


async def _metadata(request: web.Request) -> web.Response:
    """RFC 9728 metadata of a gateway whose callers bring a JWT."""
    configuration: Mapping[str, Any] = _gateway(request).request.get("authorizerConfiguration") or {}
    if "customJWTAuthorizer" not in configuration:
        raise web.HTTPNotFound
    issuer = str(configuration["customJWTAuthorizer"]["discoveryUrl"]).partition("/.well-known/")[0]
    return web.json_response({"resource": f"{_origin(request)}/mcp", "authorization_servers": [issuer]})
