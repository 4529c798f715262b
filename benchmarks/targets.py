"""What the figures of a run are held to: one worker, 1 KB, 50 tools, `sanitize` and `audit` on, all in one run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.judging import Judged, Limit, least, most
from benchmarks.report import Row
from benchmarks.wire import HANDSHAKE_JSON, HANDSHAKE_SSE, MODERN_JSON, Form

PROXY = ("proxy", "proxy_door")
SLOWEST = most(10)
"""p99 over p50 with 16 calls in flight."""
HEAVIER_MB: dict[str, Limit | None] = {"proxy": most(15), "proxy_door": None}
"""Resident memory beyond the echo's."""

Key = tuple[str, Form, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """CPU per call of one server over another's, in the same form unless `other_form` says otherwise.

    `limits` holds the target per concurrency; None is a ratio for information.
    """

    over: str
    under: str
    form: Form
    limits: dict[int, Limit | None]
    other_form: Form | None = None


def _told(over: str, under: str, form: Form) -> Compared:
    return Compared(over=over, under=under, form=form, limits={1: None, 16: None})


COMPARED = (
    Compared(over="create_proxy", under="proxy", form=HANDSHAKE_JSON, limits={1: least(75), 16: least(100)}),
    Compared(over="proxy", under="echo", form=HANDSHAKE_JSON, limits={1: most(0.45), 16: most(0.35)}),
    Compared(over="proxy", under="passthrough", form=HANDSHAKE_JSON, limits={1: None, 16: most(2)}),
    Compared(
        over="proxy", under="proxy", form=MODERN_JSON, other_form=HANDSHAKE_JSON, limits={1: most(1.2), 16: most(1.2)}
    ),
    _told("create_proxy", "proxy", MODERN_JSON),
    _told("create_proxy_lean", "proxy", MODERN_JSON),
    _told("proxy", "echo", MODERN_JSON),
    _told("proxy_door", "proxy", MODERN_JSON),
    _told("create_proxy", "proxy_door", HANDSHAKE_SSE),
    _told("proxy_door", "echo", HANDSHAKE_SSE),
)


def judge(measured: Sequence[Row]) -> list[Judged]:
    """Every comparison whose servers were both part of the run. One that failed or was not offered has no values."""
    rows = {(row.server, row.form, row.concurrency): row for row in measured}
    return [*_ratios(rows), *_tails(measured), *_memory(measured)]


def _ratios(rows: dict[Key, Row]) -> Iterator[Judged]:
    """A round of the one over the same round of the other: neighbours in time, so that a drift cancels out."""
    for compared in COMPARED:
        form, other = compared.form, compared.other_form or compared.form
        for concurrency, limit in compared.limits.items():
            over = rows.get((compared.over, form, concurrency))
            under = rows.get((compared.under, other, concurrency))
            if over is None or under is None:
                continue
            values = _quotients(_right(over), _right(under))
            if not values and limit is None:
                continue
            forms = str(form) if other == form else f"{form} / {other}"
            yield Judged(
                figure="CPU per call",
                of=f"{compared.over} / {compared.under}, {forms}",
                concurrency=str(concurrency),
                values=values,
                limit=limit,
            )


def _tails(measured: Sequence[Row]) -> Iterator[Judged]:
    for row in measured:
        if row.server in PROXY and row.concurrency == 16 and row.p50_ms_rounds:
            values = () if row.errors else _quotients(row.p99_ms_rounds, row.p50_ms_rounds)
            of = f"{row.server}, {row.form}"
            yield Judged(figure="p99 / p50", of=of, concurrency="16", values=values, limit=SLOWEST)


def _memory(measured: Sequence[Row]) -> Iterator[Judged]:
    """What the proxy holds beyond the echo that answers in JSON. One form of a proxy will do: a process serves all."""
    held = {row.server: row.resident_mb_rounds[-1] for row in reversed(measured) if row.resident_mb_rounds}
    for name, limit in HEAVIER_MB.items():
        if name in held and "echo" in held:
            values = (held[name] - held["echo"],)
            yield Judged(figure="RSS, MB", of=f"{name} − echo, last round", values=values, limit=limit)


def _right(row: Row) -> tuple[float, ...]:
    """The CPU per call of each round, unless a call failed."""
    return () if row.errors else row.cpu_us_rounds


def _quotients(over: tuple[float, ...], under: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(upper / lower for upper, lower in zip(over, under, strict=False))
