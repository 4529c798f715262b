"""Figures beside their targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benchmarks.tables import plain

Form = Literal["share", "percent", "times", "ms", "count"]
HEADINGS = ("part", "figure", "measured", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One figure. Without limits it is for information; with limits and without a value it misses."""

    part: str
    figure: str
    value: float | None
    form: Form = "share"
    least: float | None = None
    most: float | None = None

    @property
    def judged(self) -> bool:
        return self.least is not None or self.most is not None

    @property
    def met(self) -> bool:
        if not self.judged:
            return True
        if self.value is None:
            return False
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def line(self) -> tuple[str, ...]:
        limits = (("≥", self.least), ("≤", self.most))
        target = " ".join(f"{sign} {shown(limit, self.form)}" for sign, limit in limits if limit is not None)
        return (
            self.part,
            self.figure,
            shown(self.value, self.form),
            target,
            ("ok" if self.met else "MISSED") if self.judged else "",
        )


def shown(value: float | None, form: Form) -> str:
    if value is None:
        return "not measured"
    if form == "percent":
        return f"{100 * value:.2f} %"
    return {"share": f"{value:.4f}", "times": f"{value:,.2f}x", "ms": f"{value:,.2f} ms", "count": f"{value:,.0f}"}[
        form
    ]


def table(verdicts: Iterable[Verdict]) -> str:
    return plain(HEADINGS, [verdict.line for verdict in verdicts])
