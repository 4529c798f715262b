"""policies.toml as the deployer reads it: its tables, with no policy loaded. What is wrong with them, `check` says.

The standard library alone: an image's build reads it too, where nothing else is installed yet.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BUILT_IN: Final = frozenset(
    {"sanitize", "redact", "secrets", "tokenize", "audit"}
    | {"policies.sanitize:Sanitize", "policies.redact:Redact", "policies.secrets:Secrets"}
    | {"policies.tokenize:Tokenize", "policies.audit:Audit"}
)
"""Names and addresses of the policies that are ours (`policies.naming.BUILTINS`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A `[[policy]]`. `where` names it in findings; `built_in`: its code is ours, so that its keys mean what we say."""

    where: str
    built_in: bool
    is_off: bool
    config: Mapping[str, object]

    def at(self, *keys: str) -> object:
        """What its config holds under `keys`, one inside the other; None where there is nothing."""
        found: object = self.config
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def tables(policies: Path | None) -> tuple[Table, ...]:
    """Those of a file, in its order; none where there is no file, or none that can be read."""
    try:
        document: dict[str, object] = tomllib.loads(policies.read_text(encoding="utf-8")) if policies else {}
    except (OSError, ValueError):
        return ()
    found = document.get("policy")
    numbered = enumerate(found if isinstance(found, list) else [], 1)
    return tuple(_table(policies, number, each) for number, each in numbered if isinstance(each, dict))


def _table(policies: Path | None, number: int, table: Mapping[str, object]) -> Table:
    use, config = str(table.get("use", "")), table.get("config")
    return Table(
        where=f"{policies}: [[policy]] {number} ({table.get('name') or use})",
        built_in=use in BUILT_IN,
        is_off=table.get("mode") == "off",
        config=config if isinstance(config, dict) else {},
    )
