"""Traces: what they hold, what they never hold, and that a call never suffers from them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from policies.model import Call, Change, Exchange, Result, Step, Tool
from proxy.errors import ConfigError, RpcError, UpstreamError
from proxy.inbound import Inbound
from proxy.spans import Tracing
from proxy.telemetry import start
from proxy.tracecontext import incoming
from tests.otlp_collector import Collector, collecting

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{'a' * 32}-{'b' * 16}-01"
CANARY = "canary-7f3a"
ENDPOINT = "https://upstream.example/mcp"


class Recorded:
    """A tracing telemetry whose spans can be read."""

    def __init__(self) -> None:
        self.telemetry = Tracing({})
        self._exporter = InMemorySpanExporter()
        self.telemetry.export_to(self._exporter)

    def spans(self) -> Mapping[SpanKind, ReadableSpan]:
        self.telemetry.close()
        return {span.kind: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    found = Recorded()
    yield found
    found.telemetry.close()


def _inbound(headers: Mapping[str, str] | None = None, meta: object = None, **more: Any) -> Inbound:
    params = {"name": "lookup", "arguments": {"ssn": CANARY}, **({} if meta is None else {"_meta": meta})}
    facts = {"method": "tools/call", "params": params, "protocol": "2026-07-28", "door": "relay", "request_id": 7}
    return Inbound(**{**facts, "headers": headers or {}, **more})


def _exchange(**more: Any) -> Exchange:
    call = Call(
        id="0190-exchange",
        method="tools/call",
        params={"name": "lookup", "arguments": {"ssn": CANARY}},
        tool=Tool(definition={"name": "lookup", "description": CANARY}),
    )
    facts = {"call": call, "result": Result(body={"content": [], "x": CANARY}), "outcome": "completed"}
    return Exchange(**{**facts, **more})


def test_an_exchange_is_a_server_span_with_its_upstream_request_as_client_span_below(recorded: Recorded) -> None:
    with recorded.telemetry.server_span(_inbound({"traceparent": PARENT, "tracestate": "vendor=1"})) as span:
        with span.to_upstream("tools/call", "lookup", ENDPOINT) as headers:
            pass
        span.finish(_exchange())
    spans = recorded.spans()
    server, client = spans[SpanKind.SERVER], spans[SpanKind.CLIENT]
    assert server.name == client.name == "tools/call lookup"
    assert dict(server.attributes or {}) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "jsonrpc.request.id": "7",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lookup",
        "mcp_policy_proxy.exchange.id": "0190-exchange",
        "mcp_policy_proxy.outcome": "completed",
    }
    assert dict(client.attributes or {}) == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lookup",
        "server.address": "upstream.example",
        "server.port": 443,
    }
    assert server.parent is not None
    assert (f"{server.parent.trace_id:032x}", f"{server.parent.span_id:016x}") == (TRACE, SPAN)
    assert client.parent == server.context
    assert span.trace_id == TRACE
    assert headers == {"traceparent": f"00-{TRACE}-{client.context.span_id:016x}-01", "tracestate": "vendor=1"}
    assert server.resource.attributes["service.name"] == "mcp-policy-proxy"
    assert server.status.status_code is client.status.status_code is StatusCode.UNSET


def test_decisions_are_events_with_kinds_and_counts_but_neither_values_nor_paths(recorded: Recorded) -> None:
    step = Step(
        policy="redact",
        hook="on_result",
        action="modify",
        mode="shadow",
        reason="pii",
        detail=CANARY,
        changes=(Change(f"$.{CANARY}", "US_SSN"), Change("$.b", "EMAIL"), Change("$.c", "EMAIL")),
        micros=12,
    )
    with recorded.telemetry.server_span(_inbound()) as span:
        span.finish(_exchange(steps=(step, Step(policy="audit", hook="on_tool", action="allow"))))
    server = recorded.spans()[SpanKind.SERVER]
    (event,) = server.events
    assert dict(event.attributes or {}) == {
        "policy.name": "redact",
        "policy.hook": "on_result",
        "policy.action": "modify",
        "policy.mode": "shadow",
        "policy.reason": "pii",
        "policy.changes": 3,
        "policy.kinds": ("EMAIL", "US_SSN"),
        "policy.duration_us": 12,
    }
    assert CANARY not in server.to_json()


ENDINGS = [
    ("denied", {"outcome": "denied", "reason": "not_allowed"}, "not_allowed", None),
    ("a tool error", {"result": Result(body={"isError": True})}, "tool_error", None),
    (
        "an upstream's error",
        {"outcome": "failed", "reason": "upstream_error", "result": Result(body={"code": -32602}, error=True)},
        "upstream_error",
        "-32602",
    ),
    ("cancelled", {"outcome": "failed", "reason": "cancelled", "result": None}, "cancelled", None),
]


@pytest.mark.parametrize(("facts", "kind", "code"), [row[1:] for row in ENDINGS], ids=[row[0] for row in ENDINGS])
def test_an_exchange_that_did_not_complete_is_an_error_with_its_type(
    recorded: Recorded, facts: dict[str, Any], kind: str, code: str | None
) -> None:
    with recorded.telemetry.server_span(_inbound()) as span:
        span.finish(_exchange(**facts))
    server = recorded.spans()[SpanKind.SERVER]
    assert server.status.status_code is StatusCode.ERROR
    assert server.status.description is None
    assert server.attributes is not None
    assert server.attributes["error.type"] == kind
    assert server.attributes.get("rpc.response.status_code") == code


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UpstreamError("timeout", CANARY), "timeout"),
        (RpcError(-32602, CANARY, CANARY), "-32602"),
        (ValueError(CANARY), "ValueError"),
    ],
    ids=["upstream", "rpc", "anything else"],
)
def test_an_exception_leaves_its_type_and_never_its_text(recorded: Recorded, error: Exception, kind: str) -> None:
    with (
        pytest.raises(type(error)),
        recorded.telemetry.server_span(_inbound()) as span,
        span.to_upstream("tools/call", "lookup", ENDPOINT),
    ):
        raise error
    for span_ in recorded.spans().values():
        assert span_.status.status_code is StatusCode.ERROR
        assert span_.attributes is not None
        assert span_.attributes["error.type"] == kind
        assert not span_.events
        assert CANARY not in span_.to_json()


def test_a_name_that_the_catalog_does_not_hold_is_in_no_span(recorded: Recorded) -> None:
    call = Call(id="x", method="tools/call", params={"name": CANARY})
    with recorded.telemetry.server_span(_inbound()) as span, span.to_upstream("tools/call", "", "stdio:server"):
        span.finish(_exchange(call=call, outcome="denied", reason="unknown_tool"))
    for found in recorded.spans().values():
        assert found.name == "tools/call"
        assert CANARY not in found.to_json()


def test_without_a_parent_each_exchange_is_a_trace_of_its_own(recorded: Recorded) -> None:
    with recorded.telemetry.server_span(_inbound()) as first, recorded.telemetry.server_span(_inbound()) as second:
        assert first.trace_id != second.trace_id


def test_an_unsampled_parent_is_not_recorded_and_goes_on_unsampled(recorded: Recorded) -> None:
    with recorded.telemetry.server_span(_inbound({"traceparent": PARENT[:-2] + "00"})) as span:
        assert span.headers()["traceparent"].endswith("-00")
        span.finish(_exchange())
    assert not recorded.spans()


CONTEXTS: list[tuple[str, dict[str, str], dict[str, object], dict[str, str]]] = [
    ("none", {}, {}, {}),
    ("a header", {"traceparent": PARENT}, {}, {"traceparent": PARENT}),
    ("_meta wins", {"traceparent": OTHER}, {"traceparent": PARENT}, {"traceparent": PARENT}),
    ("a malformed _meta gives way", {"traceparent": PARENT}, {"traceparent": "00-zz"}, {"traceparent": PARENT}),
    ("state of another source is left", {"traceparent": OTHER, "tracestate": "a=1"}, {"traceparent": PARENT},
     {"traceparent": PARENT}),
    ("state without a parent", {"tracestate": "a=1"}, {}, {}),
    ("state", {"traceparent": PARENT, "tracestate": "a=1, b@c=2 ,"}, {},
     {"traceparent": PARENT, "tracestate": "a=1,b@c=2"}),
    ("state with a key twice", {"traceparent": PARENT, "tracestate": "a=1,a=2"}, {}, {"traceparent": PARENT}),
    ("state too long", {"traceparent": PARENT, "tracestate": "a=" + "1" * 511}, {}, {"traceparent": PARENT}),
    ("state with a control character", {"traceparent": PARENT, "tracestate": "a=1\r\nx: y"}, {},
     {"traceparent": PARENT}),
    ("a later version", {"traceparent": f"cc-{TRACE}-{SPAN}-01-more"}, {}, {"traceparent": PARENT}),
    ("version 00 with more", {"traceparent": PARENT + "-more"}, {}, {}),
    ("version ff", {"traceparent": "ff" + PARENT[2:]}, {}, {}),
    ("a trace id of zeros", {"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, {}, {}),
    ("a span id of zeros", {"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, {}, {}),
    ("capitals", {"traceparent": PARENT.upper()}, {}, {}),
    ("a line break", {"traceparent": PARENT + "\n"}, {}, {}),
    ("a number", {}, {"traceparent": 7}, {}),
    ("baggage alone", {"baggage": "a=1;p,b=x%20y"}, {}, {"baggage": "a=1;p,b=x%20y"}),
    ("baggage of _meta first", {"baggage": "a=1"}, {"baggage": "a=2"}, {"baggage": "a=2"}),
    ("baggage without a value", {"baggage": "a"}, {}, {}),
    ("baggage with a line break", {"baggage": "a=1\r\nx: y"}, {}, {}),
    ("baggage beyond ASCII", {"baggage": "a=é"}, {}, {}),
    ("baggage too long", {"baggage": "a=" + "1" * 8191}, {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "meta", "sent"), [row[1:] for row in CONTEXTS], ids=[row[0] for row in CONTEXTS])
def test_trace_context_goes_on_only_when_it_is_well_formed_even_with_telemetry_off(
    headers: dict[str, str], meta: dict[str, object], sent: dict[str, str]
) -> None:
    telemetry = start({})
    assert not telemetry.enabled
    with telemetry.server_span(_inbound(headers, meta)) as span:
        assert span.headers() == sent
        assert span.trace_id == (sent.get("traceparent", "--").split("-")[1])
        with span.to_upstream("tools/call", "lookup", ENDPOINT) as instead:
            assert instead == {}
        span.finish(_exchange())


def test_reading_a_hostile_trace_context_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        hostile = {"traceparent": PARENT, "tracestate": "a=" + " " * size + ",", "baggage": "a=" + " ;=" * size}
        began = time.perf_counter()
        for _ in range(20):
            incoming(hostile, {})
        return time.perf_counter() - began

    assert seconds(100_000) < 1.0


@pytest.mark.parametrize("params", [None, [1], "x", {"_meta": 5}], ids=repr)
def test_params_of_any_shape_make_a_span(recorded: Recorded, params: object) -> None:
    with recorded.telemetry.server_span(_inbound(params=params)) as span:
        assert span.trace_id


REFUSED = [
    ({"OTEL_TRACES_EXPORTER": "zipkin"}, "zipkin"),
    ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
    (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    ),
]


@pytest.mark.parametrize(("environ", "named"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_is_not_built_in_is_refused_at_start(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        start(environ)


@pytest.mark.parametrize(
    ("environ", "enabled"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, False),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
    ],
    ids=["nothing", "none", "disabled", "console", "console beside grpc", "endpoint"],
)
def test_the_standard_variables_turn_traces_on(environ: dict[str, str], enabled: bool) -> None:
    telemetry = start(environ)
    telemetry.close()
    assert telemetry.enabled is enabled


def test_nothing_of_opentelemetry_is_imported_while_traces_are_off() -> None:
    script = (
        "import sys\n"
        "from proxy.telemetry import start\n"
        "start({'OTEL_SDK_DISABLED': 'true', 'OTEL_TRACES_EXPORTER': 'otlp'})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    assert _run(script).stdout.strip() == "[]"


def test_the_console_is_standard_error_one_span_a_line() -> None:
    script = (
        "import os\n"
        "from proxy.inbound import Inbound\n"
        "from proxy.telemetry import start\n"
        "telemetry = start(os.environ)\n"
        "inbound = Inbound(method='tools/list', params={}, protocol='2025-11-25', door='relay')\n"
        "with telemetry.server_span(inbound): pass\n"
        "telemetry.close()\n"
    )
    ran = _run(script, OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="mine")
    (line,) = ran.stderr.splitlines()
    assert ran.stdout == ""
    assert json.loads(line)["name"] == "tools/list"
    assert json.loads(line)["resource"]["attributes"]["service.name"] == "mine"


@pytest.fixture
def collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    with collecting(Collector(getattr(request, "param", 0))) as found:
        yield found


def test_spans_reach_a_collector_as_protobuf(collector: Collector) -> None:
    telemetry = start({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    with telemetry.server_span(_inbound({"traceparent": PARENT})) as span:
        with span.to_upstream("tools/call", "lookup", ENDPOINT):
            pass
        span.finish(_exchange())
    telemetry.close()
    assert [each.path for each in collector.received] == ["/v1/traces"]
    spans = {span.kind: span for span in collector.spans()}
    assert spans[2].name == spans[3].name == "tools/call lookup"
    assert spans[2].trace_id == spans[3].trace_id == bytes.fromhex(TRACE)
    assert spans[2].parent_span_id == bytes.fromhex(SPAN)
    assert spans[3].parent_span_id == spans[2].span_id
    assert CANARY not in str(collector.traces())


@pytest.mark.parametrize("collector", [30], indirect=True)
def test_a_collector_that_hangs_holds_up_neither_a_call_nor_the_end(collector: Collector) -> None:
    _ends_in_time(collector.url)
    assert collector.received


def test_a_collector_that_is_away_holds_up_neither_a_call_nor_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        threads = set(threading.enumerate())
        _ends_in_time(f"http://127.0.0.1:{taken.getsockname()[1]}")
        for left in set(threading.enumerate()) - threads:
            left.join(2)
            assert not left.is_alive(), f"{left.name} goes on trying"
    assert CANARY not in caplog.text


def _ends_in_time(url: str) -> None:
    telemetry = start({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    began = time.monotonic()
    for _ in range(600):
        with telemetry.server_span(_inbound()) as span:
            span.finish(_exchange())
    calls = time.monotonic()
    telemetry.close()
    assert calls - began < 1.5
    assert time.monotonic() - calls < 2.5


def _run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran
