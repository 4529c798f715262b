"""The artifact: everything that runs, and nothing else, in one archive. One builder, with the platform as an argument.

At its root stand `main.py`, the users' policies.toml and what they include beside it; in `lib` the proxy and every
distribution it needs. The same inputs give the same bytes. What was downloaded and compiled stays in `.build`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment import bundle_zip
from deployment.bundle_contents import MANIFEST, Contents, Inputs, Tell, cache, gathered, hashed
from deployment.bundle_target import Platform
from deployment.bundle_wheels import digest
from deployment.errors import ConfigError, DeployError

__all__ = ["Bundle", "Inputs", "build", "tree", "twin"]

_NEWEST: Final = 4
"""Archives and trees that are kept; S3 has the older ones."""
_SETTLED_S: Final = 3_600.0
"""Younger ones are kept in any case: another run may be at work with them."""
_UNUSED_S: Final = 14 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An archive in `.build`. Sizes are in bytes; `left_out` names what of the users' folders does not ship."""

    path: Path
    sha256: str
    size: int
    unpacked: int
    left_out: tuple[str, ...] = ()


def build(
    *,
    folder: Path,
    platform: Platform,
    python: str,
    policies: Path | None = None,
    include: Sequence[Path] = (),
    requirements: Path | None = None,
    tell: Tell = lambda _: None,
) -> Bundle:
    """The archive for these inputs, made unless it is there. Raises DeployError, and ConfigError with every finding."""
    inputs = Inputs(folder=folder, python=python, policies=policies, include=tuple(include), requirements=requirements)
    contents = gathered(inputs, platform, tell)
    path = archived(folder, contents, {}, tell)
    return _checked(
        Bundle(
            path=path,
            sha256=digest(path),
            size=path.stat().st_size,
            unpacked=bundle_zip.unpacked(path),
            left_out=contents.left_out,
        )
    )


def tree(inputs: Inputs, platform: Platform, tell: Tell = lambda _: None) -> Path:
    """The same as a folder, of hard links: not to be written to. Raises as `build` does."""
    contents = gathered(inputs, platform, tell)
    path = cache(inputs.folder) / "trees" / f"{contents.target.name}-{contents.inputs[:20]}-{contents.key}"
    if path.is_dir():
        os.utime(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=path.parent, prefix="making-"))
    try:
        making.chmod(0o755)
        spread(contents, making)
        os.rename(making, path)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return path


def twin(archive: Path, folder: Path) -> Path:
    """The tree that `check` ran in before this archive was uploaded: the same inputs, for this machine.

    `folder` is the config's. Raises DeployError where there is none.
    """
    manifest = json.loads(bundle_zip.read(archive, MANIFEST))
    found = sorted((cache(folder) / "trees").glob(f"host-*-{manifest['inputs'][:20]}-*"))
    if not found:
        raise DeployError(f"{archive.name}: nothing was built for this machine from the same inputs in {folder}")
    return found[0]


def spread(contents: Contents, folder: Path) -> None:
    """Put everything into the folder, by hard links where the file system has them."""
    for inside, file in (contents.lib() | contents.rest()).items():
        place = folder / inside
        _made(place.parent)
        if isinstance(file, bytes):
            place.write_bytes(file)
            continue
        try:
            os.link(file, place)
        except OSError:
            shutil.copyfile(file, place)


def _made(folder: Path) -> None:
    """A folder that every user may read, whatever the umask."""
    if not folder.is_dir():
        _made(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def archived(folder: Path, contents: Contents, more: Mapping[str, bytes], tell: Tell = lambda _: None) -> Path:
    """An archive of it all, and of `more` at its root; made unless it is there."""
    kept = cache(folder) / "bundles"
    extra = f"-{hashed({name: text.hex() for name, text in more.items()})[:8]}" if more else ""
    path = kept / f"{contents.target.name}-{contents.key}{extra}.zip"
    if path.exists():
        os.utime(path)
        return path
    tell(f"putting the artifact for {contents.target.name} together")
    libraries = cache(folder) / "libraries" / f"{contents.libraries_key}.zip"  # apart, because they change seldom
    if libraries.exists():
        os.utime(libraries)
    else:
        bundle_zip.write(libraries, contents.lib())
    bundle_zip.write(path, {**contents.rest(), **more}, libraries)
    _swept(cache(folder))
    return path


def _checked(bundle: Bundle) -> Bundle:
    """Raises ConfigError where AgentCore would refuse it for its size."""
    for size, limit, what in (
        (bundle.size, bundle_zip.ZIPPED, "zipped"),
        (bundle.unpacked, bundle_zip.UNPACKED, "unpacked"),
    ):
        if size > limit:
            told = f"{bundle_zip.megabytes(size)} {what}, and AgentCore takes {bundle_zip.megabytes(limit)}"
            raise ConfigError([f"artifact: it has {told}; the heaviest: {bundle_zip.largest(bundle.path)}"])
    return bundle


def _swept(kept: Path) -> None:
    """Remove what is no longer used. Wheels stay, so that no build needs the network. Another run may do the same."""
    now = time.time()
    for kind, most in (("bundles", _NEWEST), ("trees", _NEWEST), ("libraries", _NEWEST), ("parts", 0)):
        found = sorted(((_used(path), path) for path in (kept / kind).glob("*")), reverse=True)
        for used, path in found[most:]:
            if used < now - (_UNUSED_S if kind == "parts" else _SETTLED_S):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
