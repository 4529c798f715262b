"""The deployer as people run it, in an empty account of the emulator's."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import SimpleNamespace

import botocore.loaders
import botocore.session
import pytest

from deployment import cli, runtime, waiting
from tests.agentcore.conftest import deployer, emulator, moto
from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import NoArtifact, SmallArtifact
from tests.deployment.people import Person

__all__ = ["deployer", "emulator", "moto"]

_create_loader = functools.cache(botocore.loaders.create_loader)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> type[SmallArtifact]:
    """Ships this in place of a zip."""
    monkeypatch.setitem(sys.modules, "deployment.artifact_zip", SimpleNamespace(ZipArtifact=SmallArtifact))
    for name, kind in (("container", "ContainerArtifact"), ("codebuild", "CodebuildArtifact")):
        monkeypatch.setitem(sys.modules, f"deployment.artifact_{name}", SimpleNamespace(**{kind: NoArtifact}))
    monkeypatch.setattr(SmallArtifact, "body", b"first")
    return SmallArtifact


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls often, gives up soon, reads AWS's models once, and leaves out the proxy's own check, a process."""
    monkeypatch.setattr(runtime, "READY_S", 15.0)
    monkeypatch.setattr(botocore.session, "create_loader", _create_loader)
    monkeypatch.setattr(cli, "_BUILDING", ())
    monkeypatch.setitem(waiting.Waits.__init__.__kwdefaults__, "first_s", 0.01)
    monkeypatch.setattr(waiting, "LONGEST_S", 0.05)


@pytest.fixture
def person(
    deployer: Emulator,
    small: type[SmallArtifact],
    quick: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Person:
    """Somebody with a config, in an empty account."""
    return Person(tmp_path, lambda: tuple(capsys.readouterr()))
