"""docs/performance.md: the figures between its markers, and with what they were measured."""

from datetime import datetime
from pathlib import Path

import orjson

from benchmarks.report import machine
from benchmarks.wire import Json

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "out"
PAGE = ROOT / "docs" / "performance.md"


def write(mark: str, text: str) -> None:
    """Puts the text between the lines `<!-- MARK: begin -->` and `<!-- MARK: end -->`; SystemExit without them."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = PAGE.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE.name} has no lines '{begin}' and '{end}' to write the figures between")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    print(f"written: {PAGE.relative_to(ROOT)}, {mark}")


def measured_on(when: datetime, cores: float) -> str:
    """Two lines: the day and the machine, and how busy others kept it."""
    known = machine()
    software = ", ".join(f"{name} {version}" for name, version in known["software"].items())
    where = f"Measured {when:%Y-%m-%d} on {known['cores']} cores with Python {known['python']}; {software}.\n"
    return f"{where}Other work on the machine took {cores:.2f} cores meanwhile."


def keep(found: Json, when: datetime, kind: str = "") -> None:
    """Leaves a run as JSON in benchmarks/out/."""
    OUT.mkdir(exist_ok=True)
    file = OUT / f"{when:%Y%m%dT%H%M%SZ}{kind}.json"
    file.write_bytes(orjson.dumps({"machine": machine(), **found}, option=orjson.OPT_INDENT_2))
    print(f"written: {file.relative_to(ROOT)}")
