"""What is put in a value's place, by entity: `replace`, `mask`, `remove`, `hash`, `tokenize`; or `deny`."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from policies.detect.finding import Finding
from policies.model import Json

Action: TypeAlias = Literal["replace", "mask", "remove", "hash", "tokenize", "deny"]

_SHOWN: Final = 4
_LAST_DIGITS: Final = re.compile(r"[0-9]{4}\W{0,3}\Z")
_HASH_BYTES: Final = 10
"""80 bits: two of a billion values are the same once in a million times."""

Seal: TypeAlias = Callable[[str, str, bool], str]
"""The token for a value of an entity; True where the value is a JSON number's text."""


class DeniedError(Exception):
    """A value of an entity was found whose action is `deny`. Holds the entity, never the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """`default` for every entity that `by_entity` does not name. `key` is for `hash`, `seal` for `tokenize`."""

    default: Action = "replace"
    by_entity: Mapping[str, Action] = field(default_factory=dict)
    key: bytes = b""
    seal: Seal | None = None

    @property
    def denies(self) -> bool:
        """Whether any entity's action is `deny`."""
        return self.default == "deny" or "deny" in self.by_entity.values()

    def of(self, entity: str) -> Action:
        return self.by_entity.get(entity, self.default)

    def text(self, value: str, finding: Finding) -> str:
        """What stands for a part of a text. Raises DeniedError."""
        if finding.number:
            return "0"
        return self._made(value, finding.entity, number=False)

    def number(self, digits: str, entity: str) -> Json:
        """What stands for a JSON number. Raises DeniedError."""
        action = self.of(entity)
        if action == "mask":
            return int(digits[-_SHOWN:]) if len(digits) > 2 * _SHOWN else 0
        return 0 if action in ("replace", "remove") else self._made(digits, entity, number=True)

    def _made(self, value: str, entity: str, *, number: bool) -> str:
        action = self.of(entity)
        if action == "deny":
            raise DeniedError(entity)
        if action == "mask":
            return masked(value)
        if action == "remove":
            return ""
        if action == "hash":
            return f"<{entity}:{self._hashed(value, entity)}>"
        if action == "tokenize" and self.seal:
            return self.seal(value, entity, number)
        return f"<{entity}>"

    def _hashed(self, value: str, entity: str) -> str:
        digest = hmac.digest(self.key, f"{entity}\0{value}".encode(errors="surrogatepass"), "sha256")
        return base64.b32encode(digest[:_HASH_BYTES]).decode().lower()


def masked(value: str) -> str:
    """Letters and digits become `*`, but for four digits in a row at the end, where more than as many are hidden."""
    count = sum(map(str.isalnum, value))
    shown = _SHOWN if count > 2 * _SHOWN and _LAST_DIGITS.search(value) else 0
    hide, made = count - shown, []
    for char in value:
        made.append("*" if char.isalnum() and hide > 0 else char)
        hide -= char.isalnum()
    return "".join(made)
