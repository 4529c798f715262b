"""The regular expressions of users' rules: in Go's syntax, so RE2 runs them, in linear time whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

_MEMORY: Final = 64 << 20
"""Bytes that one expression's automaton may take."""


class Regex(Protocol):
    """What we use of a compiled expression."""

    @property
    def groups(self) -> int:
        """How many groups it has."""
        ...

    def search(self, text: str) -> Any:
        """A match, or None."""
        ...

    def finditer(self, text: str) -> Iterator[Any]:
        """All matches, none overlapping another."""
        ...


def compiled(text: str) -> tuple[Regex | None, str]:
    """The expression, or what RE2 has against it, without a word of the expression. RE2 is only loaded here."""
    import re2

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        regex: Regex = re2.compile(text, options)
    except re2.error as error:
        return None, _reason(str(error.args[0] if error.args else ""))
    return regex, ""


def _reason(said: object) -> str:
    """What RE2 says before the colon: behind it stands a part of the expression."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.removeprefix("b'").partition(":")[0].strip(" '") or "it is not valid"
