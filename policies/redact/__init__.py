"""`redact`: takes personal data out of results, with Presidio's patterns and what the keys' names say; no model.

It covers content and structured content of results, JSON inside a text, errors, notices, prompts and resources; calls
(arguments and inputs) only where `arguments = true`. Tool definitions are left alone. Which tools it covers is the
chain's `tools` globs. It works in threads of its own, off the event loop, small results apart from large ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from pydantic import Field, field_validator

from policies.finding import UnknownNameError
from policies.jsontext import dumps
from policies.model import ALLOW, Allow, Call, Deny, JsonObject, Modify, Result
from policies.policy import CallDecision, Policy, PolicyConfig, ResultDecision, Services
from policies.redact.entities import ENTITIES
from policies.redact.lanes import Lanes
from policies.redact.wanted import Wanted

if TYPE_CHECKING:
    from policies.redact.work import Worker

_LOG: Final = logging.getLogger(__name__)

__all__ = ["Redact", "RedactConfig"]

_T = TypeVar("_T", Call, Result)
_UNTOUCHED: Final = frozenset({"tools/list", "initialize", "server/discover"})
_ERROR: Final = "error"
"""No method: a JSON-RPC error has no fields that only the protocol reads."""
_SORTED: Final = bytes.maketrans(
    b"0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ", b"0" * 10 + b"a" * 12 + b"z" * 40
)
_LOWER: Final = bytes.maketrans(b"DOBIRTHAN", b"dobirthan")
_LONG_NAME: Final = 26
"""Letters and digits in a row, as in a wallet's address."""
_SAYING: Final = (b"dob", b"birth", b"iban")


class RedactConfig(PolicyConfig):
    """`max_text` is in characters of one text, `max_bytes` in bytes of the compact JSON of a result or of params.

    `max_seconds` is processor time for one result.
    """

    entities: tuple[str, ...] = ENTITIES
    threshold: float = Field(default=0.4, ge=0, le=1)
    arguments: bool = False
    max_text: int = Field(default=256 * 1024, ge=1)
    max_bytes: int = Field(default=2 << 20, ge=1)
    max_seconds: float = Field(default=2.0, gt=0)

    @field_validator("entities")
    @classmethod
    def _known(cls, entities: tuple[str, ...]) -> tuple[str, ...]:
        if not entities:
            raise ValueError(f"none is named; valid are {', '.join(ENTITIES)}")
        if set(entities) - set(ENTITIES):
            raise UnknownNameError("entity", entities, ENTITIES)
        return entities


class Redact(Policy):
    """Denies with `too_large_to_redact` over a cap or over time, and `not_redactable` when no valid result is left."""

    Config: ClassVar[type[PolicyConfig]] = RedactConfig
    timeout_ms: ClassVar[float] = 15_000.0
    """Results that come before Presidio is loaded wait for it."""
    config: RedactConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._lanes: Lanes | None = None
        self._worker: Future[Worker] | None = None

    async def open(self) -> None:
        """Starts loading Presidio; what comes before it is loaded waits, and a failure to load denies."""
        self._lanes = Lanes()
        self._worker = self.services.behind.start(partial(_load, self.config))
        self._worker.add_done_callback(_tell)

    async def close(self) -> None:
        if self._lanes:
            self._lanes.close()

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        if not self.config.arguments:
            return ALLOW
        schema = call.tool.input_schema if call.tool else None
        work = Wanted(walk=lambda walk, params: walk.call(params, call.method), schema=schema, described="arguments")
        return self._decide(call.params, call.with_params, work)

    def on_result(self, call: Call, result: Result) -> ResultDecision | Awaitable[ResultDecision]:
        if call.method in _UNTOUCHED and not (result.error or result.notice):
            return ALLOW
        schema = call.tool.output_schema if call.tool and not (result.is_error or result.notice) else None
        method = _ERROR if result.error else result.notice or call.method
        work = Wanted(
            walk=lambda walk, body: walk.result(body, method),
            schema=schema,
            described="structuredContent",
            spoken=call.name,
        )
        return self._decide(result.body, result.with_body, work)

    def _decide(
        self, body: JsonObject, wrap: Callable[[JsonObject], _T], work: Wanted
    ) -> Allow | Deny | Awaitable[Allow | Modify | Deny]:
        raw = dumps(body)
        if _harmless(raw):
            return ALLOW
        if len(raw) > self.config.max_bytes:
            return Deny("too_large_to_redact")
        return self._hand_over(body, len(raw), wrap, work)

    async def _hand_over(
        self, body: JsonObject, size: int, wrap: Callable[[JsonObject], _T], work: Wanted
    ) -> Allow | Modify | Deny:
        if self._lanes is None or self._worker is None:
            raise RuntimeError("redact was not opened")
        worker = await _loaded(self._worker)
        stop = Event()
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._lanes.of(size), worker.run, body, work, stop)
        finally:
            stop.set()  # whoever stops waiting stops the work as well
        if isinstance(done, Deny):
            return done
        new, changes = done
        return ALLOW if new is body else Modify(wrap(new), changes)


def _load(config: RedactConfig) -> Worker:
    """In a thread: most of this policy's own modules are imported here too, so that the process listens sooner."""
    from policies.redact.work import Worker

    return Worker(config)


def _tell(worker: Future[Worker]) -> None:
    if not worker.cancelled() and (error := worker.exception()) is not None:
        _LOG.error("redact cannot be loaded (%s): what it would have to look at is denied", type(error).__name__)


async def _loaded(worker: Future[Worker]) -> Worker:
    """What loading raised is raised here, for every call."""
    if not worker.done():
        return await asyncio.shield(asyncio.wrap_future(worker))
    if (error := worker.exception()) is not None:
        # One exception for all: with its old traceback it would keep every call's frames, and what is in them.
        raise error.with_traceback(None)
    return worker.result()


def _harmless(raw: bytes) -> bool:
    """Whether this compact JSON is too plain to hold anything: no @, no escape, and fewer than four digits.

    And with so few digits, nothing that needs no more: an IPv6 address, a wallet's, a birthday or account by its key.
    """
    if b"@" in raw or b"\\u" in raw or not raw.isascii():
        return False
    kinds = raw.translate(_SORTED)
    if kinds.count(b"0") > 3:
        return False
    return not (_address(kinds) or _long_name(kinds) or any(word in raw.translate(_LOWER) for word in _SAYING))


def _address(kinds: bytes) -> bool:
    hexadecimal = kinds.replace(b"0", b"a")
    return b"::" in kinds or b"a:a" in hexadecimal


def _long_name(kinds: bytes) -> bool:
    return b"z" * _LONG_NAME in kinds.replace(b"0", b"z").replace(b"a", b"z")
