"""The data plane of AgentCore Runtime on loopback, with AgentCore Identity's beside it, as at AWS: one host for both.

An invocation goes the way it goes at AWS: payload cap, runtime and endpoint, who calls, MMDSv2, session, start of the
code within its budget, headers, and then the code's own answer, streamed on as it comes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.agentcore.runtime_plane_callers import Callers
from tests.agentcore.runtime_plane_errors import PlatformError, id_of
from tests.agentcore.runtime_plane_headers import SESSION, added, answered, forwarded
from tests.agentcore.runtime_plane_instances import Instances, Start, StartError
from tests.agentcore.runtime_plane_process import Processes
from tests.agentcore.runtime_plane_sessions import Sessions
from tests.agentcore.signatures import RefusedError, received, signer
from tests.agentcore.signatures_iam import Permissions
from tests.agentcore.tokens_identity import Identity, add_routes
from tests.agentcore.world import Endpoint, Json, Runtime, World

PAYLOAD_BYTES = 100_000_000
INIT_S = 30.0
GATEWAY_AGENT = "AmazonBedrockAgentCoreGateway"
"""The User-Agent of calls that come from a gateway. It decides how a refusal is worded, and nothing else."""

_SERVED = {"READY", "UPDATING", "UPDATE_FAILED"}
_BOTH = re.compile(r"(?=.*(?:application/json|application/\*|\*/\*))(?=.*(?:text/event-stream|text/\*|\*/\*))", re.I)
_STREAM_S = 3600.0


@dataclass(kw_only=True)
class Plane:
    """One data plane. `http` is there while it serves."""

    world: World
    callers: Callers
    sessions: Sessions
    instances: Instances
    identity: Identity
    payload_bytes: int
    init_s: float
    http: aiohttp.ClientSession | None = None

    @property
    def client(self) -> aiohttp.ClientSession:
        assert self.http is not None
        return self.http


PLANE = web.AppKey("plane", Plane)


def app(
    world: World,
    moto: str,
    *,
    start: Start | None = None,
    environment: Callable[[], Mapping[str, str]] = dict,
    init_s: float = INIT_S,
    payload_bytes: int = PAYLOAD_BYTES,
) -> web.Application:
    """What AWS_ENDPOINT_URL_BEDROCK_AGENTCORE points to.

    `environment` gives, once all is served, the SDK's endpoint variables for the code that `start` (by default
    Processes) runs. `init_s` is the start budget. app[PLANE].instances shows and ends what runs.
    """
    permissions = Permissions(moto)
    identity = Identity(world, permissions)
    plane = Plane(
        world=world,
        callers=Callers(world, permissions),
        sessions=Sessions(world),
        instances=Instances(world, start or Processes(world, moto, environment), init_s),
        identity=identity,
        payload_bytes=payload_bytes,
        init_s=init_s,
    )
    application = web.Application(client_max_size=payload_bytes)
    application[PLANE] = plane
    application.cleanup_ctx.append(_running)
    application.router.add_post("/runtimes/{arn}/invocations", _invoke)
    application.router.add_post("/runtimes/{arn}/stopruntimesession", _stop)
    application.router.add_get("/runtimes/{arn}/invocations/.well-known/oauth-protected-resource", _metadata)
    add_routes(application.router, world, identity, lambda: plane.client)
    return application


async def _running(application: web.Application) -> AsyncIterator[None]:
    plane = application[PLANE]
    timeout = aiohttp.ClientTimeout(total=_STREAM_S, sock_connect=5)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as plane.http:
        await plane.instances.open()
        try:
            yield
        finally:
            await plane.instances.close()


def _boundary(request: web.Request) -> str:
    from_gateway = request.headers.get("User-Agent", "").startswith(GATEWAY_AGENT)
    return "gateway → runtime" if from_gateway else "agent → runtime"


async def _invoke(request: web.Request) -> web.StreamResponse:
    plane, body = request.app[PLANE], b""
    try:
        body = await _payload(request)
        return await _invoked(plane, request, body)
    except PlatformError as error:
        return error.response(id_of(body), _boundary(request))
    except RefusedError as error:
        return error.at(_boundary(request)).response()


async def _payload(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        cap = request.app[PLANE].payload_bytes
        raise PlatformError(-32006, f"The payload is over {cap} bytes", status=413) from None


async def _invoked(plane: Plane, request: web.Request, body: bytes) -> web.StreamResponse:
    runtime, qualifier = _found(plane.world, request)
    version = runtime.version(qualifier) or runtime.versions[-1]
    came, origin = received(request, body), f"http://{request.host}"
    admitted = await plane.callers.admit(plane.client, runtime, version, qualifier, came, origin)
    endpoint = _endpoint(runtime, qualifier)
    if plane.world.faults.invocation_errors:
        raise PlatformError(plane.world.faults.invocation_errors.pop(0))
    _check_served(runtime, endpoint)
    is_mcp = version.get("protocolConfiguration", {}).get("serverProtocol", "HTTP") == "MCP"
    if is_mcp and not _BOTH.match(request.headers.get("Accept", "")):
        raise PlatformError(-32011)
    session = plane.sessions.of(runtime, endpoint, request.headers)
    code = runtime.versions[session.version - 1]
    user = admitted.user
    workload = plane.identity.workload_token(runtime.workload_identity, user) if user else None
    headers = forwarded(request.headers, code) | added(request.headers, session.id, workload)
    url = await _started(plane, runtime, endpoint.name, session.version) + _path(code, is_mcp)
    return await _streamed(plane, request, url, headers, body, session.id)


def _found(world: World, request: web.Request) -> tuple[Runtime, str]:
    """The runtime, and the endpoint's name. Raises RefusedError."""
    arn = request.match_info["arn"]
    runtime = next((each for each in world.runtimes.values() if arn in (each.arn, each.id)), None)
    if runtime is None:
        raise RefusedError("ResourceNotFoundException", f"No agent runtime {arn}", 404)
    return runtime, request.query.get("qualifier", "DEFAULT")


def _endpoint(runtime: Runtime, qualifier: str) -> Endpoint:
    """Raises PlatformError. Whoever may not call does not learn which endpoints there are."""
    if qualifier not in runtime.endpoints:
        told = f"No endpoint or agent found with qualifier '{qualifier}' for agent '{runtime.arn}'"
        raise PlatformError(-32004, told)
    return runtime.endpoints[qualifier]


def _check_served(runtime: Runtime, endpoint: Endpoint) -> None:
    if runtime.status == "CREATING" or endpoint.status == "CREATING":
        raise PlatformError(-32005, f"Endpoint {endpoint.name} is still being created")
    if runtime.status not in _SERVED or endpoint.status not in _SERVED:
        raise PlatformError(-32006, f"Endpoint {endpoint.name} is {endpoint.status}, its runtime {runtime.status}")
    if not runtime.requires_mmdsv2:
        raise PlatformError(-32006, "The runtime must require MMDSv2: set metadataConfiguration.requireMMDSV2")


def _path(version: Json, is_mcp: bool) -> str:
    return str(version.get("protocolConfiguration", {}).get("path", "/mcp" if is_mcp else "/invocations"))


async def _started(plane: Plane, runtime: Runtime, endpoint: str, version: int) -> str:
    try:
        return await plane.instances.url(runtime, endpoint, version)
    except TimeoutError:
        told = f"Runtime initialization time exceeded: initialization must complete in {plane.init_s:g} s"
    except StartError as error:
        told = f"An error occurred when starting the runtime: {error}"
    raise PlatformError(-32010, told, status=424)


async def _streamed(
    plane: Plane, request: web.Request, url: str, headers: Mapping[str, str], body: bytes, session: str
) -> web.StreamResponse:
    """The code's answer, piece by piece as it comes. Once it has begun, a break of it breaks the caller's."""
    try:
        answer = await plane.client.post(url, data=body, headers=headers, allow_redirects=False)
    except (TimeoutError, aiohttp.ClientError) as error:
        raise PlatformError(-32010, f"The runtime did not answer ({type(error).__name__})") from None
    async with answer:
        if answer.status >= 500:
            told = f"Received error ({answer.status}) from runtime; see its CloudWatch logs"
            raise PlatformError(-32010, told)
        response = web.StreamResponse(status=answer.status, headers=answered(answer.headers, session, headers))
        if "Content-Length" in answer.headers:
            response.content_length = int(answer.headers["Content-Length"])
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response


async def _stop(request: web.Request) -> web.Response:
    """StopRuntimeSession."""
    plane, body = request.app[PLANE], await request.read()
    try:
        principal = signer(plane.world, received(request, body))
        runtime, qualifier = _found(plane.world, request)
        permissions = plane.callers.permissions
        await permissions.require(principal, "bedrock-agentcore:StopRuntimeSession", [runtime.arn])
        session = request.headers.get(SESSION, "")
        if not plane.sessions.end(runtime, qualifier, session):
            raise RefusedError("ResourceNotFoundException", "There is no such session", 404)
    except RefusedError as error:
        return error.at(_boundary(request)).response()
    return web.json_response({}, headers={SESSION: session})


async def _metadata(request: web.Request) -> web.Response:
    """RFC 9728 metadata of a JWT runtime."""
    try:
        runtime, qualifier = _found(request.app[PLANE].world, request)
    except RefusedError:
        raise web.HTTPNotFound from None
    authorizer = (runtime.version(qualifier) or {}).get("authorizerConfiguration", {}).get("customJWTAuthorizer")
    if authorizer is None:
        raise web.HTTPNotFound
    issuer = authorizer["discoveryUrl"].partition("/.well-known/")[0]
    resource = f"http://{request.host}{request.raw_path}".replace("/.well-known/oauth-protected-resource", "")
    return web.json_response({"resource": resource, "authorization_servers": [issuer]})
