"""What of a tool's definition and of a greeting is text for people and models, walked or listed.

Descriptions and titles are, wherever they stand; names, defaults and patterns are the tool's contract. What the
protocol says nothing about is text as a whole: other fields, and others' words in `_meta`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from policies.model import Json, JsonObject

if TYPE_CHECKING:
    from policies.text import Walk, Where

_PROTOCOLS: Final = frozenset(
    {"protocolVersion", "supportedVersions", "capabilities", "serverInfo", "resultType", "ttlMs", "cacheScope"}
)
_OURS: Final = "io.modelcontextprotocol/"
"""What the protocol says under `_meta`."""
_SHOWN: Final = ("description", "title")


def greeting(walk: Walk, said: JsonObject) -> JsonObject:
    """What is no field of the protocol's is walked, and of those that are, descriptions and titles."""
    new: dict[str, Json] = {}
    for key, value in said.items():
        at = (None, key)
        if key == "_meta" and isinstance(value, Mapping):
            new[key] = _meta(walk, value, at)
        else:
            new[key] = _shown(walk, value, at) if key in _PROTOCOLS else walk.value(value, at)
    return new if any(new[key] is not value for key, value in said.items()) else said


def _meta(walk: Walk, meta: JsonObject, where: Where) -> JsonObject:
    new = {key: (_shown if key.startswith(_OURS) else _whole)(walk, value, (where, key)) for key, value in meta.items()}
    return new if any(new[key] is not value for key, value in meta.items()) else meta


def _whole(walk: Walk, value: Json, where: Where) -> Json:
    return walk.value(value, where)


def greeting_texts(said: JsonObject) -> Iterator[str]:
    """What `greeting` walks."""
    for key, value in said.items():
        if key == "_meta" and isinstance(value, Mapping):
            for name, child in value.items():
                yield from _texts(child) if name.startswith(_OURS) else _strings(child)
        else:
            yield from _texts(value) if key in _PROTOCOLS else _strings(value)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for child in value.values():
            yield from _strings(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _strings(child)


def definition(walk: Walk, tool: JsonObject) -> JsonObject:
    """A tool's definition, its descriptions and titles walked, and what is not the protocol's of its `_meta`."""
    changed: JsonObject = _shown(walk, tool, None)
    meta = tool.get("_meta")
    if isinstance(meta, Mapping):
        new = _meta(walk, meta, (None, "_meta"))
        changed = changed if new is meta else {**changed, "_meta": new}
    return changed


def _shown(walk: Walk, value: Json, where: Where) -> Json:
    if isinstance(value, Mapping):
        new = {}
        for key, child in value.items():
            at = (where, key)
            is_text = key in _SHOWN and isinstance(child, str)
            new[key] = walk.value(child, at) if is_text else _shown(walk, child, at)
        return new if any(new[key] is not child for key, child in value.items()) else value
    if isinstance(value, list | tuple):
        items = [_shown(walk, child, (where, index)) for index, child in enumerate(value)]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def texts_of(tool: JsonObject) -> Iterator[str]:
    """What `definition` walks."""
    yield from _texts(tool)
    meta = tool.get("_meta")
    if isinstance(meta, Mapping):
        yield from greeting_texts({"_meta": meta})


def _texts(value: Json) -> Iterator[str]:
    """Descriptions and titles."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key in _SHOWN and isinstance(child, str):
                yield child
            else:
                yield from _texts(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _texts(child)
