"""The artifact as an image that AWS CodeBuild builds on arm64: no docker is needed here."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from deployment import bundle_zip
from deployment.artifact_bucket import Bucket
from deployment.artifact_builder import Builder
from deployment.artifact_image import Image
from deployment.artifact_repository import Repository
from deployment.bundle_wheels import digest
from deployment.errors import FailedError
from deployment.run import Run
from deployment.steps import Change

_BUILD_S: Final = 3600.0
_LINES: Final = 15
_DONE: Final = frozenset({"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"})


class CodebuildArtifact:
    """A Step."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._codebuild = run.account.client("codebuild")
        self._bucket = Bucket(run)
        self._repository = Repository(run)
        self._builder = Builder(run, self._bucket, self._repository)
        self._image = Image(run)

    def value(self) -> dict[str, Any]:
        """`agentRuntimeArtifact` of CreateAgentRuntime."""
        return {"containerConfiguration": {"containerUri": self._uri}}

    def plan(self) -> tuple[Change, ...]:
        """Gathers and checks what ships, on this machine; of AWS it only asks."""
        repository = self._repository.plan()
        there = repository.action == "keep" and self._repository.holds(self._image.tag)
        calls = frozenset[str]() if there else frozenset({"s3:PutObject", "codebuild:StartBuild"})
        image = Change(resource=f"image {self._uri}", action="keep" if there else "create", calls=calls)
        return (self._bucket.plan(), repository, *self._builder.plan(), image)

    def apply(self) -> None:
        self._bucket.apply()
        self._repository.apply()
        self._builder.apply()
        if self._repository.holds(self._image.tag):
            return
        self._upload()
        build = self._running() or self._started()
        self._run.report.tell(f"building {self._uri} in codebuild {build}")
        self._run.waits.until(f"codebuild {build} to end", lambda: self._ended(build), within_s=_BUILD_S)
        self._repository.must_hold(self._image.tag)

    def plan_removal(self) -> tuple[Change, ...]:
        return (*self._bucket.plan_removal(), *self._repository.plan_removal(), *self._builder.plan_removal())

    def remove(self) -> None:
        self._builder.remove()
        self._repository.remove()
        self._bucket.remove()

    @cached_property
    def _uri(self) -> str:
        return self._repository.uri(self._image.tag)

    @property
    def _key(self) -> str:
        return f"{self._bucket.prefix}image-{self._image.tag}.zip"

    def _upload(self) -> None:
        if not self._bucket.holds(self._key):
            path = self._image.archive()
            self._run.report.tell(f"uploading {bundle_zip.megabytes(path.stat().st_size)}")
            self._bucket.upload(self._key, path, digest(path))

    def _started(self) -> str:
        variables = {"IMAGE": self._uri, "REGISTRY": self._repository.registry}
        started = self._codebuild.start_build(
            projectName=self._builder.name,
            sourceLocationOverride=f"{self._bucket.name}/{self._key}",
            environmentVariablesOverride=[{"name": name, "value": value} for name, value in variables.items()],
        )
        return str(started["build"]["id"])

    def _running(self) -> str | None:
        """The build of this very image that an interrupted run has started."""
        latest = self._codebuild.list_builds_for_project(projectName=self._builder.name)["ids"][:10]
        for build in self._codebuild.batch_get_builds(ids=latest)["builds"] if latest else ():
            given = {each["name"]: each["value"] for each in build["environment"].get("environmentVariables", [])}
            if build["buildStatus"] == "IN_PROGRESS" and given.get("IMAGE") == self._uri:
                return str(build["id"])
        return None

    def _ended(self, build_id: str) -> bool | None:
        """None while it runs. Raises FailedError with the phase that failed, and the end of the log."""
        (build,) = self._codebuild.batch_get_builds(ids=[build_id])["builds"]
        status = build["buildStatus"]
        if status not in _DONE:
            return None
        if status == "SUCCEEDED":
            return True
        failed = [phase for phase in build.get("phases", []) if phase.get("phaseStatus") not in (None, "SUCCEEDED")]
        where = ", ".join(f"{phase['phaseType']}{_why(phase)}" for phase in failed) or "no phase"
        raise FailedError(f"codebuild {build_id} ended as {status} in {where}\n{self._log(build.get('logs', {}))}")

    def _log(self, logs: dict[str, Any]) -> str:
        """Its last lines; the link to it where there are none."""
        events: list[dict[str, Any]] = []
        if logs.get("groupName") and logs.get("streamName"):
            where = {"logGroupName": logs["groupName"], "logStreamName": logs["streamName"]}
            events = self._run.account.client("logs").get_log_events(**where, limit=_LINES, startFromHead=False)[
                "events"
            ]
        return "\n".join(f"  {event['message'].rstrip()}" for event in events) or f"  {logs.get('deepLink', 'no log')}"


def _why(phase: dict[str, Any]) -> str:
    said = "; ".join(context["message"] for context in phase.get("contexts", []) if context.get("message"))
    return f" ({said})" if said else ""
