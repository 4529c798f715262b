"""A local command as the upstream, for development: one process for the one user, restarted when it has exited."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, TypeVar

from policies import jsontext
from policies.model import Json, JsonObject
from proxy.beside import Beside
from proxy.child import Child
from proxy.eras import SUBSCRIPTION_ID
from proxy.errors import ConfigError
from proxy.wire import MAX_REFUSALS, Origin, Outgoing, Reply, WireError, is_answer, refusal, written

_LOG: Final = logging.getLogger("proxy.upstream")
_SHORT_LIFE_S: Final = 5.0
_RESTART_S: Final = 0.2
_RESTART_MAX_S: Final = 5.0
T = TypeVar("T")


@dataclass(slots=True)
class _Waiting:
    """A request under way: `inbox` takes its notifications, its answer, or what ended it."""

    out: Outgoing
    inbox: asyncio.Queue[JsonObject | WireError]


class StdioWire:
    """`command` is split like a shell does, and run without one. Raises ConfigError when it cannot be split."""

    shared = True

    def __init__(
        self, command: str, *, answer_bytes: int, depth: int, notices: int = 1_000, probe_s: float = 3.0
    ) -> None:
        self._command = _split(command)
        self.endpoint = f"stdio:{PurePath(self._command[0]).name}"
        self.probe_s: float | None = probe_s
        self._cap = answer_bytes
        self._depth = depth
        self._notices = notices
        self._child: Child | None = None
        self._starting = asyncio.Lock()
        self._started = 0.0
        self._short_lives = 0
        self._waiting: dict[int, _Waiting] = {}
        self._beside = Beside(2.0)
        self._ends = Beside(10.0)
        self._closed = False

    async def open(self) -> None:
        """The process starts when it is first needed."""

    async def close(self) -> None:
        self._closed = True
        await self._beside.stop()
        await self._ends.finish()
        child, self._child = self._child, None
        if child is not None:
            await child.stop()

    async def ready(self) -> None:
        async with self._starting:
            if self._closed:
                raise _closed()
            if self._child is not None and self._child.running:
                return
            if self._child is not None:
                await self._child.stop()
                await self._rest()
            self._started = asyncio.get_running_loop().time()
            self._child = await Child.start(self._command, line_bytes=self._cap, heard=self._heard, gone=self._gone)

    async def _rest(self) -> None:
        """A command that exits at once is not started in a tight loop."""
        lived = asyncio.get_running_loop().time() - self._started
        self._short_lives = self._short_lives + 1 if lived < _SHORT_LIFE_S else 0
        if self._short_lives > 1:
            await asyncio.sleep(min(_RESTART_S * 2 ** (self._short_lives - 2), _RESTART_MAX_S))

    async def send(self, out: Outgoing) -> Reply:
        """Raises WireError."""
        waiting = _Waiting(out, asyncio.Queue())
        self._waiting[out.id] = waiting
        try:
            message = {"jsonrpc": "2.0", "id": out.id, "method": out.method, "params": out.params}
            await self._write(message, out)
            while True:
                found = await _bounded(waiting.inbox.get(), out)
                if isinstance(found, WireError):
                    raise found
                if "method" not in found:
                    return Reply(found)
                if out.hear is not None:
                    await out.hear(str(found["method"]), _params(found))
        finally:
            del self._waiting[out.id]

    async def tell(self, message: JsonObject, *, version: str, session: str | None, origin: Origin) -> None:
        """Raises WireError."""
        await self._write(message, None)

    async def end(self, session: str, *, version: str, origin: Origin) -> None:
        """There are no sessions on a pipe."""

    async def _write(self, message: JsonObject, out: Outgoing | None) -> None:
        child = self._child
        if child is None or not child.running:
            raise _closed()
        writing = child.write(written(message))
        if out is None:
            await _unbroken(writing)
            return
        began = asyncio.get_running_loop().time()
        try:
            await _bounded(_unbroken(writing), out)
        except WireError as failed:
            if failed.kind == "timeout":
                self._stuck(child, asyncio.get_running_loop().time() - began >= out.gap_s)
                raise WireError("timeout", "the upstream's process does not read", sent=False) from None
            raise

    def _stuck(self, child: Child, long: bool) -> None:
        """A process that reads nothing is ended, and started again for the next call."""
        if long and child is self._child and child.running:
            child.running = False
            _LOG.warning("the upstream's process does not read, and is ended")
            self._gone()
            self._ends.start(self._end(child))

    async def _end(self, child: Child) -> None:
        async with self._starting:
            if self._child is child:
                self._child = None
                await child.stop()

    def _gone(self) -> None:
        self._fail(WireError("closed", "the upstream's process has ended", again="repeatable"))

    def _fail(self, failed: WireError) -> None:
        for waiting in self._waiting.values():
            waiting.inbox.put_nowait(failed)

    def _heard(self, line: bytes) -> None:
        """Route one line. What is no JSON object is skipped: servers print things."""
        try:
            message = jsontext.loads(line, self._depth)
        except jsontext.JsonError:
            _LOG.debug("upstream wrote a line that is not JSON")
            if b'"jsonrpc"' in line and len(self._waiting) == 1:
                self._fail(WireError("malformed", "the upstream's answer is not JSON that can be carried"))
            return
        for item in message if isinstance(message, list) else (message,):
            if isinstance(item, Mapping):
                self._route(item)

    def _route(self, message: Mapping[str, Json]) -> None:
        if "method" not in message:
            self._answered(message)
        elif "id" in message:
            answer = refusal(message)
            if answer is not None and self._beside.busy < MAX_REFUSALS:
                self._beside.start(self._write(answer, None))
        else:
            waiting = self._meant(str(message["method"]), _params(message))
            if waiting is not None and waiting.inbox.qsize() < self._notices:
                waiting.inbox.put_nowait(message)

    def _answered(self, message: Mapping[str, Json]) -> None:
        """An answer under another id is late: its request was given up. On one pipe for all that is no fault."""
        found = message.get("id")
        waiting = self._waiting.get(found) if type(found) is int else None
        if waiting is None:
            return
        try:
            is_answer(message, waiting.out.id)
        except WireError as failed:
            waiting.inbox.put_nowait(failed)
        else:
            waiting.inbox.put_nowait(message)

    def _meant(self, method: str, params: JsonObject) -> _Waiting | None:
        """Whom a notification is for: by progress token or subscription; the oldest listener when neither tells."""
        meta = params.get("_meta")
        key = params.get("progressToken") if method == "notifications/progress" else None
        if key is None and isinstance(meta, Mapping):
            key = meta.get(SUBSCRIPTION_ID)
        if key is not None:
            return self._waiting.get(key) if type(key) is int else None
        return next((waiting for waiting in self._waiting.values() if waiting.out.hear is not None), None)


async def _bounded(work: Coroutine[Any, Any, T], out: Outgoing) -> T:
    until = asyncio.get_running_loop().time() + out.gap_s
    try:
        async with asyncio.timeout_at(until if out.deadline is None else min(until, out.deadline)):
            return await work
    except TimeoutError:
        raise WireError("timeout", "the upstream did not answer in time") from None


async def _unbroken(writing: Coroutine[Any, Any, None]) -> None:
    try:
        await writing
    except OSError:
        raise WireError("closed", "the upstream's process reads no more", again="repeatable") from None


def _split(command: str) -> list[str]:
    try:
        found = shlex.split(command)
    except ValueError:
        found = []
    if not found:
        raise ConfigError(["setting stdio: not a command (are its quotes balanced?)"])
    return found


def _params(message: Mapping[str, Json]) -> JsonObject:
    found = message.get("params")
    return found if isinstance(found, Mapping) else {}


def _closed() -> WireError:
    return WireError("closed", "the upstream's process is not running", again="always", sent=False)
