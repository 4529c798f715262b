"""The AgentCore runtime, found by its name and its tag; and the waits for it. What changes it is `runtime_step.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from deployment import faults, names
from deployment.account import TAG
from deployment.errors import DeployError, FailedError
from deployment.run import Run
from deployment.runtime_request import Json

SERVICE: Final = "bedrock-agentcore-control"
READY_S: Final = 900.0
MOVING: Final = ("CREATING", "UPDATING", "DELETING")


def find(run: Run) -> Json | None:
    """What GetAgentRuntime says of our runtime, or None. Raises DeployError when the name is taken by another's."""
    runtime = named(run)
    if runtime is not None and not is_ours(run, runtime):
        raise DeployError(
            f"runtime {run.config.agent_name} exists and was not made by this deployment: choose another agent_name, "
            f"or give it the tag {TAG}={run.config.agent_name} to have it taken over"
        )
    return runtime


def existing(run: Run) -> Json:
    """The same. Raises DeployError when there is none."""
    runtime = find(run)
    if runtime is None:
        raise DeployError(f"there is no runtime {run.config.agent_name} in {run.config.region}: deploy it first")
    return runtime


def arn(run: Run) -> str:
    """Our runtime's ARN. Raises DeployError."""
    return str(existing(run)["agentRuntimeArn"])


def named(run: Run) -> Json | None:
    """The runtime of our name, whoever made it."""
    client = run.account.client(SERVICE)
    for page in client.get_paginator("list_agent_runtimes").paginate(PaginationConfig={"PageSize": 100}):
        for each in page["agentRuntimes"]:
            if each["agentRuntimeName"] == run.config.agent_name:
                return faults.found(client.get_agent_runtime, agentRuntimeId=each["agentRuntimeId"])
    return None


def tags(run: Run, resource_arn: str) -> dict[str, str]:
    """Of a runtime or an endpoint; none where it is gone."""
    answer = faults.found(run.account.client(SERVICE).list_tags_for_resource, resourceArn=resource_arn)
    return dict((answer or {}).get("tags") or {})


def is_ours(run: Run, runtime: Json) -> bool:
    return tags(run, runtime["agentRuntimeArn"]).get(TAG) == run.config.agent_name


def at_rest(run: Run) -> Json | None:
    """Our runtime once nothing is under way; None when there is none, or it is gone by then."""

    def look() -> tuple[Json | None] | None:
        runtime = find(run)
        return None if runtime is not None and runtime["status"] in MOVING else (runtime,)

    return run.waits.until(f"runtime {run.config.agent_name} to be at rest", look, within_s=READY_S)[0]


def await_ready(run: Run, version: str | None) -> Json:
    """Our runtime once it is READY, with this version where one is given. Raises FailedError, WaitedError."""

    def look() -> Json | None:
        runtime = find(run)
        if runtime is None:
            return None
        fail_if_failed(f"runtime {run.config.agent_name}", runtime)
        there = runtime["status"] == "READY" and version in (None, runtime["agentRuntimeVersion"])
        return runtime if there else None

    return run.waits.until(f"runtime {run.config.agent_name} to be READY", look, within_s=READY_S)


def await_endpoint(run: Run, runtime: Json, endpoint: str, version: str) -> None:
    """Until the endpoint is READY with this version. Raises FailedError, WaitedError."""

    def look() -> bool | None:
        found = endpoint_of(run, runtime, endpoint)
        if found is None:
            return None
        fail_if_failed(f"endpoint {endpoint} of {run.config.agent_name}", found)
        return True if found["status"] == "READY" and found.get("liveVersion") == version else None

    run.waits.until(f"endpoint {endpoint} to be READY with version {version}", look, within_s=READY_S)


def endpoint_of(run: Run, runtime: Json, endpoint: str) -> Json | None:
    """What GetAgentRuntimeEndpoint says, or None."""
    asked = {"agentRuntimeId": runtime["agentRuntimeId"], "endpointName": endpoint}
    return faults.found(run.account.client(SERVICE).get_agent_runtime_endpoint, **asked)


def created(create: Callable[[str], Json], is_there: Callable[[Json], bool], content: Sequence[object]) -> Json:
    """The answer of `create`, called with a client token made of `content`.

    AWS answers a token that it has seen with what it made then. Where that is gone by now, another token is used.
    """
    answer = create(names.token(*content))
    return answer if is_there(answer) else create(names.token(*content, answer.get("createdAt")))


def fail_if_failed(what: str, resource: Json) -> None:
    """Raises FailedError with AWS's own reason when the resource is in a failed state."""
    if resource["status"].endswith("_FAILED"):
        raise FailedError(f"{what} is {resource['status']}: {reason(resource)}")


def reason(resource: Json) -> str:
    return str(resource.get("failureReason") or "AWS gives no reason")


def requires_mmdsv2(runtime: Json) -> bool:
    """Since 2026-06-30 AWS refuses to invoke a runtime that does not."""
    return runtime.get("metadataConfiguration", {}).get("requireMMDSV2") is True


def calls(*operations: str) -> frozenset[str]:
    """As a plan announces them."""
    return frozenset(f"{SERVICE}:{operation}" for operation in operations)
