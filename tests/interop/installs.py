"""Installs the real servers and clients, each set into an environment of its own, on first use.

An environment lives under `.interop/` and is what its pins say: the stamp in it is the digest of the pin files, so that
it is reused while they stay and rebuilt when they change. A half-built one has no stamp, and is built again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).parent / "environments"
ROOT = Path(__file__).parents[2] / ".interop"
LONGEST_INSTALL = 600.0
"""Seconds."""


class InstallError(Exception):
    """An environment could not be built; the text holds the installer's last lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnvironment:
    """npm packages with a Node of their own, by `npm ci`."""

    name: str = "node"

    @property
    def pins(self) -> Sequence[Path]:
        return [PINS / self.name / "package.json", PINS / self.name / "package-lock.json"]

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def bin(self) -> Path:
        return self.folder / "node_modules" / ".bin"

    def build(self) -> None:
        self.folder.mkdir()
        for pin in self.pins:
            shutil.copy(pin, self.folder)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=self.folder)
        _run([str(self.bin / "node"), "--version"], cwd=self.folder)

    def environ(self) -> dict[str, str]:
        """This process's environment, with this Node first on the path."""
        return os.environ | {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonEnvironment:
    """A venv holding what `environments/NAME.txt` pins."""

    name: str

    @property
    def pins(self) -> Sequence[Path]:
        return [PINS / f"{self.name}.txt"]

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def build(self) -> None:
        _run([sys.executable, "-m", "venv", str(self.folder)], cwd=ROOT)
        pip = [str(self.bin / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--requirement", str(self.pins[0])], cwd=ROOT)


Environment = NodeEnvironment | PythonEnvironment

NODE = NodeEnvironment()
CLIENTS = PythonEnvironment(name="clients")
GIT = PythonEnvironment(name="git")
ALL: tuple[Environment, ...] = (NODE, CLIENTS, GIT)


def install(environment: Environment) -> None:
    """Builds the environment unless it is there as pinned. Raises InstallError."""
    stamp = environment.folder / "pins.sha256"
    digest = _digest(environment.pins)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    shutil.rmtree(environment.folder, ignore_errors=True)
    ROOT.mkdir(exist_ok=True)
    (ROOT / ".gitignore").write_text("*\n")
    environment.build()
    stamp.write_text(digest)


def _digest(pins: Sequence[Path]) -> str:
    return hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()


def _run(command: Sequence[str], *, cwd: Path) -> None:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST_INSTALL
    )
    if done.returncode:
        raise InstallError(f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
