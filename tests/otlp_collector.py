"""An OTLP/HTTP collector on loopback that keeps what it gets, and verifies signatures where it is told to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.auth.aws_verifier import Verifier


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    verdict: str


class Collector(ThreadingHTTPServer):
    """Answers `status` after `delay` seconds; with a verifier, 403 to what is not signed as it wants."""

    daemon_threads = True

    def __init__(self, delay: float = 0, status: int = 200, verifier: Verifier | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Collecting)
        self.delay, self.status, self.verifier = delay, status, verifier
        self.location: str | None = None
        self.received: list[Received] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.stopped = threading.Event()

    @property
    def verdicts(self) -> list[str]:
        return [each.verdict for each in self.received]

    def traces(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(each.body) for each in self.received if each.path == "/v1/traces"]

    def logs(self) -> list[ExportLogsServiceRequest]:
        return [ExportLogsServiceRequest.FromString(each.body) for each in self.received if each.path == "/v1/logs"]

    def spans(self) -> list[Span]:
        groups = [group for message in self.traces() for group in message.resource_spans]
        return [span for group in groups for scope in group.scope_spans for span in scope.spans]

    def records(self) -> list[LogRecord]:
        groups = [group for message in self.logs() for group in message.resource_logs]
        return [record for group in groups for scope in group.scope_logs for record in scope.log_records]


class _Collecting(BaseHTTPRequestHandler):
    server: Collector
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        verifier = self.server.verifier
        verdict = verifier.judge(f"POST {self.path} HTTP/1.1", headers, body) if verifier else "ok"
        self.server.received.append(Received(self.path, headers, body, verdict))
        self.server.stopped.wait(self.server.delay)
        with contextlib.suppress(ConnectionError):
            self.send_response(self.server.status if verdict == "ok" else 403)
            if self.server.location:
                self.send_header("location", self.server.location)
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """The collector keeps quiet."""


@contextlib.contextmanager
def collecting(collector: Collector) -> Iterator[Collector]:
    with collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            collector.stopped.set()
            collector.shutdown()
            thread.join()
