"""Archives that are the same, byte for byte, for the same content; and their limits on AgentCore."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ZIPPED: Final = 250 * 10**6
UNPACKED: Final = 750 * 10**6
"""Bytes that AgentCore Runtime takes at most (direct code deployment, quotas)."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LOADED: Final = (".so", ".dylib", ".pyd")
_SQUEEZED: Final = (".gz", ".whl", ".zip", ".png", ".jpg")
_UNIX: Final = 3


def write(path: Path, files: Mapping[str, Path | bytes], base: Path | None = None) -> None:
    """`files`, or what is to stand in them, by their path inside: sorted, behind all that the archive `base` holds.

    Put in place when it is whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="making-")
    os.close(handle)
    making = Path(name)
    try:
        if base:
            shutil.copyfile(base, making)
        with zipfile.ZipFile(making, "a" if base else "w", strict_timestamps=False) as archive:
            for inside, file in sorted(files.items()):
                content = file if isinstance(file, bytes) else file.read_bytes()
                archive.writestr(_entry(inside), content, compresslevel=6)
        os.replace(making, path)
    finally:
        making.unlink(missing_ok=True)


def unpacked(path: Path) -> int:
    """Bytes of everything in it."""
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def read(path: Path, inside: str) -> bytes:
    """One file of it."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(inside)


def texts(wheel: Path) -> Iterator[str]:
    """The Python sources in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".py"):
                yield archive.read(entry).decode("utf-8", "replace")


def largest(path: Path, most: int = 5) -> str:
    """Its heaviest packages, as `spacy 34.2 MB, numpy 16.0 MB`: for whoever has to make it smaller."""
    weights: dict[str, int] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            first, _, rest = entry.filename.partition("/")
            name = rest.partition("/")[0] if first == "lib" else first
            weights[name] = weights.get(name, 0) + entry.compress_size
    heaviest = sorted(weights.items(), key=lambda each: -each[1])[:most]
    return ", ".join(f"{name} {megabytes(weight)}" for name, weight in heaviest)


def megabytes(size: int) -> str:
    """`61.2 MB`, of a million bytes each."""
    return f"{size / 1e6:.1f} MB"


def _entry(inside: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(inside, _EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = (stat.S_IFREG | (0o755 if is_loaded(inside) else 0o644)) << 16
    entry.compress_type = zipfile.ZIP_STORED if inside.endswith(_SQUEEZED) else zipfile.ZIP_DEFLATED
    return entry


def is_loaded(path: str) -> bool:
    """Whether the dynamic linker loads it: a shared object, with or without a version behind its suffix."""
    name = path.rpartition("/")[2]
    return name.endswith(_LOADED) or ".so." in name
