"""`python -m benchmarks [--quick] [--only NAME,...] [--write-docs]`: see docs/performance.md. Figures are information:
the exit code is 0 whatever they are."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.plot import svg
from benchmarks.process import foreign_load
from benchmarks.report import console, document, machine, markdown, rows
from benchmarks.run import Plan, bench
from benchmarks.servers import SERVERS

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "out"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
QUICK = Plan(rounds=3, calls=300, seconds=0.6, warmup=20)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="CPU per call, against comparators.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    names = ", ".join(dict.fromkeys(server.name for server in SERVERS))
    parser.add_argument("--only", metavar="NAME,...", help=f"only these of: {names}")
    parser.add_argument("--write-docs", action="store_true", help="also write the figures into docs/")
    options = parser.parse_args()
    chosen = set(options.only.split(",")) if options.only else {server.name for server in SERVERS}
    if unknown := chosen - {server.name for server in SERVERS}:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; there are {names}")
    if options.write_docs and (options.quick or options.only):
        parser.error("--write-docs needs a whole run: leave out --quick and --only")
    options.chosen = chosen
    return options


def _write_docs(tables: str, drawing: str, when: datetime, cores: float) -> None:
    known = machine()
    software = ", ".join(f"{name} {version}" for name, version in known["software"].items())
    where = f"Measured {when:%Y-%m-%d} on {known['cores']} cores with Python {known['python']}; {software}.\n"
    where += f"Other work on the machine took {cores:.2f} cores meanwhile."
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        raise SystemExit(f"{PAGE.name} has no lines '{BEGIN}' and '{END}' to write the figures between")
    PAGE.write_text(f"{before}{BEGIN}\n{where}\n\n{tables}\n{END}{after}")
    PAGE.with_suffix(".svg").write_text(drawing)


def main() -> None:
    options = _arguments()
    if not Path("/proc/self/task").is_dir():
        raise SystemExit("python -m benchmarks reads CPU time from /proc: run it on Linux")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = QUICK if options.quick else Plan()
    foreign = foreign_load()
    cells = bench([server for server in SERVERS if server.name in options.chosen], plan, print)
    cores = foreign()
    measured, when = rows(cells, plan), datetime.now(UTC)
    print(f"\n{console(measured)}\n\nOther work took {cores:.2f} of {os.cpu_count()} cores meanwhile.")
    OUT.mkdir(exist_ok=True)
    file = OUT / f"{when:%Y%m%dT%H%M%SZ}.json"
    file.write_bytes(orjson.dumps(document(plan, cells, measured, cores), option=orjson.OPT_INDENT_2))
    print(f"written: {file.relative_to(ROOT)}")
    if options.write_docs:
        _write_docs(markdown(measured), svg(measured), when, cores)
        print(f"written: {PAGE.relative_to(ROOT)} and its drawing")


if __name__ == "__main__":
    main()
