"""What is to be redacted of one body: the value that goes from a policy to whatever does the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.model import Json, JsonObject

if TYPE_CHECKING:
    from policies.detect.actions import Actions, Seal
    from policies.text import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to walk the body, and the schema of what stands under the key `described`.

    `tool` is the tool's name, empty for other methods; `spoken` the address that the caller asked for; `seal` makes
    tokens for this caller; `actions` take the place of the worker's.
    """

    walk: Callable[[Walk, JsonObject], JsonObject]
    schema: Json = None
    described: str = "structuredContent"
    tool: str = ""
    spoken: str = ""
    seal: Seal | None = None
    actions: Actions | None = None
