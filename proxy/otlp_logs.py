"""The lines of the audit as OTLP log records, with their trace. A copy: standard output has every line anyway.

The thread of a call only puts the line into a queue that forgets its oldest; another thread reads and sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from policies.jsontext import JsonError, loads
from proxy.otlp_closing import Closing

EVENT: Final = "mcp_policy_proxy.exchange"
PIECE_BYTES: Final = 512 * 1024
"""Lines sent in one request; CloudWatch Logs refuses a request of more than 1 MB, whole."""

_DEEPEST: Final = 16
"""Levels of a line that is taken apart. Protobuf gives up at 100, and each level of JSON is three of its own."""

_INT64: Final = range(-(2**63), 2**63)
_NO_CONTEXT: Final = Context()


class Lines:
    """Takes lines and sends them to `exporter`, in batches from a thread of its own (`OTEL_BLRP_*` say how many)."""

    def __init__(self, exporter: LogRecordExporter, resource: Resource) -> None:
        self._exporter = exporter
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(_Reading(exporter)))
        self._logger = self._provider.get_logger("mcp-policy-proxy")

    def write(self, line: str) -> None:
        self._logger.emit(LogRecord(context=_NO_CONTEXT, severity_number=SeverityNumber.INFO, body=line))

    def closing(self) -> Closing:
        return Closing(flush=self._provider.shutdown, give_up=self._exporter.shutdown)


class _Reading(LogRecordExporter):
    """Reads the lines in the exporter's thread, and hands them on in pieces that are not too large."""

    def __init__(self, exporter: LogRecordExporter) -> None:
        self._exporter = exporter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        results = [self._exporter.export(piece) for piece in _pieces(batch)]
        failed = LogRecordExportResult.FAILURE
        return failed if failed in results else LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _pieces(batch: Sequence[ReadableLogRecord]) -> Iterator[list[ReadableLogRecord]]:
    piece: list[ReadableLogRecord] = []
    size = 0
    for record in batch:
        line = str(record.log_record.body).encode(errors="backslashreplace")
        if piece and size + len(line) > PIECE_BYTES:
            yield piece
            piece, size = [], 0
        _read(record.log_record, line)
        piece.append(record)
        size += len(line)
    if piece:
        yield piece


def _read(record: LogRecord, line: bytes) -> None:
    """The record's time was when the line was written; its trace is the one that the line names."""
    record.timestamp = record.observed_timestamp
    try:
        told = loads(line, _DEEPEST)
    except JsonError:
        record.body = line.decode()
        return
    record.body = _sendable(told)
    if isinstance(told, Mapping):
        record.event_name = EVENT if "exchange" in told else None
        record.trace_id = _trace(told.get("trace_id"))


def _trace(told: object) -> int:
    try:
        return int(told, 16) % 2**128 if isinstance(told, str) else 0
    except ValueError:
        return 0


def _sendable(value: Any) -> Any:
    """The value with numbers that OTLP has no room for as text, and without half characters."""
    match value:
        case dict():
            return {_text(key): _sendable(inner) for key, inner in value.items()}
        case list():
            return [_sendable(inner) for inner in value]
        case str():
            return _text(value)
        case None | bool() | float():
            return value
    return value if isinstance(value, int) and value in _INT64 else str(value)


def _text(value: str) -> str:
    return value if value.isascii() else value.encode(errors="backslashreplace").decode()
