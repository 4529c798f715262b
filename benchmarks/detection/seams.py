"""What is measured, behind three seams: `ours` redacts, `timed` says what that costs, `spans` looks at a text."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

from benchmarks.detection.tree import Json, Object
from policies.chain import Chain
from policies.detect import catalog
from policies.detect.detecting import Detecting
from policies.detect.engine import Engine
from policies.detect.entities import ENTITIES, LOCALES, OPTIONAL
from policies.detect.wanted import Wanted
from policies.lent import services
from policies.loading import load
from policies.model import Call, Result, Step
from policies.redact import Redact

Span = tuple[int, int, str]
Spans = Callable[[str], list[Span]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One line that a redactor answers. `result` is None where it denied; `ms` is what it says it took."""

    id: str
    result: Object | None
    findings: tuple[Object, ...] = ()
    denied: str | None = None
    ms: float = 0.0


Timer = Callable[[Sequence[Object]], list[float]]
Redactor = Callable[[Sequence[Object]], list[Answer]]
"""Takes lines {"id", "result", "outputSchema"}; answers each, by id, in any order."""


_PATIENCE_S = 300


class SeamMissingError(Exception):
    """What is to be measured is not there, or does not speak the protocol."""


def command(*arguments: str) -> Redactor:
    """`mcp-policy-proxy redact - --jsonl` as a child process: one start for all lines. Raises SeamMissingError."""
    line = [sys.executable, "-m", "proxy", "redact", "-", "--jsonl", *arguments]

    def redact(lines: Sequence[Object]) -> list[Answer]:
        given = "".join(json.dumps(each) + "\n" for each in lines)
        try:
            ran = subprocess.run(line, input=given, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise SeamMissingError(f"{' '.join(line[1:])} took more than {_PATIENCE_S} s") from error
        if ran.returncode:
            raise SeamMissingError(f"{' '.join(line[1:])} ended with {ran.returncode}: {ran.stderr.strip()[-300:]}")
        return answers(lines, ran.stdout)

    return redact


def ours(policies: Path | None) -> Redactor:
    """The default chain's redact and secrets, or those of a policies file."""
    return command(*(["--policies", str(policies)] if policies else []))


def answers(lines: Sequence[Object], output: str) -> list[Answer]:
    """Every line has to be answered once. Raises SeamMissingError."""
    try:
        found = [_answer(json.loads(line)) for line in output.splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeamMissingError(f"an answer is not of the protocol: {type(error).__name__}") from error
    if sorted(each.id for each in found) != sorted(str(line["id"]) for line in lines):
        raise SeamMissingError(f"{len(lines)} lines were asked, {len(found)} answered, or their ids differ")
    return found


def _answer(line: dict[str, Any]) -> Answer:
    if line["result"] is None and line.get("denied") is None:
        raise ValueError("neither a result nor denied")
    return Answer(
        id=line["id"],
        result=line["result"],
        findings=tuple(line["findings"]),
        denied=line.get("denied"),
        ms=float(line["ms"]),
    )


def timed(results: Sequence[Object], policies: Path | None = None) -> list[float]:
    """CPU of ours over each result, in ms, in their order: `on_result` of redact and secrets, in this process."""
    return asyncio.run(_timed(results, policies))


async def _timed(results: Sequence[Object], policies: Path | None) -> list[float]:
    chain = Chain([entry for entry in load(policies, services()) if isinstance(entry.policy, Detecting)])
    await chain.open()
    call, steps = Call(id="", method="tools/call", params={"name": "tool", "arguments": {}}), list[Step]()
    try:
        await chain.on_result(call, Result(body={"content": [{"type": "text", "text": "warm"}]}), steps)
        took = []
        for result in results:
            began = time.process_time()
            await chain.on_result(call, Result(body=result), steps)
            took.append((time.process_time() - began) * 1e3)
        return took
    finally:
        await chain.close()


def looked(result: Object, times: int) -> float:
    """CPU of redact's look at a result, in ms: what it would redact is found, nothing is written."""
    redact = next(entry.policy for entry in load(None, services()) if isinstance(entry.policy, Redact))
    worker, wanted, never = redact._load(), Wanted(walk=lambda walk, body: walk.result(body, "tools/call")), Event()

    def once() -> float:
        began = time.process_time()
        worker.look(result, wanted, never)
        return time.process_time() - began

    return 1e3 * min(once() for _ in range(times))


@cache
def _engine() -> Engine:
    return catalog.engine((*ENTITIES, *OPTIONAL), LOCALES, 0)


def spans(text: str) -> list[Span]:
    """What ours finds in a text: (start, end, entity)."""
    found = _engine().find(text, _engine().context(()), lambda: None)
    return [(each.start, each.end, each.entity) for each in found]


def as_result(body: Json) -> Object:
    """A result as tools give it: structured, with its text copy; a string is a text alone."""
    if isinstance(body, str):
        return {"content": [{"type": "text", "text": body}]}
    return {"content": [{"type": "text", "text": json.dumps(body)}], "structuredContent": body}
