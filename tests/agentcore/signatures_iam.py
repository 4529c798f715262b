"""What a principal may do, read from moto's IAM at every question: a policy that was put a moment ago counts."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.agentcore.signatures import RefusedError
from tests.agentcore.world import ACCOUNT, REGION

DEPLOYER = f"arn:aws:iam::{ACCOUNT}:user/deployer"
"""May do everything, as the account's administrator."""

VAULT = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:token-vault/default"
DIRECTORY = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:workload-identity-directory/default"

_ROLE = re.compile(r"arn:aws:(?:sts::\d+:assumed-role/([^/]+)/.*|iam::\d+:role/(?:.*/)?([^/]+))")


session = cache(boto3.session.Session)
"""The one session whose clients are made here: it loads a service's model once."""


@cache
def moto_client(service: str, moto: str) -> Any:
    """The boto3 client of the moto server at URL `moto`, whatever the environment says."""
    return session().client(
        service,
        region_name=REGION,
        endpoint_url=moto,
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )


class Permissions:
    """Identity policies of roles: actions and resources with their wildcards; an explicit Deny wins.

    An Allow with a Condition counts for nothing, and a Deny with one counts: no condition is evaluated here.
    """

    def __init__(self, moto: str) -> None:
        self._iam = moto_client("iam", moto)

    async def require(self, principal: str, action: str, resources: Iterable[str]) -> None:
        """Raises RefusedError where `principal` lacks `action` on any of `resources`."""
        if principal == DEPLOYER:
            return
        statements = await asyncio.to_thread(self._statements, role_of(principal))
        for resource in resources:
            if not allowed(statements, action, resource):
                raise RefusedError(
                    "AccessDeniedException",
                    f"User: {principal} is not authorized to perform: {action} on resource: {resource}",
                )

    def _statements(self, role: str | None) -> list[dict[str, Any]]:
        try:
            return [] if role is None else [each for document in self._documents(role) for each in _list(document)]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return []
            raise

    def _documents(self, role: str) -> Iterator[Any]:
        for name in self._iam.list_role_policies(RoleName=role)["PolicyNames"]:
            yield self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for attached in self._iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            yield self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def role_of(principal: str) -> str | None:
    """The name of the role that a principal's ARN is of, or None."""
    found = _ROLE.fullmatch(principal)
    return (found[1] or found[2]) if found else None


def allowed(statements: Iterable[dict[str, Any]], action: str, resource: str) -> bool:
    """Whether the statements of a principal's policies let it do `action` on `resource`."""
    effects = {_effect(each) for each in statements if _matches(each, action, resource)}
    return "Allow" in effects and "Deny" not in effects


def _effect(statement: dict[str, Any]) -> str | None:
    effect = str(statement["Effect"])
    return None if effect == "Allow" and statement.get("Condition") else effect


def _matches(statement: dict[str, Any], action: str, resource: str) -> bool:
    named = any(_like(pattern.lower(), action.lower()) for pattern in _words(statement.get("Action")))
    return named and any(_like(pattern, resource) for pattern in _words(statement.get("Resource")))


def _like(pattern: str, text: str) -> bool:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _words(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _list(document: Any) -> list[dict[str, Any]]:
    """The statements of a policy, which may stand alone or in a list, parsed or as text."""
    parsed = json.loads(document) if isinstance(document, str) else document
    statement = parsed["Statement"]
    return statement if isinstance(statement, list) else [statement]
