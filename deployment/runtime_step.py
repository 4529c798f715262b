"""Creates the runtime, brings it to what the config says, deletes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from botocore.exceptions import ClientError

from deployment import faults, names, runtime
from deployment import runtime_request as requests
from deployment.errors import FailedError, WaitedError
from deployment.role import Role
from deployment.run import Run
from deployment.runtime import MOVING, SERVICE, calls
from deployment.runtime_request import Json
from deployment.secret import Secret
from deployment.steps import Action, Change, Step

ASSUMABLE_S: Final = 120.0
"""IAM tells everybody of a new role within seconds, as a rule."""


class Artifact(Step, Protocol):
    """The step that makes what the runtime runs."""

    def value(self) -> Json:
        """The `agentRuntimeArtifact`, known at plan time already."""
        ...


class Runtime:
    """A Step."""

    def __init__(self, run: Run, *, role: Role, artifact: Artifact, secret: Secret) -> None:
        self._run = run
        self._name = run.config.agent_name
        self._role = role
        self._artifact = artifact
        self._secret = secret
        self._client = run.account.client(SERVICE)

    def plan(self) -> tuple[Change, ...]:
        found = runtime.find(self._run)
        what = f"runtime {self._name}"
        create = ("CreateAgentRuntime", "UpdateAgentRuntime")
        if found is None or found["status"] == "DELETING":
            return (Change(resource=what, action="create", calls=calls(*create)),)
        if found["status"] == "CREATE_FAILED":
            why = f"its creation failed ({runtime.reason(found)}): it is deleted and created anew"
            anew = calls("DeleteAgentRuntime", *create)
            return (Change(resource=what, action="create", details=(why,), calls=anew),)
        return (self._change(what, found),)

    def apply(self) -> None:
        found = runtime.at_rest(self._run)
        if found is not None and found["status"] == "CREATE_FAILED":
            self.remove()
            found = None
        if found is None:
            found = self._create()
        if self._details(found):
            found = self._update(found)
        if not runtime.requires_mmdsv2(found):
            raise FailedError(f"runtime {self._name} does not require MMDSv2, so AWS would refuse to invoke it")
        self._tag(found)
        # DEFAULT follows the newest version by itself, a moment later.
        runtime.await_endpoint(self._run, found, "DEFAULT", found["agentRuntimeVersion"])

    def plan_removal(self) -> tuple[Change, ...]:
        found = runtime.named(self._run)
        what = f"runtime {self._name}"
        if found is None:
            return ()
        if not runtime.is_ours(self._run, found):
            return (Change(resource=what, action="keep", details=("was not made by this deployment",)),)
        return (Change(resource=what, action="delete", calls=calls("DeleteAgentRuntime")),)

    def remove(self) -> None:
        found = runtime.named(self._run)
        if found is None or not runtime.is_ours(self._run, found) or runtime.at_rest(self._run) is None:
            return
        asked = {"agentRuntimeId": found["agentRuntimeId"]}
        runtime_is_free = f"runtime {self._name} to be free to go"
        delete = faults.unless_busy(lambda: faults.gone(self._client.delete_agent_runtime, **asked))
        self._run.waits.until(runtime_is_free, delete, within_s=runtime.READY_S)
        if (left := runtime.at_rest(self._run)) is not None:
            raise FailedError(f"runtime {self._name} is {left['status']}: {runtime.reason(left)}")

    def _change(self, what: str, found: Json) -> Change:
        details = self._details(found)
        if found["status"] in MOVING:
            details = (*details, f"is still {found['status']}")
        announced = {"UpdateAgentRuntime"} if details else set[str]()
        if found["status"] == "CREATING":
            announced |= {"DeleteAgentRuntime", "CreateAgentRuntime"}  # should it fail meanwhile
        if missing := self._untagged(found):
            details = (*details, f"tags differ: {', '.join(missing)}")
            announced.add("TagResource")
        action: Action = "update" if details else "keep"
        return Change(resource=what, action=action, details=details, calls=calls(*announced))

    def _details(self, found: Json) -> tuple[str, ...]:
        """Why an update is needed; nothing when none is."""
        details = requests.differences(self._wanted(found), found)
        if not runtime.requires_mmdsv2(found) and found["status"] not in MOVING:
            details = (*details, "MMDSv2 is not required")
        if found["status"] == "UPDATE_FAILED":
            details = (*details, f"its last update failed ({runtime.reason(found)})")
        return details

    def _wanted(self, found: Json | None) -> Json:
        wanted = requests.wanted(
            self._run.config,
            role=self._role.arn,
            artifact=self._artifact.value(),
            client_secret=self._secret.value() or requests.PENDING,
        )
        if found is None:
            return wanted
        members = self._client.meta.service_model.operation_model("UpdateAgentRuntime").input_shape.members
        return requests.full(wanted, found, tuple(members))

    def _create(self) -> Json:
        request = self._wanted(None)
        asked = {"agentRuntimeName": self._name, "tags": names.tags(self._run.config), **request}
        self._run.report.tell(f"creating runtime {self._name}")

        def create(token: str) -> Json:
            try:
                return dict(self._client.create_agent_runtime(clientToken=token, **asked))
            except ClientError as error:
                if faults.code(error) != "ConflictException":
                    raise
                return {}  # an earlier run created it, and the list did not show it yet

        answer = runtime.created(
            lambda token: self._insist(lambda: create(token), request["roleArn"]),
            lambda made: not made or self._is_there(made["agentRuntimeId"]),
            ("create", self._role.id, asked),
        )
        return runtime.await_ready(self._run, answer.get("agentRuntimeVersion"))

    def _is_there(self, runtime_id: str) -> bool:
        found = faults.found(self._client.get_agent_runtime, agentRuntimeId=runtime_id)
        return found is not None and found["status"] != "DELETING"

    def _update(self, found: Json) -> Json:
        request = self._wanted(found)
        token = names.token("update", found["agentRuntimeId"], found["agentRuntimeVersion"], request)
        asked = {"agentRuntimeId": found["agentRuntimeId"], "clientToken": token, **request}
        self._run.report.tell(f"updating runtime {self._name}")
        answer = self._insist(lambda: dict(self._client.update_agent_runtime(**asked)), request["roleArn"])
        return runtime.await_ready(self._run, answer["agentRuntimeVersion"])

    def _insist(self, call: Callable[[], Json], role: str) -> Json:
        """The call's answer; again while AWS cannot assume a new role, or something else is under way."""
        said: list[str] = []

        def look() -> Json | None:
            try:
                return call()
            except ClientError as error:
                if faults.code(error) != "ConflictException" and not cannot_assume(error, role):
                    raise
                said.append(faults.message(error))
                return None

        try:
            return self._run.waits.until(f"AWS to accept runtime {self._name}", look, within_s=ASSUMABLE_S)
        except WaitedError as error:
            raise WaitedError(f"{error}. AWS said: {said[-1]}") from None

    def _tag(self, found: Json) -> None:
        wanted = names.tags(self._run.config)
        if missing := self._untagged(found):
            tags = {key: wanted[key] for key in missing}
            self._client.tag_resource(resourceArn=found["agentRuntimeArn"], tags=tags)

    def _untagged(self, found: Json) -> list[str]:
        there = runtime.tags(self._run, found["agentRuntimeArn"])
        return [key for key, value in names.tags(self._run.config).items() if there.get(key) != value]


def cannot_assume(error: ClientError, role: str) -> bool:
    """A role that is new, to AWS. A missing right to pass the role names it too, but does not pass by itself."""
    said = faults.message(error)
    named = role in said or role.rpartition("/")[2] in said or "assume" in said.lower()
    return faults.code(error) in ("ValidationException", "AccessDeniedException") and named and "PassRole" not in said
