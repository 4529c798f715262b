"""`sanitize`: takes out characters that nobody sees, and refuses what is too deep, too wide or too large.

It covers every text that crosses: arguments, inputs and forwarded `_meta` of calls; results, errors, notices and tool
definitions. A clean value passes as the same object after one serialisation and a few searches of it in C; the walk
through any other is bounded by a count of values, and by the clock besides.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Literal

from pydantic import Field

from policies.hidden import clean, escaped, strip, suspicious
from policies.jsontext import MAX_DEPTH, Exact, dumps
from policies.model import ALLOW, Allow, Call, Caller, Change, Deny, Json, JsonObject, Modify, Result, Tool
from policies.policy import CallDecision, Policy, PolicyConfig, ResultDecision, Services, ToolDecision
from policies.text import Budget, GrowthError, KeyCollisionError, TooManyValuesError, Walk, Where, path

_MIB: Final = 1 << 20

MAX_CHANGES: Final = 1_000
"""Changes of one value that are told; the others are made as well."""

_MAX_SECONDS: Final = 3.0
"""What is still not done by then is refused: a machine that slow would be held up by it."""
_STRIPPED_COST: Final = 1
_REMEMBERED: Final = 20_000
"""Harmless tools that are known at most: as many as a catalog may hold."""

_A_TURN: Final = 20_000
"""Values walked after which the event loop gets a turn before the next tool: a list has many."""

_KEY_END: Final = re.compile(rb'(?<!\\)(?:\\\\)*+":')
_SCALARS: Final = frozenset({str, int, float, bool, type(None), Exact})


class SanitizeConfig(PolicyConfig):
    """`action` decides about characters; over a cap, and with a forbidden key, the answer is always a denial.

    Bytes are those of the compact JSON of `params`, of the result or of a tool's definition. Values are strings, keys
    and containers, and count only where something may have to be taken out.
    """

    action: Literal["strip", "deny"] = "strip"
    max_depth: int = Field(default=64, ge=1, le=MAX_DEPTH)
    max_result_depth: int = Field(default=MAX_DEPTH, ge=1, le=MAX_DEPTH)
    max_keys: int = Field(default=10_000, ge=1)
    max_result_keys: int = Field(default=200_000, ge=1)
    max_values: int = Field(default=200_000, ge=1)
    max_tool_values: int = Field(default=20_000, ge=1)
    max_bytes: int = Field(default=4 * _MIB, ge=1)
    max_result_bytes: int = Field(default=32 * _MIB, ge=1)
    max_tool_bytes: int = Field(default=_MIB, ge=1)
    forbidden_keys: tuple[str, ...] = ("__proto__",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What of the configuration holds for a call, a result or a tool."""

    depth: int
    keys: int
    values: int
    size: int
    forbidden: tuple[bytes, ...] = ()


class Sanitize(Policy):
    """Strips or refuses hidden characters. Nothing is awaited, but for a turn of the event loop between tools.

    Denies with `too_large`, `too_many_keys`, `too_many_values`, `too_deep`, `forbidden_key`, `key_collision` (two keys
    would become one), `hidden_name` (a tool's own name hides characters) and, with `action = "deny"`,
    `hidden_characters`.
    """

    Config: ClassVar[type[PolicyConfig]] = SanitizeConfig
    config: SanitizeConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        limits = self.config
        forbidden = tuple(dumps(key) + b":" for key in limits.forbidden_keys)
        depth, keys = limits.max_result_depth, limits.max_result_keys
        self._of_call = Caps(
            depth=limits.max_depth,
            keys=limits.max_keys,
            values=limits.max_values,
            size=limits.max_bytes,
            forbidden=forbidden,
        )
        self._of_result = Caps(depth=depth, keys=keys, values=limits.max_values, size=limits.max_result_bytes)
        self._of_tool = Caps(depth=depth, keys=keys, values=limits.max_tool_values, size=limits.max_tool_bytes)
        self._walked = 0
        self._harmless: dict[str, Tool] = {}

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision | Awaitable[ToolDecision]:
        # A tool stays the same object while its definition stays the same, and is asked about at every call of it.
        if self._harmless.get(tool.name) is tool:
            return ALLOW
        decision = self._tool(tool)
        if decision is ALLOW:
            if len(self._harmless) >= _REMEMBERED:
                self._harmless.clear()
            self._harmless[tool.name] = tool
        return decision

    def _tool(self, tool: Tool) -> ToolDecision | Awaitable[ToolDecision]:
        decision = self._decide(tool.definition, self._of_tool, Walk.value, _wrapped)
        if isinstance(decision, Modify) and clean(tool.name)[1]:
            decision = Deny("hidden_name")
        if self._walked < _A_TURN:
            return decision
        self._walked = 0
        return _after_a_turn(decision)

    def on_call(self, call: Call) -> CallDecision:
        return self._decide(call.params, self._of_call, partial(Walk.call, method=call.method), call.with_params)

    def on_result(self, call: Call, result: Result) -> ResultDecision:
        method = "error" if result.error else result.notice or call.method
        return self._decide(result.body, self._of_result, partial(Walk.result, method=method), result.with_body)

    def _decide(
        self,
        body: JsonObject,
        caps: Caps,
        rewrite: Callable[[Walk, JsonObject], JsonObject],
        wrap: Callable[[JsonObject], Call | Result | Tool],
    ) -> Allow | Modify | Deny:
        raw = dumps(body)
        refused = _over(raw, body, caps)
        if refused or not suspicious(raw):
            return refused or ALLOW
        changes: dict[Change, None] = {}
        new = self._cleaned(body, caps, rewrite, changes)
        if new is body:
            return ALLOW
        if isinstance(new, Deny):
            return new
        if self.config.action == "deny":
            return Deny("hidden_characters", _summary(changes))
        if caps.forbidden and _holds(dumps(new), caps.forbidden):
            return Deny("forbidden_key")
        return Modify(wrap(new), tuple(changes))

    def _cleaned(
        self,
        body: JsonObject,
        caps: Caps,
        rewrite: Callable[[Walk, JsonObject], JsonObject],
        changes: dict[Change, None],
    ) -> JsonObject | Deny:
        now = self.services.clock.monotonic
        end = now() + _MAX_SECONDS
        budget = Budget(caps.values, lambda: now() > end)
        try:
            return rewrite(_walk(changes, budget), body)
        except KeyCollisionError:
            return Deny("key_collision")
        except GrowthError:
            return Deny("too_large")
        except TooManyValuesError:
            return Deny("too_many_values")
        finally:
            self._walked += caps.values - budget.left


async def _after_a_turn(decision: ToolDecision) -> ToolDecision:
    await asyncio.sleep(0)
    return decision


def _wrapped(definition: JsonObject) -> Tool:
    return Tool(definition=definition)


def _walk(changes: dict[Change, None], budget: Budget) -> Walk:
    def note(where: Where, kinds: frozenset[str]) -> None:
        if len(changes) < MAX_CHANGES:
            changes.update((Change(path(where), kind), None) for kind in sorted(kinds))

    def stripped(text: str, where: Where) -> str:
        new, kinds, runs = strip(text, budget.left + 1)
        if runs:
            budget.spend(_STRIPPED_COST + runs)
            note(where, kinds)
        return new

    def edit(text: str, where: Where) -> str:
        new = stripped(text, where)
        inner = walk.inside(new, where) if escaped(new) else None
        return new if inner is None else inner

    walk = Walk(edit=edit, key=stripped, budget=budget)
    return walk


def _over(raw: bytes, body: JsonObject, caps: Caps) -> Deny | None:
    if len(raw) > caps.size:
        return Deny("too_large")
    if len(raw) > 4 * caps.keys and raw.count(b'":') > caps.keys and _keys(raw, caps.keys) > caps.keys:
        return Deny("too_many_keys")
    if caps.depth < MAX_DEPTH and raw.count(b"{") + raw.count(b"[") > caps.depth and _deeper(body, caps.depth):
        return Deny("too_deep")
    return Deny("forbidden_key") if caps.forbidden and _holds(raw, caps.forbidden) else None


def _keys(raw: bytes, most: int) -> int:
    """How many keys there are, or some number above `most`: in compact JSON, quotes before a colon, not escaped."""
    surely = raw.count(b'":') - raw.count(b'\\":')
    return surely if surely > most else sum(1 for _ in _KEY_END.finditer(raw))


def _deeper(body: Json, depth: int) -> bool:
    """Whether containers stand within more than `depth` others; what is no container is not touched by Python code."""
    level: list[Json] = [body]
    for _ in range(depth + 1):
        below: list[Json] = []
        for item in level:
            values = item if isinstance(item, list) else item.values() if isinstance(item, Mapping) else item
            below += [child for child in values if type(child) not in _SCALARS]
        level = below
    return bool(level)


def _holds(raw: bytes, keys: tuple[bytes, ...]) -> bool:
    return any(key in raw for key in keys)


def _summary(changes: dict[Change, None]) -> str:
    return ", ".join(f"{change.kind} at {change.path}" for change in list(changes)[:10])
