"""Traces: one SERVER span per exchange, one CLIENT span per upstream request, by the OpenTelemetry MCP conventions.

Off unless the standard `OTEL_*` variables ask for it, and then nothing of OpenTelemetry is imported; `proxy/spans.py`
holds the half that does. On or off, the caller's trace context goes on to the upstream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Final, Self

from policies.model import Exchange, JsonObject
from policies.policy import Behind
from proxy.errors import ConfigError
from proxy.inbound import Inbound
from proxy.tracecontext import TraceContext, incoming

log = logging.getLogger(__name__)

_COMES_S: Final = 10.0
"""How long an exchange waits for the library that records its span."""

SERVICE_NAME: Final = "mcp-policy-proxy"
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
    """Telemetry that is off."""

    enabled: bool = False
    ready: bool = True

    async def wait(self) -> None:
        """Until it is ready, within its bound. Where `ready` is true there is nothing to wait for."""

    def server_span(self, inbound: Inbound) -> Span:
        """The span of one exchange, to be entered with `with`; its parent is the caller's, if it sent one."""
        return Span(incoming(inbound.headers, meta_of(inbound)))

    def close(self) -> None:
        """Send what is left, waiting 2 s at the most. Blocks; call it from a thread where that matters."""


class Late(Telemetry):
    """Telemetry whose library is still being imported; calls wait for it, so that their traces are whole."""

    ready = False

    def __init__(self, coming: Future[Telemetry]) -> None:
        self._coming = coming
        self._come: Telemetry | None = None
        self._overdue = False

    @property
    def enabled(self) -> bool:  # type: ignore[override]
        return self._come is not None and self._come.enabled

    async def wait(self) -> None:
        if self._overdue and not self._coming.done():
            return  # calls go without spans, rather than each of them through the whole wait
        try:
            async with asyncio.timeout(_COMES_S):
                self._come = await asyncio.shield(asyncio.wrap_future(self._coming))
        except TimeoutError:
            self._overdue = True
            return
        except Exception as error:  # noqa: BLE001 - calls go on without traces, as they do when a collector is away
            log.error("there will be no traces: %s", type(error).__name__)
            self._come = Telemetry()
        self.ready = True

    def server_span(self, inbound: Inbound) -> Span:
        return self._come.server_span(inbound) if self._come is not None else super().server_span(inbound)

    def close(self) -> None:
        if self._come is not None:
            self._come.close()


def start_behind(environ: Mapping[str, str], behind: Behind) -> Telemetry:
    """As `start`, but what takes long is imported behind the calls. Raises ConfigError at once."""
    if not _exporters(environ):
        return Telemetry()
    if wrong := findings(environ):
        raise ConfigError(wrong)
    return Late(behind.start(lambda: start(environ)))


def start(environ: Mapping[str, str]) -> Telemetry:
    """Telemetry as the `OTEL_*` variables ask for it. Raises ConfigError for an exporter that is not built in.

    What OpenTelemetry reads by itself (headers, timeouts, sampler, resource attributes, queue size) it reads from the
    process environment.
    """
    exporters = _exporters(environ)
    if not exporters:
        return Telemetry()
    if wrong := findings(environ):
        raise ConfigError(wrong)
    from proxy.spans import Tracing

    return Tracing(exporters, _endpoint(environ), environ)


def findings(environ: Mapping[str, str]) -> list[str]:
    """What is asked for that is not built in."""
    exporters = _exporters(environ)
    found = [
        f"environment: OTEL_TRACES_EXPORTER has {name!r}; it may be otlp, console or none"
        for name in sorted(exporters - {"otlp", "console"})
    ]
    for variable in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(variable, "")
        if protocol and "otlp" in exporters:
            return found if protocol == "http/protobuf" else [*found, f"environment: {variable} must be http/protobuf"]
    return found


def meta_of(inbound: Inbound) -> JsonObject:
    """The message's `_meta`, whatever shape the message has."""
    meta = inbound.params.get("_meta") if isinstance(inbound.params, Mapping) else None
    return meta if isinstance(meta, Mapping) else _NOTHING


def _exporters(environ: Mapping[str, str]) -> frozenset[str]:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    asked = environ.get("OTEL_TRACES_EXPORTER", "").strip() or ("otlp" if _endpoint(environ) else "none")
    return frozenset(name.strip() for name in asked.split(",")) - {"none", ""}


def _endpoint(environ: Mapping[str, str]) -> str | None:
    """Where traces go. The general variable is a base URL, the traces variable the URL itself (OTLP exporter spec)."""
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip() or (
        f"{base.rstrip('/')}/v1/traces" if base else None
    )
