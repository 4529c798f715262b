"""Figures held to targets: the one shape that every part of the benchmark gives its verdicts in."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.tables import Line, number, span
from benchmarks.wire import Json

HEADINGS = ("figure", "of", "c", "median", "least–most", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A target: the least that a figure has to reach, or else the most that it may."""

    value: float
    at_least: bool

    def met_by(self, figure: float) -> bool:
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.value:g}"


def least(value: float) -> Limit:
    return Limit(value=value, at_least=True)


def most(value: float) -> Limit:
    return Limit(value=value, at_least=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A figure, one value per round, and what it is held to; no values where it could not be measured.

    `figure` says what is counted, `of` what it is counted of (servers and form, or message), `concurrency` is empty
    where there is none. Without a limit the figure is there for information.
    """

    figure: str
    of: str
    concurrency: str = ""
    values: tuple[float, ...]
    limit: Limit | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        if self.median is None:
            return "NOT MEASURED"
        return "met" if self.limit.met_by(self.median) else "MISSED"


def lines(judged: Sequence[Judged]) -> list[Line]:
    """The cells of HEADINGS."""
    return [
        (
            one.figure,
            one.of,
            one.concurrency,
            number(one.median, 2),
            span(one.values, 2) if len(one.values) > 1 else "",
            str(one.limit or ""),
            one.verdict,
        )
        for one in judged
    ]


def record(judged: Sequence[Judged]) -> list[Json]:
    """The same as JSON."""
    return [asdict(one) | {"median": one.median, "verdict": one.verdict} for one in judged]
