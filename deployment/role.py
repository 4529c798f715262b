"""The execution role: created, or brought to what the config needs. Our inline policy is the only one touched."""

from __future__ import annotations

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import chain_references, faults, iam, names
from deployment.account import TAG
from deployment.chain_references import Needed
from deployment.errors import DeployError
from deployment.run import Run
from deployment.steps import Change

POLICY: Final = "mcp-policy-proxy"
"""Our inline policy's name at a role of ours; at somebody else's, which may serve more, ours are told apart."""


class Role:
    """A Step. A role that somebody else made is adopted only when the config names it, and is never deleted."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._name = names.role(run.config)
        self._iam = run.account.client("iam")
        self._tags = names.tags(run.config)

    @property
    def arn(self) -> str:
        """Known before the role exists, but for one that was made under a path of its own."""
        role = self._found()
        return (
            str(role["Arn"])
            if role
            else f"arn:{self._run.account.partition}:iam::{self._run.account.id}:role/{self._name}"
        )

    @property
    def id(self) -> str:
        """AWS's own id, another one each time the role is created anew."""
        role = self._found()
        return str(role["RoleId"]) if role else ""

    def plan(self) -> tuple[Change, ...]:
        for warning in iam.warnings(self._run.config):
            self._run.report.tell(f"warning: {warning}")
        return (self._change(),)

    def apply(self) -> None:
        role = self._found() or self._create()
        self._may_be_used(role)
        if role["AssumeRolePolicyDocument"] != self._trust(role):
            self._iam.update_assume_role_policy(RoleName=self._name, PolicyDocument=json.dumps(self._trust(role)))
        if self._policy(role) != self._permissions():
            document = json.dumps(self._permissions())
            self._iam.put_role_policy(RoleName=self._name, PolicyName=self._policy_name(role), PolicyDocument=document)
        if self._is_ours(role) and self._untagged(role):
            self._iam.tag_role(RoleName=self._name, Tags=_pairs(self._tags))

    def plan_removal(self) -> tuple[Change, ...]:
        role = self._found()
        what = f"iam role {self._name}"
        if role is None:
            return ()
        if self._is_ours(role) and (region := self._elsewhere(role)):
            return (Change(resource=what, action="keep", details=(f"belongs to the deployment in {region}",)),)
        if self._is_ours(role):
            return (Change(resource=what, action="delete", calls=_calls("DeleteRolePolicy", "DeleteRole")),)
        if self._policy(role) is None:
            return (Change(resource=what, action="keep", details=("was not made by this deployment",)),)
        details = ("was not made by this deployment: only the inline policy goes",)
        return (Change(resource=what, action="update", details=details, calls=_calls("DeleteRolePolicy")),)

    def remove(self) -> None:
        role = self._found()
        if role is None or (self._is_ours(role) and self._elsewhere(role)):
            return
        faults.gone(self._iam.delete_role_policy, RoleName=self._name, PolicyName=self._policy_name(role))
        if self._is_ours(role):
            try:
                faults.gone(self._iam.delete_role, RoleName=self._name)
            except ClientError as error:
                if faults.code(error) != "DeleteConflict":
                    raise
                raise DeployError(
                    f"iam role {self._name} has policies that somebody else attached: detach them, then run it again"
                ) from None

    def _change(self) -> Change:
        what = f"iam role {self._name}"
        role = self._found()
        if role is None:
            new = _calls("CreateRole", "PutRolePolicy")
            return Change(resource=what, action="create", details=self._for_chain(), calls=new)
        self._may_be_used(role)
        calls, details = set[str](), []
        if role["AssumeRolePolicyDocument"] != self._trust(role):
            calls.add("UpdateAssumeRolePolicy")
            details.append("trust policy differs")
        if (policy := self._policy(role)) != self._permissions():
            calls.add("PutRolePolicy")
            details.append(f"inline policy {self._policy_name(role)} {'is missing' if policy is None else 'differs'}")
            details += self._for_chain()
        if self._is_ours(role) and (keys := self._untagged(role)):
            calls.add("TagRole")
            details.append(f"tags differ: {', '.join(keys)}")
        if not self._is_ours(role):
            details.append("was not made by this deployment: it is never deleted")
        return Change(resource=what, action="update" if calls else "keep", details=tuple(details), calls=_calls(*calls))

    def _create(self) -> dict[str, Any]:
        try:
            created: dict[str, Any] = self._iam.create_role(
                RoleName=self._name,
                AssumeRolePolicyDocument=json.dumps(iam.trust(self._place())),
                Description=f"Execution role of the AgentCore runtime {self._run.config.agent_name}",
                Tags=_pairs(self._tags),
            )["Role"]
        except ClientError as error:
            if faults.code(error) == "EntityAlreadyExists" and (role := self._found()):
                self._may_be_used(role)
                return role
            raise
        return {**created, "AssumeRolePolicyDocument": iam.trust(self._place())}

    def _may_be_used(self, role: dict[str, Any]) -> None:
        if not self._is_ours(role) and not self._run.config.iam_role_name:
            raise DeployError(
                f"iam role {self._name} exists and was not made by this deployment: set iam_role_name to use it, or "
                "choose another agent_name"
            )
        if self._is_ours(role) and (region := self._elsewhere(role)):
            raise DeployError(
                f"iam role {self._name} belongs to the deployment of this name in {region}, and IAM knows no regions: "
                "set iam_role_name to another name here, or choose another agent_name"
            )

    def _elsewhere(self, role: dict[str, Any]) -> str:
        """The region whose deployment the role of ours was made for, where that is another one; else empty."""
        regions = [iam.region_of(each) for each in iam.sources(role["AssumeRolePolicyDocument"])]
        return "" if self._run.account.region in regions else "".join(regions[:1])

    def _policy_name(self, role: dict[str, Any]) -> str:
        own = f"{POLICY}-{self._run.config.agent_name}-{self._run.account.region}"
        return POLICY if self._is_ours(role) else own

    def _found(self) -> dict[str, Any] | None:
        answer = faults.found(self._iam.get_role, RoleName=self._name)
        return answer["Role"] if answer else None

    def _policy(self, role: dict[str, Any]) -> dict[str, Any] | None:
        asked = {"RoleName": self._name, "PolicyName": self._policy_name(role)}
        answer = faults.found(self._iam.get_role_policy, **asked)
        return answer["PolicyDocument"] if answer else None

    def _trust(self, role: dict[str, Any]) -> iam.Document:
        ours = iam.trust(self._place())
        return ours if self._is_ours(role) else iam.joined(role["AssumeRolePolicyDocument"], ours)

    def _permissions(self) -> iam.Document:
        return iam.permissions(self._run.config, self._place(), self._needed())

    def _needed(self) -> Needed:
        return chain_references.needed(self._run.config.policies)

    def _for_chain(self) -> tuple[str, ...]:
        """What the role may do for the chain's sake, resource by resource."""
        return tuple(
            f"for the chain: {', '.join(each['Action'])} on {resource}{_only(each)}"
            for each in iam.of_chain(self._needed())
            for resource in each["Resource"]
        )

    def _place(self) -> iam.Place:
        account = self._run.account
        return iam.Place(partition=account.partition, region=account.region, account=account.id)

    def _is_ours(self, role: dict[str, Any]) -> bool:
        return _tags(role).get(TAG) == self._run.config.agent_name

    def _untagged(self, role: dict[str, Any]) -> list[str]:
        found = _tags(role)
        return [key for key, value in self._tags.items() if found.get(key) != value]


def _tags(role: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in role.get("Tags", [])}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _only(statement: iam.Document) -> str:
    """The alias that a statement is for."""
    condition = statement.get("Condition")
    return f", asked for as {condition['StringEquals']['kms:RequestAlias']}" if condition else ""


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"iam:{operation}" for operation in operations)
