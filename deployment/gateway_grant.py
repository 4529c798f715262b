"""The one inline policy that lets a gateway's role call the proxy: put there on demand, kept right from then on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from deployment import faults
from deployment import gateway_find as find
from deployment.errors import DeployError
from deployment.gateway_form import At, is_ours
from deployment.gateway_names import policy_name
from deployment.iam import Document
from deployment.run import Run
from deployment.steps import Action, Change

PUT: Final = "iam:PutRolePolicy"
DELETE: Final = "iam:DeleteRolePolicy"


class Grant:
    """Step. `wanted`: attach it where it is missing; a policy that an earlier run attached is kept right in any case.

    `document` gives what the role needs; None where that will be known only after earlier steps.
    """

    def __init__(self, run: Run, at: At, document: Callable[[], Document | None], *, wanted: bool) -> None:
        self._run, self._at, self._document, self._wanted = run, at, document, wanted
        self._iam = run.account.client("iam")
        self._name = policy_name(at.target, at.gateway)
        self._changing = False

    def is_changing(self) -> bool:
        """Whether this run gives the gateway a permission, which IAM needs some time to spread."""
        return self._changing

    def is_there(self) -> bool:
        """Whether the policy is attached, and says what it should."""
        there = self._there(self._role())
        return there is not None and there == self._document()

    def plan(self) -> tuple[Change, ...]:
        role = self._role()
        there, ours = self._there(role), self._document()
        if role is None or (there is None and not self._wanted):
            return ()
        self._changing = ours is None or there != ours
        if not self._changing:
            return (Change(resource=self._resource(role), action="keep"),)
        action: Action = "create" if there is None else "update"
        return (Change(resource=self._resource(role), action=action, calls=frozenset({PUT})),)

    def apply(self) -> None:
        role = self._role()
        there, ours = self._there(role), self._document()
        if role is None or ours is None or there == ours or (there is None and not self._wanted):
            return
        self._iam.put_role_policy(RoleName=role, PolicyName=self._name, PolicyDocument=json.dumps(ours))
        self._changing = True

    def plan_removal(self) -> tuple[Change, ...]:
        role = self._role()
        if role is None or self._there(role) is None or self._is_others():
            return ()
        return (Change(resource=self._resource(role), action="delete", calls=frozenset({DELETE})),)

    def remove(self) -> None:
        if (role := self._role()) and self._there(role) is not None and not self._is_others():
            faults.gone(self._iam.delete_role_policy, RoleName=role, PolicyName=self._name)

    def _is_others(self) -> bool:
        """Whether the target of this name is there and leads elsewhere: then the permission is for that."""
        found = find.target(self._run, self._at.gateway, self._at.target)
        return found is not None and not is_ours(found, find.place(self._run), self._run.config.agent_name)

    def _there(self, role: str | None) -> Document | None:
        if role is None:
            return None
        found = faults.found(self._iam.get_role_policy, RoleName=role, PolicyName=self._name)
        return found["PolicyDocument"] if found else None

    def _role(self) -> str | None:
        """The name of the gateway's role; None where there is none in this account, or the gateway is gone.

        Raises DeployError where it is wanted all the same.
        """
        gateway = find.gateway(self._run, self._at.gateway) or {}
        arn = str(gateway.get("roleArn") or "")
        if f"::{self._run.account.id}:role/" in arn:
            return arn.rpartition("/")[2]
        if self._wanted:
            told = f"has the role {arn}, of another account" if arn else "has no role"
            raise DeployError(f"--grant: gateway {self._at.gateway} {told}; attach the statement there")
        return None

    def _resource(self, role: str) -> str:
        return f"inline policy {self._name} of iam role {role}"
