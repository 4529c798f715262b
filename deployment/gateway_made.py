"""A gateway of ours: its authorizer, semantic search, and what hangs on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults, names
from deployment import gateway_find as find
from deployment.errors import DeployError, WaitedError
from deployment.gateway_calls import DELETE as DELETE_TARGET
from deployment.gateway_calls import TargetCalls, unless_busy
from deployment.gateway_form import At
from deployment.gateway_names import GatewayNames, is_provider_of
from deployment.gateway_providers import delete as delete_provider
from deployment.gateway_providers import deletion, is_own
from deployment.gateway_role import GatewayRole
from deployment.run import Run
from deployment.steps import Change

Json = dict[str, Any]

CREATE: Final = f"{find.CONTROL}:CreateGateway"
UPDATE: Final = f"{find.CONTROL}:UpdateGateway"
DELETE: Final = f"{find.CONTROL}:DeleteGateway"
READY_S: Final = 600.0
ASSUMABLE_S: Final = 120.0
"""IAM tells its regions of a new role within seconds, as a rule."""

_MOVING: Final = frozenset({"CREATING", "UPDATING", "DELETING"})
_KEPT: Final = (
    "description",
    "protocolConfiguration",
    "customTransformConfiguration",
    "interceptorConfigurations",
    "policyEngineConfiguration",
    "kmsKeyArn",
    "exceptionLevel",
    "wafConfiguration",
    "domainOverride",
)
"""What UpdateGateway, a full PUT, would lose."""


class Gateway:
    """Step. `authorizer` gives the `authorizerConfiguration`; without it callers sign as AWS identities."""

    def __init__(
        self, run: Run, named: GatewayNames, role: GatewayRole, authorizer: Callable[[], Json | None] | None
    ) -> None:
        self._run, self._named, self._role, self._authorizer = run, named, role, authorizer
        self._client = run.account.client(find.CONTROL)
        self._resource = f"gateway {named.name}"

    def found(self) -> Json | None:
        """The answer of GetGateway. Raises DeployError where the name is somebody else's."""
        gateway = named_gateway(self._run, self._named.name)
        if gateway is not None and not find.ours(self._run, gateway["gatewayArn"]):
            raise DeployError(f"{self._resource} was not made by this deployment; give another --name")
        return gateway

    def plan(self) -> tuple[Change, ...]:
        found = self.found()
        if found is None or found["status"] == "DELETING":
            return (Change(resource=self._resource, action="create", calls=frozenset({CREATE})),)
        self._refuse_failed(found)
        if parts := self._differing(found):
            return (Change(resource=self._resource, action="update", details=parts, calls=frozenset({UPDATE})),)
        return (Change(resource=self._resource, action="keep"),)

    def apply(self) -> None:
        """Raises FailedError with AWS's reasons, WaitedError."""
        found = self._settled()
        if found is None:
            self._create()
            found = self._ready()
        self._refuse_failed(found)
        if self._differing(found):
            self._update(found)
            self._ready()

    def plan_removal(self) -> tuple[Change, ...]:
        found = named_gateway(self._run, self._named.name)
        if found is None or not find.ours(self._run, found["gatewayArn"]):
            return ()
        change = Change(resource=f"{self._resource} ({found['gatewayId']})", action="delete", calls=frozenset({DELETE}))
        targets = tuple(
            Change(
                resource=str(At(gateway=found["gatewayId"], target=each["name"])),
                action="delete",
                calls=frozenset({DELETE_TARGET}),
            )
            for each in find.targets(self._run, found["gatewayId"])
        )
        providers = tuple(deletion(name) for name in self._providers(found["gatewayId"]))
        return (*targets, *providers, change)

    def remove(self) -> None:
        """Targets first, for they hold the gateway; then the providers that its id is in, since it alone names them."""
        found = self._settled()
        if found is None or not find.ours(self._run, found["gatewayArn"]):
            return
        identifier = found["gatewayId"]
        for each in list(find.targets(self._run, identifier)):
            TargetCalls(self._run, At(gateway=identifier, target=each["name"])).delete(each["targetId"])
        for name in self._providers(identifier):
            delete_provider(self._run, name)
        unless_busy(
            self._run,
            f"{self._resource} to be deleted",
            lambda: faults.gone(self._client.delete_gateway, gatewayIdentifier=identifier),
        )
        self._run.waits.until(
            f"{self._resource} to be gone",
            lambda: True if find.gateway(self._run, identifier) is None else None,
            within_s=READY_S,
        )

    def _providers(self, identifier: str) -> list[str]:
        named = [name for name in find.providers(self._run) if is_provider_of(name, identifier)]
        return [name for name in named if is_own(self._run, name)]

    def _wanted(self) -> Json:
        """What is compared. Semantic search can only be chosen when a gateway is made, so it is not."""
        given = self._authorizer() if self._authorizer else None
        authorizer = {"authorizerConfiguration": given} if given else {}
        kind = "CUSTOM_JWT" if self._authorizer else "AWS_IAM"
        return {"roleArn": self._role.arn, "authorizerType": kind, **authorizer}

    def _differing(self, found: Json) -> tuple[str, ...]:
        differing = [key for key, value in self._wanted().items() if not _holds(found.get(key), value)]
        if self._is_unknown():
            differing.append("authorizerConfiguration")
        if found["status"] == "UPDATE_UNSUCCESSFUL":
            differing.append(f"its last update failed ({find.reasons(found)})")
        return tuple(differing)

    def _is_unknown(self) -> bool:
        """Whether the pool is yet to be made that the authorizer will name."""
        return self._authorizer is not None and self._authorizer() is None

    def _create(self) -> None:
        request = {
            "name": self._named.name,
            "protocolType": "MCP",
            "protocolConfiguration": {"mcp": {"searchType": "SEMANTIC"}},
            "tags": names.tags(self._run.config),
            **self._wanted(),
        }
        self._insist(
            lambda: self._client.create_gateway(**request),
            lambda: named_gateway(self._run, self._named.name) is not None,
        )

    def _update(self, found: Json) -> None:
        theirs = {key: found[key] for key in _KEPT if found.get(key)}
        request = {**theirs, **self._wanted(), "name": self._named.name, "protocolType": "MCP"}
        self._insist(
            lambda: self._client.update_gateway(gatewayIdentifier=found["gatewayId"], **request), lambda: False
        )

    def _insist(self, call: Callable[[], object], is_done: Callable[[], bool]) -> None:
        """Make the call, again while something is under way, or AWS cannot assume a role that is new."""
        said: list[str] = []

        def attempt() -> bool | None:
            try:
                call()
            except ClientError as error:
                if faults.code(error) == "ConflictException":
                    return True if is_done() else None
                if not _cannot_assume(error, self._named.role):
                    raise
                said[:] = [faults.message(error)]
                return None
            return True

        try:
            self._run.waits.until(f"role {self._named.role} to be assumable", attempt, within_s=ASSUMABLE_S)
        except WaitedError as error:
            raise WaitedError(f"{error}. AWS said: {said[0]}" if said else str(error)) from None

    def _settled(self) -> Json | None:
        def look() -> tuple[Json | None] | None:
            found = named_gateway(self._run, self._named.name)
            return None if found and found["status"] in _MOVING else (found,)

        return self._run.waits.until(f"{self._resource} to settle", look, within_s=READY_S)[0]

    def _ready(self) -> Json:
        def look() -> Json | None:
            found = self.found()
            if found and found["status"] in ("FAILED", "UPDATE_UNSUCCESSFUL"):
                raise find.failed(self._resource, found)
            return found if found and found["status"] == "READY" else None

        return self._run.waits.until(f"{self._resource} to be READY", look, within_s=READY_S)

    def _refuse_failed(self, found: Json) -> None:
        if found["status"] == "FAILED":
            raise DeployError(f"{find.failed(self._resource, found)}; delete it with `gateway delete`, then try again")


def named_gateway(run: Run, name: str) -> Json | None:
    """The answer of GetGateway for the gateway called `name`, or None."""
    for summary in find.gateways(run):
        if summary["name"] == name:
            return find.gateway(run, summary["gatewayId"])
    return None


def _cannot_assume(error: ClientError, role: str) -> bool:
    said = faults.message(error)
    told = role in said or "assume" in said.lower()
    return faults.code(error) in ("ValidationException", "AccessDeniedException") and told and "PassRole" not in said


def _holds(there: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; AWS may add what it defaults."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_holds(there.get(key), value) for key, value in wanted.items())
    return bool(there == wanted)
