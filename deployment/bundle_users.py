"""The users' own files: policies.toml, and the modules and folders beside it that `include` names.

They ship at the places they have beside policies.toml, where they are found on any machine. Nothing is followed out
of that folder, and nothing that looks like a secret ships.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from deployment import chain_files
from deployment.bundle_strip import TESTS, Needs
from deployment.chain_tables import tables
from deployment.errors import ConfigError

POLICIES: Final = "policies.toml"
OURS: Final = frozenset({"lib", "main.py", "proxy", "policies", "bundle.json"})
"""Names at the artifact's root, or on the path before the users' files."""

_SECRETS: Final = (
    *(".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx"),
    *("credentials", "credentials.*", "*credentials*.json", "id_rsa*", "id_ecdsa*", "id_ed25519*"),
    *(".netrc", ".pypirc", ".pgpass", ".htpasswd", ".aws", ".ssh", ".gnupg", "secrets", "secrets.*", "client_secret*"),
    *("secret", "secret.*", "*[-_]secret", "*[-_]secret.*", "password", "password.txt", "passwords.txt", "token"),
    *(
        "token.txt",
        "token.json",
        "service[-_]account*.json",
        "kubeconfig",
        "*.tfstate",
        "*.tfstate.*",
        "*.tfvars",
        "*.ppk",
    ),
)
_ADVICE: Final = "keep it out of the folder, and let the policy read it by reference, from Secrets Manager"
_LEFT_OUT: Final = ("__pycache__", "*.py[co]", "node_modules", "*.egg-info", "test_*.py", "conftest.py")
_PRESIDIO: Final = re.compile(r"presidio|\bload_model_from_init_py\b")
"""The latter is in every packaged spaCy model (https://spacy.io/api/cli#package), and with one Presidio is used."""
_BOTO: Final = re.compile(r"\b(?:boto3|botocore)\b")
_PHONES: Final = re.compile(r"\bphonenumbers\b")


@dataclass(slots=True, kw_only=True)
class Users:
    """Their files by the place they ship to, and what was left out of the folders they named."""

    files: dict[str, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def collected(policies: Path | None, include: Sequence[Path], folder: Path) -> Users:
    """Their files. `folder` is what include paths lie in where there is no policies.toml. Raises ConfigError."""
    users = Users()
    base = (policies.parent if policies else folder).resolve()
    if policies:
        _policies(policies, users)
    for path in include:
        _included(path, base, users)
    if policies and not users.findings:
        users.findings += chain_files.findings(policies, users.files)
    if users.findings:
        raise ConfigError(users.findings)
    return users


def needs(policies: Path | None, sources: Iterable[str]) -> Needs:
    """What a chain and the users' code (texts of their sources, and of their dependencies') make necessary."""
    texts = list(sources)
    return Needs(
        presidio=any(isinstance(table.at("presidio"), dict) for table in tables(policies))
        or any(map(_PRESIDIO.search, texts)),
        botocore_data=any(map(_BOTO.search, texts)),
        phone_data=any(map(_PHONES.search, texts)),
    )


def sources(files: dict[str, Path]) -> Iterator[str]:
    """Texts of the Python files."""
    for place, file in files.items():
        if place.endswith(".py"):
            yield file.read_text(encoding="utf-8", errors="replace")


def _policies(policies: Path, users: Users) -> None:
    """It ships as policies.toml, whatever it is called here."""
    try:
        if policies.is_symlink():
            users.findings.append(f"policies: {policies} is a symbolic link: name the file itself")
        tomllib.loads(policies.read_text(encoding="utf-8"))
    except OSError as error:
        users.findings.append(f"policies: {policies} cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        users.findings.append(f"policies: {policies} is not UTF-8")
    except tomllib.TOMLDecodeError as error:
        users.findings.append(f"policies: {policies} is not valid TOML: {error}")
    else:
        users.files[POLICIES] = policies


def _included(path: Path, base: Path, users: Users) -> None:
    if path.is_symlink():
        users.findings.append(f"include: {path} is a symbolic link: name what it leads to")
        return
    if not path.exists():
        users.findings.append(f"include: there is no {path}")
        return
    if not path.resolve().is_relative_to(base):
        users.findings.append(
            f"include: {path} lies outside {base}: what ships keeps its place beside policies.toml, so put it there"
        )
        return
    where = path.resolve().relative_to(base)
    for file in [path] if path.is_file() else _walked(path, users):
        _file(file, (where / file.relative_to(path)).as_posix() if path.is_dir() else where.as_posix(), users)


def _walked(folder: Path, users: Users) -> Iterator[Path]:
    """Files below, in order."""
    for name in sorted(os.listdir(folder)):
        path = folder / name
        if _is_secret(name):
            users.findings.append(f"include: {path} looks like a secret: {_ADVICE}")
        elif path.is_symlink():
            users.findings.append(f"include: {path} is a symbolic link: put what it leads to there, or move it out")
        elif _is_left_out(path):
            users.left_out.append(str(path))
        elif path.is_dir():
            yield from _walked(path, users)
        elif path.is_file():
            yield path
        else:
            users.findings.append(f"include: {path} is neither a file nor a folder")


def _file(path: Path, place: str, users: Users) -> None:
    first = place.partition("/")[0]
    if _is_secret(path.name):
        users.findings.append(f"include: {path} looks like a secret: {_ADVICE}")
    elif first.lower() in OURS or first.lower().removesuffix(".py") in OURS:
        wrong = f"include: {path} would take the place of the proxy's own {first}: give it another name"
        if wrong not in users.findings:
            users.findings.append(wrong)
    elif place == POLICIES and not _is_same(users.files.get(POLICIES), path):
        users.findings.append(
            f"include: {path} is not the chain that ships as {POLICIES}: name it as policies, or move it"
        )
    else:
        users.files[place] = path


def _is_same(known: Path | None, path: Path) -> bool:
    return known is not None and known.samefile(path)


def _is_secret(name: str) -> bool:
    return not name.endswith(".py") and any(fnmatchcase(name.lower(), glob) for glob in _SECRETS)


def _is_left_out(path: Path) -> bool:
    """Caches, tests, and whatever hides behind a dot (.git, .venv, .idea)."""
    name = path.name
    if name.startswith(".") or any(fnmatchcase(name, glob) for glob in _LEFT_OUT):
        return True
    return path.is_dir() and (name in TESTS or (path / "pyvenv.cfg").exists())
