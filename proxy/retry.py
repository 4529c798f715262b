"""What may be sent to the upstream once more, and when."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.errors import RpcError
from proxy.wire import AnswerError, WireError

BUSY: Final = (-32003, -32005)
"""AgentCore's throttling and "session operation in progress", often in HTTP 200. There the request was not executed.

With another upstream they may be codes of a tool's own, which has run.
"""

_LIMIT: Final = frozenset({"limitKey", "metric", "retryAfter"})
"""The data of −32003 where a customer's limit of a gateway was reached (AgentCore Gateway)."""

_LONGEST_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """`tries` in all; waits of `base_s`, doubled each time, with jitter; none that would end after `budget_s`."""

    tries: int = 3
    base_s: float = 0.2
    budget_s: float = 5.0


class Tries:
    """The tries of one request.

    `safe` says that it may be executed twice, `busy` that a BUSY answer says that it was not executed. After `heard`,
    that something of the upstream's reached the caller, nothing is sent again.
    """

    __slots__ = ("_backoff", "_begun", "_busy", "_count", "heard", "safe")

    def __init__(self, backoff: Backoff, *, safe: bool, begun: float, busy: bool = False) -> None:
        self.safe = safe
        self.heard = False
        self._busy = busy
        self._backoff = backoff
        self._begun = begun
        self._count = 1

    def wait(self, error: RpcError, now: float, deadline: float | None = None) -> float | None:
        """Seconds until the next try after `error`, or None when there shall be none: no try would begin in time.

        `now` is loop time, and so is `deadline`, the end of the whole request.
        """
        asked = self._worth_it(error)
        if asked is None or self._count >= self._backoff.tries:
            return None
        delay = asked or self._backoff.base_s * 2 ** (self._count - 1) * random.uniform(0.5, 1.0)
        if now - self._begun + delay > self._backoff.budget_s or (deadline is not None and now + delay >= deadline):
            return None
        self._count += 1
        return delay

    def _worth_it(self, error: RpcError) -> float | None:
        """None: no; 0: yes; else the seconds that the upstream asks for."""
        if self.heard:
            return None
        if isinstance(error, WireError):
            if error.again == "always" or (error.again == "repeatable" and self.safe):
                return error.after or 0.0
            return None
        if isinstance(error, AnswerError) and error.code in BUSY and (self.safe or self._busy or _is_limit(error)):
            return _retry_after(error) or 0.0
        return None


def _is_limit(error: AnswerError) -> bool:
    """Whether it is the answer of an AgentCore gateway's limit, which turns a call away: no tool's own error is so."""
    return isinstance(error.data, Mapping) and error.data.keys() >= _LIMIT


def _retry_after(error: AnswerError) -> float | None:
    found = error.data.get("retryAfter") if isinstance(error.data, Mapping) else None
    if isinstance(found, int | float) and not isinstance(found, bool) and found >= 0:
        return float(min(found, _LONGEST_S))  # an integer may be longer than a float can be
    return None
