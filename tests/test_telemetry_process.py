"""Telemetry of a whole process: set up behind the calls, beside a wrapper's, and no hindrance to its end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.otlp import LOGS, TRACES
from proxy.otlp_closing import CLOSE_S
from proxy.telemetry import Late, Telemetry
from tests.auth.aws_verifier import Verifier
from tests.mcp_wire import MODERN, rpc
from tests.otlp_collector import Collector, collecting
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY

ROOT = Path(__file__).parents[1]
CANARY = "canary-5d1e"


@dataclass
class Kept:
    lines: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.lines.append(line)


class Sending(Telemetry):
    """Telemetry that keeps what it should send."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()

    def write(self, line: str) -> None:
        self.kept.write(line)


def test_lines_that_came_before_the_library_are_sent_when_it_has_come() -> None:
    coming: Future[Telemetry] = Future()
    late, sink, come = Late(coming, traces=False, logs=True), Kept(), Sending()
    both = late.beside(sink)
    for number in range(3000):
        both.write(str(number))
    coming.set_result(come)
    both.write("last")
    assert len(sink.lines) == 3001
    assert come.kept.lines == [*map(str, range(3000 - 2048, 3000)), "last"]


def test_lines_that_nothing_came_for_are_dropped_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    coming: Future[Telemetry] = Future()
    late, sink = Late(coming, traces=False, logs=True), Kept()
    both = late.beside(sink)
    both.write("one")
    coming.set_exception(ImportError(CANARY))
    both.write("two")
    late.close()
    assert sink.lines == ["one", "two"]
    assert "there will be no traces and no logs: ImportError" in caplog.text
    assert CANARY not in caplog.text


async def test_logs_alone_let_no_call_wait_for_the_library() -> None:
    assert Late(Future(), traces=False, logs=True).ready
    assert not Late(Future(), traces=True, logs=True).ready


def test_what_came_is_flushed_at_the_end_even_if_nobody_asked_for_it() -> None:
    coming: Future[Telemetry] = Future()
    late, come = Late(coming, traces=False, logs=True), Sending()
    late.beside(Kept()).write("one")
    coming.set_result(come)
    late.close()
    assert come.kept.lines == ["one"]


AS_A_WRAPPER_DOES = """
import os, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + chr(10))))
trace.set_tracer_provider(provider)
from proxy.inbound import Inbound
from proxy.telemetry import start
telemetry = start(os.environ)
with telemetry.server_span(Inbound(method="tools/list", params={}, protocol="2025-11-25", door="lane")): pass
telemetry.close()
print("enabled", telemetry.enabled)
with trace.get_tracer("theirs").start_as_current_span("after"): pass
provider.shutdown()
"""


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, ["tools/list", "enabled True", "after"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["tools/list", "enabled True", "after"]),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["tools/list", "enabled True", "after"]),
        ({"OTEL_SDK_DISABLED": "true"}, ["enabled False"]),
    ],
    ids=["nothing", "the same exporter", "another protocol", "disabled"],
)
def test_beside_a_wrapper_spans_are_exported_once_and_by_it(environ: dict[str, str], said: list[str]) -> None:
    with collecting(Collector()) as collector:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **environ}
        ran = subprocess.run(
            [sys.executable, "-c", AS_A_WRAPPER_DOES], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines() == said
        assert collector.received == []


@dataclass(frozen=True)
class Process:
    child: asyncio.subprocess.Process
    url: str

    async def ended(self) -> tuple[list[str], str, float]:
        """Lines of standard output, standard error, and the seconds from SIGTERM to the end."""
        began = time.monotonic()
        self.child.terminate()
        out, err = await asyncio.wait_for(self.child.communicate(), 20)
        assert self.child.returncode == 0, err.decode()
        return out.decode().splitlines(), err.decode(), time.monotonic() - began


@pytest.fixture
def at_aws() -> Iterator[dict[str, Collector]]:
    secrets = {"AKIDEXAMPLE": ("right", None)}
    found = {name: Collector(verifier=Verifier(name, "us-west-2", secrets)) for name in ("xray", "logs")}
    with collecting(found["xray"]), collecting(found["logs"]):
        yield found


@pytest.fixture
async def process(at_aws: dict[str, Collector], tmp_path: Path) -> AsyncIterator[Process]:
    """A served proxy whose telemetry goes to AWS: X-Ray and CloudWatch Logs on loopback."""
    (tmp_path / "policies.toml").write_text(AUDIT_ONLY)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OTEL_", "MCP_"))} | {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-west-2.amazonaws.com/v1/traces",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://logs.us-west-2.amazonaws.com/v1/logs",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-aws-log-group=g,x-aws-log-stream=s",
        TRACES.override: at_aws["xray"].url,
        LOGS.override: at_aws["logs"].url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "right",
    }
    async with RichUpstream(MODERN).running() as upstream:
        flags = ("--upstream", upstream.url, "--policies", str(tmp_path / "policies.toml"), "--port", "0")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "serve", *flags),
            cwd=ROOT,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield Process(child, await _announced(child))
        finally:
            if child.returncode is None:
                child.kill()
                await child.communicate()


async def _announced(child: asyncio.subprocess.Process) -> str:
    """The URL that the process says it listens on."""
    assert child.stderr is not None
    async with asyncio.timeout(20):
        while line := (await child.stderr.readline()).decode():
            if "http://127.0.0.1:" in line:
                return "http://127.0.0.1:" + line.partition("http://127.0.0.1:")[2].split("/")[0] + "/mcp"
    raise AssertionError("the proxy does not listen")


async def test_what_a_process_did_is_at_aws_when_it_has_ended(process: Process, at_aws: dict[str, Collector]) -> None:
    for _ in range(5):
        reply = await rpc(process.url, "tools/call", {"name": "echo", "arguments": {"text": CANARY}}, MODERN)
        assert reply.status == 200
    lines, err, _ = await process.ended()
    assert set(at_aws["xray"].verdicts) == set(at_aws["logs"].verdicts) == {"ok"}
    told = {json.loads(line)["exchange"]: json.loads(line)["trace_id"] for line in lines}
    records = {
        next(pair.value.string_value for pair in record.body.kvlist_value.values if pair.key == "exchange"): record
        for record in at_aws["logs"].records()
    }
    assert {exchange: record.trace_id.hex() for exchange, record in records.items()} == told
    assert sum(span.name.startswith("tools/call") and span.kind == 2 for span in at_aws["xray"].spans()) == 5
    sent = b"".join(each.body for collector in at_aws.values() for each in collector.received)
    assert CANARY.encode() not in sent
    assert CANARY not in err
    assert "right" not in err


async def test_a_process_ends_in_time_when_aws_does_not_answer(process: Process, at_aws: dict[str, Collector]) -> None:
    for collector in at_aws.values():
        collector.delay = 30
    began = time.monotonic()
    assert (await rpc(process.url, "tools/call", {"name": "echo", "arguments": {}}, MODERN)).status == 200
    assert time.monotonic() - began < 5
    lines, _, seconds = await process.ended()
    assert seconds < CLOSE_S + 2
    assert len(lines) >= 1


def test_a_call_pays_little_for_its_record() -> None:
    """The queue's side only; measured at 8 µs, and a call takes 200."""
    with collecting(Collector()) as collector:
        from opentelemetry.sdk.resources import Resource

        from proxy.otlp_exporters import log_exporter
        from proxy.otlp_logs import Lines

        lines = Lines(log_exporter({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{collector.url}/v1/logs"}), Resource({}))
        line = json.dumps({"exchange": "x", "policies": [{"policy": "redact"}] * 10})
        telemetry = Telemetry(lines)
        began = time.process_time()
        for _ in range(400):
            telemetry.write(line)
        assert time.process_time() - began < 0.1
        telemetry.close()
        assert len(collector.records()) == 400


def test_nothing_of_it_is_imported_before_the_process_listens() -> None:
    script = (
        "import sys\n"
        "from proxy.app import compose\n"
        "from proxy.behind import Behind\n"
        "from proxy.services import services\n"
        "from proxy.settings import load\n"
        "behind, settings = Behind(), load({}, upstream='http://127.0.0.1:1/mcp')\n"
        "behind.hold()\n"
        "proxy = compose(settings, lent=services(settings, behind))\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'opentelemetry', 'requests', 'botocore'}))\n"
        "proxy.services.sinks.write('{}')\n"
        "print(proxy.telemetry.ready)\n"
    )
    environ = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-west-2.amazonaws.com/v1/traces",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://logs.us-west-2.amazonaws.com/v1/logs",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-aws-log-group=g,x-aws-log-stream=s",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert sorted(ran.stdout.split()) == ["False", "[]", "{}"], ran.stderr
