"""Results by the line: one JSON object in, one JSON object out, each before the next is read.

In: `{"id", "result", "outputSchema"?, "tool"?}`; other keys are not looked at. Out: `{"id", "result", "findings":
[{"path", "entity", "why"}], "denied", "ms"}`, or `{"id", "error"}` for a line that is not such an object. Blank lines
are passed over.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from policies.jsontext import JsonError, dumps, loads
from policies.model import Call, Json, JsonObject, Result
from proxy.redacting import Look, Looked, call_of

_CHUNK: Final = 1 << 16


class LineError(Exception):
    """A line that cannot be answered; the message repeats nothing of it. `key` is the id, as far as there is one."""

    def __init__(self, message: str, key: Json = None) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line."""

    key: Json
    call: Call
    result: Result


def answers(stream: BinaryIO, look: Look, tool: str, most: int) -> Iterator[tuple[bytes, bool]]:
    """The answer to each line, without a line end, and whether the line was one. `most` is bytes of a line."""
    for number, line in _lines(stream, most):
        try:
            if line is None:
                raise LineError(f"longer than {most} bytes")
            asked = read(line, tool)
            yield dumps(_answer(asked.key, look(asked.call, asked.result))), True
        except LineError as error:
            yield dumps({"id": error.key, "error": f"line {number}: {error}"}), False


def _lines(stream: BinaryIO, most: int) -> Iterator[tuple[int, bytes | None]]:
    """Number and line of all that are not blank; None for one that is too long, of which only its start was kept."""
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        body = line.removesuffix(b"\n")
        if len(body) > most:
            whole = line.endswith(b"\n")
            del line, body
            while not whole and (rest := stream.readline(_CHUNK)):
                whole = rest.endswith(b"\n")
            yield number, None
            continue
        body = body.removeprefix(BOM_UTF8) if number == 1 else body
        if not body.isspace() and body:
            yield number, body


def read(line: bytes, tool: str) -> Asked:
    """Raises LineError."""
    try:
        given = loads(line)
    except JsonError as error:
        raise LineError(str(error)) from None
    if not isinstance(given, Mapping):
        raise LineError("not a JSON object")
    if "id" not in given:
        raise LineError("it has no id")
    key, body, schema, name = given["id"], given.get("result"), given.get("outputSchema"), given.get("tool")
    if not isinstance(key, str | int | float | None):
        raise LineError("id is not a string, a number or null")
    if not isinstance(body, Mapping):
        raise LineError("result is not an object" if "result" in given else "it has no result", key)
    if not isinstance(schema, Mapping | bool | None):
        raise LineError("outputSchema is not a schema", key)
    if not isinstance(name, str | None):
        raise LineError("tool is not a string", key)
    return Asked(key=key, call=call_of(tool if name is None else name, schema), result=Result(body=body))


def _answer(key: Json, looked: Looked) -> JsonObject:
    return {
        "id": key,
        "result": looked.result.body if looked.result else None,
        "findings": [{"path": found.path, "entity": found.kind, "why": found.why} for found in looked.findings],
        "denied": looked.denied.reason if looked.denied else None,
        "ms": round(looked.ms, 4),
    }
