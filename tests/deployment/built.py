"""Artifacts as the builder makes them, built once and kept in `.build` of the repository, for every test that looks."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deployment import bundle, bundle_contents, bundle_lock
from deployment.bundle import Bundle
from deployment.bundle_target import Platform
from deployment.errors import DeployError

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".build"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

CHAIN = '[[policy]]\nuse = "sanitize"\n\n[[policy]]\nuse = "shouting:Shout"\n\n[[policy]]\nuse = "audit"\n'
"""Without redact; its second policy is a module of the user's, which needs a distribution of the user's."""

MODULE = """
from loud import loudly
from policies.model import ALLOW, Modify
from policies.policy import Policy


class Shout(Policy):
    def on_call(self, call):
        spoken = call.arguments.get("customer_id")
        return Modify(call.with_arguments({**call.arguments, "customer_id": loudly(spoken)})) if spoken else ALLOW
"""


PRESIDIO = """
[[policy]]
use = "redact"
[policy.config.presidio]
recognizers = ["KrRrnRecognizer"]
files = ["recognizers.yaml"]
"""
"""With a recognizer of Presidio's, and a file of the user's for it."""

RECOGNIZERS = """
recognizers:
  - name: claims
    supported_entity: CLAIM
    patterns: [{name: claim, regex: 'CLM-[0-9]{6}', score: 0.9}]
"""


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time: what the first downloads and compiles, the others find."""
    bundle_contents.cache(ROOT)
    with (KEPT / "tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def project(folder: Path) -> Path:
    """A config's folder whose `.build` shares what is slow to make with every other test: not archives, nor trees."""
    for name in ("wheels", "parts", "libraries"):
        (KEPT / name).mkdir(parents=True, exist_ok=True)
        (folder / ".build").mkdir(parents=True, exist_ok=True)
        if not (folder / ".build" / name).exists():
            (folder / ".build" / name).symlink_to(KEPT / name)
    return folder


def built(folder: Path, platform: Platform, **inputs: Any) -> Bundle:
    """Skips the test, by name, where the package index cannot be reached."""
    with alone(), reachable():
        return bundle.build(folder=project(folder), platform=platform, python=PYTHON, **inputs)


@contextmanager
def reachable() -> Iterator[None]:
    """What fails inside for want of a package index skips the test."""
    try:
        yield
    except DeployError:
        if _reaches_index():
            raise
        pytest.skip("the package index cannot be reached, and .build holds no wheels: the artifact is not built")


def _reaches_index() -> bool:
    pin = bundle_lock.read(ROOT / "requirements.lock")["idna"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-deps", "-q", "-d", folder]
        done = subprocess.run([*command, f"idna=={pin.version}"], capture_output=True, timeout=120, check=False)
    return done.returncode == 0


def users(folder: Path) -> dict[str, Any]:
    """A policies.toml, a module beside it, and a requirements file for a wheel that no index has."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policies.toml").write_text(CHAIN)
    (folder / "shouting.py").write_text(MODULE)
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\nloud>=1\n")
    source = {"loud/__init__.py": "def loudly(text):\n    return text.upper()\n"}
    wheel(folder / "wheels", "loud", "1.2", {**source, "loud/tests/test_loud.py": "assert True\n"})
    return {
        "policies": folder / "policies.toml",
        "include": (folder / "shouting.py",),
        "requirements": folder / "requirements.txt",
    }


def with_presidio(folder: Path) -> dict[str, Any]:
    """A policies.toml that asks for Presidio, and the file that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policies.toml").write_text(PRESIDIO)
    (folder / "recognizers.yaml").write_text(RECOGNIZERS)
    return {"policies": folder / "policies.toml", "include": (folder / "recognizers.yaml",)}


def wheel(folder: Path, name: str, version: str, files: dict[str, str], *, requires: tuple[str, ...] = ()) -> Path:
    """A wheel for any platform."""
    folder.mkdir(parents=True, exist_ok=True)
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        record = {f"{info}/RECORD": "".join(f"{inside},,\n" for inside in (*files, *metadata))}
        for inside, text in {**files, **metadata, **record}.items():
            archive.writestr(zipfile.ZipInfo(inside, (2020, 1, 1, 0, 0, 0)), text)
    return path


def unpacked(archive: Path, folder: Path) -> Path:
    """As a Runtime unpacks it: with the modes that it says."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
        for entry in opened.infolist():
            os.chmod(folder / entry.filename, (entry.external_attr >> 16) & 0o777)
    return folder


def interpreter() -> str:
    """The interpreter behind any virtual environment, with no packages but those of the path it is given."""
    return os.path.realpath(shutil.which(sys.executable) or sys.executable)
