"""The role of a gateway of ours. It may do nothing but what registrations grant it."""

from __future__ import annotations

import json
from typing import Any, Final

from deployment import faults, names
from deployment import gateway_find as find
from deployment.account import TAG
from deployment.errors import DeployError
from deployment.gateway_iam import trust
from deployment.gateway_names import GatewayNames
from deployment.run import Run
from deployment.steps import Change

Json = dict[str, Any]

_MADE: Final = frozenset({"iam:CreateRole"})
_CHANGED: Final = frozenset({"iam:UpdateAssumeRolePolicy"})
_REMOVED: Final = frozenset({"iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole"})


class GatewayRole:
    """Step."""

    def __init__(self, run: Run, named: GatewayNames) -> None:
        self._run, self._named = run, named
        self._iam = run.account.client("iam")
        self._resource = f"iam role {named.role}"

    @property
    def arn(self) -> str:
        """Known before the role is there."""
        return f"arn:{self._run.account.partition}:iam::{self._run.account.id}:role/{self._named.role}"

    def plan(self) -> tuple[Change, ...]:
        found = self._needed()
        if found is None:
            return (Change(resource=self._resource, action="create", calls=_MADE),)
        if found["AssumeRolePolicyDocument"] != self._trust():
            details = ("trust policy differs",)
            return (Change(resource=self._resource, action="update", details=details, calls=_CHANGED),)
        return (Change(resource=self._resource, action="keep"),)

    def apply(self) -> None:
        found, document = self._needed(), json.dumps(self._trust())
        if found is None:
            self._iam.create_role(
                RoleName=self._named.role,
                AssumeRolePolicyDocument=document,
                Description=f"AgentCore gateway {self._named.name}",
                Tags=[{"Key": key, "Value": value} for key, value in names.tags(self._run.config).items()],
            )
        elif found["AssumeRolePolicyDocument"] != self._trust():
            self._iam.update_assume_role_policy(RoleName=self._named.role, PolicyDocument=document)

    def plan_removal(self) -> tuple[Change, ...]:
        found = self._found()
        if found is None or not self._is_ours(found):
            return ()
        return (Change(resource=self._resource, action="delete", calls=_REMOVED),)

    def remove(self) -> None:
        found, role = self._found(), self._named.role
        if found is None or not self._is_ours(found):
            return
        for page in self._iam.get_paginator("list_role_policies").paginate(RoleName=role):
            for name in page["PolicyNames"]:
                faults.gone(self._iam.delete_role_policy, RoleName=role, PolicyName=name)
        for page in self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
            for each in page["AttachedPolicies"]:
                faults.gone(self._iam.detach_role_policy, RoleName=role, PolicyArn=each["PolicyArn"])
        faults.gone(self._iam.delete_role, RoleName=role)

    def _trust(self) -> Json:
        return trust(find.place(self._run), self._named.name)

    def _needed(self) -> Json | None:
        found = self._found()
        if found is not None and not self._is_ours(found):
            raise DeployError(f"{self._resource} was not made by this deployment; give the gateway another --name")
        return found

    def _found(self) -> Json | None:
        answer = faults.found(self._iam.get_role, RoleName=self._named.role)
        return answer["Role"] if answer else None

    def _is_ours(self, role: Json) -> bool:
        tags = {each["Key"]: each["Value"] for each in role.get("Tags") or ()}
        return tags.get(TAG) == self._run.config.agent_name
