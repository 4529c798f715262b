"""A text that says the structured content over again, byte for byte as one of the usual writers writes it.

Such a text needs no look of its own, and is written anew from what stands in the structured content's place: the two
cannot come apart. Written bytes are compared, not values: a key said twice would hide what it says first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json, JsonObject

_TELLING: Final = 1_000
"""Characters that show which writer it was; a wrong guess costs time, nothing else."""
Writer = Callable[[Json], str]


def _spaced(value: Json) -> str:
    return json.dumps(value)


def _unicode(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _compact_ascii(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def _indented(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _indented_ascii(value: Json) -> str:
    return json.dumps(value, indent=2)


def _compact(value: Json) -> str:
    return dumps(value).decode()


_BY_START: Final[Mapping[str, tuple[Writer, ...]]] = {
    "\n": (_indented, _indented_ascii),
    " ": (_spaced, _unicode),
    "": (_compact, _compact_ascii),
}


def writer(text: str, value: Json) -> Writer | None:
    """What writes `value` as `text` stands; None when none of the usual writers does."""
    for write in _BY_START[_style(text)]:
        try:
            if write(value) == text:
                return write
        except (JsonError, TypeError, ValueError, RecursionError):
            continue
    return None


def _style(text: str) -> str:
    if text[1:2] == "\n":
        return "\n"
    at = text.find('":') + 1
    spaced = text[at + 1 : at + 2] == " " if at else ", " in text[:_TELLING]
    return " " if spaced else ""


def parsed(text: str, depth: int) -> Json:
    """What a text says that one of the usual writers wrote, nested no deeper; None for any other text."""
    if text[:1] not in ("{", "["):
        return None
    try:
        value = loads(text, depth)
    except JsonError:
        return None
    return value if writer(text, value) else None


def mirrored(body: JsonObject, key: str) -> dict[int, Writer]:
    """The indexes in `content` of text blocks that say `body[key]` over again, and what writes each."""
    value, content = body.get(key), body.get("content")
    if not isinstance(value, dict | list) or not isinstance(content, list | tuple):
        return {}
    found = {}
    for index, block in enumerate(content):
        text = block.get("text") if isinstance(block, Mapping) and block.get("type") == "text" else None
        if isinstance(text, str) and text[:1] in ("{", "[") and (write := writer(text, value)):
            found[index] = write
    return found
