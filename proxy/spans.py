"""Recording spans with the OpenTelemetry SDK. Imported only where the `OTEL_*` variables ask for traces.

The provider is ours alone and is not made the process's: libraries in this process that trace through the global one
(the MCP SDK among them, with exception texts) stay silent. Where the process has a provider already, it was started by
`opentelemetry-instrument`: then that one exports our spans too, and nothing is exported twice. Exceptions are never
recorded; an error is a type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from policies.model import Exchange, Step
from proxy.errors import RpcError, UpstreamError
from proxy.inbound import Inbound
from proxy.otlp import TRACES, exporters
from proxy.otlp_closing import Closing
from proxy.otlp_exporters import resource, span_exporter
from proxy.otlp_logs import Lines
from proxy.telemetry import Span, Telemetry, meta_of
from proxy.tracecontext import TraceContext, incoming

MAX_EVENTS: Final = 128
_NAME_OF: Final = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}
_REQUEST_ID: Final = re.compile(r"(\d{1,20}|[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12})\Z", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}


class Tracing(Telemetry):
    """Telemetry that is on."""

    enabled = True

    def __init__(
        self, environ: Mapping[str, str], logs: Lines | None = None, *, provider: TracerProvider | None = None
    ) -> None:
        """`provider` is the process's; without one there is one of our own, with the exporters asked for."""
        super().__init__(logs)
        self._ours = provider is None
        self._provider = provider or TracerProvider(resource=resource(environ), shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("mcp-policy-proxy")
        self._exporters: list[SpanExporter] = []
        if self._ours:
            for name in sorted(exporters(environ, TRACES)):
                self.export_to(span_exporter(name, environ))

    def export_to(self, exporter: SpanExporter) -> None:
        """Send spans to `exporter` too, in batches from a thread of its own; a full queue drops the oldest."""
        self._exporters.append(exporter)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def server_span(self, inbound: Inbound) -> Span:
        came = incoming(inbound.headers, meta_of(inbound))
        attributes = {"mcp.method.name": inbound.method, "mcp.protocol.version": inbound.protocol}
        if inbound.request_id is not None:
            attributes["jsonrpc.request.id"] = _plain(inbound.request_id)
        span = self._tracer.start_span(
            inbound.method, context=_parent(came), kind=SpanKind.SERVER, attributes=attributes, record_exception=False
        )
        return _Recording(self._tracer, span, came)

    def _closing(self) -> list[Closing]:
        flush = self._provider.shutdown if self._ours else self._provider.force_flush
        return [*super()._closing(), Closing(flush=flush, give_up=self._give_up)]

    def _give_up(self) -> None:
        for exporter in self._exporters:
            exporter.shutdown()


class _Recording(Span):
    __slots__ = ("_failed", "_span", "_tracer")

    def __init__(self, tracer: trace.Tracer, span: trace.Span, came: TraceContext) -> None:
        super().__init__(_outgoing(span.get_span_context(), came))
        self._tracer = tracer
        self._span = span
        self._failed = False

    @contextmanager
    def to_upstream(self, method: str, name: str, endpoint: str) -> Iterator[Mapping[str, str]]:
        attributes: dict[str, str | int] = {"mcp.method.name": method, **_server(endpoint), **_named(method, name)}
        span = self._tracer.start_span(
            _title(method, name),
            context=trace.set_span_in_context(self._span, Context()),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
        )
        with _Recording(self._tracer, span, self._context) as below:
            yield below.headers()

    def finish(self, exchange: Exchange) -> None:
        if not self._span.is_recording():
            return
        method, name = exchange.call.method, _known_name(exchange)
        self._span.update_name(_title(method, name))
        self._span.set_attributes(_named(method, name))
        self._span.set_attribute("mcp_policy_proxy.exchange.id", exchange.call.id)
        self._span.set_attribute("mcp_policy_proxy.outcome", exchange.outcome)
        told = [step for step in exchange.steps if step.hook != "on_tool" or step.action != "allow"]
        for step in told[:MAX_EVENTS]:
            self._span.add_event("policy decision", _decision(step))
        self._fail(_error_type(exchange), _code(exchange))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UpstreamError):
            self._fail(error.kind, "")
        elif isinstance(error, RpcError):
            self._fail(str(error.code), str(error.code))
        elif kind is not None:
            self._fail(kind.__name__, "")
        self._span.end()

    def _fail(self, error_type: str, code: str) -> None:
        """Mark the span as failed; the first type given stays, because it knows more than what came of it."""
        if not error_type or self._failed:
            return
        self._failed = True
        self._span.set_attribute("error.type", error_type)
        if code:
            self._span.set_attribute("rpc.response.status_code", code)
        self._span.set_status(Status(StatusCode.ERROR))


def _plain(request_id: str | int) -> str:
    """A request id as clients make them; one that could be any text of the caller's is not told."""
    text = str(request_id)
    return text if _REQUEST_ID.match(text) else "other"


def _parent(came: TraceContext) -> Context:
    """The caller's span as parent; without one a new trace, whatever else is going on in this process."""
    if not came.trace_id:
        return Context()
    context = SpanContext(
        trace_id=int(came.trace_id, 16),
        span_id=int(came.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(came.flags, 16)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context), Context())


def _outgoing(context: SpanContext, came: TraceContext) -> TraceContext:
    return TraceContext(
        trace_id=trace.format_trace_id(context.trace_id),
        span_id=trace.format_span_id(context.span_id),
        flags=f"{context.trace_flags:02x}",
        state=came.state,
        baggage=came.baggage,
    )


def _known_name(exchange: Exchange) -> str:
    """A name may become part of a span's name only when it is one of a bounded set: a catalogued tool's."""
    return exchange.call.tool.name if exchange.call.tool is not None else ""


def _title(method: str, name: str) -> str:
    return f"{method} {name}" if name and method in _NAME_OF else method


def _named(method: str, name: str) -> dict[str, str]:
    if not name or method not in _NAME_OF:
        return {}
    operation = {"gen_ai.operation.name": "execute_tool"} if method == "tools/call" else {}
    return {_NAME_OF[method]: name, **operation}


def _server(endpoint: str) -> dict[str, str | int]:
    parts = urlsplit(endpoint)
    if not parts.hostname or parts.scheme not in _PORTS:
        return {}
    return {"server.address": parts.hostname, "server.port": parts.port or _PORTS[parts.scheme]}


def _decision(step: Step) -> dict[str, str | int | tuple[str, ...]]:
    """What was decided and of what kinds, how often; neither paths (keys can be values) nor the detail."""
    told: dict[str, str | int | tuple[str, ...]] = {
        "policy.name": step.policy,
        "policy.hook": step.hook,
        "policy.action": step.action,
        "policy.mode": step.mode,
        "policy.duration_us": step.micros,
        "policy.changes": len(step.changes),
        "policy.kinds": tuple(sorted({change.kind for change in step.changes})),
    }
    return {**told, "policy.reason": step.reason} if step.reason else told


def _error_type(exchange: Exchange) -> str:
    if exchange.outcome != "completed":
        return exchange.reason or _code(exchange) or "error"
    return "tool_error" if exchange.result is not None and exchange.result.is_error else ""


def _code(exchange: Exchange) -> str:
    result = exchange.result
    code = result.body.get("code") if result is not None and result.error else None
    return str(code) if isinstance(code, int) and not isinstance(code, bool) else ""
