"""What travels between the upstream and its two wires (`wire_http`, `wire_stdio`): values, and the failed try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import yarl

from policies import jsontext
from policies.model import Json, JsonObject
from proxy import VERSION
from proxy.eras import is_modern
from proxy.errors import RpcError, UpstreamError, UpstreamFault

Notify = Callable[[str, JsonObject], Awaitable[None]]
"""Takes the method and params of an upstream's notification."""

Again = Literal["always", "repeatable", "never"]

MAX_REFUSALS: Final = 16
"""Answers to the upstream's own requests under way at once; it gets no answer to what it asks beyond."""


class Auth(Protocol):
    """Outbound credentials (`proxy/auth.py`)."""

    async def sign(
        self,
        method: str,
        url: yarl.URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        """Headers to add to this request. Raises AuthError."""

    async def refused(self, status: int, workload: str | None = None) -> bool:
        """The upstream refused the credential: whether a fresh one is worth one more try."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What the upstream said of itself: `body` is the raw result of `initialize` or `server/discover`.

    `version` is the revision agreed on, `sessions` whether the upstream issued an `Mcp-Session-Id`.
    """

    era: Literal["handshake", "modern"]
    version: str
    body: JsonObject
    sessions: bool = False

    @property
    def modern(self) -> bool:
        return self.era == "modern"

    @property
    def capabilities(self) -> JsonObject:
        found = self.body.get("capabilities")
        return found if isinstance(found, Mapping) else {}

    @property
    def server_info(self) -> JsonObject:
        """The server's Implementation; in the modern era it may stand in `_meta` alone."""
        found = self.body.get("serverInfo")
        if not isinstance(found, Mapping):
            meta = self.body.get("_meta")
            found = meta.get("io.modelcontextprotocol/serverInfo") if isinstance(meta, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def instructions(self) -> str | None:
        found = self.body.get("instructions")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """On whose behalf a request goes up.

    `version` is the caller's protocol revision. `session` names the caller among those that have upstream sessions;
    None means that the call stands alone. `own` marks the proxy's own discovery. `authorization` is the caller's
    header, for auth mode passthrough only. `workload` is the call's workload access token, for auth mode identity
    only: it lets the proxy have its own credential, and tells no callers apart. `headers` are sent as they are, below
    everything the wire sets itself.
    """

    version: str
    session: str | None = None
    own: bool = False
    authorization: str | None = None
    workload: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def modern(self) -> bool:
        return is_modern(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One JSON-RPC request for a wire. `gap_s` bounds the wait between reads, `deadline` (loop time) all of it."""

    id: int
    method: str
    params: JsonObject
    version: str
    modern: bool
    origin: Origin
    gap_s: float
    deadline: float | None
    session: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hear: Notify | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an Outgoing: the JSON-RPC message, the HTTP status, and the session id that came with it."""

    message: JsonObject
    status: int = 200
    session: str | None = None


class Wire(Protocol):
    """A way to the upstream. `shared` says that all requests share one channel, so closing it cancels nothing."""

    endpoint: str
    shared: bool
    probe_s: float | None

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> None:
        """Before a probe: have something to talk to. Raises WireError."""

    async def send(self, out: Outgoing) -> Reply:
        """Raises WireError."""

    async def tell(self, message: JsonObject, *, version: str, session: str | None, origin: Origin) -> None:
        """Send a notification or a response. Raises WireError."""

    async def end(self, session: str, *, version: str, origin: Origin) -> None:
        """Give up an upstream session. Raises WireError."""


class WireError(UpstreamError):
    """One try failed. `again` says which requests may be sent once more, `after` how long the upstream asks to wait."""

    def __init__(
        self,
        kind: UpstreamFault,
        message: str,
        *,
        again: Again = "never",
        sent: bool = True,
        status: int | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(kind, message, sent=sent, status=status)
        self.again = again
        self.after = after


class ForeignError(WireError):
    """An answer came under an id that was not asked: whatever else comes on its connection may be as foreign."""


class AnswerError(RpcError):
    """A JSON-RPC error of the upstream's own, with the HTTP status it came in."""

    def __init__(self, code: int, message: str, data: Json, *, has_data: bool, status: int) -> None:
        super().__init__(code, message, data, has_data=has_data)
        self.status = status


def implementation() -> dict[str, str]:
    """Our own MCP Implementation object."""
    return {"name": "mcp-policy-proxy", "version": VERSION}


def parse(data: bytes, depth: int) -> Json:
    """JSON of the upstream's. Raises WireError (malformed); its text stays out of the message."""
    try:
        return jsontext.loads(data, depth)
    except jsontext.JsonError as error:
        raise WireError("malformed", f"the upstream's answer is not JSON that can be carried: {error}") from None


def written(message: Mapping[str, Any]) -> bytes:
    """A message of ours as JSON. Raises WireError for params that JSON cannot say."""
    try:
        return jsontext.dumps(message)
    except jsontext.JsonError:
        raise WireError("malformed", "the request holds what JSON cannot say", sent=False) from None


def is_answer(message: Json, own: int, *, any_id: bool = False) -> bool:
    """Whether a message of the upstream's answers request `own`; False for its notifications and requests.

    `any_id` accepts an error under any id but the number of another request of ours, as a refused POST may carry.
    Raises WireError for a foreign id and for what
    is not JSON-RPC.
    """
    if not isinstance(message, Mapping):
        raise WireError("malformed", "the upstream answered JSON that is not a JSON-RPC message")
    if "method" in message:
        return False
    has_error = isinstance(message.get("error"), Mapping)
    if not has_error and not isinstance(message.get("result"), Mapping):
        raise WireError("malformed", "the upstream's answer has neither a result object nor an error object")
    found = message.get("id")
    if type(found) is int and found == own:
        return True
    if has_error and (found is None or (any_id and type(found) is not int)):
        return True
    raise ForeignError("malformed", "the upstream answered under an id that was not asked")


def unpack(reply: Reply) -> JsonObject:
    """The result of a reply. Raises AnswerError when it is an error."""
    error = reply.message.get("error")
    if error is None:
        result: JsonObject = reply.message["result"]
        return result
    code, message = error.get("code"), error.get("message")
    if type(code) is not int:
        raise WireError("malformed", "the upstream's error has no integer code")
    text = message if isinstance(message, str) else ""
    raise AnswerError(code, text, error.get("data"), has_data="data" in error, status=reply.status)


NOT_FOUND: Final = -32601


def refusal(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to a request that a handshake-era upstream sends us: we offer no capability, and answer pings."""
    found = message.get("id")
    if type(found) not in (int, str):
        return None
    if message.get("method") == "ping":
        return {"jsonrpc": "2.0", "id": found, "result": {}}
    error = {"code": NOT_FOUND, "message": "the proxy offers no client capabilities"}
    return {"jsonrpc": "2.0", "id": found, "error": error}
