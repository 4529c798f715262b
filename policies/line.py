"""One hook of one policy in the chain: run it, judge what it returned, write down the step."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final, Literal, TypeVar

from policies.decisions import flaw
from policies.model import Allow, Call, Deny, Hook, Mode, Modify, Respond, Result, Step, Tool
from policies.policy import Policy
from policies.waiting import Failure, Waiting

Value = TypeVar("Value", Call, Result, Tool)

_SHORT: Final = 100
"""Microseconds."""

_LOG: Final = logging.getLogger("policies.chain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the chain. `tools` are globs on tool names; `timeout_ms` bounds each hook that waits."""

    name: str
    policy: Policy
    mode: Mode = "enforce"
    tools: tuple[str, ...] = ("*",)
    on_failure: Literal["closed", "open"] = "closed"
    timeout_ms: float = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The way ended at `entries[index]`. An index past the last entry says that the chain itself denied."""

    policy: str
    reason: str
    detail: str = ""
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`entries[index]` answered the call itself; `call` is the call as it stood then."""

    result: Result
    index: int
    call: Call | None = None


class Line:
    """One hook of one entry, with all that does not change from call to call."""

    __slots__ = (
        "_allows",
        "_clock",
        "_fails_open",
        "_hook",
        "_mode",
        "_run",
        "_timeout_s",
        "_tools",
        "_waiting",
        "index",
        "name",
    )

    def __init__(self, index: int, entry: Entry, hook: Hook, waiting: Waiting, clock: Callable[[], int]) -> None:
        self.index, self.name = index, entry.name
        self._hook, self._mode = hook, entry.mode
        self._run: Callable[..., object] = getattr(entry.policy, hook)
        self._tools = None if "*" in entry.tools else re.compile("|".join(map(fnmatch.translate, entry.tools)))
        self._fails_open = entry.on_failure == "open"
        self._timeout_s = entry.timeout_ms / 1000
        self._waiting = waiting
        self._clock = clock
        self._allows: dict[int, Step] = {}

    def covers_tool(self, name: str) -> bool:
        return self._tools is None or self._tools.match(name) is not None

    def covers(self, call: Call) -> bool:
        """Whether the policy applies: with globs, to calls of matching tools and to no other method."""
        return self._tools is None or (call.method == "tools/call" and self.covers_tool(call.name))

    async def tell(self, *args: Any) -> None:
        """Run a hook that decides nothing; a failure is logged."""
        outcome = await self._outcome(args)
        if isinstance(outcome, Failure):
            self._log(outcome.kind)

    async def judge(self, given: Value, args: tuple[Any, ...], steps: list[Step]) -> Value | Answered | Denied:
        """Run the hook: `given` itself when nothing changes, another value after a Modify, or the end of the way."""
        began = self._clock()
        decision = await self._outcome(args)
        micros = (self._clock() - began) // 1000
        if type(decision) is Allow:
            steps.append(self._allows.get(micros) or self._allowed(micros))
            return given
        wrong = self._flaw(given, decision)
        step, way = self._failed(wrong, given, micros) if wrong else self._decided(decision, given, micros)
        steps.append(step)
        return given if self._mode == "shadow" else way

    def _allowed(self, micros: int) -> Step:
        """The step of an ALLOW. It has no other content, so those of short hooks are made once: they are the many."""
        step = Step(policy=self.name, hook=self._hook, action="allow", mode=self._mode, micros=micros)
        if micros < _SHORT:
            self._allows[micros] = step
        return step

    async def _outcome(self, args: tuple[Any, ...]) -> object | Failure:
        """Call the hook; wait only for what has to be waited for."""
        try:
            decision = self._run(*args)
            if type(decision) is Allow or not isawaitable(decision):
                return decision
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - policy code fails closed, whatever it raises
            return Failure(type(error).__name__)
        return await self._waiting.outcome(decision, self._timeout_s)

    def _flaw(self, given: Call | Result | Tool, decision: object) -> str | None:
        if isinstance(decision, Failure):
            return decision.kind
        try:
            return flaw(self._hook, given, decision)
        except Exception as error:  # noqa: BLE001 - what a policy returned may run code of its own
            return type(error).__name__

    def _failed(self, wrong: str, given: Value, micros: int) -> tuple[Step, Value | Denied]:
        self._log(wrong)
        detail = f"{self._hook}: {wrong}"
        step = Step(
            policy=self.name,
            hook=self._hook,
            action="error",
            mode=self._mode,
            reason="policy_error",
            detail=detail,
            micros=micros,
        )
        denied = Denied(policy=self.name, reason="policy_error", detail=detail, index=self.index)
        return step, given if self._fails_open else denied

    def _decided(self, decision: object, given: Value, micros: int) -> tuple[Step, Any]:
        step = self._allowed(micros)
        match decision:
            case Modify():
                return replace(step, action="modify", changes=tuple(decision.changes)), decision.value
            case Deny():
                step = replace(step, action="deny", reason=decision.reason, detail=decision.detail)
                denied = Denied(policy=self.name, reason=step.reason, detail=step.detail, index=self.index)
                return step, denied
            case Respond():
                return replace(step, action="respond"), Answered(result=decision.result, index=self.index)
        return step, given

    def _log(self, kind: str) -> None:
        _LOG.warning("policy %s failed in %s: %s", self.name, self._hook, kind)
