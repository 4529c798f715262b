"""An artifact without a build: a few bytes on S3, so that what deploys them can be tested quickly."""

from __future__ import annotations

import hashlib
from typing import Any

from deployment.run import Run
from deployment.steps import Change


class SmallArtifact:
    """A Step, as those that build real artifacts are. `body` is what is shipped."""

    body = b"first"

    def __init__(self, run: Run) -> None:
        self._run = run
        self._s3 = run.account.client("s3")
        self._bucket = f"mcp-policy-proxy-{run.account.id}-{run.config.region}"
        self._key = f"{run.config.agent_name}/{hashlib.sha256(self.body).hexdigest()[:8]}.zip"

    def value(self) -> dict[str, Any]:
        code = {"s3": {"bucket": self._bucket, "prefix": self._key}}
        return {"codeConfiguration": {"code": code, "runtime": self._run.config.runtime, "entryPoint": ["main.py"]}}

    def plan(self) -> tuple[Change, ...]:
        what = f"artifact {self._key}"
        if self._key in self._keys():
            return (Change(resource=what, action="keep"),)
        return (Change(resource=what, action="create", calls=frozenset({"s3:CreateBucket", "s3:PutObject"})),)

    def apply(self) -> None:
        if not self._has_bucket():
            self._s3.create_bucket(Bucket=self._bucket)
        if self._key not in self._keys():
            self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=self.body)

    def plan_removal(self) -> tuple[Change, ...]:
        if not self._has_bucket():
            return ()
        gone = frozenset({"s3:DeleteObject", "s3:DeleteBucket"})
        return (Change(resource=f"bucket {self._bucket}", action="delete", calls=gone),)

    def remove(self) -> None:
        if not self._has_bucket():
            return
        for key in self._keys():
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        self._s3.delete_bucket(Bucket=self._bucket)

    def _has_bucket(self) -> bool:
        return self._bucket in [each["Name"] for each in self._s3.list_buckets()["Buckets"]]

    def _keys(self) -> list[str]:
        if not self._has_bucket():
            return []
        return [each["Key"] for each in self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])]


class NoArtifact:
    """Nothing of its kind was ever made."""

    def __init__(self, run: Run) -> None:
        pass

    def value(self) -> dict[str, Any]:
        raise NotImplementedError

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        pass

    def plan_removal(self) -> tuple[Change, ...]:
        return ()

    def remove(self) -> None:
        pass
