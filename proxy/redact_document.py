"""A file as the result of a tool, and what a person is shown of what would become of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, Final

from policies.jsontext import JsonError, loads
from policies.model import Json, JsonObject, Result
from proxy.errors import ProxyError
from proxy.redact_diff import diff, indented, printable
from proxy.redacting import Looked

_KINDS: Final = frozenset({"text", "image", "audio", "resource", "resource_link"})
"""Of content (MCP 2025-11-25, schema, ContentBlock)."""
_TEXT: Final = "$.content[0].text"
_STRUCTURED: Final = "$.structuredContent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was given, as the result of a tool. `shown` is where in the result it stands."""

    result: Result
    shown: str = "$"
    note: str = ""

    def lines(self, result: Result) -> list[str]:
        """What was given as it reads in this result."""
        if self.shown == _TEXT and result.content:
            lines = str(result.content[0].get("text", "")).split("\n")
            return lines if lines[-1] else lines[:-1]
        return indented(result.structured if self.shown == _STRUCTURED else result.body)

    def path(self, path: str) -> str:
        """A path in the result as one in what was given."""
        return "$" + path.removeprefix(self.shown) if path.startswith(self.shown) else path


def within(stream: BinaryIO, most: int) -> bytes:
    """All of it. Raises ProxyError when it is more than `most` bytes."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise ProxyError(f"longer than {most} bytes, the most that the proxy takes of an upstream")
    return data


def document(data: bytes) -> Document:
    """What this file is: a tool's result, other JSON, or text. Raises ProxyError when it is not UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProxyError(f"not text in UTF-8 (at byte {error.start})") from None
    note = "" if text else "there is nothing in it"
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _of_json(loads(text))
        except JsonError as error:
            note = f"read as plain text: {error}"
    result = Result(body={"content": [{"type": "text", "text": text}]})
    return Document(result=result, shown=_TEXT, note=note)


def _of_json(value: Json) -> Document:
    if isinstance(value, Mapping) and _is_result(value):
        return Document(result=Result(body=value))
    return Document(result=Result(body={"content": [], "structuredContent": value}), shown=_STRUCTURED)


def _is_result(value: JsonObject) -> bool:
    content = value.get("content", [])
    if not isinstance(content, list):
        return False
    blocks = all(isinstance(block, Mapping) and block.get("type") in _KINDS for block in content)
    return blocks and (bool(content) or "structuredContent" in value)


def shown(given: Document, looked: Looked, name: str, *, colour: bool) -> Iterator[str]:
    """The lines for people: the diff, the findings, and why nothing comes out where nothing does."""
    if looked.result is not None:
        old, new = given.lines(given.result), given.lines(looked.result)
        yield from diff(old, new, (name, "redacted"), colour=colour)
    rows = [(given.path(found.path), found.kind, found.why) for found in looked.findings]
    if rows:
        yield from _table([("path", "entity", "why"), *rows])
    if looked.denied:
        why = f": {looked.denied.detail}" if looked.denied.detail else ""
        yield printable(f"denied by {looked.denied.policy} ({looked.denied.reason}){why}")
    for step in looked.steps:
        if step.mode == "shadow" and step.action == "deny":
            yield printable(f"would be denied by {step.policy} ({step.reason})")


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for path, entity, why in rows:
        yield printable(f"{path.ljust(widths[0])}  {entity.ljust(widths[1])}  {why}".rstrip())


def coloured(choice: str | None, out: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: as chosen, else on a terminal unless NO_COLOR (no-color.org) says otherwise."""
    if choice is not None:
        return choice == "always"
    return out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
