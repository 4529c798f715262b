"""The steps of one deployment, in the order in which they are built up."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from botocore.exceptions import ClientError

from deployment import faults
from deployment.config import Artifact as Kind
from deployment.endpoints import NamedEndpoint
from deployment.log_groups import LogGroups
from deployment.role import Role
from deployment.run import Run
from deployment.runtime_step import Artifact, Runtime
from deployment.secret import Secret
from deployment.steps import Change, Step

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
    yield from (Unseen(run, kind, step) for kind, step in zip(_ARTIFACTS, artifacts, strict=True))
    yield text
    yield Runtime(run, role=role, artifact=artifacts[0], secret=text)
    yield NamedEndpoint(run)


class Unseen:
    """A Step that only removes. What these credentials may not look at, they have hardly made: it is left, and said."""

    def __init__(self, run: Run, kind: Kind, step: Step) -> None:
        self._step = step
        self._kind = kind
        self._needed = kind == run.config.artifact
        self._left = False

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        pass

    def plan_removal(self) -> tuple[Change, ...]:
        try:
            return self._step.plan_removal()
        except ClientError as error:
            if self._needed or faults.code(error) not in ("AccessDenied", "AccessDeniedException"):
                raise
        self._left = True
        told = "these credentials may not look whether there is one"
        return (Change(resource=f"artifact of the kind {self._kind}", action="keep", details=(told,)),)

    def remove(self) -> None:
        if not self._left:
            self._step.remove()


def artifact_of(run: Run, kind: Kind) -> Artifact:
    """The step that makes an artifact of this kind."""
    module, name = _ARTIFACTS[kind]
    return cast("Artifact", getattr(importlib.import_module(module), name)(run))
