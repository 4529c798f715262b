"""`python -m benchmarks [--quick] [--only NAME,...] [--write-docs]`: see docs/performance.md. Figures are information:
the exit code is 0 whatever they are."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import cold_start, judging, page
from benchmarks.plot import svg
from benchmarks.process import foreign_load
from benchmarks.report import console, document, document_tables, rows
from benchmarks.run import Plan, bench
from benchmarks.servers import SERVERS
from benchmarks.tables import markdown, plain
from benchmarks.targets import judge

QUICK = Plan(rounds=3, calls=300, seconds=0.6, warmup=20)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="CPU per call, against comparators.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    names = ", ".join(dict.fromkeys(server.name for server in SERVERS))
    parser.add_argument("--only", metavar="NAME,...", help=f"only these of: {names}; and no cold start")
    parser.add_argument("--write-docs", action="store_true", help="also write the figures into docs/")
    options = parser.parse_args()
    chosen = set(options.only.split(",")) if options.only else {server.name for server in SERVERS}
    if unknown := chosen - {server.name for server in SERVERS}:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; there are {names}")
    if options.write_docs and (options.quick or options.only):
        parser.error("--write-docs needs a whole run: leave out --quick and --only")
    options.chosen = chosen
    return options


def _calls(options: argparse.Namespace) -> None:
    plan = QUICK if options.quick else Plan()
    foreign = foreign_load()
    cells = bench([server for server in SERVERS if server.name in options.chosen], plan, print)
    cores, when = foreign(), datetime.now(UTC)
    measured = rows(cells, plan)
    judged = judge(measured)
    verdicts = judging.lines(judged)
    print(f"\n{console(measured)}\n\n{plain(judging.HEADINGS, verdicts)}")
    print(f"\nOther work took {cores:.2f} of {os.cpu_count()} cores meanwhile.")
    found = {"foreign_cores": cores, **document(plan, cells, measured), "judged": judging.record(judged)}
    page.keep(found, when)
    if options.write_docs:
        tables = f"{markdown(judging.HEADINGS, verdicts)}\n\n{document_tables(measured)}"
        page.write("figures", f"{page.measured_on(when, cores)}\n\n{tables}")
        page.PAGE.with_suffix(".svg").write_text(svg(measured))


def main() -> None:
    options = _arguments()
    if not Path("/proc/self/task").is_dir():
        raise SystemExit("python -m benchmarks reads CPU time from /proc: run it on Linux")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _calls(options)
    if not options.only:
        cold_start.run(cold_start.QUICK if options.quick else cold_start.Plan(), write_docs=options.write_docs)


if __name__ == "__main__":
    main()
