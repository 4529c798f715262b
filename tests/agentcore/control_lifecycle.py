"""How resources settle: no clock, each look at one brings it nearer."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.agentcore.control_state import conflict
from tests.agentcore.world import Endpoint, Faults, Gateway, Runtime, Target

Resource = Runtime | Endpoint | Gateway | Target

RUNTIME = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED"}
GATEWAY = {
    "CREATING": "FAILED",
    "UPDATING": "UPDATE_UNSUCCESSFUL",
    "SYNCHRONIZING": "SYNCHRONIZE_UNSUCCESSFUL",
}
"""What is under way → what it is called when it fails."""


def begin(resource: Resource, status: str, failure: str = "") -> None:
    """`resource` is under way to READY, or to a failure if there is one in store."""
    resource.status, resource.failure, resource.polls = status, failure, 0
    resource.updated = time.time()


def look(resource: Resource, faults: Faults) -> bool:
    """One look at `resource`, which may settle by it. False: it was being deleted, and now it is gone."""
    failed = RUNTIME if isinstance(resource, Runtime | Endpoint) else GATEWAY
    if resource.status not in failed and resource.status != "DELETING":
        return True
    resource.polls += 1
    if resource.polls < faults.polls_to_ready:
        return True
    if resource.status == "DELETING":
        return False
    if not (isinstance(resource, Target) and resource.listing):
        resource.status = failed[resource.status] if resource.failure else "READY"
    return True


def require_settled(resource: Resource, what: str, *, to: str, but: Mapping[str, str] | None = None) -> None:
    """Raises ConflictException while `resource` is under way, or in a state of `but` (state → what to do)."""
    if resource.status in RUNTIME or resource.status in GATEWAY or resource.status == "DELETING":
        raise conflict(f"{what} is {resource.status}; it cannot be {to} before that ends")
    if but and resource.status in but:
        raise conflict(f"{what} is {resource.status}; {but[resource.status]}")


def told(resource: Resource) -> str:
    """Why `resource` failed, once it has: a failure in store is not told before."""
    settled = resource.status not in (*RUNTIME, *GATEWAY, "DELETING", "READY")
    return resource.failure if settled else ""
