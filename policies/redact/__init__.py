"""`redact`: takes personal data out of results, with Presidio's patterns and what the keys' names say; no model.

It covers content and structured content of results, JSON inside a text, errors, notices, prompts and resources; calls
(arguments and inputs) only where `arguments = true`. Tool definitions are left alone. Which tools it covers is the
chain's `tools` globs. It works in one thread of its own, off the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import ClassVar, Final, TypeVar

from pydantic import Field, field_validator

from policies.jsontext import dumps
from policies.model import ALLOW, Allow, Call, Change, Deny, Json, JsonObject, Modify, Result
from policies.policy import CallDecision, Policy, PolicyConfig, ResultDecision, Services
from policies.redact.engine import ENTITIES, Engine, load
from policies.redact.redaction import Redaction, TooLargeError
from policies.redact.replace import NotRedactableError, Schema
from policies.text import KeyCollisionError, Walk
from policies.validation import Validation

__all__ = ["Redact", "RedactConfig"]

_T = TypeVar("_T", Call, Result)
_UNTOUCHED: Final = frozenset({"tools/list", "initialize", "server/discover"})
_DIGITS: Final = b"0123456789"


class RedactConfig(PolicyConfig):
    """`max_text` is in characters of one text, `max_bytes` in bytes of the compact JSON of a result or of params."""

    entities: tuple[str, ...] = ENTITIES
    threshold: float = Field(default=0.4, ge=0, le=1)
    arguments: bool = False
    max_text: int = Field(default=256 * 1024, ge=1)
    max_bytes: int = Field(default=2 << 20, ge=1)
    max_seconds: float = Field(default=10.0, gt=0)

    @field_validator("entities")
    @classmethod
    def _known(cls, entities: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(entities) - set(ENTITIES))
        if unknown or not entities:
            raise ValueError(f"unknown: {', '.join(unknown) or 'none given'}; known: {', '.join(ENTITIES)}")
        return entities


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to redact: how to walk it, and the schema of what stands under the key `described`."""

    walk: Callable[[Walk, JsonObject], JsonObject]
    schema: Json
    described: str
    spoken: str = ""


class Redact(Policy):
    """Denies with `too_large_to_redact` over a cap or over time, and `not_redactable` when no valid result is left."""

    Config: ClassVar[type[PolicyConfig]] = RedactConfig
    timeout_ms: ClassVar[float] = 15_000.0
    """Results that come before Presidio is loaded wait for it."""
    config: RedactConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._thread: ThreadPoolExecutor | None = None
        self._engine: Future[Engine] | None = None
        self._validation = Validation()

    async def open(self) -> None:
        """Starts loading Presidio; what comes before it is loaded waits, and a failure to load denies."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="redact")
        self._engine = self._thread.submit(load, self.config.entities, self.config.threshold)

    async def close(self) -> None:
        if self._thread:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        if not self.config.arguments:
            return ALLOW
        schema = call.tool.input_schema if call.tool else None
        return self._decide(call.params, call.with_params, Work(walk=Walk.call, schema=schema, described="arguments"))

    def on_result(self, call: Call, result: Result) -> ResultDecision | Awaitable[ResultDecision]:
        if call.method in _UNTOUCHED and not (result.error or result.notice):
            return ALLOW
        schema = call.tool.output_schema if call.tool and not (result.is_error or result.notice) else None
        work = Work(walk=Walk.result, schema=schema, described="structuredContent", spoken=call.name)
        return self._decide(result.body, result.with_body, work)

    def _decide(
        self, body: JsonObject, wrap: Callable[[JsonObject], _T], work: Work
    ) -> Allow | Deny | Awaitable[Allow | Modify | Deny]:
        raw = dumps(body)
        if _harmless(raw):
            return ALLOW
        return Deny("too_large_to_redact") if len(raw) > self.config.max_bytes else self._hand_over(body, wrap, work)

    async def _hand_over(self, body: JsonObject, wrap: Callable[[JsonObject], _T], work: Work) -> Allow | Modify | Deny:
        if self._thread is None:
            raise RuntimeError("redact was not opened")
        stop = Event()
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, body, work, stop)
        finally:
            stop.set()  # whoever stops waiting stops the work as well
        if isinstance(done, Deny):
            return done
        new, changes = done
        return ALLOW if new is body else Modify(wrap(new), changes)

    def _work(self, body: JsonObject, work: Work, stop: Event) -> tuple[JsonObject, tuple[Change, ...]] | Deny:
        """In the thread. What loading Presidio raised is raised here again, for every call."""
        if self._engine is None:
            raise RuntimeError("redact was not opened")
        redaction = Redaction(
            self._engine.result(),
            frozenset(self.config.entities),
            self.config.max_text,
            self._checker(stop),
            schema=Schema(work.schema, self._validation) if work.schema else None,
            described=work.described,
            spoken=work.spoken,
        )
        try:
            return redaction.run(body, work.walk), redaction.changes
        except TooLargeError:
            return Deny("too_large_to_redact")
        except (NotRedactableError, KeyCollisionError) as error:
            return Deny("not_redactable", str(error))

    def _checker(self, stop: Event) -> Callable[[], None]:
        end = time.monotonic() + self.config.max_seconds

        def check() -> None:
            if stop.is_set() or time.monotonic() > end:
                raise TooLargeError("out of time")

        return check


def _harmless(raw: bytes) -> bool:
    """Whether this compact JSON is too plain to hold anything: no @, no escape, fewer than four digits, no `::`."""
    if b"@" in raw or b"\\u" in raw or not raw.isascii():
        return False
    return len(raw) - len(raw.translate(None, _DIGITS)) < 4 and b"::" not in raw
