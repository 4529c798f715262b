"""The steps of one deployment, in the order in which they are built up."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from deployment.config import Artifact as Kind
from deployment.endpoints import NamedEndpoint
from deployment.log_groups import LogGroups
from deployment.role import Role
from deployment.run import Run
from deployment.runtime_step import Artifact, Runtime
from deployment.secret import Secret
from deployment.steps import Step

_ARTIFACTS: Final[Mapping[Kind, tuple[str, str]]] = {
    "zip": ("deployment.artifact_zip", "ZipArtifact"),
    "container": ("deployment.artifact_container", "ContainerArtifact"),
    "codebuild": ("deployment.artifact_codebuild", "CodebuildArtifact"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Everything but the registration with a gateway."""

    role: Role
    artifact: Artifact
    secret: Secret
    runtime: Runtime
    endpoint: NamedEndpoint

    @property
    def steps(self) -> tuple[Step, ...]:
        return (self.role, self.artifact, self.secret, self.runtime, self.endpoint)


def stack(run: Run, *, secret: str | None = None, ask: Callable[[], str] | None = None) -> Stack:
    """`secret` is the text of the client's secret, `ask` prompts for it. Loads the chosen kind of artifact alone."""
    role, artifact, text = Role(run), artifact_of(run, run.config.artifact), Secret(run, secret, ask)
    return Stack(
        role=role,
        artifact=artifact,
        secret=text,
        runtime=Runtime(run, role=role, artifact=artifact, secret=text),
        endpoint=NamedEndpoint(run),
    )


def removable(run: Run, *, logs: bool) -> Iterator[Step]:
    """Every step that may have left something, whatever the config says by now."""
    role, text = Role(run), Secret(run, None, None)
    artifacts = [artifact_of(run, kind) for kind in _ARTIFACTS]
    yield LogGroups(run, wanted=logs)
    yield role
    yield from artifacts
    yield text
    yield Runtime(run, role=role, artifact=artifacts[0], secret=text)
    yield NamedEndpoint(run)


def artifact_of(run: Run, kind: Kind) -> Artifact:
    """The step that makes an artifact of this kind."""
    module, name = _ARTIFACTS[kind]
    return cast("Artifact", getattr(importlib.import_module(module), name)(run))
