"""What a process says: kept in a file up to a cap, and put line by line into a log group of moto's CloudWatch."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

FILE_BYTES = 4 * 2**20
LINE_BYTES = 200_000
_PAUSE_S = 0.05
_BATCH = 500


class Output:
    """Reads `source` to its end. Lines longer than LINE_BYTES are cut; what is over FILE_BYTES is not kept."""

    def __init__(self, source: asyncio.StreamReader, file: Path, logs: Any, group: str) -> None:
        self._source = source
        self._file = file
        self._logs = logs
        self._group = group
        self._stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[runtime-logs]{uuid.uuid4()}"
        self._waiting: list[tuple[int, str]] = []
        self._kept = 0
        self._reading = asyncio.create_task(self._read())
        self._putting = asyncio.create_task(self._put_all())

    async def drained(self) -> None:
        """Everything was said, and is in the logs."""
        await asyncio.wait({self._reading}, timeout=5)
        await asyncio.wait({self._putting}, timeout=5)

    async def close(self) -> None:
        await self.drained()
        for task in (self._reading, self._putting):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _read(self) -> None:
        rest = b""
        while chunk := await self._source.read(65_536):
            self._keep(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            self._waiting += [(_now_ms(), _text(line)) for line in lines if line.strip()]
            rest = rest[:LINE_BYTES]
        if rest.strip():
            self._waiting.append((_now_ms(), _text(rest)))

    def _keep(self, chunk: bytes) -> None:
        left = chunk[: FILE_BYTES - self._kept]
        self._kept += len(left)
        if left:
            with self._file.open("ab") as file:
                file.write(left)

    async def _put_all(self) -> None:
        await asyncio.to_thread(self._create)
        while not self._reading.done() or self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            if batch:
                await asyncio.to_thread(self._put, batch)
            else:
                await asyncio.wait({self._reading}, timeout=_PAUSE_S)

    def _create(self) -> None:
        with contextlib.suppress(ClientError):
            self._logs.create_log_group(logGroupName=self._group)
        self._logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def _put(self, batch: list[tuple[int, str]]) -> None:
        events = [{"timestamp": when, "message": line} for when, line in batch]
        # A group that was deleted while its process still speaks stays deleted.
        with contextlib.suppress(ClientError):
            self._logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _text(line: bytes) -> str:
    return line[:LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
