"""Calls while the process is still importing: one caller or several, back to back, from the moment it listens."""

import asyncio
import statistics
import time
from dataclasses import dataclass

import uvloop

from benchmarks.load import Calls, Connection, Job
from benchmarks.starting.first import ANSWER_SECONDS, POLL_SECONDS, Started
from benchmarks.wire import MODERN_JSON

_Seen = list[tuple[float, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Calls answered, those that failed, and latencies in milliseconds; `first_ms` is the slowest first call of a
    caller, part of the other figures too: it waits for whatever the start still lacks when the port accepts."""

    calls: int
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    first_ms: float


def during(started: Started, concurrency: int, seconds: float) -> Latencies | None:
    """Calls until so many seconds after the spawn; None when it never listened."""
    job = Job(
        port=started.port,
        version=MODERN_JSON.version,
        answers=MODERN_JSON.answers,
        session="",
        headers={},
        pids=[],
        concurrency=concurrency,
        calls=0,
        seconds=seconds,
        warmup=0,
    )
    return _latencies(uvloop.run(_all(job, started)))


async def _all(job: Job, started: Started) -> list[_Seen]:
    calls = Calls(job)
    callers = (_caller(job, calls, started) for _ in range(job.concurrency))
    return [seen for seen in await asyncio.gather(*callers) if seen]


async def _caller(job: Job, calls: Calls, started: Started) -> _Seen:
    seen: _Seen = []
    until, connection = started.since + job.seconds, await _connected(started)
    while connection is not None and time.perf_counter() < until:
        data, mark = calls.following()
        start = time.perf_counter()
        fit = await connection.call(data, (mark, calls.note))
        seen.append((time.perf_counter() - start, fit))
        if not connection.open:
            connection = await _connected(started)
    if connection is not None:
        connection.close()
    return seen


async def _connected(started: Started) -> Connection | None:
    """A connection as soon as the port accepts; None when the process has ended, or never listens."""
    loop = asyncio.get_running_loop()
    while started.process.poll() is None and time.perf_counter() < started.since + ANSWER_SECONDS:
        try:
            return (await loop.create_connection(Connection, "127.0.0.1", started.port))[1]
        except OSError:
            await asyncio.sleep(POLL_SECONDS)
    return None


def _latencies(callers: list[_Seen]) -> Latencies | None:
    if not callers:
        return None
    ms = [latency * 1e3 for seen in callers for latency, _ in seen]
    centiles = statistics.quantiles(ms, n=100, method="inclusive") if len(ms) > 1 else ms * 99
    return Latencies(
        calls=len(ms),
        errors=sum(not fit for seen in callers for _, fit in seen),
        p50_ms=centiles[49],
        p99_ms=centiles[98],
        max_ms=max(ms),
        first_ms=max(seen[0][0] for seen in callers) * 1e3,
    )
