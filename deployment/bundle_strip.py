"""What of a wheel ships: what is imported, read at run time, or asked for by its licence. Pure functions on paths.

A path is one inside the folder that the wheel is unpacked to, with slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

TESTS: Final = frozenset({"tests", "test", "benchmarks"})
"""Folders of a package that nothing runs but its developers."""

_BYTECODE: Final = (".pyc", ".pyo")
_SOURCES: Final = (
    ".pyi",
    ".pyx",
    ".pxd",
    ".pxi",
    ".c",
    ".cc",
    ".cpp",
    ".cu",
    ".h",
    ".hh",
    ".hpp",
    ".a",
    ".proto",
    ".exe",
)
"""What compilers and type checkers read. Only our own dependencies are known not to read it at run time."""
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


def shipped(paths: Iterable[str], *, ours: bool, needs: Needs, tested: bool) -> list[str]:
    """The paths that ship of one wheel, sorted. `ours`: it is locked; `tested`: its folders of tests are imported from
    outside them, so they stay.
    """
    return sorted(path for path in paths if _ships(path, ours=ours, needs=needs, tested=tested))


def imports_tests(sources: Mapping[str, bytes]) -> bool:
    """Whether a source outside a folder of tests imports one inside."""
    return any(_IMPORTS_TESTS.search(text) for path, text in sources.items() if not in_tests(path))


def in_tests(path: str) -> bool:
    return bool(TESTS & set(path.split("/")[:-1]))


def _ships(path: str, *, ours: bool, needs: Needs, tested: bool) -> bool:
    if path.endswith((*_BYTECODE, ".pth")) or "__pycache__" in path.split("/"):
        return False
    head, _, rest = path.partition("/")
    if head.endswith(".dist-info"):
        return rest in _METADATA or rest.startswith("licenses/") or bool(_LICENCE.match(rest.rpartition("/")[2]))
    if in_tests(path) and not tested:
        return False
    if not ours:
        return True
    return not (path.endswith(_SOURCES) or _is_unused_data(path, needs))


def _is_unused_data(path: str, needs: Needs) -> bool:
    if path.startswith(_PHONE_DATA):
        return not needs.phone_data
    if not path.startswith(_BOTO_DATA) or needs.botocore_data:
        return False
    service, _, rest = path.removeprefix(_BOTO_DATA).partition("/")
    return bool(rest) and service not in _SERVICES
