"""Named endpoints: made with the newest version, moved by `promote` and `rollback` alone. At most ten a runtime."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from deployment import faults, names, runtime
from deployment.account import TAG
from deployment.errors import ConfigError, DeployError
from deployment.run import Run
from deployment.runtime import SERVICE, calls
from deployment.runtime_request import Json
from deployment.steps import Change


class NamedEndpoint:
    """A Step: the config's `endpoint`, where it names one. Removal takes every named endpoint of the runtime."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._client = run.account.client(SERVICE)

    def plan(self) -> tuple[Change, ...]:
        name = self._run.config.endpoint
        if name is None:
            return ()
        found = runtime.find(self._run)
        endpoint = runtime.endpoint_of(self._run, found, name) if found else None
        what = f"endpoint {name}"
        if endpoint is None:
            return (Change(resource=what, action="create", calls=calls("CreateAgentRuntimeEndpoint")),)
        if endpoint["status"] == "CREATE_FAILED":
            why = (f"its creation failed ({runtime.reason(endpoint)}): it is deleted and created anew",)
            anew = calls("DeleteAgentRuntimeEndpoint", "CreateAgentRuntimeEndpoint")
            return (Change(resource=what, action="create", details=why, calls=anew),)
        stays = (f"stays at version {endpoint.get('liveVersion')}: `promote` moves it",)
        return (Change(resource=what, action="keep", details=stays),)

    def apply(self) -> None:
        name = self._run.config.endpoint
        if name is None:
            return
        found = runtime.existing(self._run)
        endpoint = runtime.endpoint_of(self._run, found, name)
        if endpoint is not None and endpoint["status"] == "CREATE_FAILED":
            self._delete(found, endpoint)
            endpoint = None
        if endpoint is None:
            create(self._run, found, name, found["agentRuntimeVersion"])
        elif endpoint["status"] == "CREATING":
            runtime.await_endpoint(self._run, found, name, endpoint["targetVersion"])

    def plan_removal(self) -> tuple[Change, ...]:
        """Raises DeployError when the runtime has an endpoint that somebody else made: it would go with the runtime."""
        found = runtime.named(self._run)
        if found is None or not runtime.is_ours(self._run, found):
            return ()
        changes = []
        for each in listed(self._run, found):
            if runtime.tags(self._run, each["agentRuntimeEndpointArn"]).get(TAG) != self._run.config.agent_name:
                raise DeployError(
                    f"endpoint {each['name']} of runtime {self._run.config.agent_name} was not made by this "
                    "deployment, and would go with the runtime: delete it first"
                )
            gone = calls("DeleteAgentRuntimeEndpoint")
            changes.append(Change(resource=f"endpoint {each['name']}", action="delete", calls=gone))
        return tuple(changes)

    def remove(self) -> None:
        found = runtime.named(self._run)
        if found is None or not runtime.is_ours(self._run, found):
            return
        for each in listed(self._run, found):
            self._delete(found, each)

    def _delete(self, found: Json, endpoint: Json) -> None:
        asked = {"agentRuntimeId": found["agentRuntimeId"], "endpointName": endpoint["name"]}
        delete = faults.unless_busy(lambda: faults.gone(self._client.delete_agent_runtime_endpoint, **asked))
        self._run.waits.until(f"endpoint {endpoint['name']} to be free to go", delete, within_s=runtime.READY_S)

        def look() -> bool | None:
            left = runtime.endpoint_of(self._run, found, endpoint["name"])
            if left is not None and left["status"] == "DELETE_FAILED":
                runtime.fail_if_failed(f"endpoint {endpoint['name']}", left)
            return True if left is None else None

        self._run.waits.until(f"endpoint {endpoint['name']} to be gone", look, within_s=runtime.READY_S)


def create(run: Run, found: Json, name: str, version: str) -> None:
    """A new endpoint with this version, READY."""
    client = run.account.client(SERVICE)
    asked = {"agentRuntimeId": found["agentRuntimeId"], "name": name, "agentRuntimeVersion": version}
    runtime.created(
        lambda token: dict(
            client.create_agent_runtime_endpoint(clientToken=token, tags=names.tags(run.config), **asked)
        ),
        lambda _: runtime.endpoint_of(run, found, name) is not None,
        ("endpoint", asked, names.tags(run.config)),
    )
    runtime.await_endpoint(run, found, name, version)


def listed(run: Run, found: Json) -> list[Json]:
    """Every endpoint but DEFAULT, which comes and goes with the runtime."""
    pages = run.account.client(SERVICE).get_paginator("list_agent_runtime_endpoints")
    asked = {"agentRuntimeId": found["agentRuntimeId"], "PaginationConfig": {"PageSize": 100}}
    return [each for page in pages.paginate(**asked) for each in page["runtimeEndpoints"] if each["name"] != "DEFAULT"]


def promote(run: Run, options: Namespace) -> int:
    """Move an endpoint to a version: the one given, else the runtime's newest."""
    found, name = runtime.existing(run), _chosen(run, options)
    version = options.version or found["agentRuntimeVersion"]
    if version not in usable(run, found):
        raise DeployError(f"runtime {run.config.agent_name} has no version {version} that can be used")
    return _move(run, found, name, version)


def rollback(run: Run, options: Namespace) -> int:
    """Move an endpoint to the version before the one that it has."""
    found, name = runtime.existing(run), _chosen(run, options)
    live = _endpoint(run, found, name).get("liveVersion")
    if live is None:
        raise DeployError(f"endpoint {name} has no version yet: it is being made; `status` shows when it is there")
    older = [version for version in usable(run, found) if int(version) < int(live)]
    if not older:
        raise DeployError(f"endpoint {name} has version {live}, and there is none before it to go back to")
    return _move(run, found, name, max(older, key=int))


def usable(run: Run, found: Json) -> list[str]:
    """Versions that an endpoint may have: all but the newest, and that one unless it failed."""
    pages = run.account.client(SERVICE).get_paginator("list_agent_runtime_versions")
    asked = {"agentRuntimeId": found["agentRuntimeId"], "PaginationConfig": {"PageSize": 100}}
    versions = [each["agentRuntimeVersion"] for page in pages.paginate(**asked) for each in page["agentRuntimes"]]
    failed = found["agentRuntimeVersion"] if found["status"] != "READY" else None
    return [version for version in versions if version != failed]


def _move(run: Run, found: Json, name: str, version: str) -> int:
    endpoint = _endpoint(run, found, name)
    before = endpoint.get("liveVersion")
    moves = before != version
    details = (f"version {before} -> {version}",) if moves else (f"has version {version} already",)
    announced = calls("UpdateAgentRuntimeEndpoint") if moves else frozenset[str]()
    change = Change(resource=f"endpoint {name}", action="update" if moves else "keep", details=details, calls=announced)
    run.report.changes([change])
    if moves:
        with run.account.may(change.calls):
            _update(run, found, endpoint, version)
        runtime.await_endpoint(run, found, name, version)
        if run.config.gateway and name == run.config.endpoint:
            run.report.tell("its gateway still lists the tools of the version before: `deploy` synchronises them")
    document: dict[str, Any] = {"endpoint": name, "version": version, "before": before, "moved": moves}
    run.report.answer(
        document, [f"endpoint {name} has version {version}" + (f", had {before}" if moves else " already")]
    )
    return 0


def _update(run: Run, found: Json, endpoint: Json, version: str) -> None:
    """Asks for the move, once nothing else is under way."""
    asked = {
        "agentRuntimeId": found["agentRuntimeId"],
        "endpointName": endpoint["name"],
        "agentRuntimeVersion": version,
        "clientToken": names.token("move", endpoint["agentRuntimeEndpointArn"], endpoint["lastUpdatedAt"], version),
    }
    client = run.account.client(SERVICE)
    move = faults.unless_busy(lambda: client.update_agent_runtime_endpoint(**asked))
    run.waits.until(f"endpoint {endpoint['name']} to be free to move", move, within_s=runtime.READY_S)


def _endpoint(run: Run, found: Json, name: str) -> Json:
    endpoint = runtime.endpoint_of(run, found, name)
    if endpoint is None:
        raise DeployError(f"runtime {run.config.agent_name} has no endpoint {name}: set endpoint, and deploy")
    return endpoint


def _chosen(run: Run, options: Namespace) -> str:
    name = options.endpoint or run.config.endpoint
    if not name:
        raise ConfigError(["endpoint: is missing: which endpoint is to move? set it, or give --endpoint"])
    if name == "DEFAULT":
        raise ConfigError(["endpoint: DEFAULT follows the newest version by itself, and cannot be moved"])
    return str(name)
