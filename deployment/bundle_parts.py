"""A wheel, or a folder of sources, as it ships: unpacked, stripped and compiled. Kept, so that it is done once.

Compiled files are of the kind that is believed unchecked (PEP 552, unchecked hash): unpacking an archive changes the
times of the sources, and without compiled files a start takes twice as long. Each part is compiled by a fresh process
in a fixed order, because what marshal writes depends on what the process has seen before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment import bundle_strip
from deployment.bundle_strip import Needs
from deployment.bundle_target import Interpreter
from deployment.bundle_wheels import Wheel
from deployment.bundle_zip import is_loaded
from deployment.errors import ConfigError, DeployError

_COMPILE_S: Final = 600
_RULES: Final = hashlib.sha256(b"".join(Path(each).read_bytes() for each in (__file__, str(bundle_strip.__file__))))
"""What is kept was made by this very code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A folder whose files ship as they are; `name` says whose they are, for messages."""

    folder: Path
    name: str
    key: str

    def files(self) -> dict[str, Path]:
        """Path inside the part, with slashes → file."""
        found = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names)
        return {path.relative_to(self.folder).as_posix(): path for path in found}


def of_wheels(
    wheels: Sequence[tuple[Wheel, bool]],
    needs: Needs,
    interpreter: Interpreter,
    cache: Path,
    tell: Callable[[str], None],
) -> list[Part]:
    """One part a wheel, in their order; beside each, whether it is one of the locked. Raises DeployError."""

    def parted(wheel: Wheel, own: bool) -> Part:
        key = _key(wheel.sha256, interpreter, own, needs if wheel.name in bundle_strip.TRIMMED else None)
        return Part(folder=cache / f"{wheel.name}-{key[:20]}", name=f"{wheel.name} {wheel.version}", key=key)

    def made(each: tuple[Part, Wheel, bool]) -> None:
        part, wheel, own = each

        def fill(folder: Path) -> None:
            _unpack(wheel.path, folder, ours=own, needs=needs)
            _compile(folder, interpreter)

        _keep(part, fill)

    parts = [parted(wheel, own) for wheel, own in wheels]
    jobs = [(part, wheel, own) for part, (wheel, own) in zip(parts, wheels, strict=True)]
    if missing := sum(not part.folder.is_dir() for part in parts):
        tell(f"compiling {missing} distributions for Python {interpreter.version}")
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        list(pool.map(made, jobs))
    return parts


def of_sources(name: str, files: Mapping[str, Path], interpreter: Interpreter, cache: Path) -> Part:
    """A part of these files. Raises ConfigError for a source that this Python cannot compile."""
    told = ((path, hashlib.sha256(file.read_bytes()).hexdigest()) for path, file in sorted(files.items()))

    def fill(folder: Path) -> None:
        for path, file in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / path)
        if wrong := _compile(folder, interpreter):
            raise ConfigError([f"{name}: Python {interpreter.version} cannot compile it: {line}" for line in wrong])

    key = _key(repr(list(told)), interpreter)
    part = Part(folder=cache / f"{name}-{key[:20]}", name=name, key=key)
    _keep(part, fill)
    return part


def _key(content: str, interpreter: Interpreter, *more: object) -> str:
    made = (_RULES.hexdigest(), content, interpreter.magic.hex(), interpreter.version, *map(repr, more))
    return hashlib.sha256("\n".join(made).encode()).hexdigest()


def _keep(part: Part, fill: Callable[[Path], None]) -> None:
    """Filled beside its place and moved there whole, so that one cut off, or two at once, leave nothing half done."""
    if part.folder.is_dir():
        os.utime(part.folder)
        return
    part.folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=part.folder.parent, prefix="making-"))
    try:
        fill(making)
        for folder, _, names in os.walk(making):
            os.chmod(folder, 0o755)
            for name in names:
                os.chmod(os.path.join(folder, name), 0o755 if is_loaded(name) else 0o644)
        os.rename(making, part.folder)
    except OSError:
        if not part.folder.is_dir():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _unpack(wheel: Path, folder: Path, *, ours: bool, needs: Needs) -> None:
    """What ships of a wheel. Raises DeployError for one with paths that lead out of it."""
    with zipfile.ZipFile(wheel) as archive:
        places = {
            place: name
            for name in archive.namelist()
            if not name.endswith("/") and (place := bundle_strip.placed(name))
        }
        sources = {place: archive.read(name) for place, name in places.items() if place.endswith(".py")}
        for place in bundle_strip.shipped(places, sources, ours=ours, needs=needs):
            target = folder / place
            if ".." in place.split("/") or place.startswith("/"):
                raise DeployError(f"{wheel.name}: holds a path that leads out of it: {place}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(places[place]) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)


def _compile(folder: Path, interpreter: Interpreter) -> list[str]:
    """Compiles everything; what cannot be compiled, a line each. Libraries carry such files, as templates."""
    if next(folder.rglob("*.py"), None) is None:
        return []
    command = [interpreter.path, "-S", "-s", "-P", "-m", "compileall", "-q", "-f"]
    done = subprocess.run(
        [*command, "--invalidation-mode", "unchecked-hash", "."],
        cwd=folder,
        env={"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8", **_needed_to_start()},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_COMPILE_S,
    )
    for compiled in folder.rglob("*.pyc"):
        with compiled.open("rb") as file:
            if file.read(4) != interpreter.magic or compiled.suffixes[:1] != [f".{interpreter.tag}"]:
                raise DeployError(f"{compiled.name} was compiled by another Python than {interpreter.version}")
    return _errors(done.stdout) if done.returncode else []


def _errors(told: str) -> list[str]:
    """`SyntaxError: invalid syntax (rules.py, line 3)`, a file each, with its path as compileall names it."""
    found: list[str] = []
    for line in told.splitlines():
        if line.startswith("*** Error compiling "):
            found.append(line.removeprefix("*** Error compiling ").rstrip(".").strip("'").removeprefix("./"))
        elif found and "Error: " in line:
            found[-1] += f": {line.removeprefix('***').strip()}"
    return found or ["compileall failed"]


def _needed_to_start() -> dict[str, str]:
    """What Windows, and an interpreter found by its library path, cannot do without."""
    return {name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH", "PATH") if name in os.environ}


def united(parts: Iterable[Part]) -> dict[str, Path]:
    """All files of the parts, the first part winning where two bring the same path."""
    found: dict[str, Path] = {}
    for part in parts:
        for path, file in part.files().items():
            found.setdefault(path, file)
    return found
