"""One message as a door received it, before anything was decided about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from policies.model import ANYONE, NAMED_BY, Caller, Json, JsonObject
from proxy.eras import MODERN
from proxy.errors import INVALID_PARAMS, RpcError

Notify: TypeAlias = Callable[[str, JsonObject], Awaitable[None]]
"""Sends a notification (method, params) to the client, in order; returns once it was taken."""

READS: Final = frozenset(
    {
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
    }
)
"""Methods of both eras that change nothing."""

_SHARED: Final = READS | {"tools/call"}
METHODS: Final[Mapping[bool, frozenset[str]]] = {
    False: _SHARED | {"initialize", "resources/subscribe", "resources/unsubscribe", "logging/setLevel"},
    True: _SHARED | {"server/discover", "subscriptions/listen"},
}
"""The methods that go through the exchange, by whether the caller is of the modern era. All others are the door's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message of a client's. `headers` are lower-cased; `answer` is the door's own answer to `initialize`.

    `session` tells callers apart for upstream sessions; None when nothing does. `check_headers` raises RpcError when
    the message's `Mcp-Param-*` headers contradict its arguments, given the tool's input schema.
    """

    method: str
    params: Json
    protocol: str
    door: str
    request_id: str | int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = ANYONE
    session: str | None = None
    notify: Notify | None = None
    answer: JsonObject | None = None
    check_headers: Callable[[Json, JsonObject], None] | None = None

    @property
    def endless(self) -> bool:
        """Whether the exchange lasts until somebody ends it."""
        return self.method == "subscriptions/listen"

    @property
    def modern(self) -> bool:
        return self.protocol >= MODERN


def checked_params(inbound: Inbound) -> JsonObject:
    """The params as an object, of the types that everything behind relies on. Raises RpcError −32602."""
    params = {} if inbound.params is None else inbound.params
    key = NAMED_BY.get(inbound.method)
    if (
        not isinstance(params, Mapping)
        or (key and not isinstance(params.get(key), str))
        or not isinstance(params.get("arguments"), Mapping | None)
        or not isinstance(params.get("_meta"), Mapping | None)
        or not isinstance(params.get("cursor"), str | None)
        or not isinstance(params.get("inputResponses"), Mapping | None)
    ):
        raise RpcError(INVALID_PARAMS, "Invalid request parameters", "")
    return params
