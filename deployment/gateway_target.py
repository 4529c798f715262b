"""The proxy as a target of a gateway: made or changed by its name, then synchronised.

https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-target-MCPservers.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from deployment import faults, runtime
from deployment import gateway_find as find
from deployment.errors import DeployError, FailedError, WaitedError
from deployment.gateway_calls import CREATE, DELETE, SYNCHRONIZE, UPDATE, TargetCalls
from deployment.gateway_form import PARTS, At, Credential, differing, is_ours, wanted
from deployment.gateway_loop import refuse_loop
from deployment.run import Run
from deployment.steps import Action, Change

Json = dict[str, Any]

PATIENCE_S: Final = 60.0
"""How long a failure may come from a permission that IAM has not spread yet."""


class Target:
    """Step. `refresh`: synchronise although nothing of the target changed, because its tools may have.

    `patient` says whether the gateway is given a permission in this very run. `restores`: a change that does not work
    is taken back, so that the target goes on as it was.
    """

    def __init__(
        self,
        run: Run,
        at: At,
        credential: Credential,
        *,
        refresh: bool = False,
        patient: Callable[[], bool] = lambda: False,
        restores: bool = False,
    ) -> None:
        self._run, self._at, self._credential = run, at, credential
        self._refresh, self._patient, self._restores = refresh, patient, restores
        self._calls = TargetCalls(run, at)

    def plan(self) -> tuple[Change, ...]:
        refuse_loop(self._run.config, find.needed_gateway(self._run, self._at.gateway))
        found = self._found()
        if found is None:
            return (self._change("create", ("endpoint", "credential"), CREATE),)
        if found["status"] == "FAILED":
            return (self._change("create", (f"it is FAILED ({find.reasons(found)}): made again",), DELETE, CREATE),)
        if parts := differing(self._wanted(), found):
            return (self._change("update", parts, UPDATE),)
        if found["status"] != "READY":
            return (self._change("update", (f"it is {found['status']}",), DELETE, CREATE, UPDATE),)
        if self._refresh or self._is_stale(found):
            return (self._change("update", ("the list of its tools is synchronised",)),)
        return (Change(resource=str(self._at), action="keep"),)

    def apply(self) -> None:
        """Raises FailedError with AWS's reasons, WaitedError."""
        before = self._found() if self._restores else None
        try:
            self._apply()
        except FailedError:
            if before and before["status"] == "READY":
                self._restore(before)
            raise

    def _apply(self) -> None:
        failure: list[FailedError] = []

        def attempt() -> bool | None:
            found = self._once()
            if found["status"] == "READY":
                return True
            failure.append(find.failed(str(self._at), found))
            if not self._patient():
                raise failure[-1]
            self._run.report.tell(f"{failure[-1]}; trying again, while the new permission may still be spreading")
            return None

        try:
            self._run.waits.until(f"{self._at} to be READY", attempt, within_s=PATIENCE_S)
        except WaitedError as error:
            raise (failure[-1] if failure else error) from None

    def _restore(self, before: Json) -> None:
        self._run.report.tell(f"{self._at}: the change does not work, so it is taken back")
        there = self._found()
        if there is None:
            return
        self._calls.update(there, {part: before[part] for part in PARTS})
        if (found := self._still(there["targetId"]))["status"] == "READY":
            self._calls.synchronize(found["targetId"])
            self._still(found["targetId"])

    def plan_removal(self) -> tuple[Change, ...]:
        if self._removable() is None:
            return ()
        return (Change(resource=str(self._at), action="delete", calls=frozenset({DELETE})),)

    def remove(self) -> None:
        if found := self._removable():
            self._calls.delete(found["targetId"])

    def _once(self) -> Json:
        """One way through: the target in a settled state, READY or failed."""
        found = self._found()
        found = self._calls.settled(found["targetId"]) if found else None
        if found and found["status"] == "FAILED":
            self._calls.delete(found["targetId"])
            found = None
        ours = self._wanted()
        if ours is None:
            raise DeployError(f"{self._at}: runtime {self._run.config.agent_name} is not there; deploy first")
        if found is None:
            found = self._still(self._calls.create(ours))
        elif differing(ours, found) or found["status"] == "UPDATE_UNSUCCESSFUL":
            self._calls.update(found, ours)
            found = self._still(found["targetId"])
        elif found["status"] == "READY" and not self._refresh and not self._is_stale(found):
            return found
        if found["status"] in ("READY", "SYNCHRONIZE_UNSUCCESSFUL"):
            self._calls.synchronize(found["targetId"])
            found = self._still(found["targetId"])
        return found

    def _still(self, target_id: str) -> Json:
        found = self._calls.settled(target_id)
        if found is None:
            raise FailedError(f"{self._at} was deleted by somebody meanwhile")
        return found

    def _found(self) -> Json | None:
        found = find.target(self._run, self._at.gateway, self._at.target)
        if found is not None and not self._is_ours(found):
            name = self._run.config.agent_name
            raise DeployError(f"{self._at} leads elsewhere, not to runtime {name}; give another --target")
        return found

    def _removable(self) -> Json | None:
        found = find.target(self._run, self._at.gateway, self._at.target)
        return found if found is not None and self._is_ours(found) else None

    def _is_ours(self, found: Json) -> bool:
        return is_ours(found, find.place(self._run), self._run.config.agent_name)

    def _wanted(self) -> Json | None:
        there, credential = runtime.find(self._run), self._credential.configuration()
        if there is None or credential is None:
            return None
        return wanted(there["agentRuntimeArn"], self._run.config.endpoint, credential)

    def _is_stale(self, found: Json) -> bool:
        """Whether the runtime's endpoint moved after the tools were last listed: policies decide what is listed."""
        listed, moved = found.get("lastSynchronizedAt"), _moved_at(self._run)
        return listed is None or (moved is not None and moved > listed)

    def _change(self, action: Action, details: tuple[str, ...], *calls: str) -> Change:
        """While a new permission spreads, a target may fail and be made again, so all four calls are announced."""
        again = (DELETE, CREATE, UPDATE) if self._patient() else ()
        return Change(
            resource=str(self._at), action=action, details=details, calls=frozenset({SYNCHRONIZE, *calls, *again})
        )


def _moved_at(run: Run) -> datetime | None:
    """When the runtime's endpoint that the gateway calls last changed."""
    found = runtime.find(run)
    if found is None:
        return None
    look, name = run.account.client(find.CONTROL).get_agent_runtime_endpoint, run.config.endpoint or "DEFAULT"
    there = faults.found(look, agentRuntimeId=found["agentRuntimeId"], endpointName=name)
    moved = there.get("lastUpdatedAt") if there else None
    return moved if isinstance(moved, datetime) else None
