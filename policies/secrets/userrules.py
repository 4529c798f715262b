"""Users' own rules, run over a text: keywords, an expression in linear time, entropy, and what they allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.detect.finding import Finding, Near
from policies.secrets.entropy import entropy
from policies.secrets.gitleaks_regex import Regex

_CHECK_EVERY: Final = 64
_LOOKED_AT: Final = 512
_LINE: Final = 1_024
"""Characters on each side of a match that `regexTarget = "line"` looks at, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """An allowlist: a secret is none if one of these says so (`every`: if each that is given does)."""

    regexes: tuple[Regex, ...] = ()
    target: str = "secret"
    stopwords: tuple[str, ...] = ()
    every: bool = False
    rules: frozenset[str] = frozenset()

    def says(self, secret: str, match: str, line: str) -> bool:
        given: list[bool] = []
        if self.regexes:
            where = {"secret": secret, "match": match, "line": line}[self.target]
            given.append(any(regex.search(where) for regex in self.regexes))
        if self.stopwords:
            lower = secret.lower()
            given.append(any(word in lower for word in self.stopwords))
        return bool(given) and (all(given) if self.every else any(given))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRule:
    """A rule of a user's file, compiled. `least` is the entropy that its secret must exceed, in bits a character."""

    id: str
    regex: Regex
    group: int = 0
    keywords: tuple[str, ...] = ()
    least: float = 0.0
    allows: tuple[Allow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRules:
    """A Finder of SECRET by the rules of users' files. `notes` say what of the files is left out, and why."""

    rules: tuple[UserRule, ...]
    notes: tuple[str, ...] = ()

    @property
    def entities(self) -> frozenset[str]:
        """SECRET alone."""
        return frozenset({"SECRET"})

    def may_hold(self, raw: bytes) -> bool:
        """Whether a rule could match in this JSON: yes, if it has no keyword, or one of its keywords stands there.

        Keywords that JSON may write otherwise, and documents in which letters may be disguised, always count as there.
        """
        if not raw.isascii() or b"\\" in raw or b"&" in raw or b"%" in raw:
            return bool(self.rules)
        lower = raw.lower()
        return any(not rule.keywords or any(word.encode() in lower for word in rule.keywords) for rule in self.rules)

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        """Findings of every rule that has no keyword, or one of whose keywords the text holds."""
        lower = text.lower()
        found: list[Finding] = []
        for rule in self.rules:
            if rule.keywords and not any(word in lower for word in rule.keywords):
                continue
            check()
            for count, match in enumerate(rule.regex.finditer(text)):
                if count % _CHECK_EVERY == 0:
                    check()
                start, end = _secret(match, rule.group)
                if end > start and _stands(rule, text, (start, end), match.span()):
                    found.append(Finding(start, end, "SECRET", 0.95, "shape", rule.id))
        return found


def _secret(match: Any, group: int) -> tuple[int, int]:
    """The group that the rule names; without one, the first that matched something, or else the whole."""
    if group:
        return match.start(group), match.end(group)
    groups = (number for number in range(1, len(match.groups()) + 1) if match.end(number) > match.start(number))
    group = next(groups, 0)
    return match.start(group), match.end(group)


def _stands(rule: UserRule, text: str, secret: tuple[int, int], match: tuple[int, int]) -> bool:
    held = text[slice(*secret)]
    if rule.least and entropy(held[:_LOOKED_AT]) <= rule.least:
        return False
    if not rule.allows:
        return True
    first = max(text.rfind("\n", max(match[0] - _LINE, 0), match[0]) + 1, match[0] - _LINE, 0)
    last = text.find("\n", match[1], match[1] + _LINE)
    line = text[first : last if last >= 0 else match[1] + _LINE]
    return not any(allow.says(held, text[slice(*match)], line) for allow in rule.allows)
