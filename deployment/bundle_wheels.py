"""Wheels for a target: from the folder of those already downloaded, and by pip from the configured index.

A wheel is what its hash says, wherever it came from; one that is there is never asked for again.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from deployment.bundle_lock import Locked, canonical
from deployment.bundle_target import Target, markers, tags, utils
from deployment.errors import DeployError

_PIP_S: Final = 1200
_SAID: Final = 5
_TELLING: Final = ("ERROR:", "    ", "The conflict")
_ADDRESS: Final = re.compile(r"\S*://\S*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A file whose content was checked against its pin."""

    path: Path
    name: str
    version: str
    sha256: str


def wheels(
    pins: Iterable[Locked],
    target: Target,
    cache: Path,
    *,
    tell: Callable[[str], None],
    options: Sequence[str] = (),
    beside: Path | None = None,
) -> list[Wheel]:
    """The best wheel for the target of each pin that is for it, sorted by name. Raises DeployError.

    `options` are further lines of a requirements file (`--extra-index-url …`), with paths relative to `beside`.
    """
    wanted = [pin for pin in pins if not pin.marker or target.holds(markers.Marker(pin.marker))]
    found = _kept(wanted, target, cache)
    if missing := [pin for pin in wanted if pin.name not in found]:
        tell(f"downloading {len(missing)} wheels for {target.name}")
        _download(missing, target, cache, options, beside)
        found |= _kept(missing, target, cache)
    if lost := [f"{pin.name} {pin.version}" for pin in wanted if pin.name not in found]:
        raise DeployError(f"pip brought no wheel of {', '.join(lost)} that fits {target.name}; please report this")
    return [found[name] for name in sorted(found)]


def pip(arguments: Sequence[str], target: Target, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """pip of the Python that runs this, told to think of the target; whatever it answers. Raises DeployError."""
    chosen = ["--only-binary=:all:", "--implementation", "cp", "--python-version", target.minor]
    chosen += [word for abi in (target.abi, "abi3", "none") for word in ("--abi", abi)]
    chosen += [word for platform in target.platforms for word in ("--platform", platform)]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1"}
    try:
        return subprocess.run(
            [sys.executable, "-m", "pip", arguments[0], *chosen, *arguments[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PIP_S,
            cwd=cwd,
            env=os.environ | quiet,
        )
    except subprocess.TimeoutExpired:
        raise DeployError(f"pip did not end within {_PIP_S} s: is the package index reachable?") from None


def complaints(done: subprocess.CompletedProcess[str]) -> str:
    """What pip gives as its errors, without addresses: they may hold credentials."""
    if "No module named pip" in done.stderr:
        return "this Python has no pip: run it from an environment that has"
    told = [line.strip().removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith(_TELLING)]
    return "; ".join(_ADDRESS.sub("(address)", line) for line in told[:_SAID]) or f"code {done.returncode}"


def digest(path: Path) -> str:
    """Its SHA-256 in hex, remembered for a file that has not changed."""
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(
    missing: Sequence[Locked], target: Target, cache: Path, options: Sequence[str], beside: Path | None
) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="asked-") as folder:
        asked = Path(folder, "requirements.txt")
        asked.write_text("\n".join([*options, *(pin.line for pin in missing)]) + "\n", encoding="utf-8")
        done = pip(["download", "--no-deps", "--require-hashes", "-d", folder, "-r", str(asked)], target, beside)
        if done.returncode:
            raise DeployError(f"pip cannot download the wheels for {target.name}: {complaints(done)}")
        for wheel in Path(folder).glob("*.whl"):
            os.replace(wheel, cache / wheel.name)


def _kept(wanted: Iterable[Locked], target: Target, cache: Path) -> dict[str, Wheel]:
    """By name, of what is wanted, all that the cache holds."""
    there: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path, name, version, fits in _inventory(cache):
        ranks = [target.ranks[tag] for tag in fits if tag in target.ranks]
        if ranks:
            there.setdefault((name, version), []).append((min(ranks), path))
    found = {}
    for pin in wanted:
        for _, path in sorted(there.get((pin.name, str(utils.canonicalize_version(pin.version))), [])):
            if (sha256 := digest(path)) in pin.hashes:
                found[pin.name] = Wheel(path=path, name=pin.name, version=pin.version, sha256=sha256)
                break
    return found


def _inventory(cache: Path) -> Iterator[tuple[Path, str, str, frozenset[tags.Tag]]]:
    for path in sorted(cache.glob("*.whl")):
        try:
            name, version, _, fits = utils.parse_wheel_filename(path.name)
        except (utils.InvalidWheelFilename, ValueError):
            continue
        yield path, canonical(name), str(utils.canonicalize_version(version)), fits
