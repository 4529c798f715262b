"""The bucket that artifacts are uploaded to: one an account and region, shared by its deployments, never public.

An object's key begins with the deployment's name. The bucket goes with the last object in it.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults, names
from deployment.account import TAG
from deployment.errors import DeployError
from deployment.run import Run
from deployment.steps import Change

_WITHOUT: Final = "us-east-1"
"""The region that S3 takes no LocationConstraint for."""
_CLOSED: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_ENCRYPTED: Final = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
_MISSING: Final = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NotFound"})
_UNSET: Final = frozenset(
    {"NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError"}
)


class Bucket:
    """Ours, or one that is still to be made."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._s3 = run.account.client("s3")
        self.name = f"mcp-policy-proxy-{run.account.id}-{run.account.region}"
        self._own = {"Bucket": self.name, "ExpectedBucketOwner": run.account.id}

    @property
    def prefix(self) -> str:
        """Start of every key of this deployment."""
        return f"{self._run.config.agent_name}/"

    def plan(self) -> Change:
        """Raises DeployError when the name is somebody else's."""
        if not self._exists():
            every = ("CreateBucket", "PutPublicAccessBlock", "PutBucketEncryption", "PutBucketTagging")
            return Change(resource=f"s3 bucket {self.name}", action="create", calls=_calls(*every))
        lacks = self._lacks()
        return Change(
            resource=f"s3 bucket {self.name}",
            action="update" if lacks else "keep",
            details=tuple(lacks.values()),
            calls=_calls(*lacks),
        )

    def apply(self) -> None:
        if not self._exists():
            where = {"LocationConstraint": self._run.account.region}
            settled = {} if where["LocationConstraint"] == _WITHOUT else {"CreateBucketConfiguration": where}
            self._s3.create_bucket(Bucket=self.name, **settled)
        lacks = self._lacks()
        if "PutPublicAccessBlock" in lacks:
            self._s3.put_public_access_block(**self._own, PublicAccessBlockConfiguration=_CLOSED)
        if "PutBucketEncryption" in lacks:
            self._s3.put_bucket_encryption(**self._own, ServerSideEncryptionConfiguration=_ENCRYPTED)
        if "PutBucketTagging" in lacks:
            tags = {**names.tags(self._run.config), **(self._tags() or {})}
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            self._s3.put_bucket_tagging(**self._own, Tagging={"TagSet": pairs})

    def holds(self, key: str) -> bool:
        return self._exists() and self._asked(self._s3.head_object, Key=key) is not None

    def upload(self, key: str, path: Path, sha256: str) -> None:
        """In one request; S3 refuses what does not have the hash (hex)."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with path.open("rb") as file:
            self._s3.put_object(**self._own, Key=key, Body=file, ChecksumSHA256=checksum)

    def plan_removal(self) -> tuple[Change, ...]:
        if not self._exists():
            return ()
        keys, what = self._keys(self.prefix), f"s3 bucket {self.name}"
        calls = _calls("DeleteObjects") if keys else frozenset[str]()
        which = f"s3 objects {self.name}/{self.prefix}*"
        objects = Change(resource=which, action="delete", details=tuple(keys), calls=calls)
        if TAG not in (self._tags() or {}):
            kept = Change(resource=what, action="keep", details=("does not carry our tag",))
        elif set(self._keys("")) - set(keys):
            kept = Change(resource=what, action="keep", details=("other deployments have artifacts in it",))
        else:
            kept = Change(resource=what, action="delete", calls=_calls("DeleteBucket"))
        return (kept, objects) if keys else (kept,)

    def remove(self) -> None:
        """This deployment's objects; and the bucket, when nothing is left in it and it is ours. Raises DeployError."""
        if not self._exists():
            return
        keys = self._keys(self.prefix)
        for start in range(0, len(keys), 1000):
            some = {"Objects": [{"Key": key} for key in keys[start : start + 1000]], "Quiet": True}
            if refused := self._s3.delete_objects(**self._own, Delete=some).get("Errors"):
                raise DeployError(f"s3 object {self.name}/{refused[0]['Key']}: {refused[0]['Code']}")
        if TAG in (self._tags() or {}) and not self._keys(""):
            faults.gone(self._s3.delete_bucket, **self._own)

    def _exists(self) -> bool:
        try:
            return self._asked(self._s3.head_bucket) is not None
        except ClientError as error:
            if faults.code(error) in ("403", "AccessDenied"):
                raise DeployError(
                    f"s3 bucket {self.name} is not yours to use: either these credentials lack s3:ListBucket on it, or "
                    "another account has taken the name"
                ) from None
            raise

    def _lacks(self) -> dict[str, str]:
        """Calls that would complete it, and what is missing: it may have been cut off half made."""
        closed = self._asked(self._s3.get_public_access_block) or {}
        lacks = {}
        if closed.get("PublicAccessBlockConfiguration") != _CLOSED:
            lacks["PutPublicAccessBlock"] = "public access is not blocked"
        if self._asked(self._s3.get_bucket_encryption) is None:
            lacks["PutBucketEncryption"] = "no encryption by default"
        if TAG not in (self._tags() or {}):
            lacks["PutBucketTagging"] = f"tag {TAG} is missing"
        return lacks

    def _tags(self) -> dict[str, str] | None:
        found = self._asked(self._s3.get_bucket_tagging)
        return {each["Key"]: each["Value"] for each in found["TagSet"]} if found else None

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._own, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def _asked(self, look: Any, **more: str) -> dict[str, Any] | None:
        """What it answers, or None for what is not there, or not set."""
        try:
            found: dict[str, Any] = look(**self._own, **more)
        except ClientError as error:
            if faults.code(error) in _MISSING | _UNSET:
                return None
            raise
        return found


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"s3:{operation}" for operation in operations)
