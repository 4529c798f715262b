"""One message as a door received it, before anything was decided about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from policies.jsontext import dumps
from policies.model import ANYONE, NAMED_BY, Caller, Json, JsonObject
from proxy.eras import MODERN
from proxy.errors import INVALID_PARAMS, RpcError

Notify: TypeAlias = Callable[[str, JsonObject], Awaitable[None]]
"""Sends a notification (method, params) to the client, in order; returns once it was taken."""

CheckHeaders: TypeAlias = Callable[[Json, JsonObject], Awaitable[None]]
"""Raises RpcError when `Mcp-Param-*` headers contradict a call: takes the tool's input schema and the arguments."""

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

    `session` tells callers apart for upstream sessions; None when nothing does.
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
    check_headers: CheckHeaders | None = None

    @property
    def endless(self) -> bool:
        """Whether the exchange lasts until somebody ends it."""
        return self.method == "subscriptions/listen"

    @property
    def modern(self) -> bool:
        return self.protocol >= MODERN


_OBJECT: Final = (type(None), dict, Mapping)
_TEXT: Final = (type(None), str)


_CLIENT: Final = ("client_id", "azp")
"""Claims that name the client a token was issued to."""


def session_of(caller: Caller) -> str | None:
    """What tells this caller apart for upstream sessions. With a verified caller nobody else can name the same."""
    session = caller.asserted.get("session")
    if session is None:
        return None
    return dumps([caller.issuer, _who(caller), session]).decode()


def _who(caller: Caller) -> Json:
    """The subject; who has none is a client: an object, which no subject is."""
    return caller.subject or {name: caller.claims[name] for name in _CLIENT if isinstance(caller.claims.get(name), str)}


def checked_params(inbound: Inbound) -> JsonObject:
    """The params as an object, of the types that everything behind relies on. Raises RpcError −32602."""
    params = {} if inbound.params is None else inbound.params
    key = NAMED_BY.get(inbound.method)
    if (
        not isinstance(params, Mapping)
        or (key and not isinstance(params.get(key), str))
        or not isinstance(params.get("arguments"), _OBJECT)
        or not isinstance(params.get("_meta"), _OBJECT)
        or not isinstance(params.get("cursor"), _TEXT)
        or not isinstance(params.get("inputResponses"), _OBJECT)
    ):
        raise RpcError(INVALID_PARAMS, "Invalid request parameters", "")
    return params
