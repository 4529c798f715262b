"""The runtime's log groups. AWS makes them, without our tag; they are deleted only when that is asked for."""

from __future__ import annotations

import re

from deployment import faults, names, runtime
from deployment.run import Run
from deployment.steps import Change


class LogGroups:
    """A Step that only removes: `wanted` says whether."""

    def __init__(self, run: Run, *, wanted: bool) -> None:
        self._run = run
        self._wanted = wanted
        self._client = run.account.client("logs")

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        """AWS makes them with the first line."""

    def plan_removal(self) -> tuple[Change, ...]:
        if self._wanted:
            deleted = frozenset({"logs:DeleteLogGroup"})
            return tuple(Change(resource=f"log group {name}", action="delete", calls=deleted) for name in self._names())
        kept = ("holds what was logged: --logs deletes it",)
        return tuple(Change(resource=f"log group {name}", action="keep", details=kept) for name in self._names())

    def remove(self) -> None:
        for name in self._names() if self._wanted else ():
            faults.gone(self._client.delete_log_group, logGroupName=name)

    def _names(self) -> list[str]:
        """`…/NAME-ID-ENDPOINT`: also of an earlier runtime of this name, there is one at a time."""
        there = runtime.named(self._run)
        if there is not None and not runtime.is_ours(self._run, there):
            return []  # AWS puts no tag on them, so they are whose the runtime is
        start = names.log_groups(self._run.config.agent_name)
        own = re.compile(rf"{re.escape(start)}[a-zA-Z0-9]{{10}}-\w+")
        pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=start)
        every = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        return [name for name in every if own.fullmatch(name)]
