"""The users' dependencies: what their requirements file comes to beside what is locked, for the target.

pip resolves, but with the markers of the machine it runs on. So what it found is walked again with the target's: what
the target lacks is asked for by name, what only this machine would need is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from deployment.bundle_lock import Locked, canonical
from deployment.bundle_target import Target, requirements
from deployment.bundle_wheels import complaints, digest, pip
from deployment.errors import ConfigError, DeployError

_ROUNDS: Final = 8
_NESTED: Final = re.compile(r"^(?:-r|--requirement|(-c|--constraint))[ =]?\s*(.+?)\s*$")
_OPTION: Final = re.compile(r"^(?:-i|--index-url|--extra-index-url|--no-index|-f|--find-links|--trusted-host)\b")
_LOCKED_TO: Final = re.compile(r"The user requested \(constraint\) ([A-Za-z0-9._-]+)==(\S+)")
_DEPENDS: Final = re.compile(r"^\s+(\S+ \S+ depends on .+|The user requested (?!\(constraint\)).+)$", re.MULTILINE)

_Item: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`requirements.txt, line 3`, and what stands there. A constraint asks for nothing."""

    where: str
    text: str
    constraint: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A requirements file with all that it refers to."""

    file: Path
    lines: tuple[Line, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """Lines that say where pip looks."""
        return tuple(line.text for line in self.lines if _OPTION.match(line.text))


def asked(file: Path) -> Asked:
    """Raises ConfigError for a file that cannot be read."""
    return Asked(file=file, lines=tuple(_lines(file, set(), constraint=False)))


def conflicts(asked: Asked, locked: Mapping[str, Locked], target: Target) -> list[str]:
    """Each line that wants another version of what is locked."""
    found = []
    for line in asked.lines:
        wanted = _requirement(line.text)
        pin = locked.get(canonical(wanted.name)) if wanted else None
        if (
            wanted
            and pin
            and target.holds(wanted.marker)
            and not wanted.specifier.contains(pin.version, prereleases=True)
        ):
            found.append(
                f"requirements: {line.where}: {wanted.name}{wanted.specifier} conflicts with {pin.name} {pin.version}, "
                f"which the proxy is locked to: allow that version, or leave {pin.name} out"
            )
    return found


def resolved(asked: Asked, locked: Mapping[str, Locked], target: Target, cache: Path) -> list[Locked]:
    """Pins of everything the file comes to on the target, the locked ones as they are locked, sorted by name.

    Kept in `cache` for the same file and lock. Raises ConfigError, DeployError.
    """
    if wrong := conflicts(asked, locked, target):
        raise ConfigError(wrong)
    told = [
        [line.text for line in asked.lines],
        _local(asked),
        sorted(pin.line for pin in locked.values()),
        target.name,
        target.environment,
    ]
    kept = cache / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]}.json"
    if not kept.exists():
        pins = _resolve(asked, locked, target)
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([[pin.name, pin.version, sorted(pin.hashes), pin.address] for pin in pins]))
    return [
        Locked(name=name, version=version, hashes=frozenset(hashes), address=address)
        for name, version, hashes, address in json.loads(kept.read_text())
    ]


def _local(asked: Asked) -> list[tuple[str, str]]:
    """Names and hashes of the wheels on this machine that its lines lead to: they may change under the same name."""
    named = (Path(asked.file.parent, line.text.split("=")[-1].split()[-1]) for line in asked.lines)
    places = [place for place in named if place.exists()]
    wheels = (wheel for place in places for wheel in (place.glob("*.whl") if place.is_dir() else [place]))
    return sorted((wheel.name, digest(wheel)) for wheel in wheels)


def _resolve(asked: Asked, locked: Mapping[str, Locked], target: Target) -> list[Locked]:
    more: set[str] = set()
    for _ in range(_ROUNDS):
        items = {canonical(item["metadata"]["name"]): item for item in _report(asked, locked, target, sorted(more))}
        reached, missing = _walked(_roots(asked, items, more), items, target)
        if not missing:
            return [locked.get(name) or _pin(name, items[name]) for name in sorted(reached)]
        more |= missing
    raise DeployError(f"requirements: {asked.file.name} could not be resolved for {target.name} in {_ROUNDS} rounds")


def _roots(asked: Asked, items: Mapping[str, _Item], more: Iterable[str]) -> list[requirements.Requirement]:
    """What the lines ask for, and what pip alone can read of them: paths and bare addresses."""
    wanted = [_requirement(line.text) for line in asked.lines if not line.constraint]
    named = [each for each in wanted if each]
    known = {canonical(each.name) for each in (*named, *map(requirements.Requirement, more))}
    unnamed = (name for name, item in items.items() if item.get("requested") and name not in known)
    return [*named, *map(requirements.Requirement, unnamed)]


def _walked(
    roots: Iterable[requirements.Requirement], items: Mapping[str, _Item], target: Target
) -> tuple[set[str], set[str]]:
    """Names that the target needs, and requirements of which pip brought nothing."""
    reached: dict[str, set[str]] = {}
    missing: set[str] = set()
    waiting: list[tuple[requirements.Requirement, tuple[str, ...]]] = [(wanted, ()) for wanted in roots]
    while waiting:
        wanted, extras = waiting.pop()
        name = canonical(wanted.name)
        if not target.holds(wanted.marker, extras):
            continue
        if name not in items:
            missing.add(f"{wanted.name}{_extras(wanted)}{wanted.specifier}")
        elif name not in reached or wanted.extras - reached[name]:
            reached.setdefault(name, set()).update(wanted.extras)
            needs = items[name]["metadata"].get("requires_dist", [])
            waiting += [(requirements.Requirement(need), tuple(reached[name])) for need in needs]
    return set(reached), missing


def _extras(wanted: requirements.Requirement) -> str:
    return f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""


def _report(asked: Asked, locked: Mapping[str, Locked], target: Target, more: Sequence[str]) -> list[_Item]:
    """What pip would install, beside the locked versions. Raises ConfigError with pip's reason."""
    hashed = any("--hash" in line.text for line in asked.lines)
    pins = [pin.line if hashed else f"{pin.name}=={pin.version}" for pin in locked.values()]
    with tempfile.TemporaryDirectory() as folder:
        constraints, report, further = (Path(folder, name) for name in ("constraints.txt", "report.json", "more.txt"))
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        further.write_text("\n".join(more) + "\n", encoding="utf-8")
        command = ["install", "--dry-run", "--ignore-installed", "--target", f"{folder}/nothing", "--report"]
        command += [str(report), "-r", str(asked.file), "-r", str(further), "-c", str(constraints)]
        done = pip(command, target, asked.file.parent)
        if done.returncode:
            raise ConfigError([_refusal(asked, done.stdout + done.stderr) or _told(asked, target, complaints(done))])
        items: list[_Item] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return items


def _refusal(asked: Asked, told: str) -> str:
    """One sentence that names the package, where what is locked stands against what they ask for."""
    versions = dict.fromkeys(f"{name} {version}" for name, version in _LOCKED_TO.findall(told))
    if not versions:
        return ""
    why = "; ".join(dict.fromkeys(line.strip() for line in _DEPENDS.findall(told)))
    return (
        f"requirements: {asked.file.name} conflicts with {', '.join(versions)}, which the proxy is locked to"
        f"{f' ({why})' if why else ''}: choose versions that allow it"
    )


def _told(asked: Asked, target: Target, why: str) -> str:
    return f"requirements: pip cannot resolve {asked.file.name} for {target.name} (wheels only): {why}"


def _pin(name: str, item: _Item) -> Locked:
    """From an item of pip's report. Raises ConfigError for what is not a wheel."""
    came = item["download_info"]
    archive = came.get("archive_info", {})
    sha256 = archive.get("hashes", {}).get("sha256") or str(archive.get("hash", "")).removeprefix("sha256=")
    if not sha256 or not came["url"].partition("#")[0].endswith(".whl"):
        raise ConfigError([f"requirements: {name} is not a wheel: put code of your own into include"])
    address = came["url"].partition("#")[0] if item.get("is_direct") else ""
    return Locked(name=name, version=item["metadata"]["version"], hashes=frozenset({sha256}), address=address)


def _requirement(line: str) -> requirements.Requirement | None:
    """None for an option, or for what only pip can read (a path, a bare address)."""
    text = re.split(r"\s--hash|\s#", line)[0].strip()
    if not text or text.startswith("-"):
        return None
    try:
        return requirements.Requirement(text)
    except requirements.InvalidRequirement:
        return None


def _lines(file: Path, seen: set[Path], *, constraint: bool) -> Iterator[Line]:
    """Each line with those that continue it, nested files included."""
    if file.resolve() in seen:
        return
    seen.add(file.resolve())
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"requirements: {file} cannot be read ({type(error).__name__})"]) from None
    number = 1
    for joined in re.split(r"(?<!\\)\n", text):
        line = joined.replace("\\\n", " ").strip()
        if nested := _NESTED.match(line):
            yield from _lines(file.parent / nested[2], seen, constraint=constraint or bool(nested[1]))
        elif line and not line.startswith("#"):
            yield Line(where=f"{file.name}, line {number}", text=line, constraint=constraint)
        number += joined.count("\n") + 1
