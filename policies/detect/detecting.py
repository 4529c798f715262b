"""What the policies that detect have in common: what they look at, where they do it, and how they decide.

Small bodies are looked at where the call is, on the event loop: handing them to a thread costs more than the look.
Larger ones go to threads. Rules and models are loaded behind the start; what comes before they are there waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from policies.detect.finding import ElsewhereError
from policies.detect.lanes import Lanes
from policies.detect.prose import is_plain, is_prose
from policies.detect.shown import definition, greeting, greeting_texts, texts_of
from policies.detect.wanted import Wanted
from policies.finding import PolicyConfigError
from policies.jsontext import dumps
from policies.model import ALLOW, Allow, Call, Caller, Change, Deny, JsonObject, Modify, Result, Tool
from policies.policy import Policy, PolicyConfig, ResultDecision, Services, ToolDecision

if TYPE_CHECKING:
    from policies.detect.work import Worker

_LOG: Final = logging.getLogger(__name__)
_T = TypeVar("_T", Call, Result, Tool)

INLINE_BYTES: Final = 16 << 10
"""Up to here a body is looked at on the event loop: its worst case holds others up for some hundredths of a second."""
GLANCED_BYTES: Final = 128 << 10
"""Up to here it is found out on the event loop whether a body can hold anything at all: as long, at worst."""
_GREETINGS: Final = frozenset({"initialize", "server/discover"})
"""Of what they say about the server, descriptions and titles are text, as in a tool's definition."""
_LISTED: Final = frozenset({"tools", "nextCursor"})
"""What `on_tool` sees of a list of tools, and what only the protocol reads."""
_ERROR: Final = "error"
"""No method: a JSON-RPC error has no fields that only the protocol reads."""
_REMEMBERED: Final = 20_000
"""Tools whose decision is known at most: as many as a catalog may hold."""
_A_TURN: Final = 200
"""Tools looked at after which the event loop gets a turn."""
_NEVER: Final = Event()
_GREETING: Final = Wanted(walk=greeting, described="")


class Detecting(Policy):
    """Base of `redact`, `secrets` and `tokenize`: a subclass says what its `_load` finds and does, and its caps."""

    timeout_ms: ClassVar[float] = 15_000.0
    """What comes before the rules are loaded waits for them."""

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._lanes: Lanes | None = None
        self._loading: Future[Worker] | None = None
        self._worker: Worker | None = None
        self._tools: dict[str, tuple[Tool, ToolDecision]] = {}
        self._looked = 0

    async def open(self) -> None:
        """Starts loading; a failure to load denies all that would have to be looked at."""
        self._lanes = Lanes()
        self._loading = self.services.behind.start(self._load)
        self._loading.add_done_callback(self._loaded)

    async def close(self) -> None:
        if self._lanes:
            self._lanes.close()

    async def loaded(self) -> None:
        """Waits until everything is there. Raises what loading raised, PolicyConfigError with words for people."""
        if self._loading:
            (await _waited(self._loading)).complete()

    def _load(self) -> Worker:
        """In a thread: most modules of the engine are imported here, so that the process listens sooner."""
        raise NotImplementedError

    @property
    def _most_bytes(self) -> int:
        """Bytes of the compact JSON of a body."""
        raise NotImplementedError

    def _harmless(self, raw: bytes, worker: Worker) -> bool:
        """Whether this compact JSON can hold nothing. Never wrongly yes."""
        return False

    def _plain(self, body: JsonObject) -> bool:
        """Whether, before the rules are there, a result is known to hold nothing."""
        return is_prose(body)

    def _plain_text(self, text: str) -> bool:
        """The same for a description. No list of tools waits for the rules because of a name in one."""
        return is_plain(text)

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision | Awaitable[ToolDecision]:
        known = self._tools.get(tool.name)
        if known is not None and known[0] is tool:
            return known[1]
        if self._worker is None and all(map(self._plain_text, texts_of(tool.definition))):
            return ALLOW  # no call waits for the rules because of a tool that is described in plain words
        found = self._decide(tool.definition, _wrapped, Wanted(walk=definition, described=""))
        if not isinstance(found, Allow | Modify | Deny):
            return self._kept_later(tool, found)
        self._looked += 1
        decision = self._kept(tool, found)
        return decision if self._looked % _A_TURN else _after_a_turn(decision)

    async def _kept_later(self, tool: Tool, pending: Awaitable[ToolDecision]) -> ToolDecision:
        return self._kept(tool, await pending)

    def _kept(self, tool: Tool, decision: ToolDecision) -> ToolDecision:
        if len(self._tools) >= _REMEMBERED:
            self._tools.clear()
        self._tools[tool.name] = (tool, decision)
        return decision

    def on_result(self, call: Call, result: Result) -> ResultDecision | Awaitable[ResultDecision]:
        if not (result.error or result.notice):
            if call.method == "tools/list":
                return self._beside_tools(result)
            if call.method in _GREETINGS and self._says_nothing(result.body):
                return ALLOW
        return self._decide(result.body, result.with_body, self._of_result(call, result))

    def _beside_tools(self, result: Result) -> ResultDecision | Awaitable[ResultDecision]:
        """What a list says beside its tools, which `on_tool` sees."""
        rest = {key: value for key, value in result.body.items() if key not in _LISTED}
        if self._says_nothing(rest):
            return ALLOW
        return self._decide(rest, lambda new: result.with_body({**result.body, **new}), _GREETING)

    def _says_nothing(self, greeting: JsonObject) -> bool:
        """Whether there is no text, or none that is worth waiting for the rules."""
        texts = list(greeting_texts(greeting))
        return not texts or (self._worker is None and all(map(self._plain_text, texts)))

    def _of_result(self, call: Call, result: Result) -> Wanted:
        schema = call.tool.output_schema if call.tool and not (result.is_error or result.notice) else None
        method = _ERROR if result.error else result.notice or call.method
        if method in _GREETINGS:
            return _GREETING
        return Wanted(
            walk=lambda walk, body: walk.result(body, method),
            schema=schema,
            tool=call.name if call.method == "tools/call" else "",
            spoken=call.name,
        )

    def _of_call(self, call: Call) -> Wanted:
        schema = call.tool.input_schema if call.tool else None
        return Wanted(
            walk=lambda walk, params: walk.call(params, call.method),
            schema=schema,
            described="arguments",
            tool=call.name if call.method == "tools/call" else "",
        )

    def _decide(
        self, body: JsonObject, wrap: Callable[[JsonObject], _T], wanted: Wanted
    ) -> Allow | Modify | Deny | Awaitable[Allow | Modify | Deny]:
        raw = dumps(body)
        if len(raw) > self._most_bytes:
            return Deny("too_large_to_redact")
        worker = self._worker
        if worker is None:
            plain = len(raw) <= GLANCED_BYTES and self._plain(body)
            return ALLOW if plain else self._elsewhere(body, raw, wrap, wanted)
        if len(raw) <= GLANCED_BYTES and self._harmless(raw, worker):
            return ALLOW
        if len(raw) > INLINE_BYTES:
            return self._elsewhere(body, raw, wrap, wanted, glanced=len(raw) <= GLANCED_BYTES)
        try:
            return _decided(body, worker.run(body, wanted, _NEVER, inline=True), wrap)
        except ElsewhereError:
            return self._elsewhere(body, raw, wrap, wanted, glanced=True)

    async def _elsewhere(
        self, body: JsonObject, raw: bytes, wrap: Callable[[JsonObject], _T], wanted: Wanted, *, glanced: bool = False
    ) -> Allow | Modify | Deny:
        if self._lanes is None or self._loading is None:
            raise RuntimeError(f"{type(self).__name__.lower()} was not opened")
        worker = await _waited(self._loading)
        stop = Event()

        def look() -> tuple[JsonObject, tuple[Change, ...]] | Deny:
            if not glanced and self._harmless(raw, worker):
                return body, ()
            return worker.run(body, wanted, stop)

        try:
            done = await asyncio.get_running_loop().run_in_executor(self._lanes.of(len(raw)), look)
        finally:
            stop.set()  # whoever stops waiting stops the work as well
        return _decided(body, done, wrap)

    def _loaded(self, loading: Future[Worker]) -> None:
        if loading.cancelled():
            return
        error = loading.exception()
        if error is None:
            self._worker = loading.result()
            return
        _LOG.error(
            "%s cannot be loaded (%s): what it would have to look at is denied",
            type(self).__name__.lower(),
            error if isinstance(error, PolicyConfigError) else type(error).__name__,
        )


def _decided(
    body: JsonObject, done: tuple[JsonObject, tuple[Change, ...]] | Deny, wrap: Callable[[JsonObject], _T]
) -> Allow | Modify | Deny:
    if isinstance(done, Deny):
        return done
    new, changes = done
    return ALLOW if new is body else Modify(wrap(new), changes)


async def _waited(loading: Future[Worker]) -> Worker:
    """What loading raised is raised here, for every call."""
    if not loading.done():
        return await asyncio.shield(asyncio.wrap_future(loading))
    if (error := loading.exception()) is not None:
        # One exception for all: with its old traceback it would keep every call's frames, and what is in them.
        raise error.with_traceback(None)
    return loading.result()


async def _after_a_turn(decision: ToolDecision) -> ToolDecision:
    await asyncio.sleep(0)
    return decision


def _wrapped(definition: JsonObject) -> Tool:
    return Tool(definition=definition)
