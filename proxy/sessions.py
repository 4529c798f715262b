"""Upstream sessions (`Mcp-Session-Id`, handshake era), one a caller: never shared, bounded, renewed when lost."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from proxy.errors import METHOD_NOT_FOUND
from proxy.wire import AnswerError, Origin, WireError

_OWN: Final = "own"
_CALLER: Final = "caller"

Key = tuple[str, str, bytes]
Begin = Callable[[Origin], Coroutine[Any, Any, str | None]]
End = Callable[[str, Origin | None], None]


def key_of(origin: Origin) -> Key | None:
    """Whose session it is: the proxy's own discovery, or a caller; with another credential it is another's.

    None for a call that stands alone.
    """
    if origin.session is None and not origin.own:
        return None
    credential = hashlib.sha256(origin.authorization.encode()).digest() if origin.authorization else b""
    return (_OWN, "", credential) if origin.own else (_CALLER, origin.session or "", credential)


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """A session while it is used. `key` is None for one that ends with its exchange.

    `ends` marks one that is kept no more, and is given up when the last call has left it.
    """

    key: Key | None
    id: str | None = None
    uses: int = 0
    ends: bool = False


class Sessions:
    """Keeps at most `limit` sessions, the least recently used one that no call uses goes first.

    `begin` opens a session for an origin and gives its id (None when the upstream issues none); `end` gives one up
    in the background, with the origin when it is known.
    """

    def __init__(self, limit: int, *, begin: Begin, end: End) -> None:
        self._limit = limit
        self._begin = begin
        self._end = end
        self._kept: OrderedDict[Key, Held] = OrderedDict()
        self._opening: dict[Key, asyncio.Task[Held]] = {}
        self._alone: set[asyncio.Task[str | None]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    async def enter(self, origin: Origin) -> Held:
        """The session of this origin, opened when there is none. Pair with `leave`. Raises what `begin` raises."""
        key = key_of(origin)
        if key is None:
            return Held(key=None, id=await self._begun(origin), uses=1, ends=True)
        held = self._kept.get(key) or await self._opened(key, origin)
        if key in self._kept:
            self._kept.move_to_end(key)
        held.uses += 1
        return held

    def leave(self, held: Held, origin: Origin) -> None:
        """The call is over: a session for one exchange ends here."""
        held.uses -= 1
        if held.ends and held.uses == 0 and held.id is not None:
            self._end(held.id, origin)

    def lost(self, held: Held) -> None:
        """The upstream does not know this session any more: the next `enter` opens another.

        Every call that used it may say so; what was opened since stays.
        """
        held.ends = False
        if held.key is not None and self._kept.get(held.key) is held:
            del self._kept[held.key]

    def release(self, origin: Origin) -> None:
        """The caller needs its session no more: it ends now, or when the last call has left it."""
        key = key_of(origin)
        held = self._kept.pop(key, None) if key is not None else None
        if held is not None:
            self._give_up(held, origin)

    def adopt(self, origin: Origin, session: str) -> None:
        """Keep a session that a probe on behalf of `origin` has opened, or give it up at once."""
        key = key_of(origin)
        if key is None:
            self._end(session, origin)
        else:
            self._keep(Held(key=key, id=session), key)

    def clear(self) -> list[str]:
        """Forget all sessions, also those being opened, and give their ids."""
        for task in (*self._opening.values(), *self._alone):
            task.cancel()
        found = [held.id for held in self._kept.values() if held.id is not None]
        self._kept.clear()
        return found

    async def _begun(self, origin: Origin) -> str | None:
        """A session for one exchange. When its caller leaves meanwhile, it is opened all the same, and ended."""
        task = asyncio.create_task(self._begin(origin))
        self._alone.add(task)
        task.add_done_callback(self._alone.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: self._untaken(done, origin))
            raise

    def _untaken(self, task: asyncio.Task[str | None], origin: Origin) -> None:
        if not task.cancelled() and task.exception() is None and (found := task.result()) is not None:
            self._end(found, origin)

    async def _opened(self, key: Key, origin: Origin) -> Held:
        """One opening at a time for a caller; those who wait share it, and its failure."""
        task = self._opening.get(key)
        if task is None:
            task = self._opening[key] = asyncio.create_task(self._open(key, origin))
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def _done(self, key: Key, task: asyncio.Task[Held]) -> None:
        self._opening.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, should everyone who waited have gone

    async def _open(self, key: Key, origin: Origin) -> Held:
        held = Held(key=key, id=await self._begin(origin))
        self._keep(held, key)
        return held

    def _keep(self, held: Held, key: Key) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._give_up(before, None)
        self._kept[key] = held
        if len(self._kept) > self._limit:
            self._evict(held)

    def _give_up(self, held: Held, origin: Origin | None) -> None:
        held.ends = True
        if held.uses == 0 and held.id is not None:
            self._end(held.id, origin)

    def _evict(self, spared: Held) -> None:
        for key, held in self._kept.items():
            if held.uses == 0 and held is not spared:
                del self._kept[key]
                self._give_up(held, None)
                return


def unknown_session(error: AnswerError | WireError) -> bool:
    """Whether a handshake upstream says that it does not know the session (or wants one).

    404 by the specification (2025-11-25, session management); npm server-everything answers 400 with -32000.
    """
    if isinstance(error, WireError):
        return error.status == 404
    return (error.status == 404 and error.code != METHOD_NOT_FOUND) or (error.status == 400 and error.code == -32000)
