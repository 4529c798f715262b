"""The calls that change a gateway's targets, and the waits that belong to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults
from deployment import gateway_find as find
from deployment.gateway_form import At
from deployment.run import Run

Json = dict[str, Any]

CREATE: Final = f"{find.CONTROL}:CreateGatewayTarget"
UPDATE: Final = f"{find.CONTROL}:UpdateGatewayTarget"
DELETE: Final = f"{find.CONTROL}:DeleteGatewayTarget"
SYNCHRONIZE: Final = f"{find.CONTROL}:SynchronizeGatewayTargets"

READY_S: Final = 300.0
"""Bound of one wait for a target. Listing its tools may start the proxy, which may take its 30 s, more than once."""

_KEPT: Final = ("description", "metadataConfiguration", "privateEndpoint", "certificateConfigurations")
_MOVING: Final = frozenset({"CREATING", "UPDATING", "SYNCHRONIZING", "DELETING"})


class TargetCalls:
    """Each waits while AWS says that something else is under way. Raises WaitedError."""

    def __init__(self, run: Run, at: At) -> None:
        self._run, self._at = run, at
        self._client = run.account.client(find.CONTROL)

    def settled(self, target_id: str) -> Json | None:
        """The target once it no longer moves; None when it is gone."""
        gone: Json = {}

        def look() -> Json | None:
            found = find.target_by_id(self._run, self._at.gateway, target_id)
            return gone if found is None else None if found["status"] in _MOVING else found

        return self._run.waits.until(f"{self._at} to settle", look, within_s=READY_S) or None

    def create(self, wanted: Json) -> str:
        """The new target's id. A name that is taken by now is as good: two runs may meet."""
        made: list[str] = []

        def attempt() -> None:
            answer = self._client.create_gateway_target(
                gatewayIdentifier=self._at.gateway, name=self._at.target, **wanted
            )
            made.append(answer["targetId"])

        def found() -> bool:
            there = find.target(self._run, self._at.gateway, self._at.target)
            made.extend([there["targetId"]] if there else [])
            return there is not None

        unless_busy(self._run, f"gateway {self._at.gateway} to take the target", attempt, meanwhile=found)
        return made[0]

    def update(self, found: Json, wanted: Json) -> None:
        """A full PUT: what is left out is lost, so what somebody else set is sent along."""
        theirs = {key: found[key] for key in _KEPT if found.get(key)}
        request = {**theirs, **wanted, "name": self._at.target, "targetId": found["targetId"]}
        unless_busy(
            self._run,
            f"{self._at} to take the update",
            lambda: self._client.update_gateway_target(gatewayIdentifier=self._at.gateway, **request),
        )

    def synchronize(self, target_id: str) -> None:
        """Has the gateway list the tools again. The API takes exactly one target."""
        unless_busy(
            self._run,
            f"{self._at} to be synchronised",
            lambda: self._client.synchronize_gateway_targets(
                gatewayIdentifier=self._at.gateway, targetIdList=[target_id]
            ),
        )

    def delete(self, target_id: str) -> None:
        """Until it is gone; that it is gone already is fine."""
        arguments = {"gatewayIdentifier": self._at.gateway, "targetId": target_id}
        unless_busy(
            self._run,
            f"{self._at} to be deleted",
            lambda: faults.gone(self._client.delete_gateway_target, **arguments),
        )
        self._run.waits.until(
            f"{self._at} to be gone",
            lambda: True if find.target_by_id(self._run, self._at.gateway, target_id) is None else None,
            within_s=READY_S,
        )


def unless_busy(
    run: Run, what: str, call: Callable[[], object], *, meanwhile: Callable[[], bool] = lambda: False
) -> None:
    """Make the call, again and again while AWS answers ConflictException, until `meanwhile` says that it is done."""

    def attempt() -> bool | None:
        try:
            call()
        except ClientError as error:
            if faults.code(error) != "ConflictException":
                raise
            return True if meanwhile() else None
        return True

    run.waits.until(what, attempt, within_s=READY_S)
