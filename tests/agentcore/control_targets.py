"""A gateway's targets. Those that are MCP servers have their tools listed at creation, update and synchronisation."""

from __future__ import annotations

import asyncio
import json
import string
import time
from typing import Any

from tests.agentcore import control_gateways
from tests.agentcore.control_lifecycle import begin, look, require_settled, told
from tests.agentcore.control_state import Operation, Plane, conflict, not_found, only, page, suffix
from tests.agentcore.control_target_rules import judge, kind_of
from tests.agentcore.model import invalid
from tests.agentcore.world import Gateway, Json, Target

_KEPT = ("description", "metadataConfiguration", "privateEndpoint", "certificateConfigurations")


async def create(plane: Plane, request: Json) -> Json:
    gateway = control_gateways.found(plane, request["gatewayIdentifier"])
    require_settled(gateway, f"Gateway {gateway.id}", to="given a target", but={"FAILED": "delete it"})
    if "name" not in request:
        raise invalid("A target of this kind needs a name.", ("name", "Member must not be null"))
    name = request["name"]
    for other in [each for each in gateway.targets.values() if each.name == name]:
        if _looked(plane, gateway, other):
            raise conflict(f"A target with the name {name} already exists on gateway {gateway.id}")
    judge(plane.world, request)
    target = Target(id=suffix(string.ascii_uppercase + string.digits), name=name, request=request)
    gateway.targets[target.id] = target
    _list_tools(plane, gateway, target, plane.world.faults.create_failed.get(name, ""))
    return _answer(gateway, target)


async def update(plane: Plane, request: Json) -> Json:
    gateway, target = _found(plane, request)
    require_settled(target, f"Target {target.id}", to="updated")
    name = request.get("name", target.name)
    if any(each.name == name for each in gateway.targets.values() if each is not target):
        raise conflict(f"A target with the name {name} already exists on gateway {gateway.id}")
    judge(plane.world, request)
    target.name, target.request = name, request
    begin(target, "UPDATING")
    _list_tools(plane, gateway, target, plane.world.faults.update_failed.get(name, ""))
    return _answer(gateway, target)


async def get(plane: Plane, request: Json) -> Json:
    return _answer(*_found(plane, request))


async def delete(plane: Plane, request: Json) -> Json:
    gateway, target = _found(plane, request)
    require_settled(target, f"Target {target.id}", to="deleted")
    begin(target, "DELETING")
    return _answer(gateway, target)


async def list_all(plane: Plane, request: Json) -> Json:
    gateway = control_gateways.found(plane, request["gatewayIdentifier"])
    present = [each for each in list(gateway.targets.values()) if _looked(plane, gateway, each)]
    return page(request, [_summary(gateway, each) for each in present], "items")


async def synchronize(plane: Plane, request: Json) -> Json:
    """Exactly one id, as the model says. The listing goes on behind the answer."""
    gateway, target = _found(plane, {**request, "targetId": request["targetIdList"][0]})
    require_settled(target, f"Target {target.id}", to="synchronized", but={"FAILED": "delete it and create it anew"})
    settings = target.request["targetConfiguration"].get("mcp", {}).get("mcpServer")
    if settings is None or "mcpToolSchema" in settings:
        what = ("targetIdList", "names a target without dynamic tools")
        raise invalid("Only a target that is an MCP server without a static tool schema is synchronized.", what)
    begin(target, "SYNCHRONIZING")
    _list_tools(plane, gateway, target, "")
    return {"targets": [_answer(gateway, target)]}


def _list_tools(plane: Plane, gateway: Gateway, target: Target, failure: str) -> None:
    """Begins the listing of an MCP server's tools; other kinds have theirs in the request."""
    kind, settings = kind_of(target.request["targetConfiguration"])
    target.failure = failure
    if kind != "mcpServer":
        target.tools = _inline(settings.get("toolSchema", {}) if kind == "lambda" else {})
    elif "mcpToolSchema" in settings:
        target.tools = _inline(settings["mcpToolSchema"])
    elif not failure and settings.get("listingMode") != "DYNAMIC":
        target.listing = True
        task = asyncio.create_task(_listed(plane, gateway, target))
        plane.listings.add(task)
        task.add_done_callback(plane.listings.discard)


async def _listed(plane: Plane, gateway: Gateway, target: Target) -> None:
    try:
        target.tools = await plane.list_tools(plane.world, gateway, target)
        target.synchronized = time.time()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is why the target has no tools)
        target.failure = f"Failed to connect and fetch tools from the provided MCP target server. Error - {error}"[
            :2048
        ]
    finally:
        target.listing = False


def _inline(schema: Json) -> list[Json]:
    """The tools of a schema given in the request: a list, or a document with `tools`."""
    given: Any = schema.get("inlinePayload", [])
    document = json.loads(given) if isinstance(given, str) else given
    return list(document["tools"] if isinstance(document, dict) else document)


def _found(plane: Plane, request: Json) -> tuple[Gateway, Target]:
    gateway = control_gateways.found(plane, request["gatewayIdentifier"])
    target = gateway.targets.get(request["targetId"])
    if target is None or not _looked(plane, gateway, target):
        raise not_found(f"Target {request['targetId']} of gateway {gateway.id}")
    return gateway, target


def _looked(plane: Plane, gateway: Gateway, target: Target) -> bool:
    if look(target, plane.world.faults):
        return True
    del gateway.targets[target.id]
    plane.forget(target.id)
    return False


def _answer(gateway: Gateway, target: Target) -> Json:
    """What AWS fills in where the request left it out is filled in here."""
    return {
        **only(target.request, _KEPT),
        "gatewayArn": gateway.arn,
        "targetId": target.id,
        "name": target.name,
        "status": target.status,
        "statusReasons": [told(target)] if told(target) else None,
        "createdAt": target.created,
        "updatedAt": target.updated,
        "lastSynchronizedAt": target.synchronized,
        "targetConfiguration": _filled(target.request["targetConfiguration"]),
        "credentialProviderConfigurations": target.request.get("credentialProviderConfigurations", []),
    }


def _filled(configuration: Json) -> Json:
    kind, settings = kind_of(configuration)
    return {"mcp": {kind: {"listingMode": "DEFAULT", **settings}}} if kind == "mcpServer" else configuration


def _summary(gateway: Gateway, target: Target) -> Json:
    kind, settings = kind_of(target.request["targetConfiguration"])
    types = {"mcpServer": "MCP_SERVER", "lambda": "LAMBDA", "openApiSchema": "OPEN_API_SCHEMA"}
    mode = {"listingMode": settings.get("listingMode", "DEFAULT")} if kind == "mcpServer" else {}
    return {**_answer(gateway, target), **mode, "targetType": types.get(kind)}


OPERATIONS: dict[str, Operation] = {
    "CreateGatewayTarget": create,
    "UpdateGatewayTarget": update,
    "GetGatewayTarget": get,
    "DeleteGatewayTarget": delete,
    "ListGatewayTargets": list_all,
    "SynchronizeGatewayTargets": synchronize,
}
