"""The work of `redact`, done in its threads: find, replace, keep the result valid."""

from __future__ import annotations

import threading
from threading import Event
from typing import TYPE_CHECKING

from policies.model import Change, Deny, JsonObject
from policies.redact.engine import load
from policies.redact.lanes import OutOfTimeError, deadline
from policies.redact.redaction import Redaction, Scope, TooLargeError
from policies.redact.replace import NotRedactableError, Schema
from policies.redact.wanted import Wanted
from policies.text import GrowthError, KeyCollisionError, TooManyValuesError
from policies.validation import Validation

if TYPE_CHECKING:
    from policies.redact import RedactConfig


class Worker:
    """Redacts by one configuration. Making one imports Presidio, which takes a second or two."""

    def __init__(self, config: RedactConfig) -> None:
        self._config = config
        self._engine = load(config.entities, config.threshold)
        self._own = threading.local()

    def run(self, body: JsonObject, wanted: Wanted, stop: Event) -> tuple[JsonObject, tuple[Change, ...]] | Deny:
        """The redacted body, the same object where nothing was found, and what was changed. `stop` ends it early."""
        check = deadline(self._config.max_seconds, stop)
        scope = Scope(
            entities=frozenset(self._config.entities),
            max_text=self._config.max_text,
            schema=Schema(wanted.schema, self._validation(), check) if wanted.schema else None,
            described=wanted.described,
            spoken=wanted.spoken,
        )
        redaction = Redaction(self._engine, scope, check)
        try:
            return redaction.run(body, wanted.walk), redaction.changes
        except (TooLargeError, TooManyValuesError, GrowthError, OutOfTimeError):
            return Deny("too_large_to_redact")
        except (NotRedactableError, KeyCollisionError) as error:
            return Deny("not_redactable", str(error))

    def _validation(self) -> Validation:
        """The running thread's own: it keeps what it compiled, and is not to be shared."""
        found: Validation | None = getattr(self._own, "validation", None)
        if found is None:
            found = self._own.validation = Validation()
        return found
