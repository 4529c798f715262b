"""What stands in front of both doors: where a request comes from, who calls, how large it is, and whether it is JSON.

Host and Origin are checked against DNS rebinding (MCP 2026-07-28, streamable HTTP, Security Warning): an invalid
Origin is 403. The body is read once, capped, and parsed strictly, because the SDK takes NaN for null and swallows
ids of a wrong type; what arrived goes on in the scope, under `proxy.asgi.ARRIVED`.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from policies.jsontext import JsonError, has_key_twice, loads
from policies.model import Caller, Json, JsonObject
from proxy.asgi import ARRIVED, App, Arrived, Headers, Message, Receive, Scope, Send, answer, error_body
from proxy.bodyread import UnreadError, body_of
from proxy.callers import Callers, Refused
from proxy.errors import INVALID_REQUEST, PARSE_ERROR
from proxy.names import Names
from proxy.settings import Bounds
from proxy.workload import WORKLOAD_HEADERS

log = logging.getLogger(__name__)

PATHS: Final = frozenset({"/mcp", "/mcp/"})

_ONCE: Final = frozenset(
    {
        *(b"host", b"origin", b"authorization", b"content-type", b"content-length", b"content-encoding"),
        *(b"mcp-session-id", b"x-amzn-bedrock-agentcore-runtime-session-id"),
        b"x-amzn-bedrock-agentcore-runtime-user-id",
        *(name.encode() for name in WORKLOAD_HEADERS),
    }
)
"""Headers that decide something here: of two copies, two readers might believe different ones."""

_HEALTH: Final = frozenset({"/ping", "/readyz"})
_HEALTHY: Final = b'{"status":"Healthy"}'
"""AgentCore's liveness answer (Runtime service contract, /ping)."""

_LOOP: Final = Refused(508, "loop", "This call has passed this proxy already: its upstream leads back to it")
_VERSION: Final = "MCP is served over HTTP/1.1: an answer may be a stream (nginx: proxy_http_version 1.1)"

_SPACES: Final = b" \t"
_NONE: Final[frozenset[bytes]] = frozenset()


class Mcp(Protocol):
    """What the guards are told about the caller's session with the upstream."""

    def issues_sessions(self) -> bool:
        """Whether callers need an id to be told apart by."""

    def release(self, caller: Caller, authorization: str | None) -> None:
        """End what the upstream keeps for this caller."""


class Refusals:
    """Says in the log that callers were refused, and why: once a second at most, for strangers may come in floods."""

    def __init__(self) -> None:
        self._since = float("-inf")
        self._unsaid = 0

    def say(self, refused: Refused) -> None:
        now = time.monotonic()
        self._unsaid += 1
        if now - self._since >= 1:
            log.info("refused %d callers; the last: %d, %s", self._unsaid, refused.status, refused)
            self._since, self._unsaid = now, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """An ASGI app in front of others: `posts` takes messages, `app` every other request to /mcp, `state` is /readyz,
    given whether strangers may read it. A request with `mark` in its User-Agent is one of the proxy's own."""

    bounds: Bounds
    names: Names
    callers: Callers
    mcp: Mcp
    posts: App
    app: App
    state: Callable[[bool], bytes]
    mark: bytes = b"\0"
    refusals: Refusals = field(default_factory=Refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = {}
        repeated = _read(scope, headers)
        path = scope["path"]
        if repeated and (twice := min(repeated & (_ONCE | {self.callers.header}), default=None)) is not None:
            await _refuse(send, 400, f"The header {twice.decode()} came more than once")
        elif path in _HEALTH and self.callers.header and scope["method"] in ("GET", "HEAD"):
            # A load balancer asks by an address that is no name of ours. Only on loopback is being here worth hiding.
            await answer(send, 200, _HEALTHY if path == "/ping" else self.state(True))
        elif (refusal := self.names.refuses_host(headers.get(b"host"))) is not None:
            await _refuse(send, 403, refusal)
        elif path not in PATHS and (app := self.callers.app_for(path)) is not None:
            await app(scope, receive, send)  # who may log in here is for that app to say, and pages may ask
        elif (refusal := self.names.refuses_origin(headers.get(b"origin"))) is not None:
            await _refuse(send, 403, refusal)
        elif path in PATHS:
            await self._mcp(scope, headers, repeated, receive, send)
        elif path in _HEALTH and scope["method"] in ("GET", "HEAD"):
            await answer(send, 200, _HEALTHY if path == "/ping" else self.state(False))
        else:
            await _refuse(send, 404, "There is nothing here; MCP is served on /mcp")

    async def _mcp(
        self, scope: Scope, headers: dict[bytes, bytes], repeated: frozenset[bytes], receive: Receive, send: Send
    ) -> None:
        if self.mark in headers.get(b"user-agent", b""):
            self.refusals.say(_LOOP)
            await _refuse(send, _LOOP.status, str(_LOOP))
            return
        caller = self.callers.known(scope["headers"])
        if caller is None:
            try:
                caller = await self.callers.identify(scope["headers"])
            except Refused as refused:
                self.refusals.say(refused)
                await answer(send, refused.status, refused.body, refused.headers)
                return
        if scope["path"] != "/mcp":
            scope["path"], scope["raw_path"] = "/mcp", b"/mcp"
        method = scope["method"]
        if scope["http_version"] == "1.0":
            await _refuse(send, 505, _VERSION)
        elif method == "POST":
            message = await self._message(scope, receive, send)
            if message is not None:
                await self._post(message, caller, headers, repeated, scope, receive, send)
        elif method == "DELETE" and "session" in caller.asserted and self.mcp.issues_sessions():
            self.mcp.release(caller, _text(headers.get(b"authorization")))
            await answer(send, 204, b"")
        else:
            await self.app(scope, receive, send)

    async def _post(
        self,
        message: tuple[JsonObject, bytes],
        caller: Caller,
        headers: Mapping[bytes, bytes],
        repeated: frozenset[bytes],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        parsed, body = message
        scope[ARRIVED] = Arrived(headers=headers, repeated=repeated, caller=caller, message=parsed, body=body)
        if parsed.get("method") == "initialize" and self.mcp.issues_sessions():
            send = _with_session(send)
        try:
            await self.posts(scope, receive, send)
        finally:
            # uvicorn keeps the scope until the connection's next request: what arrived must not wait there with it.
            del scope[ARRIVED]

    async def _message(self, scope: Scope, receive: Receive, send: Send) -> tuple[JsonObject, bytes] | None:
        """The message and the bytes it came in; None when they were refused, and the refusal is sent."""
        try:
            body = await body_of(scope, receive, cap=self.bounds.request_bytes, within_s=self.bounds.body_s)
            message = loads(body, self.bounds.depth)
        except UnreadError as error:
            if error.status:
                await answer(send, error.status, error_body(INVALID_REQUEST, error.text), error.headers)
            return None
        except JsonError as error:
            await answer(send, 400, error_body(PARSE_ERROR, f"Parse error: {error}"))
            return None
        if (problem := malformed(message, body)) is not None:
            await _refuse(send, 400, problem)
            return None
        return message, body


def _read(scope: Scope, found: dict[bytes, bytes]) -> frozenset[bytes]:
    """Put the first value of each header into `found`, and give the names that came more than once.

    httptools leaves the optional whitespace after a value (RFC 9110 section 5.5) in place: it goes from the scope too.
    """
    headers: Headers = scope["headers"]
    values = b"\n".join([value for _, value in headers]) + b"\n"
    if b" \n" in values or b"\t\n" in values:
        headers = scope["headers"] = [(name, value.strip(_SPACES)) for name, value in headers]
    found.update(reversed(headers))
    if len(found) == len(headers):
        return _NONE
    once, again = set[bytes](), set[bytes]()
    for name, _ in headers:
        (again if name in once else once).add(name)
    return frozenset(again)


def malformed(message: Json, text: bytes) -> str | None:
    """What makes this no single JSON-RPC message, read by everybody alike, with an id that an answer can carry."""
    if not isinstance(message, dict):
        return "The body must be one JSON-RPC message"
    if has_key_twice(text, message):
        return "A key is given twice in one object"
    if "id" in message and "method" in message:
        key = message["id"]
        if not isinstance(key, str | int) or isinstance(key, bool):
            return "A JSON-RPC id must be a string or an integer"
    return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _with_session(send: Send) -> Send:
    """Adds a session id of ours, so that the caller's later requests find the caller's own upstream session."""
    session = secrets.token_hex(16).encode()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            message = {**message, "headers": [*message["headers"], (b"mcp-session-id", session)]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, text: str) -> None:
    await answer(send, status, error_body(INVALID_REQUEST, text))
