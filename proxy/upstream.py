"""The one upstream MCP server: every request that goes there, and what is known of it.

    Upstream ── greeter.py   what it is: probe.py, and upstream sessions: sessions.py
             ── eras.py      a message in the form of either era; mirror.py the headers that repeat it
             ── retry.py     what is sent once more
             ── wire_http.py (answers.py, sse.py, bodies.py, http_faults.py, http1.py) or wire_stdio.py

Nothing here needs the upstream to be there: it may come, go and change era at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from policies.model import JsonObject
from proxy.asks import Ask, heard
from proxy.beside import Beside
from proxy.eras import HANDSHAKE, HANDSHAKE_ONLY, downward, relabelled_subscription, upward
from proxy.errors import METHOD_NOT_FOUND, RpcError
from proxy.greeter import Greeter, own
from proxy.paging import Most, pages
from proxy.retry import Backoff, Tries
from proxy.sessions import Held, unknown_session
from proxy.wire import AnswerError, Auth, Hello, Notify, Origin, Outgoing, Wire, WireError, unpack

if TYPE_CHECKING:
    from proxy.settings import Bounds

__all__ = ["Auth", "Hello", "Notify", "Origin", "Upstream"]

_LOG: Final = logging.getLogger("proxy.upstream")
_LISTEN: Final = "subscriptions/listen"
_BESIDE_S: Final = 2.0
"""Bound of what is sent beside the calls: cancellations, and the end of sessions."""
_WALK: Final = 6
"""All pages of a list may take so many times what a caller waits for the first list."""
_NOTHING: Final[JsonObject] = {}
_NO_HEADERS: Final[Mapping[str, str]] = {}


class Upstream:
    """Requests to the upstream over `wire`. `connect` makes one from the settings.

    `agentcore` says that the codes by which AgentCore turns a request away mean that here.
    """

    def __init__(self, wire: Wire, bounds: Bounds, *, backoff: Backoff | None = None, agentcore: bool = False) -> None:
        self.endpoint = wire.endpoint
        self._wire = wire
        self._bounds = bounds
        self._backoff = backoff or Backoff()
        self._agentcore = agentcore
        self._beside = Beside(_BESIDE_S)
        self._greeter = Greeter(wire, bounds, self._beside)

    async def open(self) -> None:
        """Make the client. Nothing is sent, so this needs no upstream."""
        await self._wire.open()

    async def close(self) -> None:
        """End the upstream sessions, within 2 s, and close."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BESIDE_S):
                await self._greeter.close()
                await self._beside.finish()
        await self._wire.close()

    def known(self) -> Hello | None:
        """What is remembered of the upstream."""
        return self._greeter.known

    async def hello(self, origin: Origin | None = None) -> Hello:
        """What the upstream is: remembered, or probed for now. Raises RpcError (UpstreamError when it is away)."""
        return self._greeter.known or await self._greeter.hello(origin or own())

    async def introduce(self, origin: Origin) -> Hello:
        """What the upstream says of itself to this very credential, asked anew. Raises as `hello` does."""
        return await self._greeter.probed(origin)

    async def refresh_hello(self, origin: Origin) -> Hello | None:
        """Ask the upstream anew what it is, and give what is known after that: the old where it did not answer.

        Calls under way are not disturbed. A process on a pipe is what it was, and is not asked again.
        """
        known = self._greeter.known
        if known is None or not self._wire.shared:
            try:
                await self._greeter.probed(origin)
            except RpcError as error:
                _LOG.debug("the upstream did not say anew what it is: %s", type(error).__name__)
        return self._greeter.known

    def release(self, session_key: str, authorization: str | None = None) -> None:
        """End the upstream session kept for this caller, in the background, after its calls under way.

        `session_key` and `authorization` are those of its Origin.
        """
        origin = Origin(version=HANDSHAKE, session=session_key, authorization=authorization)
        self._greeter.sessions.release(origin)

    async def request(
        self,
        method: str,
        params: JsonObject,
        origin: Origin,
        *,
        notify: Notify | None = None,
        progress_token: str | int | None = None,
        request_id: str | int | None = None,
        repeatable: bool = False,
        definition: JsonObject | None = None,
    ) -> JsonObject:
        """The result of a request, as the caller's era expects it.

        `progress_token` and `request_id` are the caller's own, and what `notify` gets carries them. `repeatable`
        allows a tools/call to be executed twice; every other method may be. `definition` is the tool object of a
        tools/call. Cancelling the task cancels the upstream's work.

        Raises RpcError for an error that the upstream answered, UpstreamError for everything else.
        """
        begun = asyncio.get_running_loop().time()
        call = method == "tools/call"
        bounds = self._bounds
        ask = Ask(
            method=method,
            params=params,
            origin=origin,
            notify=notify,
            progress_token=progress_token,
            request_id=request_id,
            definition=definition,
            tries=Tries(self._backoff, safe=repeatable or not call, begun=begun, busy=self._agentcore),
            gap_s=bounds.call_read_s if call or method == _LISTEN else bounds.read_s,
            deadline=None if method == _LISTEN else begun + (bounds.call_s if call else 2 * bounds.read_s),
        )
        return await self._tried(ask)

    async def pages(self, method: str, origin: Origin, params: JsonObject = _NOTHING) -> list[JsonObject]:
        """Every page of a list, in order, as results. Raises what `request` raises, and UpstreamError over a cap."""

        async def ask(page: JsonObject) -> JsonObject:
            return await self.request(method, page, origin)

        bounds = self._bounds
        most = Most(items=bounds.tools, size=bounds.answer_bytes, seconds=_WALK * bounds.first_list_s)
        return await pages(ask, method, params, most)

    async def _tried(self, ask: Ask) -> JsonObject:
        renewed = False
        while True:
            hello = self._greeter.known
            try:
                if hello is None:
                    hello = await self._greeter.hello(ask.origin)
                return await self._once(ask, hello)
            except (WireError, AnswerError) as error:
                if hello is not None and not renewed and await self._renewed(ask, error, hello):
                    renewed = True
                    continue
                wait = ask.tries.wait(error, asyncio.get_running_loop().time(), ask.deadline)
                if wait is None:
                    _log(error)
                    raise
            await asyncio.sleep(wait)

    async def _renewed(self, ask: Ask, error: AnswerError | WireError, hello: Hello) -> bool:
        """Whether what the answer says is gone, a session or what was known of the upstream, is there anew."""
        if ask.tries.heard:
            return False
        if isinstance(error, WireError) and error.kind == "session":
            return ask.tries.safe or not error.sent
        if not hello.modern and unknown_session(error) and error.status != 404 and not ask.tries.safe:
            return False  # a tool that answers so may have run
        return await self._greeter.differs(error, hello, ask.origin)

    async def _once(self, ask: Ask, hello: Hello) -> JsonObject:
        if hello.modern and ask.method in HANDSHAKE_ONLY:
            return {}
        if not hello.modern and ask.method == _LISTEN:
            raise RpcError(METHOD_NOT_FOUND, "the upstream offers no subscriptions/listen")
        if not hello.sessions:
            return await self._sent(ask, hello, None)
        sessions = self._greeter.sessions
        held = await sessions.enter(ask.origin)
        try:
            return await self._sent(ask, hello, held)
        finally:
            sessions.leave(held, ask.origin)

    async def _sent(self, ask: Ask, hello: Hello, held: Held | None) -> JsonObject:
        out = self._outgoing(ask, hello, held)
        try:
            body = unpack(await self._wire.send(out))
        except asyncio.CancelledError:
            self._cancel(out)
            raise
        except (WireError, AnswerError) as error:
            raise self._judged(error, out, hello, held) from None
        if ask.method == _LISTEN:
            body = relabelled_subscription(body, ask.request_id)
        return downward(ask.method, body, caller_modern=ask.origin.modern, modern=hello.modern)

    def _outgoing(self, ask: Ask, hello: Hello, held: Held | None) -> Outgoing:
        greeter, own_id = self._greeter, next(self._greeter.ids)
        params = upward(
            ask.method,
            ask.params,
            caller_modern=ask.origin.modern and not ask.origin.own,  # our own requests bring no envelope
            modern=hello.modern,
            client=greeter.client,
            progress=None if ask.progress_token is None else own_id,
        )
        return Outgoing(
            id=own_id,
            method=ask.method,
            params=params,
            version=hello.version,
            modern=hello.modern,
            origin=ask.origin,
            gap_s=ask.gap_s,
            deadline=ask.deadline,
            session=held.id if held is not None else None,
            headers=greeter.mirror.headers(ask.method, params, ask.definition) if hello.modern else _NO_HEADERS,
            hear=None if ask.notify is None else heard(ask, ask.notify, own_id),
        )

    def _judged(
        self, error: AnswerError | WireError, out: Outgoing, hello: Hello, held: Held | None
    ) -> AnswerError | WireError:
        if isinstance(error, WireError):
            if error.kind == "timeout":
                self._cancel(out)
            if error.kind == "closed" and self._wire.shared:
                self._greeter.forget(hello)
        if held is None or out.session is None or not unknown_session(error):
            return error
        self._greeter.sessions.lost(held)
        sent = error.status != 404
        return WireError("session", "the upstream no longer knows the session", sent=sent, status=error.status)

    def _cancel(self, out: Outgoing) -> None:
        """In the modern era over HTTP closing the stream is the cancellation, and it is closed."""
        if out.modern and not self._wire.shared:
            return
        params = {"requestId": out.id}
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        self._beside.start(self._wire.tell(message, version=out.version, session=out.session, origin=out.origin))


def _log(error: AnswerError | WireError) -> None:
    if isinstance(error, WireError):
        # Every WireError's text is ours, and quotes nothing of the upstream.
        _LOG.warning("%s%s", error, f" (HTTP {error.status})" if error.status else "")
