"""Data files that built-in policies name: what does not ship with policies.toml is missed at the proxy's start."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from deployment.chain_tables import tables

_NAMED: Final = (("rules",), ("presidio", "files"))
"""Keys of a config that hold paths from the policy file's folder: of `secrets`, and of what finds personal data."""


def findings(policies: Path, shipped: Collection[str]) -> Iterator[str]:
    """One for each that is not among `shipped`, places in the artifact. A policy that is off reads none."""
    for table in tables(policies):
        for keys in _NAMED if table.built_in and not table.is_off else ():
            named = table.at(*keys)
            for text in named if isinstance(named, list) else ():
                if isinstance(text, str) and (wrong := _wrong(text, policies, shipped)):
                    yield f"{table.where}: {'.'.join(keys)}: {wrong}"


def _wrong(text: str, policies: Path, shipped: Collection[str]) -> str | None:
    place = posixpath.normpath(text)
    if PurePosixPath(place).is_absolute() or place.partition("/")[0] == "..":
        return f"{text} does not lie beside {policies.name}, so it cannot ship: put it there, and add it to include"
    if not (policies.parent / place).is_file():
        return f"there is no file {policies.parent / place}"
    return None if place in shipped else f"{text} would not ship: add it to include in the deployment's config"
