"""A runtime's endpoints. DEFAULT is the platform's own; named ones move only by an update."""

from __future__ import annotations

from tests.agentcore import control_runtimes
from tests.agentcore.control_lifecycle import begin, look, require_settled, told
from tests.agentcore.control_state import Operation, Plane, conflict, not_found, page
from tests.agentcore.model import ServiceError
from tests.agentcore.world import Endpoint, Json, Runtime

MOST = 10
"""Named endpoints of one runtime."""


async def create(plane: Plane, request: Json) -> Json:
    runtime, name = control_runtimes.found(plane, request["agentRuntimeId"]), request["name"]
    if name in runtime.endpoints and _looked(plane, runtime, runtime.endpoints[name]):
        raise conflict(f"An endpoint with the name {name} already exists on agent runtime {runtime.id}")
    require_settled(runtime, f"Agent runtime {runtime.id}", to="given an endpoint")
    if len(runtime.endpoints) > MOST:
        raise ServiceError("ServiceQuotaExceededException", f"A runtime has at most {MOST} endpoints beside DEFAULT")
    version = _version(runtime, request.get("agentRuntimeVersion", str(len(runtime.versions))))
    endpoint = Endpoint(name=name, live_version=version, target_version=version, tags=dict(request.get("tags", {})))
    endpoint.description = request.get("description")
    endpoint.failure = plane.world.faults.create_failed.get(name, "")
    runtime.endpoints[name] = endpoint
    return _answer(runtime, endpoint)


async def update(plane: Plane, request: Json) -> Json:
    runtime, endpoint = _found(plane, request)
    if endpoint.name == "DEFAULT":
        raise conflict("The DEFAULT endpoint follows the newest version and cannot be updated")
    require_settled(endpoint, f"Endpoint {endpoint.name}", to="updated")
    endpoint.target_version = _version(runtime, request.get("agentRuntimeVersion", endpoint.live_version))
    endpoint.description = request.get("description")
    begin(endpoint, "UPDATING", plane.world.faults.update_failed.get(endpoint.name, ""))
    return _answer(runtime, endpoint)


async def get(plane: Plane, request: Json) -> Json:
    return _answer(*_found(plane, request))


async def delete(plane: Plane, request: Json) -> Json:
    runtime, endpoint = _found(plane, request)
    if endpoint.name == "DEFAULT":
        raise conflict("Default endpoints are removed when you delete the agent")
    require_settled(endpoint, f"Endpoint {endpoint.name}", to="deleted")
    begin(endpoint, "DELETING")
    return {**_answer(runtime, endpoint), "agentRuntimeId": runtime.id, "endpointName": endpoint.name}


async def list_all(plane: Plane, request: Json) -> Json:
    runtime = control_runtimes.found(plane, request["agentRuntimeId"])
    present = [each for each in list(runtime.endpoints.values()) if _looked(plane, runtime, each)]
    return page(request, [_answer(runtime, each) for each in present], "runtimeEndpoints")


def _found(plane: Plane, request: Json) -> tuple[Runtime, Endpoint]:
    runtime, name = control_runtimes.found(plane, request["agentRuntimeId"]), request["endpointName"]
    endpoint = runtime.endpoints.get(name)
    if endpoint is None or not _looked(plane, runtime, endpoint):
        raise not_found(f"Endpoint {name} of agent runtime {runtime.id}")
    return runtime, endpoint


def _looked(plane: Plane, runtime: Runtime, endpoint: Endpoint) -> bool:
    """One look, after one at its runtime. What is settled serves its target version."""
    if not look(endpoint, plane.world.faults):
        del runtime.endpoints[endpoint.name]
        return False
    if endpoint.status == "READY":
        endpoint.live_version = endpoint.target_version
    return True


def _version(runtime: Runtime, version: str) -> str:
    if int(version) > len(runtime.versions) or version in runtime.removed_versions:
        raise not_found(f"Version {version} of agent runtime {runtime.id}")
    return version


def _answer(runtime: Runtime, endpoint: Endpoint) -> Json:
    return {
        "name": endpoint.name,
        "endpointName": endpoint.name,
        "id": f"{endpoint.name}-{runtime.id[-10:]}",
        "agentRuntimeId": runtime.id,
        "agentRuntimeArn": runtime.arn,
        "agentRuntimeEndpointArn": f"{runtime.arn}/runtime-endpoint/{endpoint.name}",
        "liveVersion": endpoint.live_version,
        "targetVersion": endpoint.target_version,
        "status": endpoint.status,
        "createdAt": endpoint.created,
        "lastUpdatedAt": endpoint.updated,
        "description": endpoint.description,
        "failureReason": told(endpoint) or None,
    }


OPERATIONS: dict[str, Operation] = {
    "CreateAgentRuntimeEndpoint": create,
    "UpdateAgentRuntimeEndpoint": update,
    "GetAgentRuntimeEndpoint": get,
    "DeleteAgentRuntimeEndpoint": delete,
    "ListAgentRuntimeEndpoints": list_all,
}
