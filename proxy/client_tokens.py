"""The bearer token of an agent's HTTP client: where it comes from, and until when it is kept."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias, TypeVar

import anyio
import anyio.to_thread

from proxy.errors import AuthError
from proxy.lease import FETCH_S, Lease

T = TypeVar("T")


class Leases(Protocol):
    """Something that leases tokens: `proxy.tokens.ClientCredentials` does."""

    async def fetch(self) -> Lease[str]: ...


TokenSource: TypeAlias = str | Callable[[], str | Awaitable[str]] | Leases
"""The token itself, a function (plain or async) that gives one, or something that leases one."""

_EARLY_S: Final = 10.0
"""The last moments of a token are not used."""

_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


class Tokens:
    """The newest token of one source, for threads and event loops alike. Raises AuthError where there is none."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lease = _lease(source) if isinstance(source, str) else None
        self._asking = threading.Lock()

    def get(self, refused: str | None = None) -> str:
        """The token, another than the one that was `refused` where the source has one. May block."""
        found = self._ask(refused)
        if isinstance(found, str):
            return found
        if isinstance(found, Coroutine):
            found.close()
        raise AuthError("access token: its function is async; use an AsyncClient, or give a plain function")

    async def aget(self, refused: str | None = None) -> str:
        """The same without blocking the event loop; an async function is awaited in the caller's own."""
        if kept := self._kept(refused):
            return kept
        found = await in_thread("access token", lambda: self._ask(refused))
        if not isinstance(found, str):
            with _bounded("access token"):
                self._lease = _lease(await found)
            return self._lease.value
        return found

    def _kept(self, refused: str | None) -> str | None:
        lease = self._lease
        if lease is None or lease.value == refused or (lease.ends and time.time() > lease.ends - _EARLY_S):
            return None
        return lease.value

    def _ask(self, refused: str | None) -> str | Awaitable[str]:
        """One asks, however many threads want it; the others find what it was given."""
        with in_turn(self._asking, "access token"):
            if kept := self._kept(refused):
                return kept
            source = self._source
            if isinstance(source, str):
                return source
            made = source() if callable(source) else _leased(source)
            if inspect.isawaitable(made):
                return made
            self._lease = made if isinstance(made, Lease) else _lease(made)
            return self._lease.value


@contextmanager
def in_turn(lock: threading.Lock, what: str) -> Iterator[None]:
    """Holds `lock`. Raises AuthError after FETCH_S: where one thread hangs, the others must not pile up behind it."""
    if not lock.acquire(timeout=FETCH_S):
        raise AuthError(f"{what}: another request still waits for the answer")
    try:
        yield
    finally:
        lock.release()


async def in_thread(what: str, function: Callable[[], T]) -> T:
    """What `function` gives. Raises AuthError after FETCH_S, and does not wait for the thread then."""
    with _bounded(what):
        return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)


@contextmanager
def _bounded(what: str) -> Iterator[None]:
    try:
        with anyio.fail_after(FETCH_S):
            yield
    except TimeoutError:
        raise AuthError(f"{what}: no answer within {FETCH_S:g} s") from None


def _leased(source: Leases) -> Lease[str]:
    """On a loop of its own in a thread of its own: the caller's thread may be running one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _fetch(source)).result()


async def _fetch(source: Leases) -> Lease[str]:
    with _bounded("access token"):
        return await source.fetch()


def _lease(token: str) -> Lease[str]:
    if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
        raise AuthError("access token: is not one word that a header can carry (it is given without `Bearer`)")
    return Lease(value=token, ends=None)
