"""Whether a hook returned something that it may decide. What it returned is code of others: nothing is assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from policies.jsontext import MAX_DEPTH, JsonError, dumps, too_deep
from policies.model import Allow, Call, Change, Deny, Hook, Json, Modify, Respond, Result, Tool

DECISIONS: Final[Mapping[Hook, tuple[type, ...]]] = {
    "on_tool": (Allow, Modify, Deny),
    "on_call": (Allow, Modify, Deny, Respond),
    "on_result": (Allow, Modify, Deny),
}
_WITH_ARGUMENTS: Final = frozenset({"tools/call", "prompts/get"})


def flaw(hook: Hook, given: Call | Result | Tool, decision: object) -> str | None:
    """What makes `decision` no decision of this hook about `given`, in fixed words; None when it is one."""
    if not isinstance(decision, DECISIONS[hook]):
        return "not a decision"
    if isinstance(decision, Modify):
        return _modify_flaw(given, decision)
    if isinstance(decision, Deny):
        return None if isinstance(decision.detail, str) else "a detail that is not text"
    if isinstance(decision, Respond):
        return _respond_flaw(decision.result)
    return None


def _modify_flaw(given: Call | Result | Tool, decision: Modify) -> str | None:
    if not _are_changes(decision.changes):
        return "changes that are not Change"
    value = decision.value
    if isinstance(given, Call):
        return _call_flaw(given, value) if isinstance(value, Call) else "not a Call"
    if isinstance(given, Result):
        return _result_flaw(given, value) if isinstance(value, Result) else "not a Result"
    return _tool_flaw(given, value) if isinstance(value, Tool) else "not a Tool"


def _are_changes(changes: object) -> bool:
    return isinstance(changes, Sequence) and all(
        isinstance(change, Change) and isinstance(change.path, str) and isinstance(change.kind, str)
        for change in changes
    )


def _call_flaw(given: Call, value: Call) -> str | None:
    wrong = _json_flaw(value.params)
    if wrong:
        return wrong
    if (value.id, value.method, value.name) != (given.id, given.method, given.name):
        return "another id, method or name"
    if value.caller != given.caller or value.tool != given.tool:
        return "another caller or tool"
    if value.method in _WITH_ARGUMENTS and not isinstance(value.params.get("arguments", {}), Mapping):
        return "arguments that are not an object"
    return None


def _result_flaw(given: Result, value: Result) -> str | None:
    wrong = _json_flaw(value.body)
    if wrong:
        return wrong
    if (value.error, value.notice) != (given.error, given.notice):
        return "another kind of result"
    return "another error code" if given.error and value.body.get("code") != given.body.get("code") else None


def _tool_flaw(given: Tool, value: Tool) -> str | None:
    return _json_flaw(value.definition) or (None if value.name == given.name else "another name")


def _respond_flaw(result: object) -> str | None:
    if not isinstance(result, Result) or result.notice is not None:
        return "not a Result"
    wrong = _json_flaw(result.body)
    if wrong or not result.error:
        return wrong
    is_error = type(result.body.get("code")) is int and isinstance(result.body.get("message"), str)
    return None if is_error else "an error without code or message"


def _json_flaw(value: Json) -> str | None:
    if not isinstance(value, Mapping):
        return "not a JSON object"
    try:
        raw = dumps(value)
    except JsonError:
        return "not serialisable as JSON"
    deep = raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and too_deep(value)
    return "nested too deeply" if deep else None
