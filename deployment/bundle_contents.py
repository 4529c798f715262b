"""What ships, gathered but not yet put together: wheels, the proxy's sources and the users' files, compiled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from deployment import bundle_lock, bundle_parts, bundle_requirements, bundle_users, bundle_zip
from deployment.bundle_lock import Locked
from deployment.bundle_parts import Part
from deployment.bundle_target import Platform, Target, target
from deployment.bundle_users import Users
from deployment.bundle_wheels import Wheel, digest, wheels
from deployment.errors import ConfigError

Tell: TypeAlias = Callable[[str], None]

MANIFEST: Final = "bundle.json"
"""At the artifact's root: which inputs it was made from, for which platform and Python."""

_ROOT: Final = Path(__file__).resolve().parents[1]
_LOCK: Final = _ROOT / "requirements.lock"
_OURS: Final = ("proxy", "policies")
_DEPLOYER: Final = "boto3"
_PRESIDIO: Final = "presidio-analyzer"
_NEVER: Final = ("pip", "setuptools", "wheel")
"""Named by others, and imported by nothing that runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What an artifact is made from. `folder` is the config's: `.build` is made in it."""

    folder: Path
    python: str
    """A minor version, as `3.13`."""
    policies: Path | None = None
    include: tuple[Path, ...] = ()
    requirements: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that ships, as folders and files on this machine, before it is put together."""

    target: Target
    libraries: tuple[Part, ...]
    """Of the lock."""
    added: tuple[Part, ...]
    """Of the users' requirements."""
    proxy: Part
    users: Part
    left_out: tuple[str, ...]
    inputs: str
    """Hash of what it is made from, the same for every platform."""

    @property
    def key(self) -> str:
        """Of all of it, for names of files."""
        entry = hashed((_ROOT / "deployment" / "main.py").read_text(encoding="utf-8"))
        parts = [part.key for part in (*self.added, self.proxy, self.users)]
        return hashed([self.target.name, self.inputs, entry, self.libraries_key, parts])[:20]

    @property
    def libraries_key(self) -> str:
        """Of the libraries alone."""
        return hashed([part.key for part in self.libraries])[:20]

    def rest(self) -> dict[str, Path | bytes]:
        """Everything but the libraries. What one of those brings already, nothing takes the place of."""
        manifest = {"inputs": self.inputs, "platform": self.target.platform, "python": self.target.minor}
        # As bytes: a link to a file that somebody edits would change what was built from it.
        fixed = {
            MANIFEST: json.dumps(manifest).encode(),
            "LICENSE": (_ROOT / "LICENSE").read_bytes(),
            "main.py": (_ROOT / "deployment" / "main.py").read_bytes(),
        }
        libraries = bundle_parts.united(self.libraries)
        beside = bundle_parts.united([self.proxy, *self.added])
        files = {f"lib/{path}": file for path, file in beside.items() if path not in libraries}
        return {**fixed, **files, **self.users.files()}

    def lib(self) -> dict[str, Path | bytes]:
        """The libraries, by their paths inside the artifact."""
        return {f"lib/{path}": file for path, file in bundle_parts.united(self.libraries).items()}


def gathered(inputs: Inputs, platform: Platform, tell: Tell = lambda _: None) -> Contents:
    """Wheels, sources and the users' files, downloaded, stripped and compiled. Raises as `build` does."""
    kept, place = cache(inputs.folder), target(platform, inputs.python)
    users = bundle_users.collected(inputs.policies, inputs.include, inputs.folder)
    locked = bundle_lock.read(_LOCK)
    asked = bundle_requirements.asked(inputs.requirements) if inputs.requirements else None
    pins = bundle_requirements.resolved(asked, locked, place, kept / "resolved") if asked else []
    theirs = [pin for pin in pins if pin.name not in locked]
    options, beside = (asked.options, asked.file.parent) if asked else ((), None)
    added = wheels(theirs, place, kept / "wheels", tell=tell, options=options, beside=beside)
    needs = bundle_users.needs(inputs.policies, [*bundle_users.sources(users.files), *_texts(added)])
    wanted = {pin.name: pin for pin in pins if pin.name in locked} | _own(locked, presidio=needs.presidio)
    ours = wheels(wanted.values(), place, kept / "wheels", tell=tell)
    every = [*((wheel, True) for wheel in ours), *((wheel, False) for wheel in added)]
    parts = bundle_parts.of_wheels(every, needs, place.interpreter, kept / "parts", tell)
    _must_not_shadow(parts[len(ours) :])
    proxy = bundle_parts.of_sources("proxy", _sources(), place.interpreter, kept / "parts")
    told = [digest(_LOCK), place.minor, proxy.key, _told(users), [line.text for line in asked.lines] if asked else []]
    return Contents(
        target=place,
        libraries=tuple(parts[: len(ours)]),
        added=tuple(parts[len(ours) :]),
        proxy=proxy,
        users=bundle_parts.of_sources("include", users.files, place.interpreter, kept / "parts"),
        left_out=tuple(users.left_out),
        inputs=hashed(told),
    )


def _own(locked: dict[str, Locked], *, presidio: bool) -> dict[str, Locked]:
    """What the proxy needs to run: the lock without the deployer's part, and without Presidio's where it is unused."""
    kept = bundle_lock.without(locked, {_DEPLOYER} if presidio else {_DEPLOYER, _PRESIDIO})
    return {name: pin for name, pin in kept.items() if name not in _NEVER}


def _sources() -> dict[str, Path]:
    """The proxy's own, by their paths in `lib`."""
    found = (path for name in _OURS for path in (_ROOT / name).rglob("*.py"))
    return {path.relative_to(_ROOT).as_posix(): path for path in sorted(found)}


def _texts(added: Sequence[Wheel]) -> Iterator[str]:
    """Sources of the users' dependencies: what those import, the users' code needs as well."""
    for wheel in added:
        yield from bundle_zip.texts(wheel.path)


def _must_not_shadow(theirs: Sequence[Part]) -> None:
    """Raises ConfigError for a dependency that brings a package called as one of ours."""
    found = [
        f"requirements: {part.name} brings a package called {name}, which is the proxy's own name: leave it out"
        for part in theirs
        for name in sorted({path.partition("/")[0].removesuffix(".py") for path in part.files()} & set(_OURS))
    ]
    if found:
        raise ConfigError(found)


def _told(users: Users) -> list[tuple[str, str]]:
    return [(place, digest(file)) for place, file in sorted(users.files.items())]


def cache(folder: Path) -> Path:
    """Where everything is kept that a build makes; git, and what heeds it, looks past it."""
    kept = folder.resolve() / ".build"
    if not (kept / ".gitignore").exists():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / ".gitignore").write_text("*\n", encoding="utf-8")
    return kept


def hashed(told: object) -> str:
    """SHA-256 in hex of what JSON can hold."""
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
