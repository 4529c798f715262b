"""One run of the deployer, and the two ways through its steps: up, and down in reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from deployment.account import Account
from deployment.config import DeployConfig
from deployment.errors import DeployError
from deployment.report import Report
from deployment.steps import Change, Step
from deployment.waiting import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every step is given."""

    config: DeployConfig
    account: Account
    report: Report
    waits: Waits


class StoppedError(DeployError):
    """Ctrl-C between or within steps: says what is done. Running the same verb again carries on."""


def carry_out(run: Run, steps: Sequence[Step]) -> tuple[Change, ...]:
    """Plan every step, say what will change, then apply step by step; no call is made that was not announced.

    A step whose plan keeps everything is applied too: it may find that what an earlier run began is still under way.
    Raises DeployError.
    """
    try:
        plans = [step.plan() for step in steps]
    except KeyboardInterrupt:
        raise StoppedError("interrupted while planning: nothing was changed") from None
    changes = tuple(change for plan in plans for change in plan)
    run.report.changes(changes)
    with run.account.may(calls_of(changes)):
        _each([step.apply for step in steps], [_resources(plan) for plan in plans])
    return changes


def take_down(run: Run, steps: Sequence[Step]) -> tuple[Change, ...]:
    """The same for removal, in reverse order. Raises DeployError."""
    changes = planned_removal(run, steps)
    remove_planned(run, steps, changes)
    return changes


def remove_planned(run: Run, steps: Sequence[Step], changes: Sequence[Change]) -> None:
    """Remove what `planned_removal` has announced. Raises DeployError."""
    with run.account.may(calls_of(changes)):
        _each([step.remove for step in reversed(steps)], [type(step).__name__ for step in reversed(steps)])


def planned(run: Run, steps: Sequence[Step]) -> tuple[Change, ...]:
    """What `carry_out` would do, reported. Only reads."""
    changes = tuple(change for step in steps for change in step.plan())
    run.report.changes(changes)
    return changes


def planned_removal(run: Run, steps: Sequence[Step]) -> tuple[Change, ...]:
    """What `take_down` would do, reported. Only reads."""
    # Two steps may share what they remove, as the kinds of artifact share a bucket.
    changes = tuple(dict.fromkeys(change for step in reversed(steps) for change in step.plan_removal()))
    run.report.changes(changes)
    return changes


def calls_of(changes: Iterable[Change]) -> frozenset[str]:
    """Every AWS call that the changes announce."""
    return frozenset().union(*(change.calls for change in changes))


def _each(actions: Sequence[Callable[[], None]], what: Sequence[str]) -> None:
    for number, action in enumerate(actions):
        try:
            action()
        except KeyboardInterrupt:
            done = ", ".join(filter(None, what[:number])) or "nothing"
            raise StoppedError(
                f"interrupted at {what[number] or 'a step'}, which may be half done; before it: {done}; "
                "run the same verb again to carry on"
            ) from None


def _resources(plan: Sequence[Change]) -> str:
    return ", ".join(change.resource for change in plan)
