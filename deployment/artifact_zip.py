"""The default artifact: an archive in S3, whose key is its content's hash."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from deployment import artifact_inputs, bundle, bundle_zip
from deployment.artifact_bucket import Bucket
from deployment.bundle import Bundle
from deployment.run import Run
from deployment.steps import Change

ENTRY: Final = "main.py"


class ZipArtifact:
    """A Step. What it uploads stays, for roll-backs, until the deployment is removed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bucket = Bucket(run)

    def value(self) -> dict[str, Any]:
        """`agentRuntimeArtifact` of CreateAgentRuntime. Raises DeployError, as it builds what is not built yet."""
        where = {"bucket": self._bucket.name, "prefix": self._key}
        code = {"code": {"s3": where}, "runtime": self._run.config.runtime, "entryPoint": [ENTRY]}
        return {"codeConfiguration": code}

    def plan(self) -> tuple[Change, ...]:
        """Builds the artifact and has it checked, on this machine; of AWS it only asks."""
        bucket = self._bucket.plan()
        there = bucket.action != "create" and self._bucket.holds(self._key)
        artifact = Change(
            resource=f"s3 object {self._bucket.name}/{self._key}",
            action="keep" if there else "create",
            details=() if there else described(self._bundle),
            calls=frozenset() if there else frozenset({"s3:PutObject"}),
        )
        return (bucket, artifact)

    def apply(self) -> None:
        self._bucket.apply()
        if not self._bucket.holds(self._key):
            self._run.report.tell(f"uploading {bundle_zip.megabytes(self._bundle.size)}")
            self._bucket.upload(self._key, self._bundle.path, self._bundle.sha256)

    def plan_removal(self) -> tuple[Change, ...]:
        return self._bucket.plan_removal()

    def remove(self) -> None:
        self._bucket.remove()

    @property
    def _key(self) -> str:
        return f"{self._bucket.prefix}{self._bundle.sha256}.zip"

    @cached_property
    def _bundle(self) -> Bundle:
        artifact_inputs.prove(self._run)
        config = self._run.config
        return bundle.build(
            folder=config.folder,
            platform="aarch64",
            python=config.python,
            policies=config.policies,
            include=config.include,
            requirements=config.requirements,
            tell=self._run.report.tell,
        )


def described(made: Bundle) -> tuple[str, ...]:
    """Its sizes against what AgentCore takes, and what was left out of it."""
    zipped = f"{bundle_zip.megabytes(made.size)} of {bundle_zip.megabytes(bundle_zip.ZIPPED)} zipped"
    unpacked = f"{bundle_zip.megabytes(made.unpacked)} of {bundle_zip.megabytes(bundle_zip.UNPACKED)} unpacked"
    return (f"{zipped}, {unpacked}", *(f"left out: {path}" for path in made.left_out))
