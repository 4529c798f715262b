"""Users' own rules, in the TOML form of gitleaks 8 (README of github.com/gitleaks/gitleaks, "Configuration").

Read of a rule: id, description, regex, secretGroup, keywords, entropy, tags, allowlist(s); of the file: title,
description, minVersion, rules, allowlist(s). Results of tools have neither files nor commits: what asks for them is
refused where it would widen a rule, and noted where leaving it out narrows nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from policies.finding import PolicyConfigError, unknown
from policies.secrets.gitleaks_regex import Regex, compiled
from policies.secrets.userrules import Allow, UserRule, UserRules

_FILE_KEYS: Final = ("title", "description", "minVersion", "rules", "allowlist", "allowlists", "extend")
_RULE_KEYS: Final = (
    *("id", "description", "regex", "secretGroup", "keywords", "entropy", "tags", "path", "skipReport", "required"),
    *("allowlist", "allowlists"),
)
_ALLOW_KEYS: Final = ("description", "condition", "regexes", "regexTarget", "stopwords", "paths", "commits")
_CONDITIONS: Final = {"OR": False, "||": False, "AND": True, "&&": True}
_TARGETS: Final = ("secret", "match", "line")


def load(paths: Sequence[Path]) -> UserRules:
    """The rules of all files. Raises PolicyConfigError with everything that is wrong in any of them."""
    reading = _Reading()
    rules = [rule for path in paths for rule in reading.file(path)]
    if reading.wrong:
        raise PolicyConfigError(reading.wrong)
    return UserRules(rules=tuple(rules), notes=tuple(reading.notes))


class _Reading:
    """One reading of some files; `wrong` and `notes` grow as it goes, and never hold a value of a file."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.notes: list[str] = []
        self._ids: set[str] = set()

    def file(self, path: Path) -> list[UserRule]:
        where = path.name
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            self.wrong.append(f"{where}: cannot be read ({type(error).__name__})")
            return []
        except ValueError:
            self.wrong.append(f"{where}: not TOML in UTF-8")
            return []
        self._keys(where, table, _FILE_KEYS)
        if "extend" in table:
            self.wrong.append(
                f"{where}: extend: is not followed; the built-in kinds run anyway, list other files beside this one"
            )
        shared = self._allows(where, table, targets=True)
        rules = [
            self._rule(where, number, each, shared)
            for number, each in enumerate(self._tables(where, table, "rules"), 1)
        ]
        if not rules and not self.wrong:
            self.wrong.append(f"{where}: rules: there are none")
        return [rule for rule in rules if rule]

    def _rule(self, where: str, number: int, table: Mapping[str, Any], shared: Sequence[Allow]) -> UserRule | None:
        given = table.get("id")
        if not isinstance(given, str) or not given.strip():
            self.wrong.append(f"{where}: rule {number}: id: a text is wanted")
            return None
        where = f"{where}: rule {given!r}"
        if given in self._ids:
            self.wrong.append(f"{where}: id: is there twice")
        self._ids.add(given)
        self._keys(where, table, _RULE_KEYS)
        for key in ("path", "required"):
            if key in table:
                self.wrong.append(f"{where}: {key}: results of tools have no files; take it out, or the whole rule")
        regex = self._regex(where, "regex", table.get("regex"))
        group = self._number(where, table, "secretGroup", 0)
        if regex and not (group.is_integer() and 0 <= group <= regex.groups):
            self.wrong.append(f"{where}: secretGroup: the regex has {regex.groups} groups")
        allows = (*self._allows(where, table), *(allow for allow in shared if not allow.rules or given in allow.rules))
        keywords = tuple(word.lower() for word in self._texts(where, table, "keywords"))
        least = self._number(where, table, "entropy", 0.0)
        if regex is None:
            return None
        if table.get("skipReport"):
            self.notes.append(f"{where}: skipReport: left out, as gitleaks would not report it")
            return None
        return UserRule(id=given, regex=regex, group=int(group), keywords=keywords, least=least, allows=allows)

    def _allows(self, where: str, table: Mapping[str, Any], *, targets: bool = False) -> list[Allow]:
        single = [table["allowlist"]] if isinstance(table.get("allowlist"), Mapping) else []
        if "allowlist" in table and not single:
            single = self._tables(where, table, "allowlist")
        found = (
            self._allow(f"{where}: allowlist {number}", each, targets)
            for number, each in enumerate([*single, *self._tables(where, table, "allowlists")], 1)
        )
        return [allow for allow in found if allow.regexes or allow.stopwords]

    def _allow(self, where: str, table: Mapping[str, Any], targets: bool) -> Allow:
        self._keys(where, table, (*_ALLOW_KEYS, "targetRules") if targets else _ALLOW_KEYS)
        target, condition = table.get("regexTarget") or "secret", table.get("condition") or "OR"
        if target not in _TARGETS:
            self.wrong.append(f"{where}: regexTarget: valid are {', '.join(_TARGETS)}")
            target = "secret"
        every = _CONDITIONS.get(condition.upper()) if isinstance(condition, str) else None
        if every is None:
            self.wrong.append(f"{where}: condition: valid are AND and OR")
        for key in ("paths", "commits"):
            if table.get(key) and every:
                self.wrong.append(f"{where}: {key}: with condition AND it can never hold, as results have no {key}")
            elif table.get(key):
                self.notes.append(f"{where}: {key}: left out, as results of tools have none")
        regexes = [self._regex(where, "regexes", text) for text in self._texts(where, table, "regexes")]
        return Allow(
            regexes=tuple(regex for regex in regexes if regex),
            target=target,
            stopwords=tuple(word.lower() for word in self._texts(where, table, "stopwords")),
            every=bool(every),
            rules=frozenset(self._texts(where, table, "targetRules")),
        )

    def _regex(self, where: str, key: str, text: object) -> Regex | None:
        if not isinstance(text, str) or not text:
            self.wrong.append(f"{where}: {key}: a regular expression is wanted")
            return None
        regex, problem = compiled(text)
        if problem:
            self.wrong.append(f"{where}: {key}: RE2 does not take it: {problem}")
        return regex

    def _keys(self, where: str, table: Mapping[str, Any], valid: Sequence[str]) -> None:
        self.wrong += [f"{where}: {unknown('key', key, valid)}; take it out" for key in table if key not in valid]

    def _tables(self, where: str, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        given = table.get(key, [])
        if isinstance(given, list) and all(isinstance(each, Mapping) for each in given):
            return given
        self.wrong.append(f"{where}: {key}: tables are wanted, [[{key}]]")
        return []

    def _texts(self, where: str, table: Mapping[str, Any], key: str) -> list[str]:
        given = table.get(key, [])
        if isinstance(given, list) and all(isinstance(each, str) and each for each in given):
            return given
        self.wrong.append(f"{where}: {key}: a list of texts is wanted, none of them empty")
        return []

    def _number(self, where: str, table: Mapping[str, Any], key: str, default: float) -> float:
        given = table.get(key, default)
        if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 100:
            return float(given)
        self.wrong.append(f"{where}: {key}: a number is wanted, from 0 to 100")
        return default
