"""What the policies that detect would take out of a result, offline: those of one chain, over one result after another.

Nothing is served and nothing is asked: there is no upstream, and no record is written.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from policies.chain import Chain, Denied, Entry
from policies.detect.detecting import Detecting
from policies.model import Call, Change, Json, Result, Step, Tool
from proxy.errors import ProxyError
from proxy.ids import uuid7

_LOADING_MS: Final = 60_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of a result. `result` is None when it was denied; `ms` is processor time of the policies."""

    result: Result | None
    denied: Denied | None
    steps: Sequence[Step]
    ms: float

    @property
    def found(self) -> bool:
        """Whether any policy would not let it pass as it is; so says one that broke, though it may fail open."""
        return bool(self.denied) or any(step.action != "allow" for step in self.steps)

    @property
    def findings(self) -> list[Change]:
        """Once each, in the order of the policies; those in shadow mode included."""
        return list(dict.fromkeys(change for step in self.steps for change in step.changes))


Look: TypeAlias = Callable[[Call, Result], Looked]


def detecting(entries: Sequence[Entry]) -> list[Entry]:
    """Those that detect. Raises ProxyError when there are none: nothing found would say nothing."""
    found = [entry for entry in entries if isinstance(entry.policy, Detecting)]
    if not any(entry.mode != "off" for entry in found):
        raise ProxyError("no policy of the chain looks for anything: it needs redact, secrets or tokenize")
    return found


def notes(entries: Sequence[Entry], tool: str | None) -> Iterator[str]:
    """What of the chain makes less happen than one may expect; `tool` is None where there are several."""
    for entry in entries:
        if entry.mode == "shadow":
            yield f"policy {entry.name} is in shadow mode: it finds, and takes nothing out"
        elif entry.mode == "off":
            yield f"policy {entry.name} is off"
        if "*" not in entry.tools and not (tool and any(fnmatchcase(tool, glob) for glob in entry.tools)):
            yield f"policy {entry.name} looks only at results of {', '.join(entry.tools)}"


@contextmanager
def opened(entries: Sequence[Entry]) -> Iterator[Look]:
    """The policies open and loaded. Raises PolicyOpenError, ProxyError.

    The event loop runs only while a result is looked at: what waits for input meanwhile can be interrupted.
    """
    chain = Chain(entries)
    with asyncio.Runner() as runner:
        runner.run(chain.open())
        try:
            runner.run(_load(entries))
            with _collector_as_in_service():
                yield lambda call, result: _uncancelled(runner, _looked(chain, call, result))
        finally:
            runner.run(chain.close())


def _uncancelled(runner: asyncio.Runner, looking: Coroutine[None, None, Looked]) -> Looked:
    """Ctrl-C ends the work by a cancellation, which does not always come out as a KeyboardInterrupt."""
    try:
        return runner.run(looking)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _load(entries: Sequence[Entry]) -> None:
    """One result of our own goes through, which waits for what loads in the background."""
    for entry in entries:
        if isinstance(entry.policy, Detecting) and entry.mode != "off":
            with suppress(Exception):  # what is wrong is said by the result that goes through
                await entry.policy.loaded()
    patient = [replace(entry, tools=("*",), timeout_ms=_LOADING_MS) for entry in entries]
    steps: list[Step] = []
    await Chain(patient).on_result(call_of("tool"), Result(body={"content": [{"type": "text", "text": "@"}]}), steps)
    for step in steps:
        if step.action == "error":
            raise ProxyError(f"policy {step.policy!r} cannot work: {step.detail}")


async def _looked(chain: Chain, call: Call, result: Result) -> Looked:
    steps: list[Step] = []
    began = time.process_time_ns()
    passed = await chain.on_result(call, result, steps)
    ms = (time.process_time_ns() - began) / 1e6
    if isinstance(passed, Denied):
        return Looked(result=None, denied=passed, steps=steps, ms=ms)
    return Looked(result=passed, denied=None, steps=steps, ms=ms)


@contextmanager
def _collector_as_in_service() -> Iterator[None]:
    """What the start left is not searched with every result, as in a proxy that serves."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def call_of(tool: str, output_schema: Json = None) -> Call:
    """A call of the tool without arguments."""
    definition: dict[str, Json] = {"name": tool, "inputSchema": {"type": "object"}}
    if output_schema is not None:
        definition["outputSchema"] = output_schema
    params = {"name": tool, "arguments": {}}
    return Call(id=uuid7(), method="tools/call", params=params, tool=Tool(definition=definition))
