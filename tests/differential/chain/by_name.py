"""A policy that does what the name of the tool says, so that one chain shows every kind of decision."""

from __future__ import annotations

from policies.model import ALLOW, Call, Caller, Change, Deny, Modify, Respond, Result, Tool
from policies.policy import CallDecision, Policy, ResultDecision, ToolDecision


class ByName(Policy):
    """Hides `hidden`, retitles `retitled`, and so on: the tools are those of `tests.differential.upstream`."""

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision:
        if tool.name == "hidden":
            return Deny("hidden")
        if tool.name == "retitled":
            return Modify(Tool(definition={**tool.definition, "title": "Another"}), [Change("$.title", "TITLE")])
        return ALLOW

    def on_call(self, call: Call) -> CallDecision:
        name = _wish(call)
        if name in ("denied", "a://denied"):
            return Deny("not_today", "for the audit only")
        if name == "responded":
            return Respond(Result(body={"content": [{"type": "text", "text": "from here"}]}))
        if name == "exploding":
            raise RuntimeError("nobody is to read this")
        if name == "rewritten" and call.method == "tools/call":
            return Modify(call.with_arguments({**call.arguments, "added": 1}), [Change("$.added", "ADDED")])
        return ALLOW

    def on_result(self, call: Call, result: Result) -> ResultDecision:
        if result.notice is not None:
            return Deny("not_told") if result.body.get("data") == "quiet" else ALLOW
        name = _wish(call)
        if name == "denied_late":
            return Deny("not_today")
        if name == "replaced":
            return Modify(Result(body={**result.body, "content": []}, error=result.error), [Change("$", "REPLACED")])
        if name in ("unwritable", "told_then_unwritable"):
            return Modify(Result(body={**result.body, "content": [{"type": "text", "text": "\ud800"}]}), [])
        return ALLOW


def _wish(call: Call) -> str:
    """The name, of a call that has none a word in its `_meta`."""
    return call.name or str(call.meta.get("example.com/wish", ""))
