"""The work of a policy that redacts: find, put something else in its place, keep the result valid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from policies.detect.actions import Actions, DeniedError
from policies.detect.engine import Engine
from policies.detect.lanes import OutOfTimeError, deadline
from policies.detect.redaction import Redaction
from policies.detect.replace import NotRedactableError, Schema
from policies.detect.scope import BlobDeniedError, Scope, Spared, TooLargeError, Treatment
from policies.detect.wanted import Wanted
from policies.model import Change, Deny, JsonObject
from policies.text import GrowthError, KeyCollisionError, TooManyValuesError
from policies.tokens.errors import TokenError, UnsealableError
from policies.validation import Validation

if TYPE_CHECKING:
    from policies.presidio.late import LatePresidio

SparedIn: TypeAlias = Callable[[str], Spared | None]
"""For a tool's name: what findings in its calls and results are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_text` in characters of one text, `max_seconds` in seconds of processor time for one body.

    `denial` is the reason of a denial where the action says `deny`.
    """

    max_text: int
    max_seconds: float
    denial: str = "contains_personal_data"


class Worker:
    """Redacts by one configuration, in whatever thread it is called."""

    def __init__(
        self,
        engine: Engine,
        actions: Actions,
        limits: Limits,
        blobs: Sequence[tuple[str, Treatment]] = (),
        spared: SparedIn | None = None,
        late: LatePresidio | None = None,
    ) -> None:
        self.engine, self._late = engine, late
        self._actions, self._limits, self._blobs, self._spared = actions, limits, blobs, spared
        self._own = threading.local()

    def complete(self) -> None:
        """Loads what would be loaded when a text first needs it. Raises PolicyConfigError."""
        if self._late:
            self._late.complete()

    def run(
        self, body: JsonObject, wanted: Wanted, stop: Event, *, inline: bool = False
    ) -> tuple[JsonObject, tuple[Change, ...]] | Deny:
        """The redacted body, the same object where nothing was found, and what was changed. `stop` ends it early.

        `inline` says that others wait meanwhile: then ElsewhereError may be raised. Raises RecognitionError.
        """
        if self._late:
            self._late.begin(inline=inline)
        check = deadline(self._limits.max_seconds, stop)
        redaction = Redaction(self.engine, self._scope(wanted, check), check)
        try:
            new = redaction.run(body, wanted.walk)
            return new, () if new is body else redaction.changes
        except (TooLargeError, TooManyValuesError, GrowthError, OutOfTimeError):
            return Deny("too_large_to_redact")
        except DeniedError as error:
            return Deny(self._limits.denial, str(error))
        except BlobDeniedError as error:
            return Deny("blob_not_allowed", str(error))
        except (UnsealableError, TokenError) as error:
            return Deny(error.reason)
        except (NotRedactableError, KeyCollisionError) as error:
            return Deny("not_redactable", str(error))

    def look(self, body: JsonObject, wanted: Wanted, stop: Event) -> int:
        """How many different values are found in the body. Raises what stops a redaction."""
        check = deadline(self._limits.max_seconds, stop)
        return Redaction(self.engine, self._scope(wanted, check), check).look(body, wanted.walk)

    def _scope(self, wanted: Wanted, check: Callable[[], None]) -> Scope:
        return Scope(
            max_text=self._limits.max_text,
            actions=replace(self._actions, seal=wanted.seal) if wanted.seal else wanted.actions or self._actions,
            schema=Schema(wanted.schema, self._validation(), check) if wanted.schema else None,
            described=wanted.described,
            spoken=wanted.spoken,
            spared=self._spared(wanted.tool) if self._spared else None,
            blobs=self._blobs,
        )

    def _validation(self) -> Validation:
        """The running thread's own: it keeps what it compiled, and is not to be shared."""
        found: Validation | None = getattr(self._own, "validation", None)
        if found is None:
            found = self._own.validation = Validation()
        return found
