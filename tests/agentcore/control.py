"""The control plane of AgentCore (`bedrock-agentcore-control`) on loopback.

Each request goes the way it goes at AWS: signature, throttling, the model's own rules, then the operation. A fault
of `world.faults` stands before the operation, except `lost`, which stands behind it.
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from tests.agentcore import (
    control_endpoints,
    control_gateways,
    control_identity,
    control_runtimes,
    control_tags,
    control_targets,
)
from tests.agentcore.control_cloud import Cloud
from tests.agentcore.control_state import ListTools, Operation, Plane, conflict, one_less
from tests.agentcore.model import CONTROL, Answer, ServiceError, invalid, model
from tests.agentcore.signatures import Received, RefusedError, received, signer
from tests.agentcore.world import Json, World

BOUNDARY: Final = "deployer → control plane"
OPERATIONS: Final[dict[str, Operation]] = {
    **control_runtimes.OPERATIONS,
    **control_endpoints.OPERATIONS,
    **control_gateways.OPERATIONS,
    **control_targets.OPERATIONS,
    **control_identity.OPERATIONS,
    **control_tags.OPERATIONS,
}
_PLANE = web.AppKey("plane", Plane)
_BODY_BYTES: Final = 4 * 2**20


def app(world: World, moto: str, *, list_tools: ListTools, gateway_url: Callable[[str], str]) -> web.Application:
    """`moto` is the URL of the account's other services. `gateway_url` says where the gateway of an id is served."""
    application = web.Application(client_max_size=_BODY_BYTES)
    application[_PLANE] = Plane(world=world, cloud=Cloud(moto), list_tools=list_tools, gateway_url=gateway_url)
    application.cleanup_ctx.append(_listings_end)
    application.router.add_route("*", "/{path:.*}", _answer)
    return application


async def _listings_end(application: web.Application) -> AsyncIterator[None]:
    yield
    listings = set(application[_PLANE].listings)
    for listing in listings:
        listing.cancel()
    if listings:
        await asyncio.wait(listings, timeout=2)


async def _answer(request: web.Request) -> web.Response:
    plane, came = request.app[_PLANE], received(request, await request.read())
    try:
        answer = await _carried_out(plane, came)
    except RefusedError as problem:
        answer = model(CONTROL).error(problem)
    headers = {**answer.headers, "x-amzn-requestid": str(uuid.uuid4())}
    content_type = "application/json" if answer.body else None
    return web.Response(status=answer.status, body=answer.body, headers=headers, content_type=content_type)


async def _carried_out(plane: Plane, came: Received) -> Answer:
    """Raises RefusedError."""
    try:
        signer(plane.world, came)
    except RefusedError as refused:
        raise refused.at(BOUNDARY) from None
    operation, labels = model(CONTROL).operation(came.method, came.target)
    call, faults = f"{CONTROL}:{operation.name}", plane.world.faults
    plane.world.calls.append(call)
    if one_less(faults.throttled, call):
        raise ServiceError("ThrottlingException", "Rate exceeded")
    asked = model(CONTROL).request(operation, labels, came.target, came.body)
    if one_less(faults.conflicts, call):
        raise conflict("Another change of this resource is in progress; try again")
    async with plane.lock:
        answer = model(CONTROL).answer(operation, await _once(plane, operation.name, asked))
    if one_less(faults.lost, call):
        raise ServiceError("InternalServerException", "The answer was lost")
    return answer


async def _once(plane: Plane, name: str, asked: Json) -> Json:
    """The operation's answer; the one of before where a client token comes again with the same request."""
    if name not in OPERATIONS:
        raise ServiceError("NotEmulatedException", f"{name} is not emulated")
    key = (name, asked.get("clientToken", ""))
    if key in plane.replays:
        before, answer = plane.replays[key]
        if before != asked:
            what = ("clientToken", "came before with another request")
            message = "The client token was used with other parameters."
            raise invalid(message, what, reason="IdempotentParameterMismatchException")
        return answer
    answer = await OPERATIONS[name](plane, copy.deepcopy(asked))
    if key[1]:
        plane.replays[key] = (asked, copy.deepcopy(answer))
    return answer
