"""`secrets`: credentials, found by their issuers' shapes and by the names they stand under, never pass.

Results, errors, notices, prompts, resources and tools' descriptions lose them; a call that carries one is denied
(`arguments`). What may stay, by tool, place and kind, is an exemption with its reason, which `check` shows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from pydantic import Field, field_validator

from policies.detect.detecting import Detecting
from policies.detect.wanted import Wanted
from policies.finding import PolicyConfigError, unknown
from policies.jsontext import dumps
from policies.model import ALLOW, Call, JsonObject
from policies.policy import CallDecision, PolicyConfig, Services
from policies.secrets.exemption import Exemption, ExemptionConfig
from policies.text import path

if TYPE_CHECKING:
    from policies.detect.scope import Spared
    from policies.detect.work import SparedIn, Worker
    from policies.secrets.finder import SecretFinder
    from policies.secrets.userrules import UserRules

_CUT: Final = re.compile(r"\\(?:/|u00|[bfnrt][A-Za-z0-9+/_-]{16}|(?<=[A-Za-z0-9+/_-]{16}\\)\\{0,7}[nr])")
_ESCAPE: Final = re.compile(r"\\++(?:u([0-9a-fA-F]{4})|([bfnrt]))?")
Gates: TypeAlias = tuple[Callable[[bytes], bool], ...]

__all__ = ["Secrets", "SecretsConfig"]

SECRET = "SECRET"


class SecretsConfig(PolicyConfig):
    """`rules` are files in gitleaks' TOML form, beside the policy file; `builtin = false` leaves our own rules out.

    `max_text` is in characters of one text, `max_bytes` in bytes of the compact JSON of a result or of params,
    `max_seconds` is processor time for one body.
    """

    arguments: Literal["deny", "redact", "pass"] = "deny"
    results: Literal["redact", "deny"] = "redact"
    action: Literal["replace", "mask", "remove"] = "replace"
    builtin: bool = True
    rules: tuple[Path, ...] = ()
    exempt: tuple[ExemptionConfig, ...] = ()
    max_text: int = Field(default=2 << 20, ge=1)
    max_bytes: int = Field(default=2 << 20, ge=1)
    max_seconds: float = Field(default=2.0, gt=0)

    @field_validator("exempt")
    @classmethod
    def _name_something(cls, exempt: tuple[ExemptionConfig, ...]) -> tuple[ExemptionConfig, ...]:
        for each in exempt:
            each.exemption()
        return exempt


class Secrets(Detecting):
    """Denies with `contains_secret`, `too_large_to_redact` over a cap or over time, and `not_redactable` when no valid
    result is left.
    """

    Config: ClassVar[type[PolicyConfig]] = SecretsConfig
    config: SecretsConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._gates: Gates = ()
        self._users: UserRules | None = None
        self._finders: Sequence[SecretFinder | UserRules] = ()

    def notes(self) -> Sequence[str]:
        """The exemptions, with their reasons."""
        return tuple(_told(each) for each in self.config.exempt)

    async def open(self) -> None:
        """Raises PolicyConfigError for users' rules that cannot be used."""
        wrong = () if self.config.rules else _unknown_kinds(self.config.exempt)
        if wrong:
            raise PolicyConfigError(wrong)
        if self.config.rules:
            from policies.secrets.gitleaks import load

            self._users = await asyncio.to_thread(load, [self.services.folder / file for file in self.config.rules])
        from policies.detect import actions, encoded  # noqa: F401  what the first call needs, before a thread imports more
        from policies.secrets.finder import SecretFinder

        # Their gates are there at once: no call waits for rules that could not find anything in it.
        self._finders = [*([SecretFinder()] if self.config.builtin else []), *([self._users] if self._users else [])]
        self._gates = tuple(finder.may_hold for finder in self._finders)
        await super().open()

    @property
    def _most_bytes(self) -> int:
        return self.config.max_bytes

    def _load(self) -> Worker:
        from policies.detect.actions import Actions
        from policies.detect.config import SCANNED
        from policies.detect.engine import Engine
        from policies.detect.keynames import KeyNames
        from policies.detect.work import Limits, Worker

        config = self.config
        return Worker(
            Engine(self._finders, KeyNames(()), (SECRET,)),
            Actions(default=config.action if config.results == "redact" else "deny"),
            Limits(max_text=config.max_text, max_seconds=config.max_seconds, denial="contains_secret"),
            tuple(SCANNED.items()),
            spared=_sparing(tuple(each.exemption() for each in config.exempt)),
        )

    def _plain(self, body: JsonObject) -> bool:
        return bool(self._gates) and not may_hold(dumps(body), self._gates)

    def _plain_text(self, text: str) -> bool:
        return bool(self._gates) and not may_hold(dumps(text), self._gates)

    def _harmless(self, raw: bytes, worker: Worker) -> bool:
        return not may_hold(raw, self._gates)

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        if self.config.arguments == "pass":
            return ALLOW
        return self._decide(call.params, call.with_params, self._of_call(call))

    def _of_call(self, call: Call) -> Wanted:
        from policies.detect.actions import Actions

        denying = self.config.arguments == "deny"
        return replace(super()._of_call(call), actions=Actions(default="deny" if denying else self.config.action))


def _unknown_kinds(exempt: Sequence[ExemptionConfig]) -> tuple[str, ...]:
    """Globs that match no kind of ours. Users' own rules may be called anything."""
    if not any(each.kinds for each in exempt):
        return ()
    from policies.secrets.kinds import KINDS, NAMED

    known = {NAMED, *(kind.name for kind in KINDS)}
    return tuple(
        f"exempt {number}: {unknown('kind', glob, known)}"
        for number, each in enumerate(exempt, 1)
        for glob in each.kinds
        if not any(fnmatchcase(name, glob) for name in known)
    )


def _told(exempt: ExemptionConfig) -> str:
    named = (("tools", exempt.tools), ("paths", exempt.paths), ("kinds", exempt.kinds))
    what = "; ".join(f"{name} {', '.join(globs)}" for name, globs in named if globs)
    return f"secrets may stay in {what}: {exempt.reason}"


def _sparing(exemptions: Sequence[Exemption]) -> SparedIn | None:
    """For a tool's name, whether a finding is exempt."""
    if not exemptions:
        return None

    def spared_in(tool: str) -> Spared:
        return lambda where, entity, rule: any(each.matches(tool, path(where), rule) for each in exemptions)

    return spared_in


def may_hold(raw: bytes, gates: Gates, depth: int = 3) -> bool:
    """Whether a document may hold a secret, in its text or in base64 within it."""
    if any(gate(raw) for gate in gates):
        return True
    from policies.detect.encoded import encoded

    runs = chain.from_iterable(map(encoded, _readings(raw.decode(errors="replace")))) if depth else ()
    return any(may_hold(run.text.encode(errors="replace"), gates, depth - 1) for run in runs)


def _readings(document: str) -> Iterator[str]:
    """The document, and the same as its texts may read: an escape's letter is none of the base64 behind it."""
    yield document
    if "\\" in document and _CUT.search(document):
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "\n" if found[2] else "", document)
