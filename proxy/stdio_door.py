"""The stdio transport: one client on standard input and output (MCP 2025-11-25 and 2026-07-28, transports: stdio).

Own reading and writing in front of the SDK's server, whose own takes NaN for null, swallows what it cannot read, reads
lines without a cap, and drops calls in flight at the end of input. A line goes to the server only as one JSON-RPC
message within the bounds of the HTTP door (`proxy/guards.py`); any other is answered here, at once.

At the end of input, and on SIGTERM or SIGINT: no more lines, streams end, calls in flight have the drain bound, what is
left is answered with a clear error. A signal after the end of input ends the drain: a client closes standard input,
then terminates, then kills (MCP 2025-11-25, lifecycle: shutdown), and killed calls would leave no record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import anyio
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCRequest, JSONRPCResponse, jsonrpc_message_adapter
from pydantic import ValidationError

from policies import jsontext
from policies.model import Json
from proxy.errors import INVALID_REQUEST, PARSE_ERROR
from proxy.exchange import Exchanges
from proxy.guards import malformed
from proxy.settings import Bounds
from proxy.stdio_pipes import Lines, Printer

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectSendStream
    from fastmcp import FastMCP

Task: TypeAlias = asyncio.Task[None]

_BEGIN_S: Final = 0.05
"""How long what was just handed to the server takes to become an exchange that can be ended."""
_ANSWERING_S: Final = 2.0
"""How long the last answers may take to leave once everything in flight was told to end."""
_BLANK: Final = b" \t\r"


class Refusal(Exception):  # noqa: N818 - an answer rather than a fault
    """A line that is not handed on; `answer` is the JSON-RPC error for it."""

    def __init__(self, code: int, message: str, key: str | int | None = None) -> None:
        super().__init__(message)
        error = {"code": code, "message": message}
        self.answer = jsontext.dumps({"jsonrpc": "2.0", "id": key, "error": error})


def read(line: bytes | None, bounds: Bounds) -> JSONRPCMessage:
    """The message in a line, its numbers as `policies.jsontext` keeps them; None stands for a line over the cap.

    Raises Refusal with −32700 or −32600 (JSON-RPC 2.0, section 5.1), under the message's id where it has one.
    """
    if line is None:
        raise Refusal(INVALID_REQUEST, f"The message is larger than {bounds.request_bytes} bytes")
    try:
        value = jsontext.loads(line, bounds.depth)
    except jsontext.JsonError as error:
        raise Refusal(PARSE_ERROR, f"Parse error: {error}") from None
    if (problem := malformed(value, line)) is not None:
        raise Refusal(INVALID_REQUEST, problem)
    try:
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise Refusal(INVALID_REQUEST, "Not a JSON-RPC 2.0 message", _key(value)) from None


def _key(value: Json) -> str | int | None:
    key = value.get("id") if isinstance(value, Mapping) and "method" in value else None
    return key if isinstance(key, str | int) else None


class Unsettled:
    """Counts the requests that the server has and has neither answered nor been told to forget.

    A client that does not read its answers gets no more than `limit` of them before it is not read any more either.
    """

    def __init__(self, limit: int) -> None:
        self.none, self.room = asyncio.Event(), asyncio.Event()
        self._limit = limit
        self._count = 0
        self._tell()

    def begin(self) -> None:
        self._count += 1
        self._tell()

    def settle(self) -> None:
        self._count -= 1
        self._tell()

    async def forget(self) -> None:
        """A request that the client has cancelled settles without an answer."""
        self.settle()

    def _tell(self) -> None:
        for event, true in ((self.none, self._count <= 0), (self.room, self._count < self._limit)):
            event.set() if true else event.clear()


@dataclass(frozen=True, slots=True)
class Answers:
    """The SDK's write stream: what the server says, a line each."""

    printer: Printer
    unsettled: Unsettled

    async def send(self, item: SessionMessage, /) -> None:
        """Raises anyio.BrokenResourceError when nobody reads any more, JsonError for what is not JSON."""
        message = item.message
        line = jsontext.dumps(message.model_dump(by_alias=True, exclude_unset=True))
        try:
            await self.printer.print(line)
        except BrokenPipeError:
            raise anyio.BrokenResourceError from None
        finally:
            if isinstance(message, JSONRPCResponse | JSONRPCError):
                self.unsettled.settle()

    async def aclose(self) -> None:
        """Nothing: refusals are written to the very end."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


@dataclass(slots=True, kw_only=True)
class Door:
    """One client's connection, from the first line to the last answer."""

    lines: Lines
    printer: Printer
    exchanges: Exchanges
    bounds: Bounds
    unsettled: Unsettled = field(init=False)

    def __post_init__(self) -> None:
        # Twice what may be under way: all above that have their answer, and wait for the client to read it.
        self.unsettled = Unsettled(2 * (self.bounds.in_flight + self.bounds.streams))

    async def serve(self, app: FastMCP, stopping: asyncio.Event) -> None:
        """Serve until the input ends, `stopping` is set, or nobody reads the answers; then drain."""
        hand, handed = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        server, answers = app._mcp_server, Answers(self.printer, self.unsettled)
        async with app._lifespan_manager():
            serving = asyncio.create_task(server.run(handed, answers, server.create_initialization_options()))
            reading = asyncio.create_task(self._read(hand))
            stop, gone = asyncio.create_task(_set(stopping)), asyncio.create_task(_set(self.printer.gone))
            try:
                await _first(None, reading, serving, stop, gone)
                await self._drain(reading, serving, stop, gone)
                hand.close()
                await _first(_ANSWERING_S, serving)
                await self.printer.finish(_ANSWERING_S)
            finally:
                await _ended(reading, serving, stop, gone)

    async def _read(self, hand: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        with contextlib.suppress(BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for line in self.lines:
                if line is not None and not line.strip(_BLANK):
                    continue
                try:
                    message = read(line, self.bounds)
                except Refusal as refusal:
                    await self.printer.print(refusal.answer)
                else:
                    await hand.send(await self._begun(message))

    async def _begun(self, message: JSONRPCMessage) -> SessionMessage:
        if not isinstance(message, JSONRPCRequest):
            return SessionMessage(message)
        await self.unsettled.room.wait()
        self.unsettled.begin()
        return SessionMessage(message, ServerMessageMetadata(on_request_unanswered=self.unsettled.forget))

    async def _drain(self, reading: Task, serving: Task, stop: Task, gone: Task) -> None:
        ends = {gone} if stop.done() else {gone, stop}
        self.lines.end()
        await asyncio.sleep(_BEGIN_S)
        self.exchanges.end_streams()
        settled = asyncio.create_task(self._settled(reading))
        await _first(self.bounds.drain_s, settled, serving, *ends)
        if not settled.done():
            self.exchanges.abort()
            await _first(_ANSWERING_S, settled, serving)
        settled.cancel()

    async def _settled(self, reading: Task) -> None:
        await asyncio.wait({reading})
        await self.unsettled.none.wait()


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _first(seconds: float | None, *tasks: Task) -> None:
    """Wait until one of them is done, for so long at the most."""
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def _ended(*tasks: Task) -> None:
    """End them, within a bound. Raises what one of them failed with."""
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=_ANSWERING_S)
    for task in done:
        if not task.cancelled():
            task.result()
