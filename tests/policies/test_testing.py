"""What policy authors test with: frozen copies, services with behaviour, and `run`."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.chain import Entry
from policies.model import (
    ALLOW,
    Allow,
    Call,
    Caller,
    Change,
    Deny,
    Exchange,
    Modify,
    Respond,
    Result,
    Tool,
)
from policies.policy import CallDecision, Policy, PolicyConfig, ResultDecision, ToolDecision
from policies.testing import (
    FrozenDict,
    FrozenList,
    build,
    call,
    frozen,
    result,
    run,
    run_async,
    services,
    thawed,
    tool,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)

MUTATIONS: list[Callable[[Any], Any]] = [
    lambda d: d.__setitem__("a", 1),
    lambda d: d.__delitem__("a"),
    lambda d: d.clear(),
    lambda d: d.pop("a"),
    lambda d: d.popitem(),
    lambda d: d.setdefault("z", 1),
    lambda d: d.update(z=1),
    lambda d: d.__ior__({"z": 1}),
    lambda d: d["a"].__setitem__(0, 1),
    lambda d: d["a"].__delitem__(0),
    lambda d: d["a"].append(1),
    lambda d: d["a"].extend([1]),
    lambda d: d["a"].insert(0, 1),
    lambda d: d["a"].pop(),
    lambda d: d["a"].remove(1),
    lambda d: d["a"].clear(),
    lambda d: d["a"].sort(),
    lambda d: d["a"].reverse(),
    lambda d: d["a"].__iadd__([1]),
    lambda d: d["a"].__imul__(2),
    lambda d: d["a"][1].update(z=1),
]


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_a_frozen_copy_cannot_be_mutated(mutate: Callable[[Any], Any]) -> None:
    held = frozen({"a": [1, {"b": 2}]})
    with pytest.raises(TypeError, match="not to be mutated"):
        mutate(held)
    assert held == {"a": [1, {"b": 2}]}


@given(JSON)
def test_a_frozen_copy_is_the_same_json(value: Any) -> None:
    held = frozen(value)
    assert held == value
    assert json.dumps(held) == json.dumps(value)
    assert thawed(held) == value
    assert copy.deepcopy(held) == pickle.loads(pickle.dumps(held)) == value
    for container in _containers(held):
        assert isinstance(container, FrozenDict | FrozenList)
    for made in (thawed(held), copy.deepcopy(held)):
        assert not any(isinstance(container, FrozenDict | FrozenList) for container in _containers(made))


def _containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [] if children is None else [value, *(found for child in children for found in _containers(child))]


def test_orjson_takes_a_frozen_copy() -> None:
    assert orjson.dumps(frozen({"a": [1, {"b": None}]})) == b'{"a":[1,{"b":null}]}'


def test_a_copy_made_from_a_frozen_one_may_change() -> None:
    held = frozen({"a": [1]})
    assert {**held, "b": 2} == {"a": [1], "b": 2}
    assert (held | {"b": 2})["b"] == 2
    shallow = held.copy()
    shallow["b"] = 2
    rest = [*held["a"], 2]
    rest.append(3)
    assert held == {"a": [1]}


def test_every_value_of_the_model_is_frozen_all_the_way_down() -> None:
    one = call("search", {"a": []}, caller=Caller(claims={"groups": ["x"]}), tool=tool("search", {"required": []}))
    held = frozen(Exchange(call=one, result=result(structured={"a": []}), outcome="completed"))
    assert held.call == one
    mutations: list[Callable[[], Any]] = [
        lambda: held.call.params["arguments"]["a"].append(1),
        lambda: held.call.caller.claims["groups"].append(1),
        lambda: held.call.tool.input_schema["required"].append(1),
        lambda: held.result.structured["a"].append(1),
    ]
    for mutate in mutations:
        with pytest.raises(TypeError):
            mutate()


# Policies to run


class Mutates(Policy):
    class Config(PolicyConfig):
        hook: str

    def _mutate(self, hook: str, data: Any) -> Allow:
        if self.config.hook == hook:  # type: ignore[attr-defined]
            data["x"] = 1
        return ALLOW

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision:
        return self._mutate("on_tool", tool.definition)

    async def on_call(self, call: Call) -> CallDecision:
        return self._mutate("on_call", call.params)

    def on_result(self, call: Call, result: Result) -> ResultDecision:
        return self._mutate("on_result", result.body)

    def on_done(self, exchange: Exchange) -> None:
        self._mutate("on_done", exchange.call.params)


class Replaces(Policy):
    """Hands on values that are not frozen."""

    def on_call(self, call: Call) -> CallDecision:
        return Modify(call.with_params({**call.params, "_meta": {}}))

    def on_result(self, call: Call, result: Result) -> ResultDecision:
        return Modify(result.with_body(dict(result.body)))


@pytest.mark.parametrize("hook", ["on_tool", "on_call", "on_result", "on_done"])
def test_a_hook_that_mutates_is_found(hook: str) -> None:
    mutating = build(Mutates, hook=hook)
    one = call("search", tool=tool("search"))
    for policies in (mutating, [build(Replaces), mutating, build(Replaces)]):
        with pytest.raises(TypeError, match="not to be mutated"):
            run(policies, one)


class Guards(Policy):
    class Config(PolicyConfig):
        word: str = "forbidden"
        hide: str = ""

    async def open(self) -> None:
        self.key = await self.services.secrets.get("env:KEY")

    async def close(self) -> None:
        self.services.sinks.write('"closed"')

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision:
        return Deny("hidden") if tool.name == self.config.hide else ALLOW  # type: ignore[attr-defined]

    async def on_call(self, call: Call) -> CallDecision:
        if call.arguments.get("q") == "cached":
            return Respond(result("from the cache"))
        if call.arguments.get("q") == self.config.word:  # type: ignore[attr-defined]
            return Deny("blocked_word", "q")
        return Modify(call.with_arguments({**call.arguments, "key": self.key}), (Change("$.key", "key"),))

    def on_done(self, exchange: Exchange) -> None:
        self.services.sinks.write(json.dumps({"outcome": exchange.outcome, "params": dict(exchange.call.params)}))


@pytest.fixture
def guards() -> Policy:
    return build(Guards, services(secrets={"env:KEY": "k"}), hide="secret_tool")


def test_a_call_runs_all_the_way(guards: Policy) -> None:
    ran = run(guards, call("search", {"q": "x"}))
    assert ran.call is not None
    assert ran.call.arguments == {"q": "x", "key": "k"}
    assert json.loads(ran.text) == {"q": "x", "key": "k"}
    assert ran.denied is None
    assert [(step.policy, step.hook, step.action) for step in ran.steps] == [("guards", "on_call", "modify")]
    assert ran.exchange.outcome == "completed"
    assert [json.loads(line) for line in ran.lines] == [
        {"outcome": "completed", "params": {"name": "search", "arguments": {"q": "x", "key": "k"}}},
        "closed",
    ]


def test_a_denied_call_reaches_nothing_and_keeps_no_arguments(guards: Policy) -> None:
    ran = run(guards, call("search", {"q": "forbidden"}), lambda _: pytest.fail("reached"))
    assert ran.denied is not None
    assert (ran.denied.policy, ran.denied.reason, ran.denied.detail) == ("guards", "blocked_word", "q")
    assert (ran.call, ran.result, ran.text) == (None, None, "")
    assert ran.exchange.call.params == {"name": "search"}


def test_a_hidden_tool_is_denied(guards: Policy) -> None:
    ran = run(guards, call("secret_tool", tool=tool("secret_tool")))
    assert ran.denied is not None
    assert ran.denied.reason == "hidden"


def test_an_answer_of_a_policy_comes_back_without_an_upstream(guards: Policy) -> None:
    ran = run(guards, call("search", {"q": "cached"}), lambda _: pytest.fail("reached"))
    assert ran.call is None
    assert ran.text == "from the cache"


def test_the_upstream_may_be_a_value_or_a_function(guards: Policy) -> None:
    assert run(guards, call("search"), result("fixed")).text == "fixed"
    assert run(guards, call("search"), lambda c: result(c.arguments["key"])).text == "k"


async def test_a_chain_runs_inside_an_event_loop_and_with_entries(guards: Policy) -> None:
    ran = await run_async([Entry(name="watches", policy=guards, mode="shadow")], call("search", {"q": "forbidden"}))
    assert ran.denied is None
    assert [(step.policy, step.mode, step.action) for step in ran.steps] == [("watches", "shadow", "deny")]


def test_services_behave() -> None:
    lent = services(secrets={"env:A": "a"}, keys={"env:K": [b"new", b"old"]})
    lent.store.put("k", 5, ttl_s=10)
    lent.clock.advance(9)
    assert lent.store.get("k") == 5
    lent.clock.advance(1)
    assert lent.store.get("k") is None
    assert lent.clock.now() == lent.clock.monotonic()
    lent.sinks.write('{"a": 1}')
    assert lent.sinks.records == [{"a": 1}]


async def test_services_name_the_reference_that_they_do_not_know() -> None:
    lent = services(secrets={"env:A": "a"}, keys={"env:K": [b"new", b"old"]})
    assert await lent.secrets.get("env:A") == "a"
    assert await lent.keys.ring("env:K") == [b"new", b"old"]
    with pytest.raises(LookupError, match="env:B"):
        await lent.secrets.get("env:B")
    with pytest.raises(LookupError, match="env:B"):
        await lent.keys.ring("env:B")
