"""The artifact as an image that docker builds here and pushes to ECR."""

from __future__ import annotations

import base64
import shutil
import subprocess
from functools import cached_property
from typing import Any, Final

from deployment import artifact_image
from deployment.artifact_image import Image
from deployment.artifact_repository import Repository
from deployment.errors import ConfigError, DeployError, FailedError
from deployment.run import Run
from deployment.steps import Change

_ASK_S: Final = 60
_BUILD_S: Final = 3600
_LINES: Final = 15
_INSTEAD: Final = 'or set artifact to "codebuild", which builds on AWS, or to "zip", which needs neither'


class ContainerArtifact:
    """A Step."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._repository = Repository(run)
        self._image = Image(run)

    def value(self) -> dict[str, Any]:
        """`agentRuntimeArtifact` of CreateAgentRuntime."""
        return {"containerConfiguration": {"containerUri": self._uri}}

    def plan(self) -> tuple[Change, ...]:
        """Gathers and checks what ships. Raises ConfigError where docker could not build it."""
        repository = self._repository.plan()
        there = repository.action == "keep" and self._repository.holds(self._image.tag)
        if not there:
            must_have_buildx()
        return (repository, Change(resource=f"image {self._uri}", action="keep" if there else "create"))

    def apply(self) -> None:
        self._repository.apply()
        if self._repository.holds(self._image.tag):
            return
        self._log_in()
        self._run.report.tell(f"building and pushing {self._uri}")
        with self._image.context() as context:
            done = _docker(artifact_image.command(self._uri, self._run.config.python, str(context)), within_s=_BUILD_S)
        if done.returncode:
            raise FailedError(f"docker buildx build failed with code {done.returncode}:\n{_tail(done.stderr)}")
        self._repository.must_hold(self._image.tag)

    def plan_removal(self) -> tuple[Change, ...]:
        return self._repository.plan_removal()

    def remove(self) -> None:
        self._repository.remove()

    @cached_property
    def _uri(self) -> str:
        return self._repository.uri(self._image.tag)

    def _log_in(self) -> None:
        """The token goes over standard input: a command line is seen by every user of the machine."""
        (data,) = self._run.account.client("ecr").get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        done = _docker(
            ["docker", "login", "--username", user, "--password-stdin", self._repository.registry], given=password
        )
        if done.returncode:
            raise FailedError(f"docker login to {self._repository.registry} failed:\n{_tail(done.stderr)}")


def must_have_buildx() -> None:
    """Raises ConfigError with what to do where docker or its buildx is missing."""
    if shutil.which("docker") is None:
        raise ConfigError([f'artifact: "container" needs docker, which is not on the PATH: install it, {_INSTEAD}'])
    if _docker(["docker", "buildx", "version"]).returncode:
        raise ConfigError([f"artifact: this docker has no buildx: install the plugin docker-buildx, {_INSTEAD}"])


def _docker(
    command: list[str], *, given: str | None = None, within_s: float = _ASK_S
) -> subprocess.CompletedProcess[str]:
    # Standard input is always a pipe, or docker might ask there for what it was not given.
    try:
        return subprocess.run(
            command, input=given or "", capture_output=True, text=True, errors="replace", timeout=within_s
        )
    except subprocess.TimeoutExpired:
        raise DeployError(f"{' '.join(command[:3])} did not end within {within_s:g} s") from None
    except OSError as error:
        raise DeployError(f"docker cannot be started: {error.strerror}") from None


def _tail(told: str) -> str:
    return "\n".join(f"  {line}" for line in told.strip().splitlines()[-_LINES:])
