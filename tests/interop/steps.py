"""What is asked of an upstream, step by step, and the record of its answers."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError

from .wire import Answer, Json, Wire

CLOCK = re.compile(r"\b\d{1,2}:\d{2}:\d{2}( [AP]M)?\b")
DATE = re.compile(r"\w{3} \w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2} GMT[^\n\"\\]*")
SESSION = re.compile(r"(?<=for session )(undefined|[0-9a-f-]{36})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. `varies` are the patterns of what two honest answers differ in, which are blanked in both."""

    label: str
    method: str
    params: Json
    varies: tuple[re.Pattern[str], ...] = ()


def call(tool: str, arguments: Json | None = None, *, note: str = "", varies: Sequence[re.Pattern[str]] = ()) -> Step:
    label = f"{tool} {note}".strip()
    params = {"name": tool, "arguments": arguments or {}}
    return Step(label=label, method="tools/call", params=params, varies=tuple(varies))


def lists(*kinds: str) -> list[Step]:
    return [Step(label=f"{kind}/list", method=f"{kind}/list", params={}) for kind in kinds]


def read(uri: str, *, varies: Sequence[re.Pattern[str]] = ()) -> Step:
    return Step(label=f"read {uri}", method="resources/read", params={"uri": uri}, varies=tuple(varies))


def prompt(name: str, arguments: Json | None = None, *, varies: Sequence[re.Pattern[str]] = ()) -> Step:
    params = {"name": name, "arguments": arguments or {}}
    return Step(label=f"prompt {name}", method="prompts/get", params=params, varies=tuple(varies))


def complete(label: str, ref: Json, name: str, value: str, context: Json | None = None) -> Step:
    params = {"ref": ref, "argument": {"name": name, "value": value}}
    if context:
        params["context"] = {"arguments": context}
    return Step(label=f"complete {label}", method="completion/complete", params=params)


def tools_called(steps: Sequence[Step]) -> set[str]:
    return {step.params["name"] for step in steps if step.method == "tools/call"}


async def record(wire: Wire, steps: Sequence[Step]) -> dict[str, Answer]:
    """Takes the steps in order over one connection; what varies is blanked.

    A step without an answer ends the record: it and the steps behind it hold `{"unanswered": why}`.
    """
    answers = {}
    broken: Exception | None = None
    for step in steps:
        try:
            answer = await wire.ask(step.method, step.params) if not broken else _unanswered(broken)
        except (TimeoutError, OSError, ClientError, AssertionError) as error:
            broken, answer = error, _unanswered(error)
        answers[step.label] = Answer(body=_blank(answer.body, step.varies), progress=_without_token(answer.progress))
    return answers


def _unanswered(error: Exception) -> Answer:
    return Answer(body={"unanswered": repr(error)})


def _without_token(progress: Sequence[Json]) -> tuple[Json, ...]:
    return tuple({key: value for key, value in each.items() if key != "progressToken"} for each in progress)


def _blank(value: Any, varies: Sequence[re.Pattern[str]]) -> Any:
    if isinstance(value, dict):
        return {key: _blank(_decoded(key, each) if varies else each, varies) for key, each in value.items()}
    if isinstance(value, list):
        return [_blank(each, varies) for each in value]
    if isinstance(value, str):
        for pattern in varies:
            value = pattern.sub("…", value)
    return value


def _decoded(key: str, value: Any) -> Any:
    """The text of a blob that varies, so that only the varying part of it is blanked."""
    return base64.b64decode(value).decode() if key == "blob" else value
