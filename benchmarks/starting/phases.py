"""What the process itself says of its start: log lines `start: PHASE MILLISECONDS` on stderr, at level debug."""

import re
import statistics
from collections.abc import Sequence

LEVEL = {"MCP_PROXY_LOG_LEVEL": "debug"}
_LINE = re.compile(r"\bstart: (?P<phase>\S.*?) (?P<ms>\d+(?:\.\d+)?) ?ms\b.*$", re.MULTILINE)

Phases = dict[str, float]


def phases(stderr: str) -> Phases:
    """Milliseconds per phase, in the order of the lines; empty where there are none."""
    return {line["phase"]: float(line["ms"]) for line in _LINE.finditer(stderr)}


def medians(starts: Sequence[Phases]) -> Phases:
    """The median of each phase over the starts that told it."""
    names = dict.fromkeys(name for start in starts for name in start)
    return {name: statistics.median(start[name] for start in starts if name in start) for name in names}
