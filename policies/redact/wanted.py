"""What is to be redacted of one body: the value that goes from the policy to its threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.model import Json, JsonObject

if TYPE_CHECKING:
    from policies.text import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to redact: how to walk it, and the schema of what stands under the key `described`."""

    walk: Callable[[Walk, JsonObject], JsonObject]
    schema: Json
    described: str
    spoken: str = ""
