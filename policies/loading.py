"""policies.toml to entries: an ordered list of `[[policy]]` tables, all that is wrong with them reported at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from policies.finding import PolicyConfigError, config_findings, failed, folder_of, unknown
from policies.hooks import hook_findings
from policies.line import Entry
from policies.naming import BUILTINS, UseError, policy_class, short_name, stands_for
from policies.policy import Policy, Services

__all__ = ["BUILTINS", "DEFAULT", "PolicyConfigError", "announcements", "load", "unmatched_globs"]

DEFAULT: Final = ("sanitize", "redact", "secrets", "audit")
"""The chain that runs without a policies.toml."""

_TAKING: Final = ("redact", "secrets")
MAX_TIMEOUT_MS: Final = 600_000

_KEYS: Final = ("use", "name", "mode", "tools", "on_failure", "timeout_ms", "config")
_CHOICES: Final = {"mode": ("enforce", "shadow", "off"), "on_failure": ("closed", "open")}
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def load(
    path: Path | None,
    services: Services,
    *,
    builtins: Mapping[str, str] = BUILTINS,
    more: Sequence[Mapping[str, Any]] = (),
) -> list[Entry]:
    """The entries of the file at `path`, or of the default chain for None. A file without tables is an empty chain.

    `more` are tables that join the default chain, before `audit`. Users' modules are found beside the file. Raises
    PolicyConfigError with every finding.
    """
    if path is None:
        tables: list[Any] = [{"use": use} for use in DEFAULT]
        tables[-1:-1] = more
        return _Loader("default chain", None, services, builtins).entries(tables)
    return _Loader(str(path), path.resolve().parent, services, builtins).file(path)


def announcements(entries: Sequence[Entry]) -> list[str]:
    """What an operator should be told at start: what of the default is missing, who fails open, watches, is off."""
    said = []
    if absent := [name for name in DEFAULT if not any(stands_for(entry.policy, name) for entry in entries)]:
        are = "is" if len(absent) == 1 else "are"
        said.append(f"{listed(absent)} {are} not in the chain: a policy file replaces the default chain")
    said += _misplaced(entries)
    for entry in entries:
        if entry.mode == "off":
            said.append(f"policy {entry.name} is off")
        elif entry.mode == "shadow":
            said.append(f"policy {entry.name} is in shadow mode: it changes and denies nothing")
        elif entry.on_failure == "open":
            said.append(f"policy {entry.name} fails open: when it breaks, calls and results pass it")
        if entry.mode != "off":
            said += [f"policy {entry.name}: {note}" for note in entry.policy.notes()]
    return said


def _misplaced(entries: Sequence[Entry]) -> Iterator[str]:
    """What stands nearer the client than what would take its work away."""
    taking = [at for at, entry in enumerate(entries) if any(stands_for(entry.policy, name) for name in _TAKING)]
    for at, entry in enumerate(entries):
        if stands_for(entry.policy, "tokenize") and any(other > at for other in taking):
            yield f"policy {entry.name} makes no token of what redact takes first: list it after redact and secrets"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def unmatched_globs(entries: Sequence[Entry], tool_names: Iterable[str]) -> list[tuple[str, str]]:
    """Policy name and glob, for each glob in `tools` that matches none of the names."""
    names = tuple(tool_names)
    return [
        (entry.name, glob)
        for entry in entries
        for glob in entry.tools
        if glob != "*" and not any(fnmatchcase(name, glob) for name in names)
    ]


class _Loader:
    """One reading of one file; `findings` grows as it goes."""

    def __init__(self, source: str, beside: Path | None, services: Services, builtins: Mapping[str, str]) -> None:
        self.source, self.beside, self.builtins = source, beside, builtins
        self.services = replace(services, folder=beside) if beside else services
        self.findings: list[str] = []

    def file(self, path: Path) -> list[Entry]:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise PolicyConfigError([f"{path}: there is no such file"]) from None
        except OSError as error:
            raise PolicyConfigError([f"{path}: cannot be read ({error.strerror})"]) from None
        except UnicodeDecodeError:
            raise PolicyConfigError([f"{path}: not UTF-8"]) from None
        except tomllib.TOMLDecodeError as error:
            raise PolicyConfigError([f"{path}: not valid TOML: {error}"]) from None
        for key in document.keys() - {"policy"}:
            self.findings.append(f"{self.source}: {unknown('key', key, ['policy'])}")
        return self.entries(document.get("policy", []))

    def entries(self, tables: object) -> list[Entry]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.findings.append(f"{self.source}: policy must be a list of tables, each headed [[policy]]")
            tables = []
        built = [self._entry(number, table, name) for number, table, name in self._named(tables)]
        if self.findings:
            raise PolicyConfigError(self.findings)
        return [entry for entry in built if entry is not None]

    def _named(self, tables: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any], str]]:
        """Number, table and name of each; a name that is not given is derived from `use` and made unique."""
        given = [str(table["name"]) for table in tables if "name" in table]
        taken, named = set(given), []
        for number, table in enumerate(tables, 1):
            name = str(table["name"]) if "name" in table else _free(short_name(str(table.get("use", "?"))), taken)
            taken.add(name)
            named.append((number, table, name))
        for name in sorted({name for name in given if given.count(name) > 1}):
            self.findings.append(f"{self.source}: name: {name!r} is given to more than one policy")
        return named

    def _entry(self, number: int, table: Mapping[str, Any], name: str) -> Entry | None:
        where = f"{self.source}: [[policy]] {number} ({name})"
        wrong = [f"{where}: {text}" for text in _table_findings(table)]
        self.findings += wrong
        policy = self._policy(where, table, sound=not wrong)
        if policy is None or wrong:
            return None
        given = {key: table[key] for key in ("mode", "on_failure", "timeout_ms") if key in table}
        given.setdefault("timeout_ms", policy.timeout_ms)
        return Entry(name=name, policy=policy, tools=tuple(table.get("tools", ("*",))), **given)

    def _policy(self, where: str, table: Mapping[str, Any], *, sound: bool) -> Policy | None:
        use, config = table.get("use"), table.get("config", {})
        if not isinstance(use, str) or not isinstance(config, dict):
            return None
        try:
            found = policy_class(use, self.builtins, self.beside)
            misfits = list(hook_findings(found))
            self.findings += [f"{where}: use: {text}" for text in misfits]
            parsed = found.Config.model_validate(config)
            return found(parsed, self.services) if sound and not misfits else None
        except UseError as error:
            self.findings.append(f"{where}: use: {error}")
        except ValidationError as error:
            self.findings += [f"{where}: {text}" for text in config_findings(error, found.Config, config)]
        except Exception as error:  # noqa: BLE001 - code of others: whatever it raises is a finding
            why = failed(error, self.beside or folder_of(found))
            self.findings.append(f"{where}: {found.__name__} cannot be built: {why}")
        return None


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _table_findings(table: Mapping[str, Any]) -> list[str]:
    found = [unknown("key", key, _KEYS) for key in table if key not in _KEYS]
    for key, choices in _CHOICES.items():
        if table.get(key, choices[0]) not in choices:
            found.append(f"{key}: must be one of {', '.join(choices)}")
    checks = {
        "use": (isinstance(table.get("use"), str), "must be given: a policy's name, or 'module:Class'"),
        "name": (_is_name(table.get("name", "x")), "must be 1 to 64 letters, digits, '_', '.' or '-'"),
        "tools": (_are_globs(table.get("tools", ["*"])), "must be a list of at least one glob on tool names"),
        "timeout_ms": (_is_timeout(table.get("timeout_ms", 1)), f"must be a number from 1 to {MAX_TIMEOUT_MS}"),
        "config": (isinstance(table.get("config", {}), dict), "must be a table"),
    }
    return found + [f"{key}: {message}" for key, (sound, message) in checks.items() if not sound]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.match(value) is not None


def _are_globs(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(glob, str) and glob for glob in value)


def _is_timeout(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= MAX_TIMEOUT_MS
