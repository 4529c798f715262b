"""The engine: an ordered list of policies over every call and every result.

Calls run down the list, results run back up it. Whatever a hook does other than decide in time (raise, hang, return
something else) is a denial with reason `policy_error`, unless its entry says `on_failure = "open"`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from policies.finding import failed, folder_of
from policies.line import Answered, Denied, Entry, Line
from policies.model import Call, Caller, Exchange, Hook, Result, Step, Tool
from policies.policy import Policy
from policies.validation import Validation
from policies.waiting import Failure, Waiting

__all__ = ["Answered", "Chain", "Denied", "Entry", "PolicyOpenError"]

OPEN_S: Final = 30.0
"""Longest that one policy's `open` may take."""
CLOSE_S: Final = 5.0
"""Longest that one policy's `close` may take."""

_LONG_US: Final = 20_000

_HOOKS: Final[tuple[Hook, ...]] = ("on_tool", "on_call", "on_result", "on_done")
_RESULT_TYPES: Final = ("complete", "input_required")
_LOG: Final = logging.getLogger(__name__)


class PolicyOpenError(Exception):
    """A policy's `open` failed. The message names the policy, the exception's type and place, not its text."""


class Chain:
    """Runs the policies of `entries`, nearest the client first.

    The hooks append a `Step` for every policy that ran. A hook that a policy does not override costs nothing.
    """

    def __init__(self, entries: Sequence[Entry], clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.entries = tuple(entries)
        self._validation = Validation()
        self._waiting = tuple(Waiting() for _ in self.entries)
        self._lines = {hook: tuple(self._overriding(hook, clock)) for hook in _HOOKS}
        self._back = self._lines["on_result"][::-1]
        self._opened: list[int] = []

    def _overriding(self, hook: Hook, clock: Callable[[], int]) -> Iterator[Line]:
        for index, entry in enumerate(self.entries):
            if entry.mode != "off" and getattr(type(entry.policy), hook) is not getattr(Policy, hook):
                yield Line(index, entry, hook, self._waiting[index], clock)

    def sees(self, hook: Hook) -> bool:
        """Whether any policy overrides the hook."""
        return bool(self._lines[hook])

    async def open(self) -> None:
        """Open each policy once, in order. Raises PolicyOpenError, after closing those already open."""
        for index, entry in enumerate(self.entries):
            if entry.mode == "off":
                continue
            failure = await self._settled(index, entry.policy.open, OPEN_S)
            if failure:
                await self.close()
                raise PolicyOpenError(f"policy {entry.name!r} cannot be opened: {failure.kind}")
            self._opened.append(index)

    async def close(self) -> None:
        """Close each opened policy once, in reverse order; one that fails is logged and stops no other."""
        while self._opened:
            index = self._opened.pop()
            failure = await self._settled(index, self.entries[index].policy.close, CLOSE_S)
            if failure:
                _LOG.warning("policy %s failed in close: %s", self.entries[index].name, failure.kind)

    async def on_tool(self, tool: Tool, caller: Caller, steps: list[Step]) -> Tool | Denied:
        """The tool as the caller may see it; Denied hides it."""
        now = tool
        for line in self._lines["on_tool"]:
            if line.covers_tool(tool.name):
                found = await line.judge(now, (now, caller), steps)
                if not isinstance(found, Tool):
                    return cast(Denied, found)
                now = found
        return now

    async def on_call(self, call: Call, steps: list[Step]) -> Call | Answered | Denied:
        """The call as it may go upstream, or why it may not."""
        now, changer = call, None
        for line in self._lines["on_call"]:
            if line.covers(call):
                found = await line.judge(now, (now,), steps)
                if isinstance(found, Answered):
                    return self._checked_answer(replace(found, call=now), line)
                if not isinstance(found, Call):
                    return found
                if found is not now:
                    now, changer = found, line
                await _breathe(steps)
        return now if changer is None else self._checked_call(now, changer)

    async def on_result(
        self, call: Call, result: Result, steps: list[Step], before: int | None = None
    ) -> Result | Denied:
        """The result as it may go to the client, past `entries[:before]` from the last to the first."""
        if _of_unknown_type(result):
            return Denied(policy="chain", reason="unknown_result_type", index=len(self.entries))
        now, changer = result, None
        for line in self._back:
            if (before is None or line.index < before) and line.covers(call):
                found = await line.judge(now, (call, now), steps)
                if not isinstance(found, Result):
                    return cast(Denied, found)
                if found is not now:
                    now, changer = found, line
                await _breathe(steps)
        if changer is None:
            return now
        return self._checked_result(call, now, changer, structured=result.has_structured)

    async def on_done(self, exchange: Exchange) -> None:
        """Tell every policy, in order; one that fails is logged and stops no other.

        Cancelling this task loses the rest, so whoever may be cancelled shields it.
        """
        for line in self._lines["on_done"]:
            if line.covers(exchange.call):
                await line.tell(exchange)

    def _checked_call(self, call: Call, changer: Line) -> Call | Denied:
        if call.method != "tools/call" or call.tool is None or call.tool.input_schema is None:
            return call
        problem = self._validation.problem(call.tool.input_schema, call.params.get("arguments", {}))
        return call if problem is None else _invalid(changer, problem)

    def _checked_answer(self, answered: Answered, line: Line) -> Answered | Denied:
        """A composed answer owes the tool's output schema what the upstream's would."""
        if answered.call is None or answered.result.body.get("resultType") == "input_required":
            return answered
        checked = self._checked_result(answered.call, answered.result, line, structured=True)
        return checked if isinstance(checked, Denied) else answered

    def _checked_result(self, call: Call, result: Result, changer: Line, *, structured: bool) -> Result | Denied:
        """`structured` says that structured content is owed: it was there before, or the policy composed the result."""
        schema = call.tool.output_schema if call.method == "tools/call" and call.tool else None
        if schema is None or result.is_error or result.notice is not None:
            return result
        if not result.has_structured:
            return _invalid(changer, "structuredContent is missing") if structured else result
        problem = self._validation.problem(schema, result.structured)
        return result if problem is None else _invalid(changer, problem)

    async def _settled(self, index: int, start: Callable[[], Awaitable[Any]], seconds: float) -> Failure | None:
        near = folder_of(type(self.entries[index].policy))
        outcome = await self._waiting[index].outcome(_begun(start, near), seconds)
        return outcome if isinstance(outcome, Failure) else None


async def _breathe(steps: list[Step]) -> None:
    """Let others run after a policy that worked long on the event loop."""
    if steps and steps[-1].micros > _LONG_US:
        await asyncio.sleep(0)


async def _begun(start: Callable[[], Any], near: Path | None) -> Failure | None:
    try:
        pending = start()
        if pending is not None:  # a plain def is taken as well
            await pending
    except Exception as error:  # noqa: BLE001 - code of others: its type and place are told, not its text
        return Failure(failed(error, near))
    return None


def _invalid(changer: Line, problem: str) -> Denied:
    return Denied(policy=changer.name, reason="invalid_after_modify", detail=problem, index=changer.index)


def _of_unknown_type(result: Result) -> bool:
    if result.error or result.notice is not None:
        return False
    body: Mapping[str, Any] = result.body
    return "resultType" in body and body["resultType"] not in _RESULT_TYPES
