"""The load: a light HTTP/1.1 keep-alive client in a process of its own.

`python -m benchmarks.load` reads one Job in JSON per line and answers each with one Round, or with
null when the server cannot be reached. It keeps `concurrency`
connections, one call in flight on each, and reads the server's CPU clock itself, right before and after the calls.
"""

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import httptools
import orjson
import uvloop

from benchmarks.process import cpu_seconds
from benchmarks.tools import CALLED, arguments, note
from benchmarks.wire import Form, headers, message, post

ANSWER_SECONDS = 30.0
_FIRST_ID = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One round: at most `calls` calls within `seconds`, after `warmup` calls that are not counted."""

    port: int
    version: str
    answers: str
    session: str
    headers: dict[str, str]
    pids: list[int]
    concurrency: int
    calls: int
    seconds: float
    warmup: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round showed: answered calls, failed ones, server CPU and latency per call, and the time it took."""

    calls: int
    errors: int
    seconds: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


class Calls:
    """The bytes of each call. Every call has an id of its own; nothing else is made anew while measuring."""

    def __init__(self, job: Job) -> None:
        form = Form(version=job.version, answers=cast(Any, job.answers))
        self.note = note("load").encode()
        params = {"name": CALLED, "arguments": arguments("load")}
        fields = headers(form, "tools/call", name=CALLED, session=job.session) | job.headers
        sent = post(job.port, fields, message(form, "tools/call", params, number=_FIRST_ID))
        self._before, self._after = sent.split(b"%d" % _FIRST_ID)
        self._ids = itertools.count(_FIRST_ID)

    def following(self) -> tuple[bytes, bytes]:
        """The bytes of the next call, and the id that its answer must carry."""
        mark = b"%d" % next(self._ids)
        return self._before + mark + self._after, b'"id":' + mark


class Connection(asyncio.Protocol):
    """One keep-alive connection; httptools calls the `on_*` methods."""

    def __init__(self) -> None:
        self.open = False
        self._answered: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser: Any = httptools.HttpResponseParser(self)
        self.open = True

    async def call(self, data: bytes, expected: tuple[bytes, bytes]) -> bool:
        """Whether the answer has status 200 and holds what is expected of it."""
        self._expected = expected
        self._body = b""
        self._answered = asyncio.get_running_loop().create_future()
        timeout = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._transport.abort)
        self._transport.write(data)
        try:
            return await self._answered
        finally:
            timeout.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        fit = self._parser.get_status_code() == 200 and all(part in self._body for part in self._expected)
        if not self._parser.should_keep_alive():
            self.open = False
            self._transport.close()
        self._settle(fit)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._settle(False)

    def close(self) -> None:
        self._transport.close()

    def _settle(self, fit: bool) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(fit)


async def _caller(job: Job, calls: Calls, turns: Iterator[int], until: float) -> list[tuple[float, bool]]:
    """Calls one after another for as long as there are turns and time; latency in seconds and fitness of each."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", job.port)
    seen: list[tuple[float, bool]] = []
    for _ in turns:
        if not connection.open:
            _, connection = await loop.create_connection(Connection, "127.0.0.1", job.port)
        data, mark = calls.following()
        start = time.perf_counter()
        fit = await connection.call(data, (mark, calls.note))
        end = time.perf_counter()
        seen.append((end - start, fit))
        if end > until:
            break
    connection.close()
    return seen


async def _run(job: Job, calls: Calls, count: int, seconds: float) -> list[tuple[float, bool]]:
    turns, until = iter(range(count)), time.perf_counter() + seconds
    callers = (_caller(job, calls, turns, until) for _ in range(job.concurrency))
    return [one for seen in await asyncio.gather(*callers) for one in seen]


async def measure(job: Job) -> Round:
    """One round of calls, its server's CPU time divided by the calls it answered."""
    calls = Calls(job)
    await _run(job, calls, job.warmup, job.seconds / 4)
    start, cpu = time.perf_counter(), cpu_seconds(job.pids)
    seen = await _run(job, calls, job.calls, job.seconds)
    cpu, seconds = cpu_seconds(job.pids) - cpu, time.perf_counter() - start
    errors = sum(not fit for _, fit in seen)
    latencies = [latency for latency, _ in seen]
    centiles = statistics.quantiles(latencies, n=100, method="inclusive") if len(seen) > 1 else latencies * 99
    return Round(
        calls=len(seen),
        errors=errors,
        seconds=seconds,
        cpu_us=cpu / len(seen) * 1e6,
        p50_ms=centiles[49] * 1e3,
        p99_ms=centiles[98] * 1e3,
    )


def main() -> None:
    """Measures job after job until its input ends."""
    for line in sys.stdin.buffer:
        try:
            outcome: Round | None = uvloop.run(measure(Job(**orjson.loads(line))))
        except OSError:
            outcome = None
        sys.stdout.buffer.write(orjson.dumps(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
