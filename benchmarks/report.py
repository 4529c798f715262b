"""What a run showed: medians, a table for the console and the docs, and JSON."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from benchmarks.run import Cell, Plan
from benchmarks.tables import Draw, Line, markdown, number, plain, span
from benchmarks.wire import Form, Json

SOFTWARE = ("fastmcp", "mcp", "uvicorn", "uvloop", "aiohttp")
HEADINGS = ("form", "c", "server", "CPU µs/call", "least–most", "p50 ms", "p99 ms", "calls/s", "RSS MB", "note")
MEMORY = ("server", "RSS MB, first round", "last round", "growth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians over the rounds of one server, form and concurrency; None where nothing was measured.

    `resident_mb_rounds` is the memory of the whole process after each round, in MB of 10^6 bytes.
    """

    server: str
    title: str
    form: Form
    concurrency: int
    cpu_us: float | None
    cpu_us_rounds: tuple[float, ...]
    p50_ms: float | None
    p50_ms_rounds: tuple[float, ...]
    p99_ms: float | None
    p99_ms_rounds: tuple[float, ...]
    calls_per_second: float | None
    resident_mb_rounds: tuple[float, ...]
    errors: int
    note: str


def rows(cells: Sequence[Cell], plan: Plan) -> list[Row]:
    """One row per server, form and concurrency, ordered by form, concurrency and CPU time."""
    made = [_row(cell, concurrency) for cell in cells for concurrency in plan.concurrency]
    return sorted(made, key=lambda row: (str(row.form), row.concurrency, row.cpu_us or float("inf")))


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _row(cell: Cell, concurrency: int) -> Row:
    rounds = cell.rounds.get(concurrency, [])
    cpu_us = tuple(one.cpu_us for one in rounds)
    p50_ms, p99_ms = tuple(one.p50_ms for one in rounds), tuple(one.p99_ms for one in rounds)
    return Row(
        server=cell.server.name,
        title=cell.server.title,
        form=cell.form,
        concurrency=concurrency,
        cpu_us=_median(cpu_us),
        cpu_us_rounds=cpu_us,
        p50_ms=_median(p50_ms),
        p50_ms_rounds=p50_ms,
        p99_ms=_median(p99_ms),
        p99_ms_rounds=p99_ms,
        calls_per_second=_median([one.calls / one.seconds for one in rounds]),
        resident_mb_rounds=tuple(held / 1e6 for held in cell.resident),
        errors=sum(one.errors for one in rounds),
        note=cell.note,
    )


def machine() -> Json:
    """The machine by its cores and Python, and the versions of the software measured."""
    software = {name: version(name) for name in SOFTWARE}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "software": software}


def document(plan: Plan, cells: Sequence[Cell], measured: Sequence[Row]) -> Json:
    """The plan, the medians and every single round as JSON."""
    single = [
        {
            "server": cell.server.name,
            "form": asdict(cell.form),
            "rounds": {str(key): [asdict(one) for one in rounds] for key, rounds in cell.rounds.items()},
        }
        for cell in cells
    ]
    return {"plan": asdict(plan), "rows": [asdict(row) for row in measured], "rounds": single}


def _cells(row: Row) -> Line:
    failed = f"{row.errors} CALLS FAILED" if row.errors else ""
    return (
        str(row.form),
        str(row.concurrency),
        row.server,
        number(row.cpu_us, 0),
        span(row.cpu_us_rounds, 0),
        number(row.p50_ms, 2),
        number(row.p99_ms, 2),
        number(row.calls_per_second, 0),
        number(row.resident_mb_rounds[-1] if row.resident_mb_rounds else None, 0),
        row.note or failed or row.title,
    )


def _growth(measured: Sequence[Row]) -> list[Line]:
    """A line per process: a server that answers the handshake both ways takes two."""
    held = dict.fromkeys((row.server, row.resident_mb_rounds) for row in measured if row.resident_mb_rounds)
    return [
        (name, number(mb[0], 1), number(mb[-1], 1), f"{mb[-1] - mb[0]:+.1f}")
        for name, mb in sorted(held, key=lambda one: one[1][-1])
    ]


def console(measured: Sequence[Row]) -> str:
    """The tables in aligned columns."""
    return f"{plain(HEADINGS, [_cells(row) for row in measured])}\n\n{memory(measured, plain)}"


def memory(measured: Sequence[Row], draw: Draw) -> str:
    """What each process held after the first round and after the last."""
    return draw(MEMORY, _growth(measured))


def document_tables(measured: Sequence[Row]) -> str:
    """The tables for the docs, one per form and concurrency, then the memory."""
    parts: list[str] = []
    for form, concurrency in dict.fromkeys((row.form, row.concurrency) for row in measured):
        lines = [_cells(row)[2:] for row in measured if (row.form, row.concurrency) == (form, concurrency)]
        parts.append(f"### {form}, c={concurrency}\n\n{markdown(HEADINGS[2:], lines)}")
    return "\n\n".join([*parts, f"### Memory\n\n{memory(measured, markdown)}"])
