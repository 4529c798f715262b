"""The exporters that the `OTEL_*` variables ask for, and the resource that they tell of. Imports the SDK."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from proxy.otlp import GROUP, LOGS, STREAM, TRACES, Signal, address, endpoint, headers, region, signed_for

if TYPE_CHECKING:
    import requests

SERVICE_NAME: Final = "mcp-policy-proxy"


def span_exporter(name: str, environ: Mapping[str, str]) -> SpanExporter:
    """The exporter `name`: otlp, or console (standard error)."""
    if name == "console":
        # Standard output belongs to the audit, and to MCP itself when the proxy speaks stdio.
        return ConsoleSpanExporter(out=sys.stderr, formatter=lambda span: span.to_json(indent=None) + "\n")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=address(environ, TRACES), session=_session(environ, TRACES))


def log_exporter(environ: Mapping[str, str]) -> LogRecordExporter:
    """The OTLP exporter of records."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter(endpoint=address(environ, LOGS), session=_session(environ, LOGS))


def resource(environ: Mapping[str, str]) -> Resource:
    """Who sends: what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, and what we know where they say nothing.

    `aws.log.group.names` is how CloudWatch finds the records of a trace (semantic conventions, AWS logs).
    """
    given = OTELResourceDetector().detect().attributes
    return Resource.create({name: value for name, value in _known(environ).items() if name not in given})


def _known(environ: Mapping[str, str]) -> dict[str, Any]:
    known: dict[str, Any] = {"service.name": SERVICE_NAME}
    where = [region(endpoint(environ, signal) or "", signal) for signal in (TRACES, LOGS)]
    if found := next(filter(None, where), None):
        known |= {"cloud.provider": "aws", "cloud.region": found}
    for name, header in (("aws.log.group.names", GROUP), ("aws.log.stream.names", STREAM)):
        if where[1] and (told := headers(environ, LOGS).get(header)):
            known[name] = [told]
    return known


def _session(environ: Mapping[str, str], signal: Signal) -> requests.Session | None:
    """A session that signs, where the endpoint is AWS's; else None, and the exporter makes its own."""
    if (where := signed_for(environ, signal)) is None:
        return None
    from proxy.otlp_signing import session

    return session(signal, where)
