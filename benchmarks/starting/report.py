"""What the starts showed: medians, verdicts, tables and JSON."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks import judging
from benchmarks.judging import Judged, most
from benchmarks.starting.during import Latencies
from benchmarks.starting.first import First, Message
from benchmarks.starting.phases import Phases, medians
from benchmarks.starting.servers import ECHO, IAM, NONE, Starter
from benchmarks.tables import Draw, Line, number, span
from benchmarks.wire import Json

LIMITS = {NONE.name: most(0.35), IAM.name: most(0.5)}
"""Wall time to the first answer over the echo's, whatever the message."""
P99_MS = most(100)
"""Latency of a call while the process is still importing."""

FIRST = ("first message", "server", "wall ms", "least–most", "CPU ms", "least–most", "note")
DURING = ("server", "c", "calls", "p50 ms", "p99 ms", "least–most", "max ms", "first ms", "note")


@dataclass(slots=True, kw_only=True)
class Cell:
    """A kind of process and its first message, with the rounds so far; `note` says why there are no more."""

    starter: Starter
    message: Message
    firsts: list[First] = field(default_factory=list)
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A kind of process and the callers that load its start, with the rounds so far."""

    starter: Starter
    concurrency: int
    rounds: list[Latencies] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Found:
    """Everything of a run; `phases` holds one entry per start of each server."""

    cells: list[Cell]
    loaded: list[Loaded]
    phases: dict[str, list[Phases]] = field(default_factory=dict)


def judge(found: Found) -> list[Judged]:
    return [*_cold(found.cells), *_during(found.loaded)]


def _cold(cells: Sequence[Cell]) -> Iterator[Judged]:
    """A start of the proxy over the echo's in the same round."""
    walls = {(cell.starter.name, cell.message.method): _walls(cell) for cell in cells if not cell.note}
    for name, limit in LIMITS.items():
        for method in dict.fromkeys(cell.message.method for cell in cells):
            pairs = zip(walls.get((name, method), ()), walls.get((ECHO.name, method), ()), strict=False)
            values = tuple(ours / theirs for ours, theirs in pairs)
            yield Judged(figure="cold start", of=f"{name} / {ECHO.name}, {method}", values=values, limit=limit)


def _during(loaded: Sequence[Loaded]) -> Iterator[Judged]:
    for cell in loaded:
        failed = any(one.errors for one in cell.rounds)
        yield Judged(
            figure="p99 ms while importing",
            of=f"{cell.starter.name}, tools/call",
            concurrency=str(cell.concurrency),
            values=() if failed else tuple(one.p99_ms for one in cell.rounds),
            limit=P99_MS,
        )


def _walls(cell: Cell) -> tuple[float, ...]:
    return tuple(first.wall_ms for first in cell.firsts)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _first_line(cell: Cell) -> Line:
    walls, cpu = _walls(cell), tuple(first.cpu_ms for first in cell.firsts)
    return (
        cell.message.method,
        cell.starter.name,
        number(_median(walls), 0),
        span(walls, 0),
        number(_median(cpu), 0),
        span(cpu, 0),
        cell.note or cell.starter.title,
    )


def _during_line(cell: Loaded) -> Line:
    rounds = cell.rounds
    errors = sum(one.errors for one in rounds)
    p99 = [one.p99_ms for one in rounds]
    return (
        cell.starter.name,
        str(cell.concurrency),
        number(_median([one.calls for one in rounds]), 0),
        number(_median([one.p50_ms for one in rounds]), 1),
        number(_median(p99), 1),
        span(p99, 1),
        number(max((one.max_ms for one in rounds), default=None), 1),
        number(_median([one.first_ms for one in rounds]), 1),
        f"{errors} CALLS FAILED" if errors else "" if rounds else "NOT MEASURED",
    )


def _phase_lines(told: dict[str, Phases]) -> list[Line]:
    names = dict.fromkeys(name for phases in told.values() for name in phases)
    return [(name, *(number(phases.get(name), 1) for phases in told.values())) for name in names]


def tables(found: Found, draw: Draw) -> str:
    """The verdicts first; then the first answers, the calls while importing, and the phases of a start."""
    told = {name: medians(starts) for name, starts in found.phases.items()}
    lines = _phase_lines(told)
    phases = draw(("phase, ms", *told), lines) if lines else "The process tells no phases of its start."
    parts = {
        "Spawn to first answer": draw(FIRST, [_first_line(cell) for cell in found.cells]),
        "Calls while the process is importing": draw(DURING, [_during_line(cell) for cell in found.loaded]),
        "Phases of a start": phases,
    }
    verdicts = draw(judging.HEADINGS, judging.lines(judge(found)))
    return "\n\n".join([verdicts, *(f"### {title}\n\n{table}" for title, table in parts.items())])


def document(found: Found) -> Json:
    """The same as JSON, with every single round."""
    return {
        "judged": judging.record(judge(found)),
        "first_answers": [
            {
                "server": cell.starter.name,
                "method": cell.message.method,
                "rounds": [asdict(first) for first in cell.firsts],
                "note": cell.note,
            }
            for cell in found.cells
        ],
        "during": [
            {
                "server": cell.starter.name,
                "concurrency": cell.concurrency,
                "rounds": [asdict(one) for one in cell.rounds],
            }
            for cell in found.loaded
        ],
        "phases": found.phases,
    }
