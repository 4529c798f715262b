"""`sanitize`: takes out characters that nobody sees, and refuses what is too deep, too wide or too large.

It covers every text that crosses: arguments, inputs and forwarded `_meta` of calls; results, errors, notices and tool
definitions. A clean value passes as the same object after one serialisation and a few searches of it in C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Literal, TypeVar

from pydantic import Field

from policies.hidden import clean, suspicious
from policies.jsontext import MAX_DEPTH, dumps, too_deep
from policies.model import ALLOW, Allow, Call, Caller, Change, Deny, Json, JsonObject, Modify, Result, Tool
from policies.policy import CallDecision, Policy, PolicyConfig, ResultDecision, Services, ToolDecision
from policies.text import KeyCollisionError, Walk, Where, path

_T = TypeVar("_T", Call, Result, Tool)
_MIB: Final = 1 << 20


class SanitizeConfig(PolicyConfig):
    """`action` decides about characters; over a cap, and with a forbidden key, the answer is always a denial.

    Bytes are those of the compact JSON of `params` or of the result.
    """

    action: Literal["strip", "deny"] = "strip"
    max_depth: int = Field(default=64, ge=1, le=MAX_DEPTH)
    max_result_depth: int = Field(default=MAX_DEPTH, ge=1, le=MAX_DEPTH)
    max_keys: int = Field(default=10_000, ge=1)
    max_result_keys: int = Field(default=200_000, ge=1)
    max_bytes: int = Field(default=4 * _MIB, ge=1)
    max_result_bytes: int = Field(default=32 * _MIB, ge=1)
    forbidden_keys: tuple[str, ...] = ("__proto__",)


class Sanitize(Policy):
    """Strips or refuses hidden characters. Plain hooks: nothing is awaited.

    Denies with `too_large`, `too_many_keys`, `too_deep`, `forbidden_key`, `key_collision` (two keys would become one),
    `hidden_name` (a tool's own name hides characters) and, with `action = "deny"`, `hidden_characters`.
    """

    Config: ClassVar[type[PolicyConfig]] = SanitizeConfig
    config: SanitizeConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._forbidden = tuple(dumps(key) + b":" for key in self.config.forbidden_keys)

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision:
        decision = self._decide(tool, tool.definition, _rewrite_tool, lambda new: Tool(definition=new), calls=False)
        if isinstance(decision, Modify) and clean(tool.name)[1]:
            return Deny("hidden_name")
        return decision

    def on_call(self, call: Call) -> CallDecision:
        return self._decide(call, call.params, Walk.call, call.with_params, calls=True)

    def on_result(self, call: Call, result: Result) -> ResultDecision:
        return self._decide(result, result.body, Walk.result, result.with_body, calls=False)

    def _decide(
        self,
        value: _T,
        body: JsonObject,
        rewrite: Callable[[Walk, JsonObject], JsonObject],
        wrap: Callable[[JsonObject], _T],
        *,
        calls: bool,
    ) -> Allow | Modify | Deny:
        raw = dumps(body)
        refused = self._over(raw, body, calls)
        if refused or not suspicious(raw):
            return refused or ALLOW
        changes: dict[Change, None] = {}
        try:
            new = rewrite(_walk(changes), body)
        except KeyCollisionError:
            return Deny("key_collision")
        if new is body:
            return ALLOW
        if self.config.action == "deny":
            return Deny("hidden_characters", _summary(changes))
        if calls and self._forbids(dumps(new)):
            return Deny("forbidden_key")
        return Modify(wrap(new), tuple(changes))

    def _over(self, raw: bytes, body: JsonObject, calls: bool) -> Deny | None:
        limits = self.config
        if len(raw) > (limits.max_bytes if calls else limits.max_result_bytes):
            return Deny("too_large")
        depth = limits.max_depth if calls else limits.max_result_depth
        if raw.count(b"{") + raw.count(b"[") > depth and too_deep(body, depth):
            return Deny("too_deep")
        most = limits.max_keys if calls else limits.max_result_keys
        if len(raw) > 4 * most and raw.count(b'":') > most and _count_keys(body) > most:
            return Deny("too_many_keys")
        return Deny("forbidden_key") if calls and self._forbids(raw) else None

    def _forbids(self, raw: bytes) -> bool:
        return any(key in raw for key in self._forbidden)


def _rewrite_tool(walk: Walk, definition: JsonObject) -> JsonObject:
    new: JsonObject = walk.value(definition, protocol=True)
    return new


def _walk(changes: dict[Change, None]) -> Walk:
    def note(where: Where, kinds: frozenset[str]) -> None:
        changes.update((Change(path(where), kind), None) for kind in sorted(kinds))

    def edit(text: str, where: Where) -> str:
        new, kinds = clean(text)
        if kinds:
            note(where, kinds)
        if "\\u" not in new:
            return new
        return walk.inside(new, where) or new

    def key(text: str, where: Where) -> str:
        new, kinds = clean(text)
        if kinds:
            note(where, kinds)
        return new

    walk = Walk(edit=edit, key=key)
    return walk


def _summary(changes: dict[Change, None]) -> str:
    return ", ".join(f"{change.kind} at {change.path}" for change in list(changes)[:10])


def _count_keys(value: Json) -> int:
    total, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            total += len(item)
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
    return total
