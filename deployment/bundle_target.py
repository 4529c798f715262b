"""What an artifact is built for: a platform, a minor version of Python, and the interpreter that compiles for it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

try:
    from packaging import markers, requirements, tags, utils
except ModuleNotFoundError:  # a bare Python, as in the first stage of the Dockerfile: pip brings a copy of its own
    from pip._vendor.packaging import markers, requirements, tags, utils  # type: ignore[no-redef]

from deployment.errors import DeployError

__all__ = ["Interpreter", "Platform", "Target", "interpreter", "markers", "requirements", "tags", "target", "utils"]

Platform: TypeAlias = Literal["aarch64", "host"]

_NEWEST_GLIBC: Final = 34
"""Amazon Linux 2023, on which a Runtime unpacks a zip, has glibc 2.34; python's slim images have a newer one."""
_OLDEST_GLIBC: Final = 17
"""The first that has wheels for aarch64 (PEP 599)."""

_ASK: Final = """
import importlib.util, json, sys
magic = importlib.util.MAGIC_NUMBER.hex()
print(json.dumps([sys.implementation.name, sys.version_info[:4], magic, sys.implementation.cache_tag]))
"""
_ASK_S: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A released CPython on this machine."""

    path: str
    version: str
    """`3.11.7`."""
    magic: bytes
    """The first four bytes of what it compiles, the same for every release of a minor version."""
    tag: str
    """`cpython-311`, as in the names of compiled files."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """`platform` is `aarch64` for AgentCore, or `host` for this machine."""

    platform: Platform
    interpreter: Interpreter

    @cached_property
    def minor(self) -> str:
        """`3.11`."""
        return ".".join(self.interpreter.version.split(".")[:2])

    @cached_property
    def abi(self) -> str:
        """`cp311`."""
        return f"cp{self.minor.replace('.', '')}"

    @cached_property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of wheels, the most wanted first."""
        if self.platform == "host":
            return tuple(tags.platform_tags())
        newer = (f"manylinux_2_{minor}_aarch64" for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1))
        return (*newer, "manylinux2014_aarch64")

    @cached_property
    def ranks(self) -> dict[tags.Tag, int]:
        """Every tag of a wheel that may be used; the lower, the better it fits."""
        version = tuple(map(int, self.minor.split(".")))
        own = tags.cpython_tags(version, [self.abi, "abi3", "none"], self.platforms)
        rest = tags.compatible_tags(version, self.abi, self.platforms)
        return {tag: rank for rank, tag in reversed(list(enumerate([*own, *rest])))}

    @cached_property
    def environment(self) -> dict[str, str]:
        """What environment markers (PEP 508) are evaluated with."""
        found = {name: str(value) for name, value in markers.default_environment().items()}
        if self.platform == "aarch64":
            linux = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
            found |= linux | {"platform_machine": "aarch64", "platform_release": "", "platform_version": ""}
        full = self.interpreter.version
        found |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
        return found | {"python_version": self.minor, "python_full_version": full, "implementation_version": full}

    def holds(self, marker: markers.Marker | None, extras: Iterable[str] = ()) -> bool:
        """Whether what carries this marker is meant for here, asked for with one of the extras or without any."""
        return marker is None or any(marker.evaluate({**self.environment, "extra": each}) for each in ("", *extras))

    @cached_property
    def name(self) -> str:
        """As in names of files: `aarch64-cp311`, `host-x86_64-cp311`."""
        return f"{self.platform}-{self.abi}" if self.platform == "aarch64" else f"host-{platform.machine()}-{self.abi}"


def target(platform: Platform, python: str) -> Target:
    """For a minor version as `3.13`. Raises DeployError where no interpreter of that version is to be found."""
    return Target(platform=platform, interpreter=interpreter(python))


def interpreter(python: str) -> Interpreter:
    """The running one where it is of that version, else the one on the PATH."""
    named = [sys.executable, shutil.which(f"python{python}"), shutil.which("python3"), shutil.which("python")]
    for path in dict.fromkeys(filter(None, named)):
        found = _asked(path)
        if found and found.version.split(".")[:2] == python.split("."):
            return found
    raise DeployError(
        f"runtime PYTHON_{python.replace('.', '_')} needs a released Python {python} on this machine, to compile what "
        f"ships: python{python} on the PATH is none. Install it, or set runtime to PYTHON_{sys.version_info.major}_"
        f"{sys.version_info.minor}, which runs this"
    )


def _asked(path: str) -> Interpreter | None:
    """None for what does not answer as a released CPython; a launcher may stand there without a Python behind it."""
    try:
        told = subprocess.run([path, "-I", "-S", "-c", _ASK], capture_output=True, check=True, timeout=_ASK_S).stdout
        kind, version, magic, tag = json.loads(told)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if kind != "cpython" or version[3] != "final":
        return None
    return Interpreter(
        path=os.path.abspath(path), version=".".join(map(str, version[:3])), magic=bytes.fromhex(magic), tag=tag
    )
