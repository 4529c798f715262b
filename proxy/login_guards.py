"""What stands in front of login and registration, where anybody may come: how much, how often, and where browsers go.

Nothing is kept of a stranger, so the rates are those of the process: a flood keeps others from a new login, and nobody
who is logged in from anything. Telling strangers apart by address is for whatever stands in front of the proxy.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from policies.jsontext import dumps
from proxy.asgi import App, Headers, Message, Receive, Scope, Send, answer, replayed
from proxy.bodyread import UnreadError, body_of

BODY_BYTES: Final = 8 * 1024
QUERY_BYTES: Final = 8 * 1024
BODY_S: Final = 10.0

RATE: Final = 5.0
BURST: Final = 50.0
"""Requests a second, and at once, that leave something behind: a client, a login begun, a page to confirm it."""

_RETRY_S: Final = b"5"
_CLOSE: Final = (b"connection", b"close")
_ANYWHERE: Final = (b"access-control-allow-origin", b"*")
_CODE: Final = re.compile(r"[a-z_]{1,40}")
_LOOPBACK: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:[/?#].*)?", re.ASCII)
"""Written out to the sign after the host: readers of URLs disagree about the rest, such as `\\` and `@`."""
_CROWDED: Final = "Too many come to log in at the moment"
_FULL: Final = "No more clients can be registered at the moment"
_ASTRAY: Final = "The request is refused, and the browser is not sent to an address that nobody has confirmed yet"


class Bucket:
    """Takes BURST at once, and RATE a second in the long run."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left, self._at = BURST, clock()

    def take(self) -> bool:
        """Whether one more may come."""
        now = self._clock()
        self._left, self._at = min(BURST, self._left + (now - self._at) * RATE), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class LoginGuards:
    """`app` behind them gets whole, small bodies, not too often; it sends no browser where its user did not agree to.

    `full` says whether no more clients can be kept. `base_url` is where `app` is found.
    """

    def __init__(
        self, app: App, base_url: str, full: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._consent = f"{base_url}/consent?"
        self._full = full
        begun, shown = Bucket(clock), Bucket(clock)
        self._buckets: Mapping[str, Bucket] = {"/register": begun, "/authorize": begun, "/consent": shown}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._let_in(scope)
            body = await body_of(scope, receive, cap=BODY_BYTES, within_s=BODY_S)
        except UnreadError as error:
            if error.status:
                kind = "temporarily_unavailable" if error.status in (429, 503) else "invalid_request"
                await _refuse(send, error.status, kind, error.text, error.headers or (_CLOSE,))
            return
        await self._app(scope, replayed(body, receive), self._confined(send) if _redirects(scope) else send)

    def _let_in(self, scope: Scope) -> None:
        """Raises UnreadError for a request that is not even read."""
        if len(scope["query_string"]) > QUERY_BYTES:
            raise UnreadError(414, "The query is too long")
        bucket = self._buckets.get(scope["path"])
        if bucket is None or scope["method"] == "OPTIONS":
            return
        if not bucket.take():
            raise UnreadError(429, _CROWDED, ((b"retry-after", _RETRY_S), _CLOSE))
        if scope["path"] == "/register" and self._full():
            raise UnreadError(503, _FULL, ((b"retry-after", b"3600"), _CLOSE))

    def _confined(self, send: Send) -> Send:
        """Answers 400 instead of a redirect to anywhere but the page that asks the user, or the user's own machine.

        Whoever registers names any address, so such a redirect makes the proxy's name a way to any page there is
        (RFC 9700, section 4.11.2; MCP 2026-07-28, Authorization, Open Redirection). An error that a native client
        waits for on loopback reaches it: who could listen there needs no proxy to be reached.
        """
        refused = False

        async def sending(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and (told := self._astray(message)) is not None:
                refused = True
                await _refuse(send, 400, told, _ASTRAY, ((b"cache-control", b"no-store"),))
            if not refused:
                await send(message)

        return sending

    def _astray(self, message: Message) -> str | None:
        """The error code of a redirect that must not be, or None."""
        location = b"\n".join(value for name, value in message["headers"] if name.lower() == b"location")
        target = location.decode("latin-1")
        if not target or target.startswith(self._consent) or _LOOPBACK.fullmatch(target):
            return None
        codes = [value for name, value in parse_qsl(urlsplit(target).query) if name == "error"]
        return codes[-1] if codes and _CODE.fullmatch(codes[-1]) else "invalid_request"


def _redirects(scope: Scope) -> bool:
    """Whether the app answers this with a redirect that the user did not agree to before. The issuer's errors are
    passed on to the client without a look at who agreed; its codes are not."""
    if scope["path"] != "/auth/callback":
        return bool(scope["path"] == "/authorize")
    query = scope["query_string"].decode("latin-1")
    return any(name == "error" for name, _ in parse_qsl(query, keep_blank_values=True))


async def _refuse(send: Send, status: int, error: str, description: str, headers: Headers) -> None:
    told = dumps({"error": error, "error_description": description})
    await answer(send, status, told, [*headers, _ANYWHERE])
