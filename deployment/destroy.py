"""`destroy` takes everything down that carries our tag, in reverse order, and says what it leaves."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from deployment.deploy import shown
from deployment.errors import DeployError
from deployment.registered import unregistering
from deployment.run import Run, planned_removal, remove_planned
from deployment.stack import removable
from deployment.steps import Change


def destroy(run: Run, options: Namespace) -> int:
    """Asks first. Raises DeployError when the answer is no."""
    steps = (*removable(run, logs=options.logs), *unregistering(run))
    changes = planned_removal(run, steps)
    going = [change for change in changes if change.action != "keep"]
    left = [change for change in changes if change.action == "keep"]
    if going and not options.yes:
        _be_sure(run, going, options.ask)
    remove_planned(run, steps, changes)
    lines = [f"left {change.resource}: {'; '.join(change.details)}" for change in left]
    summary = f"destroyed: {len(going)}" if going else "there is nothing to destroy"
    run.report.answer({"destroyed": shown(going), "left": shown(left)}, [*lines, summary])
    return 0


def _be_sure(run: Run, going: Sequence[Change], ask: Callable[[str], str]) -> None:
    name = run.config.agent_name
    where = f"account {run.account.id}, {run.account.region}"
    if ask(f"type {name} to destroy these {len(going)} ({where}): ").strip() != name:
        raise DeployError("nothing was destroyed")
