"""For tests of policies: builders for values, services in memory, and `run`, the whole way of a call through a chain.

    policy = build(BlockWords, words=["forbidden"])
    outcome = run(policy, call("search", {"query": "a forbidden thing"}))
    assert outcome.denied.reason == "blocked_word"

The hooks get deep-frozen copies here, so one that mutates what it was handed raises TypeError.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final

from policies.chain import Answered, Chain, Denied, Entry
from policies.frozen import FrozenDict, FrozenList, frozen, thawed
from policies.lent import LentServices, services
from policies.model import ANYONE, Call, Caller, Exchange, Hook, Json, JsonObject, Outcome, Result, Step, Tool
from policies.naming import short_name
from policies.policy import Policy

__all__ = [
    "FrozenDict",
    "FrozenList",
    "LentServices",
    "Ran",
    "build",
    "call",
    "frozen",
    "result",
    "run",
    "run_async",
    "services",
    "thawed",
    "tool",
]

CALL_ID: Final = "01930000-0000-7000-8000-000000000000"

_HOOKS: Final[tuple[Hook, ...]] = ("on_tool", "on_call", "on_result", "on_done")

Upstream = Result | Callable[[Call], Result]


def tool(name: str = "tool", input_schema: Json = None, output_schema: Json = None, **more: Json) -> Tool:
    """A tool as an upstream lists it; by default it takes any object. `more` are further keys of its definition."""
    definition: dict[str, Json] = {"name": name, "inputSchema": input_schema or {"type": "object"}, **more}
    if output_schema is not None:
        definition["outputSchema"] = output_schema
    return Tool(definition=definition)


def call(
    name: str = "tool",
    arguments: JsonObject | None = None,
    *,
    method: str = "tools/call",
    params: JsonObject | None = None,
    caller: Caller = ANYONE,
    tool: Tool | None = None,
) -> Call:
    """A tools/call; or any other method with its `params`. `tool` is needed where schemas matter."""
    if params is None:
        params = {"name": name, "arguments": arguments or {}} if method == "tools/call" else {}
    return Call(id=CALL_ID, method=method, params=params, caller=caller, tool=tool)


def result(
    text: str | None = None,
    *,
    content: Sequence[Json] = (),
    structured: Json = None,
    is_error: bool = False,
    **more: Json,
) -> Result:
    """A tool result with one text block, or the given content. `more` are further keys of its body."""
    blocks = [*content] if text is None else [{"type": "text", "text": text}, *content]
    body: dict[str, Json] = {"content": blocks, **more}
    if structured is not None:
        body["structuredContent"] = structured
    if is_error:
        body["isError"] = True
    return Result(body=body)


def build(policy: type[Policy], lent: LentServices | None = None, **config: Json) -> Policy:
    """The policy as loading builds it: `config` is validated by its `Config`, `lent` defaults to fresh services."""
    return policy(policy.Config.model_validate(config), lent or services())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a call.

    `call` is what the upstream saw, None when it saw nothing. `result` is what came back, None after a denial.
    `denied` says who denied and why, `lines` are what the policies wrote to their sinks.
    """

    call: Call | None
    result: Result | None
    denied: Denied | None
    steps: Sequence[Step]
    exchange: Exchange
    lines: Sequence[str]

    @property
    def text(self) -> str:
        """The text blocks of the result, joined by line feeds."""
        blocks = self.result.content if self.result else ()
        return "\n".join(
            block["text"] for block in blocks if isinstance(block, Mapping) and block.get("type") == "text"
        )


def run(policies: Policy | Entry | Sequence[Policy | Entry], call: Call, result: Upstream | None = None) -> Ran:
    """Open the policies, run the call and its result through them, tell them that it is done, close them.

    `result` is what the upstream answers, or a function of the call; by default its arguments come back as text.
    Raises what a hook raised, where the proxy would deny with `policy_error`. Not for use inside a running event loop:
    there, `await run_async(...)`.
    """
    return asyncio.run(run_async(policies, call, result))


async def run_async(
    policies: Policy | Entry | Sequence[Policy | Entry], call: Call, result: Upstream | None = None
) -> Ran:
    """The same as `run`, awaitable."""
    entries = _entries([policies] if isinstance(policies, Policy | Entry) else policies)
    raised: list[BaseException] = []
    chain = Chain([replace(entry, policy=_watched(entry.policy, raised)) for entry in entries])
    await chain.open()
    try:
        ran = await _way(chain, call, result or _echo, entries)
    finally:
        await chain.close()
    if raised:
        raise raised[0]
    return replace(ran, lines=tuple(_lines(entries)))


async def _way(chain: Chain, call: Call, upstream: Upstream, entries: Sequence[Entry]) -> Ran:
    steps: list[Step] = []
    seen: Call | None = None
    went: Call | Answered | Denied = call
    if call.tool is not None:
        found = await chain.on_tool(call.tool, call.caller, steps)
        went = found if isinstance(found, Denied) else call
    if isinstance(went, Call):
        went = await chain.on_call(went, steps)
    back: Result | Denied
    if isinstance(went, Call):
        seen = call = went
        answer = upstream if isinstance(upstream, Result) else upstream(seen)
        back = await chain.on_result(call, answer, steps)
    elif isinstance(went, Answered):
        back = await chain.on_result(call, went.result, steps, went.index)
    else:
        back = went
    denied = back if isinstance(back, Denied) else None
    final = None if isinstance(back, Denied) else back
    exchange = _exchange(call, final, denied, steps)
    await chain.on_done(exchange)
    return Ran(call=seen, result=final, denied=denied, steps=tuple(steps), exchange=exchange, lines=())


def _exchange(call: Call, result: Result | None, denied: Denied | None, steps: Sequence[Step]) -> Exchange:
    kept = call.with_params({"name": call.name} if call.name else {}) if denied else call
    outcome: Outcome = "denied" if denied else "failed" if result and result.error else "completed"
    reason = denied.reason if denied else ""
    return Exchange(call=kept, result=result, outcome=outcome, reason=reason, steps=tuple(steps))


def _entries(given: Sequence[Policy | Entry]) -> list[Entry]:
    return [
        item
        if isinstance(item, Entry)
        else Entry(name=short_name(type(item).__name__), policy=item, timeout_ms=item.timeout_ms)
        for item in given
    ]


def _echo(call: Call) -> Result:
    return result(json.dumps(thawed(call.arguments), ensure_ascii=False, default=str))


def _lines(entries: Sequence[Entry]) -> list[str]:
    lent = {id(found): found for entry in entries if (found := getattr(entry.policy, "services", None))}
    return [line for found in lent.values() if isinstance(found, LentServices) for line in found.sinks.lines]


def _watched(policy: Policy, raised: list[BaseException]) -> Policy:
    """The same policy, its hooks handed frozen copies and their exceptions kept."""
    parts: dict[str, Any] = {"open": _plain(policy.open), "close": _plain(policy.close)}
    for hook in _HOOKS:
        if getattr(type(policy), hook) is not getattr(Policy, hook):
            parts[hook] = _watched_hook(getattr(policy, hook), raised)
    watched: type[Policy] = type(type(policy).__name__, (Policy,), {"__init__": lambda _: None, **parts})
    return watched()  # type: ignore[call-arg]


def _watched_hook(hook: Callable[..., Any], raised: list[BaseException]) -> Callable[..., Any]:
    async def awaited(pending: Awaitable[Any]) -> Any:
        try:
            return await pending
        except Exception as error:
            raised.append(error)
            raise

    def watched(_: Policy, *values: Any) -> Any:
        try:
            found = hook(*map(frozen, values))
        except Exception as error:
            raised.append(error)
            raise
        return awaited(found) if isawaitable(found) else found

    return watched


def _plain(method: Callable[[], Any]) -> Callable[[Policy], Any]:
    return lambda _: method()
