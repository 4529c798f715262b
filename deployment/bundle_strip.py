"""What of a wheel ships: what is imported, read at run time, or asked for by its licence. Pure functions on paths.

A path is one inside the folder that the wheel is unpacked to, with slashes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

TESTS: Final = frozenset({"tests", "test", "benchmarks"})
"""Folders of a package that nothing runs but its developers."""

_BYTECODE: Final = (".pyc", ".pyo")
_SOURCES: Final = (".pyx", ".pxd", ".pxi", ".c", ".cc", ".cpp", ".cu", ".h", ".hh", ".hpp", ".a", ".exe")
"""What compilers read. It ships where a source of the wheel names it in quotes, for then it may be read at run time."""
_STUBS: Final = ".pyi"
"""What type checkers read; and lazy_loader, at run time."""
_METADATA: Final = frozenset({"METADATA", "WHEEL", "entry_points.txt"})
"""What importlib.metadata answers from, and the tags the wheel was made for."""
_LICENCE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice|authors|copyright)")
_ANY: Final = rb"(?:tests|test|benchmarks)"
_IMPORTS_TESTS: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+[\w.]*\b%b(?:\.\w+)*[ \t]+import|from[ \t]+[\w.]+[ \t]+import[ \t]+%b\b"
    rb"|import[ \t]+\w[\w.]*\.%b\b)" % (_ANY, _ANY, _ANY),
    re.MULTILINE,
)

_BOTO_DATA: Final = "botocore/data/"
_SERVICES: Final = frozenset(
    {"bedrock-agentcore", "bedrock-agentcore-control", "cognito-idp", "kms", "secretsmanager"}
    | {"signin", "sso", "sso-oidc", "sts"}
)
"""Services that the proxy or botocore's own credentials call."""
_PHONE_DATA: Final = ("phonenumbers/geodata/", "phonenumbers/carrierdata/", "phonenumbers/tzdata/")
"""Places, carriers and time zones of numbers: for phonenumbers.geocoder, .carrier and .timezone alone."""


TRIMMED: Final = frozenset({"botocore", "phonenumbers"})
"""Distributions of which more or less ships, as the users' code needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the users' own code makes necessary, beyond what ours needs."""

    presidio: bool
    botocore_data: bool
    phone_data: bool


def placed(path: str) -> str | None:
    """Where a file of a wheel's archive belongs (PEP 427); None for scripts, headers and data of an installation."""
    first, _, rest = path.partition("/")
    if not first.endswith(".data"):
        return path
    kind, _, inner = rest.partition("/")
    return inner if kind in ("purelib", "platlib") and inner else None


def shipped(paths: Collection[str], sources: Mapping[str, bytes], *, ours: bool, needs: Needs) -> list[str]:
    """The paths that ship of one wheel, sorted. `sources` are the texts of its Python files; `ours`: it is locked."""
    tested = imports_tests(sources)
    text = b"\n".join(sources.values()) if any(path.endswith((*_SOURCES, _STUBS)) for path in paths) else b""

    def ships(path: str) -> bool:
        if _is_of_an_installation(path) or (in_tests(path) and not tested):
            return False
        if not ours:  # nobody here has run it
            return True
        if path.endswith(_SOURCES):
            name = path.rpartition("/")[2].encode()
            return name + b'"' in text or name + b"'" in text
        return not _is_unused_data(path, needs) and (not path.endswith(_STUBS) or b"attach_stub" in text)

    return sorted(path for path in paths if ships(path))


def imports_tests(sources: Mapping[str, bytes]) -> bool:
    """Whether a source outside a folder of tests imports one inside."""
    return any(_IMPORTS_TESTS.search(text) for path, text in sources.items() if not in_tests(path))


def in_tests(path: str) -> bool:
    return bool(TESTS & set(path.split("/")[:-1]))


def _is_of_an_installation(path: str) -> bool:
    """Bytecode of another Python, and records of what an installer has done."""
    if path.endswith((*_BYTECODE, ".pth")) or "__pycache__" in path.split("/"):
        return True
    head, _, rest = path.partition("/")
    if not head.endswith(".dist-info"):
        return False
    return not (rest in _METADATA or rest.startswith("licenses/") or _LICENCE.match(rest.rpartition("/")[2]))


def _is_unused_data(path: str, needs: Needs) -> bool:
    if path.startswith(_PHONE_DATA):
        return not needs.phone_data
    if not path.startswith(_BOTO_DATA) or needs.botocore_data:
        return False
    service, _, rest = path.removeprefix(_BOTO_DATA).partition("/")
    return bool(rest) and service not in _SERVICES
