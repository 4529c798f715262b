"""Runtimes and their versions: a full PUT makes a version, and DEFAULT follows the newest."""

from __future__ import annotations

import time

from tests.agentcore.control_lifecycle import begin, look, require_settled, told
from tests.agentcore.control_state import Operation, Plane, arn, conflict, not_found, one_less, only, page, suffix
from tests.agentcore.model import invalid
from tests.agentcore.world import Endpoint, Json, Runtime

_KEPT = (
    "roleArn",
    "description",
    "hooksConfiguration",
    "agentRuntimeArtifact",
    "environmentVariables",
    "authorizerConfiguration",
    "requestHeaderConfiguration",
    "metadataConfiguration",
    "filesystemConfigurations",
    "capacityProviderConfiguration",
    "platformVersion",
    "allowedPorts",
    "resourceConfigurations",
)
_LIFECYCLE = {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800}


def found(plane: Plane, runtime_id: str) -> Runtime:
    """A runtime after one look at it. Raises ResourceNotFoundException."""
    runtime = plane.world.runtimes.get(runtime_id)
    if runtime is None or not _looked(plane, runtime):
        raise not_found(f"Agent runtime {runtime_id}")
    return runtime


def _looked(plane: Plane, runtime: Runtime) -> bool:
    """One look; what is gone takes its identity with it."""
    if look(runtime, plane.world.faults):
        return True
    del plane.world.runtimes[runtime.id]
    plane.world.identities.pop(runtime.workload_identity, None)
    plane.forget(runtime.id)
    return False


async def create(plane: Plane, request: Json) -> Json:
    world, name = plane.world, request["agentRuntimeName"]
    for other in [each for each in world.runtimes.values() if each.name == name]:
        if _looked(plane, other):
            raise conflict(f"An agent with the name {name} already exists in this account")
    runtime_id = f"{name}-{suffix()}"
    await judge(plane, request, arn(f"runtime/{runtime_id}"))
    failure = world.faults.create_failed.get(name, "")
    runtime = Runtime(id=runtime_id, arn=arn(f"runtime/{runtime_id}"), name=name, workload_identity=runtime_id)
    runtime.tags, runtime.failure = dict(request.get("tags", {})), failure
    if world.faults.creates_with_mmdsv2:
        request = {**request, "metadataConfiguration": {"requireMMDSV2": True}}
    _put(runtime, request)
    runtime.endpoints["DEFAULT"] = Endpoint(name="DEFAULT", live_version="1", target_version="1", failure=failure)
    world.runtimes[runtime_id] = runtime
    world.identities[runtime_id] = {
        "name": runtime_id,
        "workloadIdentityArn": _identity(runtime)["workloadIdentityArn"],
        "allowedResourceOauth2ReturnUrls": [],
        "createdTime": runtime.created,
        "lastUpdatedTime": runtime.created,
        "tags": {},
        "managedBy": runtime.arn,
    }
    return _answer(runtime)


async def update(plane: Plane, request: Json) -> Json:
    runtime = found(plane, request["agentRuntimeId"])
    but = {"CREATE_FAILED": "delete it and create it anew"}
    require_settled(runtime, f"Agent runtime {runtime.id}", to="updated", but=but)
    await judge(plane, request, runtime.arn)
    failure = plane.world.faults.update_failed.get(runtime.name, "")
    _put(runtime, request)
    begin(runtime, "UPDATING", failure)
    default = runtime.endpoints["DEFAULT"]
    default.target_version = str(len(runtime.versions))
    begin(default, "UPDATING", failure)
    return _answer(runtime)


def _put(runtime: Runtime, request: Json) -> None:
    runtime.versions.append(request)
    runtime.version_times.append(time.time())
    runtime.requires_mmdsv2 = request.get("metadataConfiguration", {}).get("requireMMDSV2", False)


async def get(plane: Plane, request: Json) -> Json:
    runtime = found(plane, request["agentRuntimeId"])
    version = request.get("agentRuntimeVersion", str(len(runtime.versions)))
    if int(version) > len(runtime.versions) or version in runtime.removed_versions:
        raise not_found(f"Version {version} of agent runtime {runtime.id}")
    asked = runtime.versions[int(version) - 1]
    reason = {"failureReason": told(runtime)} if told(runtime) else {}
    return {
        **only(asked, _KEPT),
        **_answer(runtime),
        **reason,
        "agentRuntimeName": runtime.name,
        "agentRuntimeVersion": version,
        "lastUpdatedAt": runtime.version_times[int(version) - 1],
        "networkConfiguration": asked.get("networkConfiguration", {"networkMode": "PUBLIC"}),
        "protocolConfiguration": asked.get("protocolConfiguration", {"serverProtocol": "HTTP"}),
        "lifecycleConfiguration": {**_LIFECYCLE, **asked.get("lifecycleConfiguration", {})},
    }


async def delete(plane: Plane, request: Json) -> Json:
    runtime = found(plane, request["agentRuntimeId"])
    require_settled(runtime, f"Agent runtime {runtime.id}", to="deleted")
    if version := request.get("agentRuntimeVersion"):
        return _delete_version(runtime, version)
    for name in [name for name in runtime.endpoints if name != "DEFAULT"]:
        if look(runtime.endpoints[name], plane.world.faults):
            raise conflict("This agent has endpoints that must be deleted first")
        del runtime.endpoints[name]
    begin(runtime, "DELETING")
    return _answer(runtime)


def _delete_version(runtime: Runtime, version: str) -> Json:
    used = {name for name, each in runtime.endpoints.items() if version in (each.live_version, each.target_version)}
    if used:
        raise conflict(f"Version {version} is used by the endpoint {', '.join(sorted(used))}")
    if int(version) > len(runtime.versions) or version in runtime.removed_versions:
        raise not_found(f"Version {version} of agent runtime {runtime.id}")
    runtime.removed_versions.add(version)
    return {**_answer(runtime), "agentRuntimeVersion": version}


async def list_all(plane: Plane, request: Json) -> Json:
    present = [each for each in list(plane.world.runtimes.values()) if _looked(plane, each)]
    return page(request, [_summary(each, len(each.versions)) for each in present], "agentRuntimes")


async def list_versions(plane: Plane, request: Json) -> Json:
    runtime = found(plane, request["agentRuntimeId"])
    numbers = (n for n in range(len(runtime.versions), 0, -1) if str(n) not in runtime.removed_versions)
    return page(request, [_summary(runtime, number) for number in numbers], "agentRuntimes")


def _summary(runtime: Runtime, version: int) -> Json:
    asked = runtime.versions[version - 1]
    return {
        **_answer(runtime),
        "agentRuntimeName": runtime.name,
        "agentRuntimeVersion": str(version),
        "description": asked.get("description", ""),
        "lastUpdatedAt": runtime.version_times[version - 1],
    }


def _answer(runtime: Runtime) -> Json:
    return {
        "agentRuntimeArn": runtime.arn,
        "agentRuntimeId": runtime.id,
        "agentRuntimeVersion": str(len(runtime.versions)),
        "createdAt": runtime.created,
        "lastUpdatedAt": runtime.updated,
        "status": runtime.status,
        "workloadIdentityDetails": _identity(runtime),
    }


def _identity(runtime: Runtime) -> Json:
    return {"workloadIdentityArn": arn(f"workload-identity-directory/default/workload-identity/{runtime.id}")}


async def judge(plane: Plane, request: Json, source_arn: str) -> None:
    """The rules that no model holds. Raises ValidationException."""
    await judge_role(plane, request["roleArn"], source_arn)
    code = request["agentRuntimeArtifact"].get("codeConfiguration")
    if code and not await plane.cloud.has_object(code["code"]["s3"]):
        raise invalid("The S3 object of the code artifact is not there.", _field("agentRuntimeArtifact"))
    network: Json = request.get("networkConfiguration", {})
    if (network.get("networkMode") == "VPC") != ("networkModeConfig" in network):
        raise invalid("networkModeConfig goes with the network mode VPC, and only with it.", _field("networkMode"))
    lifecycle = {**_LIFECYCLE, **request.get("lifecycleConfiguration", {})}
    if lifecycle["idleRuntimeSessionTimeout"] > lifecycle["maxLifetime"]:
        raise invalid("idleRuntimeSessionTimeout is greater than maxLifetime.", _field("lifecycleConfiguration"))
    judge_authorizer(request.get("authorizerConfiguration"))


async def judge_role(plane: Plane, role_arn: str, source_arn: str) -> None:
    """Raises ValidationException where the service cannot assume the role, or cannot yet."""
    early = one_less(plane.world.faults.unassumable, role_arn.rsplit("/", 1)[-1])
    if early or not await plane.cloud.trusts(role_arn, source_arn):
        told = "Please verify that the role exists and its trust policy allows assumption by this service"
        raise invalid(f"Role validation failed for '{role_arn}'. {told}", _field("roleArn"))


def judge_authorizer(configuration: Json | None) -> None:
    """A JWT authorizer that asks nothing of a token would let in every token of its issuer."""
    jwt = (configuration or {}).get("customJWTAuthorizer")
    asks = ("allowedAudience", "allowedClients", "allowedScopes", "customClaims", "allowedWorkloadConfiguration")
    if jwt is not None and not any(jwt.get(name) for name in asks):
        message = "customJWTAuthorizer needs an allowed audience, client, scope or claim."
        raise invalid(message, _field("customJWTAuthorizer"))


def _field(name: str) -> tuple[str, str]:
    return name, "is not valid"


OPERATIONS: dict[str, Operation] = {
    "CreateAgentRuntime": create,
    "UpdateAgentRuntime": update,
    "GetAgentRuntime": get,
    "DeleteAgentRuntime": delete,
    "ListAgentRuntimes": list_all,
    "ListAgentRuntimeVersions": list_versions,
}
