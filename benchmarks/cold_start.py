"""`python -m benchmarks.cold_start [--quick] [--write-docs]`: how soon a fresh process answers (docs/performance.md).

Also part of `python -m benchmarks`. Figures are information: the exit code is 0 whatever they are.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import page
from benchmarks.check import Peer, UnfitError
from benchmarks.process import foreign_load
from benchmarks.servers import START_SECONDS, free_port, last_words, ready, running
from benchmarks.starting import report
from benchmarks.starting.during import during
from benchmarks.starting.first import CALL, MESSAGES, first_answer, spawned
from benchmarks.starting.layout import Layout, build
from benchmarks.starting.phases import LEVEL, phases
from benchmarks.starting.report import Cell, Found, Loaded
from benchmarks.starting.servers import PROXIES, STARTERS, Starter
from benchmarks.tables import markdown, plain
from benchmarks.wire import MODERN_JSON

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured. `seconds` is how long after the spawn a start is loaded, or listened to for its phases."""

    rounds: int = 7
    loaded_rounds: int = 5
    phase_rounds: int = 3
    seconds: float = 3.0
    concurrency: tuple[int, ...] = (1, 4)


QUICK = Plan(rounds=2, loaded_rounds=1, phase_rounds=1)


class Bench:
    """Starts processes from one layout, before one upstream, each in a folder of its own."""

    def __init__(self, folder: Path, layout: Layout, upstream: int, tell: Tell) -> None:
        self._folder = folder
        self._layout = layout
        self._upstream = upstream
        self._tell = tell

    def first(self, cell: Cell) -> None:
        """One more first answer of this cell; the first failure ends its measurement."""
        if cell.note:
            return
        with spawned(self._layout, cell.starter, self._folder, self._upstream) as started:
            try:
                cell.firsts.append(first_answer(started, cell.message))
            except UnfitError as reason:
                cell.note = f"NOT MEASURED: {reason}"
                self._tell(f"{cell.starter.name}: {cell.note}\n{last_words(self._folder)}")

    def loaded(self, cell: Loaded, seconds: float) -> None:
        with spawned(self._layout, cell.starter, self._folder, self._upstream) as started:
            if (latencies := during(started, cell.concurrency, seconds)) is not None:
                cell.rounds.append(latencies)

    def phases(self, starter: Starter, seconds: float) -> dict[str, float]:
        """What the process said of its start within so many seconds, a call among them."""
        with spawned(self._layout, starter, self._folder, self._upstream, **LEVEL) as started:
            try:
                first_answer(started, CALL)
            except UnfitError:
                return {}
            time.sleep(max(0.0, started.since + seconds - time.perf_counter()))
            return phases(started.stderr.read_text(errors="replace"))


def measure(plan: Plan, tell: Tell) -> Found:
    """The whole measurement. Every process is ended and every file removed when it returns."""
    with ExitStack() as stack:
        bench = _bench(stack, tell)
        found = Found(
            cells=[Cell(starter=starter, message=message) for message in MESSAGES for starter in STARTERS],
            loaded=[Loaded(starter=starter, concurrency=c) for c in plan.concurrency for starter in PROXIES],
        )
        for starter in STARTERS:  # not counted: the first start of each reads its files from the disk
            bench.first(Cell(starter=starter, message=CALL))
        for number in range(1, plan.rounds + 1):
            tell(f"cold start: round {number} of {plan.rounds}")
            for cell in found.cells:
                bench.first(cell)
        tell("calls during the imports, and the phases of a start")
        for _ in range(plan.loaded_rounds):
            for loaded in found.loaded:
                bench.loaded(loaded, plan.seconds)
        for _ in range(plan.phase_rounds):
            for starter in PROXIES:
                found.phases.setdefault(starter.name, []).append(bench.phases(starter, plan.seconds))
    return found


def _bench(stack: ExitStack, tell: Tell) -> Bench:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    tell("cold start: building the layout")
    (folder / "layout").mkdir()
    layout, port = build(folder / "layout"), free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", str(port)]
    (folder / "upstream").mkdir()
    upstream = stack.enter_context(running(command, folder / "upstream"))
    ready(upstream, Peer(port=port, form=MODERN_JSON), until=time.monotonic() + START_SECONDS)
    (folder / "started").mkdir()
    return Bench(folder / "started", layout, port, tell)


def run(plan: Plan, *, write_docs: bool) -> None:
    """Measures, tells, keeps and, where asked to, writes the docs."""
    foreign = foreign_load()
    found = measure(plan, print)
    cores, when = foreign(), datetime.now(UTC)
    print(f"\n{report.tables(found, plain)}\n\nOther work took {cores:.2f} of {os.cpu_count()} cores meanwhile.")
    page.keep({"foreign_cores": cores, "plan": asdict(plan), **report.document(found)}, when, "-cold-start")
    if write_docs:
        page.write("cold start", f"{page.measured_on(when, cores)}\n\n{report.tables(found, markdown)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description="Spawn to first answer.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--write-docs", action="store_true", help="also write the figures into docs/")
    options = parser.parse_args()
    if options.write_docs and options.quick:
        parser.error("--write-docs needs a whole run: leave out --quick")
    if not Path("/proc/self/task").is_dir():
        raise SystemExit("python -m benchmarks.cold_start reads CPU time from /proc: run it on Linux")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run(QUICK if options.quick else Plan(), write_docs=options.write_docs)


if __name__ == "__main__":
    main()
