"""What is known of an exchange while it is under way, and the record that it becomes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from policies.model import Call, Exchange, JsonObject, Outcome, Result, Step
from proxy.errors import RpcError
from proxy.inbound import Inbound

MAX_STEPS: Final = 200
"""Decisions an exchange records before those about single tools and notifications are left out: a stream that never
ends must not grow."""

MAX_CHANGES: Final = 20
"""Changes recorded of each such decision."""


@dataclass(slots=True, kw_only=True)
class Journey:
    """What is known so far of an exchange under way."""

    inbound: Inbound
    call: Call
    steps: list[Step] = field(default_factory=list)
    result: Result | None = None
    outcome: Outcome = "failed"
    reason: str = ""
    upstream_ms: float | None = None
    was_judged: bool = False
    deaf: bool = False
    started: float = field(default_factory=time.time)
    began: int = field(default_factory=time.perf_counter_ns)

    def judged(self, call: Call) -> None:
        """The call as the policies left it; until then it holds what they may yet remove."""
        self.call, self.was_judged = call, True

    def keep(self, steps: list[Step]) -> None:
        """Record what was decided of one tool of a list or of one notification, unless it was nothing."""
        for step in steps:
            if len(self.steps) < MAX_STEPS and step.action != "allow":
                self.steps.append(replace(step, changes=step.changes[:MAX_CHANGES]))

    def forget_arguments(self, *, tool_known: bool) -> None:
        """A denied exchange keeps no arguments, and no name that is only the caller's word."""
        named = tool_known and self.call.method in {"tools/call", "prompts/get"}
        self.call = replace(self.call, params={"name": self.call.name} if named else {})

    def record(self, upstream: str, trace_id: str) -> Exchange:
        return Exchange(
            call=self.call,
            result=self.result,
            outcome=self.outcome,
            reason=self.reason,
            steps=tuple(self.steps),
            upstream=upstream,
            protocol=self.inbound.protocol,
            door=self.inbound.door,
            trace_id=trace_id,
            started=self.started,
            duration_ms=(time.perf_counter_ns() - self.began) / 1e6,
            upstream_ms=self.upstream_ms,
        )


def without_progress_token(params: JsonObject) -> tuple[JsonObject, str | int | None]:
    """The caller's progress token belongs to the caller's stream; the upstream gets one of ours."""
    meta = params.get("_meta")
    if not isinstance(meta, Mapping) or "progressToken" not in meta:
        return params, None
    token = meta["progressToken"]
    rest = {key: value for key, value in meta.items() if key != "progressToken"}
    bare = {key: value for key, value in params.items() if key != "_meta"}
    known = token if isinstance(token, str | int) and not isinstance(token, bool) else None
    return ({**bare, "_meta": rest} if rest else bare), known


def error_body(error: RpcError) -> JsonObject:
    """The JSON-RPC error object that an error was."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.has_data:
        body["data"] = error.data
    return body
