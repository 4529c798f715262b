"""A call or a result through the chain, offline: what each policy decides, where, of what kind and how long it took.

Nothing of what is read is shown: paths and kinds, no values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from policies.chain import Answered, Chain, Denied, PolicyOpenError
from policies.jsontext import JsonError, loads
from policies.model import Call, Caller, Json, JsonObject, Result, Step, Tool
from policies.naming import is_builtin
from proxy.denials import denial
from proxy.errors import ConfigError
from proxy.ids import uuid7

MAX_PATHS: Final = 50
"""Paths shown of one decision."""

_KEYS: Final = frozenset({"call", "result", "tool", "caller"})

_LOADING_MS: Final = 60_000.0

_SHAPES: Final = (
    'give {"call": {"name": …, "arguments": …}, "result": …, "tool": …, "caller": {"subject": …, "claims": …}} '
    "(all but the call may be left out), a JSON-RPC request, or a tool's result"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be explained. Without a result, only the way to the upstream is."""

    call: Call
    given: bool
    result: Result | None = None


def read(text: bytes) -> Case:
    """The case that a document describes. Raises ConfigError that repeats nothing of it."""
    try:
        document = loads(text)
    except JsonError as error:
        raise ConfigError([f"explain: {error}"]) from None
    if not isinstance(document, Mapping):
        raise ConfigError([f"explain: the document is not an object; {_SHAPES}"])
    case = _case(document)
    if case is None:
        raise ConfigError([f"explain: the document is neither a call nor a result; {_SHAPES}"])
    return case


async def explain(case: Case, chain: Chain) -> list[str]:
    """The lines to show: each decision, and what comes of it. Raises ConfigError when a policy cannot open."""
    try:
        await chain.open()
    except PolicyOpenError as error:
        raise ConfigError([f"explain: {error}"]) from None
    try:
        await _warm(chain)
        steps: list[Step] = []
        outcome = await _outcome(case, chain, steps)
    finally:
        await chain.close()
    told = [line for step in steps for line in _told(step)]
    return [*(told or ["no policy has anything to say to this"]), f"outcome: {outcome}"]


async def _warm(chain: Chain) -> None:
    """Let the built-in policies load what they load in the background: the times shown are those of a running proxy.

    They keep nothing of a call, so one of our own goes through them first. Others' policies may, and are left alone.
    """
    ours = [replace(entry, tools=("*",), timeout_ms=_LOADING_MS) for entry in chain.entries if is_builtin(entry.policy)]
    await Chain(ours).on_result(_call("tools/call", {}), Result(body={"content": [{"type": "text", "text": "@"}]}), [])


def _case(document: JsonObject) -> Case | None:
    if "call" in document:
        call, tool, caller = document["call"], document.get("tool"), _caller(document.get("caller"))
        if not isinstance(call, Mapping) or not isinstance(tool, Mapping | None) or not document.keys() <= _KEYS:
            return None
        known = Tool(definition={"name": call.get("name"), **tool}) if tool is not None else None
        made = replace(_call("tools/call", call, known), caller=caller)
        return Case(call=made, given=True, result=_result(document.get("result")))
    if isinstance(document.get("method"), str):
        params = document.get("params", {})
        return Case(call=_call(document["method"], params), given=True) if isinstance(params, Mapping) else None
    body = document.get("result", document)
    result = _result(body) if "result" in document or {"content", "structuredContent"} & document.keys() else None
    return Case(call=_call("tools/call", {}), given=False, result=result) if result is not None else None


def _call(method: str, params: JsonObject, tool: Tool | None = None) -> Call:
    return Call(id=uuid7(), method=method, params=params, tool=tool)


def _caller(given: Json) -> Caller:
    """A verified caller, as the document describes one."""
    found = given if isinstance(given, Mapping) else {}
    subject, issuer, claims = found.get("subject"), found.get("issuer"), found.get("claims")
    return Caller(
        subject=subject if isinstance(subject, str) else None,
        issuer=issuer if isinstance(issuer, str) else None,
        claims=claims if isinstance(claims, Mapping) else {},
    )


def _result(body: Json) -> Result | None:
    return Result(body=body) if isinstance(body, Mapping) else None


async def _outcome(case: Case, chain: Chain, steps: list[Step]) -> str:
    call, before = case.call, None
    result = case.result
    if call.tool is not None:
        seen = await chain.on_tool(call.tool, call.caller, steps)
        if isinstance(seen, Denied):
            return f"denied, as a tool that does not exist: {seen.policy} hides it ({seen.reason})"
    said, what = "the call goes upstream" if case.given else "", "result"
    if case.given:
        went = await chain.on_call(call, steps)
        if isinstance(went, Call):
            said += " changed" if went is not call else " unchanged"
            call = went
        elif isinstance(went, Denied):
            said, what = f"denied by {went.policy} ({went.reason}); the upstream does not see the call", "denial"
            call = replace(call, params={"name": call.name} if call.name else {})
            result, before = denial(call, went.reason, None, modern=True), went.index
        elif isinstance(went, Answered):
            said, what = "answered by a policy; the upstream does not see the call", "answer"
            result, before = went.result, went.index
    if result is None:
        return said
    passed = await chain.on_result(call, result, steps, before)
    if isinstance(passed, Denied):
        back = f"the {what} is denied by {passed.policy} ({passed.reason})"
    elif passed is result and what == "denial":
        back = ""
    else:
        back = f"the {what} goes back " + ("unchanged" if passed is result else "changed")
    return "; ".join(filter(None, (said, back)))


def _told(step: Step) -> Iterator[str]:
    facts = [step.hook.ljust(9), step.policy.ljust(12), step.action.ljust(7), f"{step.micros} µs"]
    if step.mode == "shadow":
        facts.append("(shadow: not done)")
    if step.reason:
        facts.append(f"reason {step.reason}")
    yield "  ".join(facts)
    yield from (f"    {change.path}  {change.kind}" for change in step.changes[:MAX_PATHS])
    if len(step.changes) > MAX_PATHS:
        yield f"    … and {len(step.changes) - MAX_PATHS} more"
