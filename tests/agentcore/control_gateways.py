"""Gateways. Their targets are beside, in control_targets.py."""

from __future__ import annotations

import string

from tests.agentcore.control_lifecycle import begin, look, require_settled, told
from tests.agentcore.control_runtimes import judge_authorizer, judge_role
from tests.agentcore.control_state import Operation, Plane, arn, conflict, not_found, only, page, suffix
from tests.agentcore.model import invalid
from tests.agentcore.world import Gateway, Json

_KEPT = (
    "description",
    "roleArn",
    "protocolType",
    "protocolConfiguration",
    "authorizerType",
    "authorizerConfiguration",
    "kmsKeyArn",
    "customTransformConfiguration",
    "interceptorConfigurations",
    "policyEngineConfiguration",
    "exceptionLevel",
    "wafConfiguration",
    "domainOverride",
)


def found(plane: Plane, gateway_id: str) -> Gateway:
    """A gateway after one look at it. Raises ResourceNotFoundException."""
    gateway = plane.world.gateways.get(gateway_id)
    if gateway is None or not _looked(plane, gateway):
        raise not_found(f"Gateway {gateway_id}")
    return gateway


def _looked(plane: Plane, gateway: Gateway) -> bool:
    if look(gateway, plane.world.faults):
        return True
    del plane.world.gateways[gateway.id]
    plane.world.identities.pop(gateway.id, None)
    plane.forget(gateway.id)
    return False


async def create(plane: Plane, request: Json) -> Json:
    world, name = plane.world, request["name"]
    for other in [each for each in world.gateways.values() if each.name == name]:
        if _looked(plane, other):
            raise conflict(f"A gateway with the name {name} already exists in this account")
    gateway_id = f"{name.lower()}-{suffix(string.ascii_lowercase + string.digits)}"
    own = arn(f"gateway/{gateway_id}")
    await _judge(plane, request, own)
    gateway = Gateway(id=gateway_id, arn=own, name=name, url=plane.gateway_url(gateway_id), request=request)
    gateway.tags, gateway.failure = dict(request.get("tags", {})), world.faults.create_failed.get(name, "")
    world.gateways[gateway_id] = gateway
    world.identities[gateway_id] = {
        "name": gateway_id,
        "workloadIdentityArn": _identity(gateway)["workloadIdentityArn"],
        "allowedResourceOauth2ReturnUrls": [],
        "createdTime": gateway.created,
        "lastUpdatedTime": gateway.created,
        "tags": {},
        "managedBy": own,
    }
    return _answer(gateway)


async def update(plane: Plane, request: Json) -> Json:
    gateway = found(plane, request["gatewayIdentifier"])
    require_settled(gateway, f"Gateway {gateway.id}", to="updated", but={"FAILED": "delete it and create it anew"})
    if request["name"] != gateway.name:
        raise invalid("The name of a gateway cannot be changed.", ("name", "is not that of the gateway"))
    await _judge(plane, request, gateway.arn)
    gateway.request = request
    begin(gateway, "UPDATING", plane.world.faults.update_failed.get(gateway.name, ""))
    return _answer(gateway)


async def get(plane: Plane, request: Json) -> Json:
    return _answer(found(plane, request["gatewayIdentifier"]))


async def delete(plane: Plane, request: Json) -> Json:
    gateway = found(plane, request["gatewayIdentifier"])
    require_settled(gateway, f"Gateway {gateway.id}", to="deleted")
    for target in list(gateway.targets.values()):
        if not look(target, plane.world.faults):
            del gateway.targets[target.id]
    if gateway.targets:
        raise invalid("Gateway has targets associated with it. Delete all targets before deleting the gateway.")
    begin(gateway, "DELETING")
    return _answer(gateway)


async def list_all(plane: Plane, request: Json) -> Json:
    present = [each for each in list(plane.world.gateways.values()) if _looked(plane, each)]
    return page(request, [_answer(each) for each in present], "items")


async def _judge(plane: Plane, request: Json, own: str) -> None:
    kind, configuration = request["authorizerType"], request.get("authorizerConfiguration")
    if (kind == "CUSTOM_JWT") != (configuration is not None):
        what = ("authorizerConfiguration", "goes with CUSTOM_JWT")
        raise invalid("authorizerConfiguration goes with the authorizer type CUSTOM_JWT, and only with it.", what)
    judge_authorizer(configuration)
    await judge_role(plane, request["roleArn"], own)


def _answer(gateway: Gateway) -> Json:
    return {
        **only(gateway.request, _KEPT),
        "gatewayArn": gateway.arn,
        "gatewayId": gateway.id,
        "gatewayUrl": gateway.url,
        "name": gateway.name,
        "status": gateway.status,
        "statusReasons": [told(gateway)] if told(gateway) else None,
        "createdAt": gateway.created,
        "updatedAt": gateway.updated,
        "workloadIdentityDetails": _identity(gateway),
    }


def _identity(gateway: Gateway) -> Json:
    return {"workloadIdentityArn": arn(f"workload-identity-directory/default/workload-identity/{gateway.id}")}


OPERATIONS: dict[str, Operation] = {
    "CreateGateway": create,
    "UpdateGateway": update,
    "GetGateway": get,
    "DeleteGateway": delete,
    "ListGateways": list_all,
}
