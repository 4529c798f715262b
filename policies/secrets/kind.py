"""A kind of secret: how to tell one of its credentials from everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policies.detect.finding import Why
from policies.detect.rule import Late, Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """At a keyword, `pattern` matches a secret: its group `secret`, or all of the match where there is none.

    `keywords` are lower-case, and each match holds one; only there is the pattern tried. It matches from the start of
    the keyword, or is searched from `back` characters before it, up to `reach` characters behind its start. So it
    takes bounded time, or ends where the next keyword's turn begins. `check` sees the secret and may refuse it.
    `source` names the issuer's document of the shape.
    """

    name: str
    keywords: tuple[str, ...]
    pattern: Pattern
    source: str
    why: Why = "shape"
    confidence: float = 1.0
    check: Callable[[str], bool] | None = None
    back: int = 0
    reach: int = 0


def token(name: str, keywords: str, pattern: str, source: str) -> Kind:
    """A kind whose credentials begin with one of the keywords (parted by spaces), and are random behind it."""
    return Kind(
        name=name,
        keywords=tuple(keywords.split()),
        pattern=Late(rf"(?<![A-Za-z0-9])(?>{pattern})(?![A-Za-z0-9_])"),
        source=source,
        check=varied,
    )


def varied(secret: str) -> bool:
    """Whether its last twelve characters are more than a few over and over: `xxxx`, `0000`, `1234` are no secret's."""
    return len(set(secret[-12:])) > 4 and "..." not in secret
