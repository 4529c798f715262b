"""The engine: order, decisions, and what it does with policies that break."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policies.chain import Answered, Chain, Denied, Entry, PolicyOpenError
from policies.model import (
    ALLOW,
    ANYONE,
    Allow,
    Call,
    Caller,
    Change,
    Deny,
    Exchange,
    Modify,
    Respond,
    Result,
    Step,
    Tool,
)
from policies.policy import Policy, PolicyConfig
from policies.testing import call, result, services, tool
from policies.waiting import MAX_ABANDONED

CANARY = "canary-4f1c"
Hook = Callable[..., Any]


def policy(**hooks: Hook) -> Policy:
    """A policy whose hooks are these functions (without self)."""
    made = {name: staticmethod(hook) for name, hook in hooks.items()}
    return type("Made", (Policy,), made)(PolicyConfig(), services())


def entry(name: str = "made", *, timeout_ms: float = 1000.0, **rest: Any) -> Entry:
    settings = {key: rest.pop(key) for key in ("mode", "tools", "on_failure") if key in rest}
    return Entry(name=name, policy=policy(**rest), timeout_ms=timeout_ms, **settings)


async def on_call(*entries: Entry, given: Call | None = None) -> tuple[Call | Answered | Denied, list[Step]]:
    steps: list[Step] = []
    return await Chain(entries).on_call(given or call("search", {"q": "x"}), steps), steps


async def on_result(
    *entries: Entry, given: Result | None = None, by: Call | None = None, before: int | None = None
) -> tuple[Result | Denied, list[Step]]:
    steps: list[Step] = []
    return await Chain(entries).on_result(by or call("search"), given or result("x"), steps, before), steps


def appending(name: str) -> dict[str, Hook]:
    def down(c: Call) -> Modify:
        return Modify(c.with_arguments({"q": c.arguments["q"] + name}), (Change("$.q", name),))

    async def up(c: Call, r: Result) -> Modify:
        return Modify(result(r.content[0]["text"] + name))

    return {"on_call": down, "on_result": up}


# Order


async def test_calls_run_down_the_list_and_results_back_up() -> None:
    entries = [entry(name, **appending(name)) for name in "abc"]
    went, down = await on_call(*entries)
    came, up = await on_result(*entries)
    assert isinstance(went, Call)
    assert isinstance(came, Result)
    assert went.arguments == {"q": "xabc"}
    assert came.content[0]["text"] == "xcba"
    assert [step.policy for step in down] == ["a", "b", "c"]
    assert [step.policy for step in up] == ["c", "b", "a"]


async def test_a_result_passes_only_the_policies_before_the_one_that_answered() -> None:
    entries = [entry(name, **appending(name)) for name in "abc"]
    came, _ = await on_result(*entries, before=2)
    assert isinstance(came, Result)
    assert came.content[0]["text"] == "xba"


async def test_an_answer_ends_the_way_up_and_names_its_place() -> None:
    answer = result("cached")
    reached: list[str] = []
    went, steps = await on_call(
        entry("first", on_call=lambda c: ALLOW),
        entry("cache", on_call=lambda c: Respond(answer)),
        entry("last", on_call=lambda c: reached.append("last")),
    )
    assert isinstance(went, Answered)
    assert (went.result, went.index) == (answer, 1)
    assert [(step.policy, step.action) for step in steps] == [("first", "allow"), ("cache", "respond")]
    assert not reached


async def test_a_denial_carries_reason_detail_and_place() -> None:
    went, steps = await on_call(entry("a", on_call=lambda c: ALLOW), entry("b", on_call=lambda c: Deny("no", "why")))
    assert went == Denied(policy="b", reason="no", detail="why", index=1)
    assert (steps[1].action, steps[1].reason, steps[1].detail) == ("deny", "no", "why")


async def test_a_denied_notice_is_a_denial_of_that_notice() -> None:
    notice = Result(body={"level": "info", "data": "x"}, notice="notifications/message")
    came, _ = await on_result(
        entry("quiet", on_result=lambda c, r: Deny("no_logs") if r.notice else ALLOW), given=notice
    )
    assert came == Denied(policy="quiet", reason="no_logs", index=0)


async def test_a_policy_that_overrides_nothing_leaves_no_step() -> None:
    chain = Chain([entry("idle")])
    steps: list[Step] = []
    await chain.on_call(call(), steps)
    assert steps == []
    assert not any(chain.sees(hook) for hook in ("on_tool", "on_call", "on_result", "on_done"))


async def test_a_hook_inherited_from_another_policy_counts_as_overridden() -> None:
    base = type(policy(on_call=lambda c: Deny("no")))
    chain = Chain([Entry(name="heir", policy=type("Heir", (base,), {})(PolicyConfig(), services()))])
    assert chain.sees("on_call")


async def test_steps_say_how_long_each_hook_took() -> None:
    ticks = iter(range(0, 10_000_000, 5_000))
    steps: list[Step] = []
    await Chain([entry(on_call=lambda c: ALLOW)], clock=lambda: next(ticks)).on_call(call(), steps)
    assert steps[0].micros == 5


async def test_a_plain_hook_may_return_an_awaitable() -> None:
    async def later() -> Deny:
        return Deny("later")

    went, _ = await on_call(entry(on_call=lambda c: later()))
    assert isinstance(went, Denied)
    assert went.reason == "later"


# Tools


async def test_a_tool_can_be_rewritten_and_hidden() -> None:
    titled = entry("title", on_tool=lambda t, caller: Modify(Tool(definition={**t.definition, "title": "T"})))
    steps: list[Step] = []
    seen = await Chain([titled]).on_tool(tool("search"), ANYONE, steps)
    assert isinstance(seen, Tool)
    assert seen.definition["title"] == "T"
    hidden = await Chain([titled, entry("hide", on_tool=lambda t, caller: Deny("hidden"))]).on_tool(
        tool("search"), ANYONE, steps
    )
    assert hidden == Denied(policy="hide", reason="hidden", index=1)


GLOBS = [
    (("*",), "tools/call", "crm_read", True),
    (("*",), "prompts/get", "crm_read", True),
    (("crm_*",), "tools/call", "crm_read", True),
    (("crm_*",), "tools/call", "CRM_read", False),
    (("crm_*",), "tools/call", "web_read", False),
    (("web_*", "crm_?ead"), "tools/call", "crm_read", True),
    (("crm_*",), "prompts/get", "crm_read", False),
    (("crm_*",), "tools/list", "", False),
    (("crm_*", "*"), "tools/list", "", True),
]


@pytest.mark.parametrize(("tools", "method", "name", "applies"), GLOBS)
async def test_globs_choose_the_calls_a_policy_sees(
    tools: tuple[str, ...], method: str, name: str, applies: bool
) -> None:
    told: list[str] = []
    one = entry(
        tools=tools,
        on_call=lambda c: Deny("seen"),
        on_result=lambda c, r: Deny("seen"),
        on_done=lambda e: told.append("done"),
    )
    given = call(method=method, params={"name": name})
    went, _ = await on_call(one, given=given)
    came, _ = await on_result(one, by=given)
    notice, _ = await on_result(one, by=given, given=Result(body={}, notice="notifications/progress"))
    await Chain([one]).on_done(Exchange(call=given, result=None, outcome="completed"))
    assert [isinstance(found, Denied) for found in (went, came, notice)] == [applies] * 3
    assert bool(told) is applies


@pytest.mark.parametrize(("name", "applies"), [("crm_read", True), ("web_read", False)])
async def test_globs_choose_the_tools_of_a_list(name: str, applies: bool) -> None:
    seen = await Chain([entry(tools=("crm_*",), on_tool=lambda t, c: Deny("seen"))]).on_tool(tool(name), ANYONE, [])
    assert isinstance(seen, Denied) is applies


# Modes


async def test_a_policy_in_shadow_changes_nothing_and_records_what_it_would_have_done() -> None:
    changes = (Change("$.q", "word"),)
    went, steps = await on_call(
        entry("modifies", mode="shadow", on_call=lambda c: Modify(c.with_arguments({"q": "y"}), changes)),
        entry("denies", mode="shadow", on_call=lambda c: Deny("no", "why")),
        entry("answers", mode="shadow", on_call=lambda c: Respond(result("y"))),
        entry("breaks", mode="shadow", on_call=lambda c: 1 / 0),
    )
    assert isinstance(went, Call)
    assert went.arguments == {"q": "x"}
    assert [(s.action, s.mode, s.reason, s.changes) for s in steps] == [
        ("modify", "shadow", "", changes),
        ("deny", "shadow", "no", ()),
        ("respond", "shadow", "", ()),
        ("error", "shadow", "policy_error", ()),
    ]


async def test_a_policy_that_is_off_is_not_run_opened_or_told() -> None:
    touched: list[str] = []

    async def touch(*_: object) -> None:
        touched.append("x")

    chain = Chain([entry(mode="off", on_call=touch, on_done=touch, open=touch, close=touch)])
    await chain.open()
    await chain.on_call(call(), [])
    await chain.on_done(Exchange(call=call(), result=None, outcome="completed"))
    await chain.close()
    assert not touched


# Policies that break


def raises(*_: object) -> Allow:
    raise ValueError(CANARY)


async def raises_later(*_: object) -> Allow:
    await asyncio.sleep(0)
    raise ValueError(CANARY)


def raises_base(*_: object) -> Allow:
    raise type("Odd", (BaseException,), {})(CANARY)


async def exits(*_: object) -> Allow:
    raise SystemExit(CANARY)


def exits_plainly(*_: object) -> Allow:
    raise SystemExit(CANARY)


def cancels_plainly(*_: object) -> Allow:
    raise asyncio.CancelledError(CANARY)


async def cancels(*_: object) -> Allow:
    raise asyncio.CancelledError(CANARY)


async def waits_for_ever(*_: object) -> Allow:
    await asyncio.Event().wait()
    return ALLOW


async def swallows_cancellation(*_: object) -> Allow:
    for _round in range(20):
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            continue
    return ALLOW


async def raises_when_cancelled(*_: object) -> Allow:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ValueError(CANARY) from None
    return ALLOW


BROKEN: list[tuple[Hook, str]] = [
    (raises, "ValueError"),
    (raises_later, "ValueError"),
    (raises_base, "Odd"),
    (exits, "SystemExit"),
    (exits_plainly, "SystemExit"),
    (cancels, "CancelledError"),
    (cancels_plainly, "CancelledError"),
    (waits_for_ever, "timeout"),
    (swallows_cancellation, "timeout"),
    (raises_when_cancelled, "timeout"),
    (lambda *_: None, "not a decision"),
    (lambda *_: {"allow": True, "text": CANARY}, "not a decision"),
    (lambda *_: Allow, "not a decision"),
    (lambda *_: True, "not a decision"),
]
HOOKS = ["on_tool", "on_call", "on_result"]


async def through(hook: str, one: Entry) -> tuple[object, list[Step]]:
    steps: list[Step] = []
    chain = Chain([one])
    if hook == "on_tool":
        return await chain.on_tool(tool("search"), ANYONE, steps), steps
    if hook == "on_call":
        return await chain.on_call(call("search"), steps), steps
    return await chain.on_result(call("search"), result("x"), steps), steps


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(("broken", "kind"), BROKEN)
async def test_a_policy_that_breaks_denies_and_says_nothing_of_values(
    hook: str, broken: Hook, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        found, steps = await through(hook, entry("broken", timeout_ms=20, **{hook: broken}))
        await asyncio.sleep(0)
    assert found == Denied(policy="broken", reason="policy_error", detail=f"{hook}: {kind}", index=0)
    assert [(step.action, step.reason) for step in steps] == [("error", "policy_error")]
    assert [record.getMessage() for record in caplog.records] == [f"policy broken failed in {hook}: {kind}"]
    assert caplog.records[0].name == "policies.chain"
    assert CANARY not in caplog.text + repr(found) + repr(steps)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(("broken", "kind"), BROKEN)
async def test_a_broken_policy_that_fails_open_is_recorded_and_passed(hook: str, broken: Hook, kind: str) -> None:
    found, steps = await through(hook, entry(timeout_ms=20, on_failure="open", **{hook: broken}))
    assert isinstance(found, Tool | Call | Result)
    assert [(step.action, step.reason) for step in steps] == [("error", "policy_error")]


async def test_failing_open_does_not_open_a_denial() -> None:
    went, _ = await on_call(entry(on_failure="open", on_call=lambda c: Deny("no")))
    assert isinstance(went, Denied)


async def test_an_interrupt_from_the_keyboard_is_not_the_policys() -> None:
    def interrupted(_: Call) -> Allow:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await on_call(entry(on_call=interrupted))


async def test_hooks_that_swallow_cancellation_do_not_pile_up_without_bound() -> None:
    started = 0

    async def deaf(_: Call) -> Allow:
        nonlocal started
        started += 1
        return await swallows_cancellation()

    chain = Chain([entry(timeout_ms=1, on_call=deaf)])
    await asyncio.gather(*(chain.on_call(call(), []) for _ in range(MAX_ABANDONED)))
    assert started == MAX_ABANDONED
    denied = await chain.on_call(call(), [])
    assert isinstance(denied, Denied)
    assert denied.detail == "on_call: too many hooks abandoned"
    await asyncio.sleep(0.3)
    assert await chain.on_call(call(), []) != denied


async def test_cancelling_the_exchange_cancels_the_hook_that_it_waits_for() -> None:
    ended: list[str] = []

    async def waits(_: Call) -> Allow:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("hook")
        return ALLOW

    task = asyncio.create_task(on_call(entry(timeout_ms=60_000, on_call=waits)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert ended == ["hook"]


async def test_the_text_of_an_abandoned_hooks_exception_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    await on_call(entry(timeout_ms=5, on_call=raises_when_cancelled))
    await asyncio.sleep(0.01)
    gc.collect()  # asyncio would log an exception that nobody took
    assert [record.name for record in caplog.records] == ["policies.chain"]


# Decisions that are none

DEEP: dict[str, Any] = {}
for _ in range(220):
    DEEP = {"a": DEEP}
LOOP: dict[str, Any] = {}
LOOP["self"] = LOOP

BAD_CALLS: list[tuple[Hook, str]] = [
    (lambda c: Modify(result("x")), "not a Call"),
    (lambda c: Modify(None), "not a Call"),
    (lambda c: Modify(call("other")), "another id, method or name"),
    (lambda c: Modify(call("search", method="prompts/get", params={"name": "search"})), "another id, method or name"),
    (lambda c: Modify(Call(id="2", method=c.method, params=c.params)), "another id, method or name"),
    (lambda c: Modify(call("search", tool=tool("search"))), "another caller or tool"),
    (lambda c: Modify(replace(c, caller=Caller(subject="root"))), "another caller or tool"),
    (lambda c: Modify(c.with_params([1])), "not a JSON object"),
    (lambda c: Modify(c.with_arguments([1])), "arguments that are not an object"),
    (lambda c: Modify(c.with_arguments({"q": object()})), "not serialisable as JSON"),
    (lambda c: Modify(c.with_arguments({"q": "\ud800"})), "not serialisable as JSON"),
    (lambda c: Modify(c.with_arguments(DEEP)), "nested too deeply"),
    (lambda c: Modify(c.with_arguments(LOOP)), "not serialisable as JSON"),
    (lambda c: Modify(c, [CANARY]), "changes that are not Change"),
    (lambda c: Modify(c, 5), "changes that are not Change"),
    (lambda c: Deny("no", 5), "a detail that is not text"),
    (lambda c: Deny(CANARY), "ValueError"),
    (lambda c: Respond({"content": []}), "not a Result"),
    (lambda c: Respond(Result(body={}, notice="notifications/message")), "not a Result"),
    (lambda c: Respond(Result(body={"message": "x"}, error=True)), "an error without code or message"),
    (lambda c: Respond(result(DEEP)), "nested too deeply"),
]


@pytest.mark.parametrize(("hook", "wrong"), BAD_CALLS)
async def test_a_call_decision_that_is_none_denies(hook: Hook, wrong: str) -> None:
    went, _ = await on_call(entry(on_call=hook))
    assert went == Denied(policy="made", reason="policy_error", detail=f"on_call: {wrong}", index=0)


ERROR = Result(body={"code": -32001, "message": "x"}, error=True)
NOTICE = Result(body={"data": "x"}, notice="notifications/message")
BAD_RESULTS: list[tuple[Result, Hook, str]] = [
    (result("x"), lambda c, r: Modify(c), "not a Result"),
    (result("x"), lambda c, r: Respond(r), "not a decision"),
    (result("x"), lambda c, r: Modify(ERROR), "another kind of result"),
    (result("x"), lambda c, r: Modify(NOTICE), "another kind of result"),
    (ERROR, lambda c, r: Modify(result("x")), "another kind of result"),
    (ERROR, lambda c, r: Modify(r.with_body({"code": -1, "message": "y"})), "another error code"),
    (NOTICE, lambda c, r: Modify(Result(body={}, notice="notifications/progress")), "another kind of result"),
    (result("x"), lambda c, r: Modify(r.with_body("text")), "not a JSON object"),
    (result("x"), lambda c, r: Modify(r.with_body({"a": {1, 2}})), "not serialisable as JSON"),
]


@pytest.mark.parametrize(("given", "hook", "wrong"), BAD_RESULTS)
async def test_a_result_decision_that_is_none_denies(given: Result, hook: Hook, wrong: str) -> None:
    came, _ = await on_result(entry(on_result=hook), given=given)
    assert came == Denied(policy="made", reason="policy_error", detail=f"on_result: {wrong}", index=0)


@pytest.mark.parametrize(
    ("hook", "wrong"),
    [
        (lambda t, c: Modify(tool("other")), "another name"),
        (lambda t, c: Modify(call()), "not a Tool"),
        (lambda t, c: Respond(result("x")), "not a decision"),
    ],
)
async def test_a_tool_decision_that_is_none_denies(hook: Hook, wrong: str) -> None:
    seen = await Chain([entry(on_tool=hook)]).on_tool(tool("search"), ANYONE, [])
    assert seen == Denied(policy="made", reason="policy_error", detail=f"on_tool: {wrong}", index=0)


async def test_an_error_and_a_notice_can_be_rewritten_in_kind() -> None:
    for given in (ERROR, NOTICE):
        came, _ = await on_result(entry(on_result=lambda c, r: Modify(r.with_body({**r.body, "y": 1}))), given=given)
        assert isinstance(came, Result)
        assert came.body == {**given.body, "y": 1}


# Schemas after a Modify

NUMBERED = tool(
    "count",
    {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
)


def putting(value: object) -> Hook:
    return lambda c: Modify(c.with_arguments({"n": value}))


async def test_a_modified_call_is_validated_against_the_input_schema() -> None:
    given = call("count", {"n": 1}, tool=NUMBERED)
    went, _ = await on_call(entry("good", on_call=putting(2)), given=given)
    assert isinstance(went, Call)
    went, _ = await on_call(entry("bad", on_call=putting(CANARY)), entry("idle", on_call=lambda c: ALLOW), given=given)
    assert went == Denied(policy="bad", reason="invalid_after_modify", detail="$.n: type", index=0)


async def test_only_the_last_word_on_the_arguments_has_to_be_valid() -> None:
    given = call("count", {"n": 1}, tool=NUMBERED)
    went, _ = await on_call(entry("bad", on_call=putting("x")), entry("mends", on_call=putting(3)), given=given)
    assert isinstance(went, Call)
    assert went.arguments == {"n": 3}


async def test_arguments_that_were_invalid_before_are_left_to_the_upstream() -> None:
    went, _ = await on_call(entry(on_call=lambda c: ALLOW), given=call("count", {"n": "x"}, tool=NUMBERED))
    assert isinstance(went, Call)


RESULTS = [
    (result(structured={"n": 2}), None),
    (result(structured={"n": CANARY}), "$.n: type"),
    (result(structured=[CANARY]), "$: type"),
    (result("x"), "structuredContent is missing"),
    (result(structured={"n": CANARY}, is_error=True), None),
]


@pytest.mark.parametrize(("modified", "problem"), RESULTS)
async def test_a_modified_result_is_validated_against_the_output_schema(modified: Result, problem: str | None) -> None:
    came, _ = await on_result(
        entry("outer", on_result=lambda c, r: ALLOW),
        entry("changer", on_result=lambda c, r: Modify(modified)),
        given=result(structured={"n": 1}),
        by=call("count", {"n": 1}, tool=NUMBERED),
    )
    if problem is None:
        assert came == modified
    else:
        assert came == Denied(policy="changer", reason="invalid_after_modify", detail=problem, index=1)


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        (Result(body={"content": []}), True),
        (Result(body={"resultType": "complete"}), True),
        (Result(body={"resultType": "input_required", "inputRequests": {}}), True),
        (Result(body={"resultType": "task"}), False),
        (Result(body={"resultType": None}), False),
        (Result(body={"resultType": ["complete"]}), False),
        (Result(body={"resultType": "task"}, error=True), True),
        (Result(body={"resultType": "task"}, notice="notifications/message"), True),
    ],
)
async def test_a_result_of_an_unknown_type_is_denied(given: Result, passes: bool) -> None:
    came, _ = await on_result(entry(on_result=lambda c, r: ALLOW), given=given)
    assert came == (given if passes else Denied(policy="chain", reason="unknown_result_type", index=1))


# Opening, closing, being done


def telling(name: str, told: list[str], fails: str = "") -> dict[str, Hook]:
    def hook(what: str) -> Hook:
        async def tell(*_: object) -> None:
            told.append(f"{what} {name}")
            if fails == what:
                raise ValueError(CANARY)

        return tell

    return {"open": hook("open"), "close": hook("close"), "on_done": hook("done")}


async def test_policies_open_in_order_and_all_close_in_reverse(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    chain = Chain([entry(name, **telling(name, told, fails="close")) for name in "ab"])
    await chain.open()
    await chain.close()
    await chain.close()
    assert told == ["open a", "open b", "close b", "close a"]
    assert CANARY not in caplog.text
    assert "policy a failed in close: ValueError" in caplog.text


async def test_a_policy_that_cannot_be_opened_stops_the_start_and_closes_the_others() -> None:
    told: list[str] = []
    chain = Chain([entry("a", **telling("a", told)), entry("b", **telling("b", told, fails="open"))])
    with pytest.raises(PolicyOpenError) as raised:
        await chain.open()
    assert re.fullmatch(r"policy 'b' cannot be opened: ValueError at test_chain\.py:\d+", str(raised.value))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert told == ["open a", "open b", "close a"]


async def test_every_policy_is_told_that_an_exchange_is_done(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    chain = Chain(
        [
            entry("a", **telling("a", told, fails="done")),
            entry("slow", timeout_ms=10, on_done=waits_for_ever),
            entry("plain", on_done=raises),
            entry("watches", mode="shadow", **telling("watches", told)),
        ]
    )
    await chain.on_done(Exchange(call=call(), result=None, outcome="completed"))
    assert told == ["done a", "done watches"]
    assert [record.getMessage() for record in caplog.records] == [
        "policy a failed in on_done: ValueError",
        "policy slow failed in on_done: timeout",
        "policy plain failed in on_done: ValueError",
    ]
    assert CANARY not in caplog.text
