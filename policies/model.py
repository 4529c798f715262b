"""The values that cross the policy chain: frozen, slotted, and never mutated by anyone.

The wire's JSON is the data. These values wrap it and do not remodel it, so that fields which a future
revision of the protocol adds survive. Properties read; `dataclasses.replace` and the `with_…` methods copy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
"""Any JSON value: None, bool, int, float, str, a sequence of them, or an object."""

JsonObject: TypeAlias = Mapping[str, Any]
"""A JSON object. Treat it as read-only."""

_REASON = re.compile(r"[a-z_]{1,64}\Z")

NAMED_BY: Mapping[str, str] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
}
"""The key of `params` that names what a method is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. `subject`, `issuer` and `claims` are verified or empty; `asserted` is only claimed by headers."""

    subject: str | None = None
    issuer: str | None = None
    claims: JsonObject = field(default_factory=dict)
    asserted: Mapping[str, str] = field(default_factory=dict)


ANYONE = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool, its `definition` exactly as the upstream lists it."""

    definition: JsonObject

    @property
    def name(self) -> str:
        return str(self.definition.get("name", ""))

    @property
    def input_schema(self) -> Json:
        return self.definition.get("inputSchema")

    @property
    def output_schema(self) -> Json:
        return self.definition.get("outputSchema")

    @property
    def annotations(self) -> JsonObject:
        found = self.definition.get("annotations")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One message on its way to the upstream.

    `id` is a UUIDv7 and the one id in logs, spans, audit and error texts. `params` is the JSON-RPC `params` object
    as it will be forwarded (the caller's progress token is already taken out). `tool` is set for a tools/call.
    """

    id: str
    method: str
    params: JsonObject = field(default_factory=dict)
    caller: Caller = ANYONE
    tool: Tool | None = None

    @property
    def name(self) -> str:
        """The tool name, resource URI or prompt name; empty for methods that have none."""
        if self.method == "completion/complete":
            ref = self.params.get("ref")
            ref = ref if isinstance(ref, Mapping) else {}
            return str(ref.get("name") or ref.get("uri") or "")
        key = NAMED_BY.get(self.method)
        return str(self.params.get(key, "")) if key else ""

    @property
    def arguments(self) -> JsonObject:
        found = self.params.get("arguments")
        return found if isinstance(found, Mapping) else {}

    @property
    def inputs(self) -> JsonObject:
        """Answers of a multi-round-trip retry (2026-07-28 `inputResponses`): text of the user's."""
        found = self.params.get("inputResponses")
        return found if isinstance(found, Mapping) else {}

    @property
    def meta(self) -> JsonObject:
        """What of `_meta` would be forwarded."""
        found = self.params.get("_meta")
        return found if isinstance(found, Mapping) else {}

    def with_params(self, params: JsonObject) -> Call:
        return replace(self, params=params)

    def with_arguments(self, arguments: JsonObject) -> Call:
        return replace(self, params={**self.params, "arguments": arguments})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back, exactly as received.

    `body` is the JSON-RPC `result` object. With `error` set it is the JSON-RPC `error` object (`code`, `message`,
    `data`) that the upstream answered. With `notice` set it is the `params` of an upstream notification of that
    method (progress, log message, list changed …), and a `Deny` drops it.
    """

    body: JsonObject
    error: bool = False
    notice: str | None = None

    @property
    def content(self) -> Sequence[Json]:
        found = self.body.get("content")
        return found if isinstance(found, Sequence) and not isinstance(found, str) else ()

    @property
    def structured(self) -> Json:
        """`structuredContent`, of any JSON type; None when absent (see `has_structured`)."""
        return self.body.get("structuredContent")

    @property
    def has_structured(self) -> bool:
        return "structuredContent" in self.body

    @property
    def is_error(self) -> bool:
        """Whether this reports a failure: a tool result with `isError`, or a JSON-RPC error."""
        return self.error or self.body.get("isError") is True

    @property
    def asks(self) -> JsonObject:
        """`inputRequests` of a 2026-07-28 `input_required` result; empty otherwise."""
        found = self.body.get("inputRequests")
        return found if isinstance(found, Mapping) else {}

    def with_body(self, body: JsonObject) -> Result:
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class Change:
    """Where a policy changed something (`path`, a JSON path from `$`), what `kind` of thing, why; never the value."""

    path: str
    kind: str
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on, unchanged."""


@dataclass(frozen=True, slots=True)
class Modify:
    """Go on with `value` (of the type the hook received) instead. It may change neither method nor name."""

    value: Call | Result | Tool
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """Stop here. `reason` is public, short and stable; `detail` goes to the audit only.

    Raises ValueError when `reason` does not match `[a-z_]{1,64}`.
    """

    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        if not _REASON.match(self.reason):
            raise ValueError("a Deny reason must match [a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer the call here; the upstream never sees it."""

    result: Result


Decision: TypeAlias = Allow | Modify | Deny | Respond

ALLOW = Allow()

Hook = Literal["on_tool", "on_call", "on_result", "on_done"]
Mode = Literal["enforce", "shadow", "off"]
Outcome = Literal["completed", "denied", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one policy decided in one hook of an exchange. Holds paths and kinds, no values.

    `action` is allow, modify, deny, respond or error. In shadow mode it is what would have been done.
    """

    policy: str
    hook: Hook
    action: Literal["allow", "modify", "deny", "respond", "error"]
    mode: Mode = "enforce"
    reason: str = ""
    detail: str = ""
    changes: Sequence[Change] = ()
    micros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call with everything that happened to it, after the policies: what they removed is not in here.

    A denied call keeps no arguments. `started` is seconds since the epoch, `duration_ms` milliseconds,
    `upstream` the endpoint without credentials or query, `protocol` the caller's MCP revision.
    """

    call: Call
    result: Result | None
    outcome: Outcome
    reason: str = ""
    steps: Sequence[Step] = ()
    upstream: str = ""
    protocol: str = ""
    door: str = ""
    trace_id: str = ""
    started: float = 0.0
    duration_ms: float = 0.0
    upstream_ms: float | None = None
