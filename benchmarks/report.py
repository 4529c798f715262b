"""What a run showed: medians, ratios, a table for the console and the docs, and JSON."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from benchmarks.run import Cell, Plan
from benchmarks.wire import Form, Json

# Numerator, denominator, whether the target is a least value (or else a most), target.
Compared = tuple[str, str, bool, float]
COMPARED: tuple[Compared, ...] = (
    ("create_proxy", "proxy", True, 20.0),
    ("create_proxy_lean", "proxy", True, 20.0),
    ("proxy", "echo", False, 1.2),
)
SOFTWARE = ("fastmcp", "mcp", "uvicorn", "uvloop", "aiohttp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians over the rounds of one server, form and concurrency; None where nothing was measured."""

    server: str
    title: str
    form: Form
    concurrency: int
    cpu_us: float | None
    cpu_us_rounds: tuple[float, ...]
    p50_ms: float | None
    p99_ms: float | None
    calls_per_second: float | None
    resident_mb: float | None
    errors: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """CPU per call of one server over another's, in the same form, concurrency and round: the median of the rounds,
    the least and the most of them, and the target it is held to."""

    name: str
    form: Form
    concurrency: int
    value: float
    least: float
    most: float
    target: str
    met: bool


def rows(cells: Sequence[Cell], plan: Plan) -> list[Row]:
    """One row per server, form and concurrency, ordered by form, concurrency and CPU time."""
    made = [_row(cell, concurrency) for cell in cells for concurrency in plan.concurrency]
    return sorted(made, key=lambda row: (str(row.form), row.concurrency, row.cpu_us or float("inf")))


def _row(cell: Cell, concurrency: int) -> Row:
    rounds = cell.rounds.get(concurrency, [])

    def median(values: list[float]) -> float | None:
        return statistics.median(values) if values else None

    return Row(
        server=cell.server.name,
        title=cell.server.title,
        form=cell.form,
        concurrency=concurrency,
        cpu_us=median([one.cpu_us for one in rounds]),
        cpu_us_rounds=tuple(one.cpu_us for one in rounds),
        p50_ms=median([one.p50_ms for one in rounds]),
        p99_ms=median([one.p99_ms for one in rounds]),
        calls_per_second=median([one.calls / one.seconds for one in rounds]),
        resident_mb=cell.resident / 1e6 if cell.resident else None,
        errors=sum(one.errors for one in rounds),
        note=cell.note,
    )


def ratios(measured: Sequence[Row]) -> list[Ratio]:
    """Every comparison of COMPARED, wherever both servers were measured and never failed.

    A round of the one is held against the same round of the other: the two are neighbours in time, so that a drift
    of the machine cancels out.
    """
    right = [row for row in measured if row.cpu_us_rounds and not row.errors]
    cpu = {(row.server, row.form, row.concurrency): row.cpu_us_rounds for row in right}
    made: list[Ratio] = []
    for form, concurrency in dict.fromkeys((row.form, row.concurrency) for row in measured):
        for compared in COMPARED:
            over, under = (cpu.get((name, form, concurrency)) for name in compared[:2])
            if over and under:
                made.append(_ratio(compared, form, concurrency, over, under))
    return made


def _ratio(
    compared: Compared, form: Form, concurrency: int, over: tuple[float, ...], under: tuple[float, ...]
) -> Ratio:
    name, other, at_least, target = compared
    values = [upper / lower for upper, lower in zip(over, under, strict=False)]
    value = statistics.median(values)
    return Ratio(
        name=f"{name} / {other}",
        form=form,
        concurrency=concurrency,
        value=value,
        least=min(values),
        most=max(values),
        target=f"{'≥' if at_least else '≤'} {target:g}",
        met=value >= target if at_least else value <= target,
    )


def machine() -> Json:
    """The machine by its cores and Python, and the versions of the software measured."""
    software = {name: version(name) for name in SOFTWARE}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "software": software}


def document(plan: Plan, cells: Sequence[Cell], measured: Sequence[Row], foreign_cores: float) -> Json:
    """Everything of a run as JSON: the plan, the medians, the ratios and every single round."""
    single = [
        {
            "server": cell.server.name,
            "form": asdict(cell.form),
            "rounds": {str(key): [asdict(one) for one in rounds] for key, rounds in cell.rounds.items()},
        }
        for cell in cells
    ]
    return {
        "machine": machine(),
        "foreign_cores": foreign_cores,
        "plan": asdict(plan),
        "rows": [asdict(row) for row in measured],
        "ratios": [asdict(ratio) for ratio in ratios(measured)],
        "rounds": single,
    }


HEADINGS = ("form", "c", "server", "CPU µs/call", "least–most", "p50 ms", "p99 ms", "calls/s", "RSS MB", "note")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _span(values: Sequence[float], digits: int) -> str:
    return f"{min(values):,.{digits}f}–{max(values):,.{digits}f}" if values else "–"


def _cells(row: Row) -> tuple[str, ...]:
    failed = f"{row.errors} CALLS FAILED" if row.errors else ""
    return (
        str(row.form),
        str(row.concurrency),
        row.server,
        _number(row.cpu_us, 0),
        _span(row.cpu_us_rounds, 0),
        _number(row.p50_ms, 2),
        _number(row.p99_ms, 2),
        _number(row.calls_per_second, 0),
        _number(row.resident_mb, 0),
        row.note or failed or row.title,
    )


def _ratio_cells(ratio: Ratio) -> tuple[str, ...]:
    verdict = "met" if ratio.met else "MISSED"
    value, span = f"{ratio.value:.2f}", _span((ratio.least, ratio.most), 2)
    return (ratio.name, str(ratio.form), str(ratio.concurrency), value, span, ratio.target, verdict)


RATIO_HEADINGS = ("CPU per call", "form", "c", "ratio", "least–most", "target", "")


def _plain(headings: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    table = [headings, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(headings))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in table)


def _markdown(headings: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    table = [headings, ("---",) * len(headings), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def console(measured: Sequence[Row]) -> str:
    """The tables in aligned columns."""
    tables = _plain(HEADINGS, [_cells(row) for row in measured])
    compared = [_ratio_cells(ratio) for ratio in ratios(measured)]
    return f"{tables}\n\n{_plain(RATIO_HEADINGS, compared)}" if compared else tables


def markdown(measured: Sequence[Row]) -> str:
    """The tables for the docs: the ratios first, then a table per form and concurrency."""
    compared = [_ratio_cells(ratio) for ratio in ratios(measured)]
    parts = [_markdown(RATIO_HEADINGS, compared)] if compared else []
    for form, concurrency in dict.fromkeys((row.form, row.concurrency) for row in measured):
        lines = [_cells(row)[2:] for row in measured if (row.form, row.concurrency) == (form, concurrency)]
        parts.append(f"### {form}, c={concurrency}\n\n{_markdown(HEADINGS[2:], lines)}")
    return "\n\n".join(parts)
