"""What an image is built from, however it is built: the Dockerfile, and in the place of its first stage the tree that
was checked. The image's tag is the hash of both.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from deployment import artifact_inputs, bundle, bundle_contents
from deployment.bundle_contents import Contents
from deployment.run import Run

STAGE: Final = "build"
"""The Dockerfile's stage that the tree takes the place of: BuildKit lets a named context do that."""
DOCKERFILE: Final = Path(__file__).resolve().parents[1] / "Dockerfile"


class Image:
    """One image of one deployment."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def tag(self) -> str:
        """32 digits of a hash. Builds and checks what ships, on this machine. Raises DeployError."""
        artifact_inputs.prove(self._run)
        return bundle_contents.hashed([DOCKERFILE.read_text(encoding="utf-8"), self._contents.key])[:32]

    @contextmanager
    def context(self) -> Iterator[Path]:
        """A folder with the Dockerfile, and the tree in `app`."""
        kept = bundle_contents.cache(self._run.config.folder)
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept, prefix="image-") as name:
            folder = Path(name)
            shutil.copyfile(DOCKERFILE, folder / "Dockerfile")
            bundle.spread(self._contents, folder / "app")
            yield folder

    def archive(self) -> Path:
        """The same as an archive, with the tree at its root."""
        dockerfile = DOCKERFILE.read_bytes()
        return bundle.archived(self._run.config.folder, self._contents, {"Dockerfile": dockerfile})

    @cached_property
    def _contents(self) -> Contents:
        inputs = artifact_inputs.inputs(self._run.config)
        return bundle_contents.gathered(inputs, "aarch64", self._run.report.tell)


def command(uri: str, python: str, context: str) -> list[str]:
    """The build, which also pushes. One manifest without attestations: an index of several is no image to AgentCore."""
    return [
        *("docker", "buildx", "build", "--platform", "linux/arm64", "--provenance=false", "--sbom=false"),
        *("--build-arg", f"PYTHON={python}"),
        *("--build-context", f"{STAGE}={context}", "--file", f"{context}/Dockerfile"),
        *("--tag", uri, "--progress", "plain", "--push", context),
    ]
