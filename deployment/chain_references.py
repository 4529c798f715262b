"""Keys that a chain names by reference (forms: `proxy.key_rings`), and what the runtime's role needs to read them.

Looked at are `keys`, `tokens.keys` and `hash_key` of every policy's config that is not off; a value that is none of
those forms gives the role nothing, so no pattern gets into its permissions from here. No message repeats a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment.chain_tables import Table, tables
from proxy.key_rings import EPHEMERAL, unusable_ring
from proxy.references import unusable

_RINGS: Final = (("keys",), ("tokens", "keys"))
_SECRETS: Final = (("hash_key",),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """ARNs, each once and sorted: secrets to read, KMS keys (or aliases of them) to decrypt with."""

    secrets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def needed(policies: Path | None) -> Needed:
    """What opening the chain of this file asks of Secrets Manager and of KMS."""
    secrets, keys = set(), set()
    for _, _, text in _given(policies):
        if unusable_ring(text):
            continue
        if text.startswith("kms:"):
            key, _, text = text.removeprefix("kms:").partition("#")
            keys.add(key)
        if text.startswith("arn:"):
            secrets.add(text.partition("#")[0])
    return Needed(secrets=tuple(sorted(secrets)), keys=tuple(sorted(keys)))


def findings(policies: Path | None) -> Iterator[str]:
    """References that no deployed proxy could use; of policies that are not ours, those to a key of one process."""
    for table, keys, text in _given(policies):
        where = f"{table.where}: {'.'.join(keys)}"
        if text == EPHEMERAL:
            yield (
                f"{where}: {EPHEMERAL} is a key of one process, and what it seals would end with each instance: put a "
                "ring into Secrets Manager (`python -m proxy keys new` makes a line of it) and give its ARN"
            )
        elif table.built_in and (wrong := (unusable_ring if keys in _RINGS else unusable)(text)):
            yield f"{where}: {wrong}"


def _given(policies: Path | None) -> Iterator[tuple[Table, tuple[str, ...], str]]:
    for table in tables(policies):
        for keys in (*_RINGS, *_SECRETS) if not table.is_off else ():
            text = table.at(*keys)
            if isinstance(text, str):
                yield table, keys, text
