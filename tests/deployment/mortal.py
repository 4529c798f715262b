"""Deployers that end in the middle: after the nth AWS call that changes something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deployment.account import Account

_READS = ("Get", "List", "Describe", "Head", "BatchGet")


class KilledError(BaseException):
    """The process is no more: nothing of the deployer sees it."""


class Fate:
    """`made` keeps the calls that changed something; `end` is called once the one numbered `after` was answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self.after: int | None = None
        self.end: Callable[[], None] = self._killed
        client = Account.client

        def watched(account: Account, service: str) -> Any:
            known = service in account._clients
            found = client(account, service)
            if not known:
                found.meta.events.register("after-call", self._count)
            return found

        monkeypatch.setattr(Account, "client", watched)

    def _count(self, model: Any, **_: object) -> None:
        if model.name.startswith(_READS):
            return
        self.made.append(f"{model.service_model.service_name}:{model.name}")
        if len(self.made) == self.after:
            self.end()

    def _killed(self) -> None:
        raise KilledError
