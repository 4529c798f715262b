"""The lock file as data: what it pins, for which platforms, and what is there only for the sake of what."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = "mcp-policy-proxy"
"""How the lock names this project among the parents of a distribution."""

_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\\n]*))?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PARENT: Final = re.compile(r"^\s+#(?:\s+via)?\s+([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One distribution at one version. `marker` is empty where it is for everywhere."""

    name: str
    version: str
    hashes: frozenset[str]
    marker: str = ""
    parents: frozenset[str] = frozenset()
    address: str = ""
    """Where it is to be had, for what comes from no index."""

    @property
    def line(self) -> str:
        """As a line of a requirements file, with its hashes and without its marker."""
        pin = f"{self.name} @ {self.address}" if self.address else f"{self.name}=={self.version}"
        return " ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(self.hashes))])


def canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path) -> dict[str, Locked]:
    """By canonical name. Raises ValueError for a file in which nothing is pinned."""
    found = [_locked(block) for block in re.split(r"^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"), flags=re.M)]
    pinned = {each.name: each for each in found if each}
    if not pinned:
        raise ValueError(f"{path}: no distribution is pinned in it")
    return pinned


def without(pinned: Mapping[str, Locked], dropped: Collection[str]) -> dict[str, Locked]:
    """What is left when the project does without these, and so without whatever only they need."""
    kept = {name for name, each in pinned.items() if PROJECT in each.parents and name not in dropped}
    while more := {n for n, each in pinned.items() if n not in kept and n not in dropped and each.parents & kept}:
        kept |= more
    return {name: each for name, each in pinned.items() if name in kept}


def _locked(block: str) -> Locked | None:
    pin = _PIN.match(block)
    if not pin:
        return None
    return Locked(
        name=canonical(pin[1]),
        version=pin[2],
        marker=(pin[3] or "").strip(),
        hashes=frozenset(_HASH.findall(block)),
        parents=frozenset(canonical(name) for name in _PARENT.findall(block)),
    )
