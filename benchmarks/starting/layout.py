"""The layout that ships: one folder with the project, every locked distribution, and compiled files for all of it.

The compiled files are of the kind that is believed unchecked (PEP 552, unchecked hash), because unpacking an archive
changes the times of the sources; without them, importing takes twice as long.
"""

import compileall
import os
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from py_compile import PycInvalidationMode

_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("proxy", "policies", "benchmarks")
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A folder to start Python processes from."""

    folder: Path
    python: str
    """The interpreter itself, so that no virtual environment puts its own packages on the path."""

    def command(self, *arguments: object) -> list[str]:
        """The command line of a module; `-P` keeps the working directory off the path."""
        return [self.python, "-P", "-m", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the caller's own settings, credentials or telemetry reaches the process."""
        return {"PATH": os.defpath, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}


def build(folder: Path) -> Layout:
    """Fills the empty folder, in about 20 seconds. The benchmark itself is in it for the comparators' sake."""
    for name in _LOCKED.findall((_ROOT / "requirements.lock").read_text()):
        _install(name, folder)
    for name in _OURS:
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    compileall.compile_dir(folder, quiet=2, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return Layout(folder=folder, python=_interpreter())


def _install(name: str, folder: Path) -> None:
    """The files of a distribution, or none where this platform does without it."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return
    for file in found.files or ():
        if "__pycache__" not in file.parts and ".." not in file.parts:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(Path(str(found.locate_file(file))), target)


def _link(source: Path, target: Path) -> None:
    """A hard link where the file system allows it: 400 MB need not be written. Nothing writes to these files."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _interpreter() -> str:
    return os.path.realpath(sys.executable)
