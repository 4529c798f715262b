"""What one redaction is about: its data's schema, what is done with each entity, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from policies.detect.actions import Actions
from policies.detect.replace import Schema
from policies.text import Where

Treatment: TypeAlias = Literal["pass", "scan", "deny"]
Spared: TypeAlias = Callable[[Where, str, str], bool]
"""Whether a finding is left alone, by its place, its entity and its rule's name."""


class TooLargeError(Exception):
    """A text is longer than may be looked at."""


class BlobDeniedError(Exception):
    """A blob of a kind that may not pass. Holds its MIME type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is redacted. `schema` describes the data under the top-level key `described`; None when nothing does.

    `spoken` is the address that the caller itself asked for. `max_text` is in characters. `blobs` are globs of MIME
    types, the first that matches counts; what none matches passes.
    """

    max_text: int
    actions: Actions = field(default_factory=Actions)
    schema: Schema | None = None
    described: str = "structuredContent"
    spoken: str = ""
    spared: Spared | None = None
    blobs: Sequence[tuple[str, Treatment]] = ()
