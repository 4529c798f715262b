"""`plan` says what would change; `deploy` does it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from deployment import runtime
from deployment.errors import FailedError
from deployment.registered import Registered, registered
from deployment.run import Run, carry_out, planned
from deployment.stack import Stack, stack
from deployment.steps import Change, Step
from proxy.arns import invocation_url


def plan(run: Run, options: Namespace) -> int:
    """Resource by resource; nothing is touched. The artifact is built on this machine."""
    steps, _ = _steps(run, _stack(run, options))
    changes = planned(run, steps)
    run.report.answer({"changes": shown(changes)}, [_summary(changes, "would change")])
    return 0


def deploy(run: Run, options: Namespace) -> int:
    """Build everything up, register with the gateway where the config names one, and say where the runtime is."""
    made = _stack(run, options)
    made.secret.need()
    steps, target = _steps(run, made)
    try:
        changes = carry_out(run, steps)
    except FailedError as error:
        if target is None or str(target.at) not in str(error):
            raise
        advice = "the runtime is deployed; where its gateway may not call it, `register --grant` gives the permission"
        raise FailedError(f"{error}\n{advice}") from None
    document, lines = _described(run, changes)
    if target is not None:
        document["target"] = target.proved()
        lines.append(f"target  {target.at.target} at {target.at.gateway}")
    run.report.answer(document, [*lines, _summary(changes, "changed")])
    return 0


def shown(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """As JSON."""
    return [
        {"resource": each.resource, "action": each.action, "details": each.details, "calls": sorted(each.calls)}
        for each in changes
    ]


def _stack(run: Run, options: Namespace) -> Stack:
    return stack(run, secret=options.secret, ask=options.ask_secret)


def _steps(run: Run, made: Stack) -> tuple[tuple[Step, ...], Registered | None]:
    if run.config.gateway is None:
        return made.steps, None
    # A new version may publish other tools, and the gateway keeps the list that it made.
    moves = any(change.action != "keep" for change in made.runtime.plan())
    target = registered(run, run.config.gateway, refresh=moves)
    return (*made.steps, *target.registration.steps), target


def _described(run: Run, changes: Sequence[Change]) -> tuple[dict[str, Any], list[str]]:
    found = runtime.existing(run)
    document: dict[str, Any] = {
        "arn": found["agentRuntimeArn"],
        "url": invocation_url(found["agentRuntimeArn"]),
        "version": found["agentRuntimeVersion"],
        "changed": shown(_changed(changes)),
    }
    return document, [f"{key:8}{document[key]}" for key in ("arn", "url", "version")]


def _changed(changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.action != "keep"]


def _summary(changes: Sequence[Change], verb: str) -> str:
    count = len(_changed(changes))
    if not count:
        return "nothing to change: everything is as the config says"
    return f"{count} resource{'s'[: count > 1]} {verb}"
