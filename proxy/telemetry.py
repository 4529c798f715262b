"""Traces: one SERVER span per exchange, one CLIENT span per upstream request, by the OpenTelemetry MCP conventions.
Logs: a copy of every line of the audit.

Off unless the standard `OTEL_*` variables ask for it, and then nothing of OpenTelemetry is imported; `proxy/spans.py`
and `proxy/otlp_logs.py` hold the half that does. On or off, the caller's trace context goes on to the upstream.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from policies.model import Exchange, JsonObject
from policies.policy import Behind, Sinks
from proxy import otlp
from proxy.errors import ConfigError
from proxy.inbound import Inbound
from proxy.otlp_closing import Closing, close
from proxy.tracecontext import TraceContext, incoming

if TYPE_CHECKING:
    from proxy.otlp_logs import Lines

log = logging.getLogger(__name__)

_COMES_S: Final = 10.0
"""How long an exchange waits for the library that records its span."""

_EARLY: Final = 2048
"""Lines kept until the library that sends them has come. As many as OpenTelemetry's own queues hold."""

_NOTHING: Final[JsonObject] = {}
_NO_SPAN: Final = nullcontext[Mapping[str, str]]({})


class Span:
    """One span, ended by leaving its `with` block. This one records nothing and only hands on the trace context."""

    __slots__ = ("_context",)

    def __init__(self, context: TraceContext) -> None:
        self._context = context

    @property
    def trace_id(self) -> str:
        """32 hex digits; empty when there is no trace."""
        return self._context.trace_id

    def headers(self) -> dict[str, str]:
        """`traceparent`, `tracestate` and `baggage` for a message sent within this span, as far as there are any."""
        return self._context.headers()

    def to_upstream(self, method: str, name: str, endpoint: str) -> AbstractContextManager[Mapping[str, str]]:
        """A CLIENT span below this one, for one request to `endpoint` (a URL without credentials or query).

        `name` is the tool's or prompt's, as the catalog knows it; empty otherwise. Yields what to send in place of
        `headers()`, or nothing where that stays right.
        """
        return _NO_SPAN

    def finish(self, exchange: Exchange) -> None:
        """Record what came of the exchange: outcome, decisions, error type. No values."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Telemetry:
    """Telemetry without traces; with `logs`, each line of the audit goes there too."""

    enabled: bool = False
    ready: bool = True

    def __init__(self, logs: Lines | None = None) -> None:
        self._logs = logs

    async def wait(self) -> None:
        """Until it is ready, within its bound. Where `ready` is true there is nothing to wait for."""

    def server_span(self, inbound: Inbound) -> Span:
        """The span of one exchange, to be entered with `with`; its parent is the caller's, if it sent one."""
        return Span(incoming(inbound.headers, meta_of(inbound)))

    def beside(self, sinks: Sinks) -> Sinks:
        """The sinks to lend: where logs are asked for, what is written goes to both."""
        return sinks if self._logs is None else _Both(sinks, self)

    def write(self, line: str) -> None:
        """Send a line of the audit, without waiting."""
        if self._logs is not None:
            self._logs.write(line)

    def close(self) -> None:
        """Send what is left, waiting 2 s at the most. Blocks; call it from a thread where that matters."""
        close(self._closing())

    def _closing(self) -> list[Closing]:
        return [] if self._logs is None else [self._logs.closing()]


class Late(Telemetry):
    """Telemetry whose library is still being imported; calls wait for it, so that their traces are whole.

    Without `traces` no call waits: the first lines wait instead, as many as there is room for.
    """

    ready = False

    def __init__(self, coming: Future[Telemetry], *, traces: bool = True, logs: bool = False) -> None:
        super().__init__()
        self.ready = not traces
        self._coming = coming
        self._come: Telemetry | None = None
        self._overdue = False
        self._records = logs
        self._early: deque[str] = deque(maxlen=_EARLY)

    @property
    def enabled(self) -> bool:  # type: ignore[override]
        return self._come is not None and self._come.enabled

    async def wait(self) -> None:
        if self._overdue and not self._coming.done():
            return  # calls go without spans, rather than each of them through the whole wait
        try:
            async with asyncio.timeout(_COMES_S):
                await asyncio.wait([asyncio.wrap_future(self._coming)])
        except TimeoutError:
            self._overdue = True
            return
        self._take()
        self.ready = True

    def server_span(self, inbound: Inbound) -> Span:
        return self._come.server_span(inbound) if self._come is not None else super().server_span(inbound)

    def beside(self, sinks: Sinks) -> Sinks:
        return _Both(sinks, self) if self._records else sinks

    def write(self, line: str) -> None:
        if self._come is None and not self._coming.done():
            self._early.append(line)
        else:
            self._take().write(line)

    def close(self) -> None:
        if self._coming.done():
            self._take().close()

    def _take(self) -> Telemetry:
        """What has come, and nothing where it failed: calls go on without it, as they do when a collector is away."""
        if self._come is None:
            if failed := self._coming.exception():
                log.error("there will be no traces and no logs: %s", type(failed).__name__)
            self._come = Telemetry() if failed else self._coming.result()
            for line in self._early:
                self._come.write(line)
            self._early.clear()
        return self._come


@dataclass(frozen=True, slots=True)
class _Both:
    """Sinks beside which telemetry gets every line."""

    sinks: Sinks
    telemetry: Telemetry

    def write(self, line: str) -> None:
        self.sinks.write(line)
        self.telemetry.write(line)


def start_behind(environ: Mapping[str, str], behind: Behind) -> Telemetry:
    """As `start`, but what takes long is imported behind the calls. Raises ConfigError at once."""
    traces, logs = _asked(environ)
    if not traces and not logs:
        return Telemetry()
    if wrong := findings(environ):
        raise ConfigError(wrong)
    return Late(behind.start(lambda: start(environ)), traces=traces, logs=logs)


def start(environ: Mapping[str, str]) -> Telemetry:
    """Telemetry as the `OTEL_*` variables ask for it. Raises ConfigError for what is not built in.

    What OpenTelemetry reads by itself (headers, timeouts, sampler, resource attributes, queue sizes) it reads from the
    process environment.
    """
    traces, logs = _asked(environ)
    if not traces and not logs:
        return Telemetry()
    if wrong := findings(environ):
        raise ConfigError(wrong)
    lines = _lines(environ) if logs else None
    if not traces:
        return Telemetry(lines)
    from proxy.spans import Tracing

    return Tracing(environ, lines, provider=_of_the_process())


def findings(environ: Mapping[str, str]) -> list[str]:
    """What is asked for that is not built in, or that AWS would refuse. A wrapper's exporters are its own business."""
    signals = (otlp.LOGS,) if _of_the_process() is not None else (otlp.TRACES, otlp.LOGS)
    return [finding for signal in signals for finding in otlp.findings(environ, signal)]


def meta_of(inbound: Inbound) -> JsonObject:
    """The message's `_meta`, whatever shape the message has."""
    meta = inbound.params.get("_meta") if isinstance(inbound.params, Mapping) else None
    return meta if isinstance(meta, Mapping) else _NOTHING


def _asked(environ: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether there are to be traces, and logs."""
    wrapped = _of_the_process() is not None and not otlp.disabled(environ)
    return wrapped or bool(otlp.exporters(environ, otlp.TRACES)), bool(otlp.exporters(environ, otlp.LOGS))


def _of_the_process() -> Any:
    """The tracer provider that something set for the whole process before us, as `opentelemetry-instrument` does."""
    api, sdk = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.sdk.trace")
    provider = api.get_tracer_provider() if api and sdk else None
    return provider if sdk and isinstance(provider, sdk.TracerProvider) else None


def _lines(environ: Mapping[str, str]) -> Lines:
    from proxy.otlp_exporters import log_exporter, resource
    from proxy.otlp_logs import Lines

    return Lines(log_exporter(environ), resource(environ))
