"""Tags, by ARN, of everything that can carry them."""

from __future__ import annotations

from tests.agentcore.control_state import Operation, Plane, not_found
from tests.agentcore.model import ServiceError, invalid
from tests.agentcore.world import Json

MOST = 50


async def tag(plane: Plane, request: Json) -> Json:
    tags = _tags(plane, request["resourceArn"])
    if any(key.lower().startswith("aws:") for key in request["tags"]):
        raise invalid("Tag keys that begin with aws: are reserved.", ("tags", "is not valid"))
    if len({*tags, *request["tags"]}) > MOST:
        raise ServiceError("ServiceQuotaExceededException", f"A resource has at most {MOST} tags")
    tags.update(request["tags"])
    return {}


async def untag(plane: Plane, request: Json) -> Json:
    tags = _tags(plane, request["resourceArn"])
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


async def list_all(plane: Plane, request: Json) -> Json:
    return {"tags": dict(_tags(plane, request["resourceArn"]))}


def _tags(plane: Plane, resource: str) -> dict[str, str]:
    world = plane.world
    known: dict[str, dict[str, str]] = {each.arn: each.tags for each in world.runtimes.values()}
    for runtime in world.runtimes.values():
        known |= {f"{runtime.arn}/runtime-endpoint/{name}": each.tags for name, each in runtime.endpoints.items()}
    known |= {each.arn: each.tags for each in world.gateways.values()}
    known |= {each.arn: each.tags for each in world.providers.values()}
    known |= {each["workloadIdentityArn"]: each["tags"] for each in world.identities.values()}
    if resource not in known:
        raise not_found(f"Resource {resource}")
    return known[resource]


OPERATIONS: dict[str, Operation] = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_all}
