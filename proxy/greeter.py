"""Knowing the upstream: one probe for all who wait, its outcome remembered, forgotten when the upstream differs."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from typing import TYPE_CHECKING, Final

from policies.model import JsonObject
from proxy.beside import Beside
from proxy.eras import HANDSHAKE, UNSUPPORTED_VERSION, is_modern, upward
from proxy.errors import INVALID_REQUEST
from proxy.mirror import Mirror
from proxy.probe import Told, initialize, probe
from proxy.sessions import Sessions, unknown_session
from proxy.wire import AnswerError, Hello, Origin, Outgoing, Wire, WireError, implementation, unpack

if TYPE_CHECKING:
    from proxy.settings import Bounds

_LOG: Final = logging.getLogger("proxy.upstream")
_AGAIN_S: Final = 1.0
"""Least time between two probes that odd answers cause."""
_NOT_MODERN: Final = frozenset({-32000, -32600})
"""Codes by which handshake servers refuse a modern request, in HTTP 400."""


class Greeter:
    """Probes over `wire`, opens sessions, and keeps both. `ids` numbers every request of this process."""

    def __init__(self, wire: Wire, bounds: Bounds, beside: Beside) -> None:
        # A random start: servers that keep state by request id may also be talked to by another replica.
        self.ids = itertools.count(random.randrange(1, 2**31))
        self.client = implementation()
        self.mirror = Mirror()
        self.known: Hello | None = None
        self.sessions = Sessions(bounds.sessions, begin=self._begin, end=self._end)
        self._wire = wire
        self._read_s = bounds.read_s
        self._beside = beside
        self._probes: dict[str | None, asyncio.Task[Hello]] = {}
        self._probed = 0.0

    async def hello(self, origin: Origin) -> Hello:
        """What the upstream is. Raises AnswerError or WireError, to all who waited for the same probe."""
        return self.known or await self.probed(origin)

    def forget(self, hello: Hello) -> None:
        """The upstream is gone: the next request asks again what it is."""
        if self.known is hello:
            self.known = None

    async def differs(self, error: AnswerError | WireError, hello: Hello, origin: Origin) -> bool:
        """Whether `error` came of the upstream not being what `hello` says, and it is known anew. Raises likewise.

        Such an answer refuses the form of the request, so the request was not executed.
        """
        if not _doubts(error, hello):
            return False
        if self.known is hello:
            recent = asyncio.get_running_loop().time() - self._probed < _AGAIN_S
            if recent and origin.authorization not in self._probes:
                return False
            await self.probed(origin)
        fresh = await self.hello(origin)
        return (fresh.era, fresh.version, fresh.sessions) != (hello.era, hello.version, hello.sessions)

    async def close(self) -> None:
        """End every session. Bound it from outside."""
        for probing in self._probes.values():
            probing.cancel()
        ends = [self._wire.end(session, version=self._version(), origin=own()) for session in self.sessions.clear()]
        await asyncio.gather(*ends, return_exceptions=True)

    async def probed(self, origin: Origin) -> Hello:
        """The outcome of a probe made now. Callers whose own credential is used do not share each other's."""
        key = origin.authorization
        task = self._probes.get(key)
        if task is None:
            task = self._probes[key] = asyncio.create_task(self._probe(origin))
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def _done(self, key: str | None, task: asyncio.Task[Hello]) -> None:
        self._probes.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, should everyone who waited have gone

    async def _probe(self, origin: Origin) -> Hello:
        self._probed = asyncio.get_running_loop().time()
        await self._wire.ready()

        async def ask(method: str, params: JsonObject, version: str) -> Told:
            return await self._ask(method, params, version, origin)

        hello, session = await probe(ask, discover_may_hang=self._wire.probe_s is not None)
        if not hello.modern:
            await self._initialized(hello, session, origin)
        if session is not None:
            self.sessions.adopt(origin, session)
        if hello != self.known:
            self.known = hello
            _LOG.info("upstream known: %s era%s", hello.era, ", with sessions" if hello.sessions else "")
        return self.known

    async def _ask(self, method: str, params: JsonObject, version: str, origin: Origin) -> Told:
        modern = is_modern(version)
        gap_s = self._read_s if not modern else self._wire.probe_s or self._read_s
        params = upward(method, params, caller_modern=False, modern=modern, client=self.client)
        out = Outgoing(
            id=next(self.ids),
            method=method,
            params=params,
            version=version,
            modern=modern,
            origin=origin,
            gap_s=gap_s,
            deadline=asyncio.get_running_loop().time() + 2 * gap_s,
            headers=self.mirror.headers(method, params, None) if modern else {},
        )
        reply = await self._wire.send(out)
        if modern and reply.session is not None:
            self._end(reply.session, origin)  # a handshake server opened one for the probe it did not understand
        return Told(unpack(reply), reply.session)

    async def _begin(self, origin: Origin) -> str | None:
        async def ask(method: str, params: JsonObject, version: str) -> Told:
            return await self._ask(method, params, version, origin)

        hello, session = await initialize(ask, self._version())
        await self._initialized(hello, session, origin)
        return session

    async def _initialized(self, hello: Hello, session: str | None, origin: Origin) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        try:
            await self._wire.tell(message, version=hello.version, session=session, origin=origin)
        except WireError:
            if session is not None:
                self._end(session, origin)
            raise

    def _end(self, session: str, origin: Origin | None) -> None:
        self._beside.start(self._wire.end(session, version=self._version(), origin=origin or own()))

    def _version(self) -> str:
        return self.known.version if self.known is not None and not self.known.modern else HANDSHAKE


def own() -> Origin:
    """The origin of the proxy's own discovery."""
    return Origin(version=HANDSHAKE, own=True)


def _doubts(error: AnswerError | WireError, hello: Hello) -> bool:
    if not hello.modern:
        if isinstance(error, AnswerError) and error.code == INVALID_REQUEST and error.status == 400:
            return not hello.sessions  # an AgentCore gateway that has come to want sessions says so
        return unknown_session(error) or (isinstance(error, AnswerError) and error.code == UNSUPPORTED_VERSION)
    if isinstance(error, WireError):
        return error.status in (400, 405)
    return error.code == UNSUPPORTED_VERSION or (error.status == 400 and error.code in _NOT_MODERN)
