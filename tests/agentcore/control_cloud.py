"""What the control plane asks of its neighbours, which moto plays: roles, objects and secrets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from botocore.exceptions import ClientError

from tests.agentcore.signatures_iam import moto_client
from tests.agentcore.world import ACCOUNT, REGION

_T = TypeVar("_T")
PRINCIPAL = "bedrock-agentcore.amazonaws.com"


class Cloud:
    """The account behind a moto at `url`. Its clients block, so each call has a thread."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def trusts(self, role_arn: str, source_arn: str) -> bool:
        """Whether the service may assume a role on behalf of the resource `source_arn`."""
        found = await self._found(self._call("iam", "get_role", RoleName=role_arn.rsplit("/", 1)[-1]))
        if found is None or found["Role"]["Arn"] != role_arn:
            return False
        document = found["Role"]["AssumeRolePolicyDocument"]
        statements = _list((json.loads(unquote(document)) if isinstance(document, str) else document)["Statement"])
        return any(_admits(statement, source_arn) for statement in statements)

    async def has_object(self, location: dict[str, str]) -> bool:
        """Whether the S3 object of a code artifact is there."""
        version = {"VersionId": location["versionId"]} if "versionId" in location else {}
        bucket, key = location["bucket"], location["prefix"]
        return await self._found(self._call("s3", "head_object", Bucket=bucket, Key=key, **version)) is not None

    async def keep(self, name: str, value: str) -> str:
        """The ARN of a new secret."""
        kept = await asyncio.to_thread(self._call("secretsmanager", "create_secret", Name=name, SecretString=value))
        return str(kept["ARN"])

    async def change(self, arn: str, value: str) -> None:
        await asyncio.to_thread(self._call("secretsmanager", "put_secret_value", SecretId=arn, SecretString=value))

    async def drop(self, arn: str) -> None:
        call = self._call("secretsmanager", "delete_secret", SecretId=arn, ForceDeleteWithoutRecovery=True)
        await self._found(call)

    async def secret(self, secret_id: str) -> tuple[str, str] | None:
        """ARN and text of a secret that somebody else keeps."""
        found = await self._found(self._call("secretsmanager", "get_secret_value", SecretId=secret_id))
        return None if found is None else (found["ARN"], found["SecretString"])

    def _call(self, service: str, name: str, **arguments: Any) -> Callable[[], Any]:
        return partial(getattr(moto_client(service, self._url), name), **arguments)

    async def _found(self, call: Callable[[], _T]) -> _T | None:
        try:
            return await asyncio.to_thread(call)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (400, 404):
                raise
            return None


def _admits(statement: dict[str, Any], source_arn: str) -> bool:
    """Whether a statement of a trust policy lets the service in, for `source_arn` in this account."""
    principal = statement.get("Principal")
    services = _list(principal.get("Service", [])) if isinstance(principal, dict) else []
    if statement.get("Effect") != "Allow" or PRINCIPAL not in services:
        return False
    known = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": source_arn, "aws:requestedregion": REGION}
    return "sts:AssumeRole" in _list(statement.get("Action")) and all(
        any(_like(pattern, known.get(key.lower(), "")) for pattern in _list(values))
        for condition in statement.get("Condition", {}).values()
        for key, values in condition.items()
    )


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
