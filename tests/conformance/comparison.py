"""Direct against proxied: which checks the proxy costs, and which of them are allowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from .suite import SPEC_VERSIONS, Key, Verdict, Verdicts, count

EXPECTED: Final = Path(__file__).resolve().parent / "expected.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A check that comes out worse through the proxy; `proxied` is None where it vanished."""

    key: Key
    direct: Verdict | None
    proxied: Verdict | None

    def __str__(self) -> str:
        where = f"{self.key.scenario} / {self.key.check} ({self.key.name} {self.key.occurrence})"
        return f"{where}\n    direct:  {_told(self.direct)}\n    proxied: {_told(self.proxied)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One line of expected.yml: every loss of `check` in `scenario` at `spec_version`, and why."""

    scenario: str
    check: str
    spec_version: str
    reason: str

    def covers(self, loss: Loss) -> bool:
        return (self.scenario, self.check) == (loss.key.scenario, loss.key.check)


def losses(direct: Verdicts, proxied: Verdicts) -> list[Loss]:
    """What passes directly and does not proxied (a check skipped or gone counts), or fails only proxied."""
    keys = [*direct, *(key for key in proxied if key not in direct)]
    pairs = [Loss(key=key, direct=direct.get(key), proxied=proxied.get(key)) for key in keys]
    return [pair for pair in pairs if _is_lost(_status(pair.direct), _status(pair.proxied))]


def allowed(side: str, spec_version: str, path: Path = EXPECTED) -> list[Allowed]:
    """The lines of `side` (`server` or `client`) for `spec_version`. A malformed line raises TypeError or
    ValueError."""
    # BaseLoader leaves every scalar a string; the other loaders make a date of 2026-07-28.
    entries = yaml.load(path.read_text(), Loader=yaml.BaseLoader)[side]
    lines = [Allowed(**entry) for entry in entries]
    if unknown := {line.spec_version for line in lines} - set(SPEC_VERSIONS):
        raise ValueError(f"{path.name}: no such spec_version: {', '.join(sorted(unknown))}")
    return [line for line in lines if line.spec_version == spec_version]


def unexpected(lost: Iterable[Loss], lines: Sequence[Allowed]) -> list[Loss]:
    return [loss for loss in lost if not any(line.covers(loss) for line in lines)]


def stale(lost: Sequence[Loss], lines: Iterable[Allowed]) -> list[Allowed]:
    return [line for line in lines if not any(line.covers(loss) for loss in lost)]


def summary(title: str, direct: Verdicts, proxied: Verdicts, lost: Sequence[Loss]) -> str:
    def totals(verdicts: Verdicts) -> str:
        return f"{count(verdicts, 'SUCCESS')} passed, {count(verdicts, 'FAILURE')} failed"

    head = f"{title}: direct {totals(direct)}; proxied {totals(proxied)}; lost {len(lost)}"
    return "\n".join([head, *(f"  {loss}" for loss in lost)])


def _status(verdict: Verdict | None) -> str:
    return "gone" if verdict is None else verdict.status


def _is_lost(direct: str, proxied: str) -> bool:
    return (direct == "SUCCESS" and proxied != "SUCCESS") or (proxied == "FAILURE" and direct != "FAILURE")


def _told(verdict: Verdict | None) -> str:
    return "gone" if verdict is None else f"{verdict.status} {verdict.message}".strip()
