"""The request headers that mirror the body (2026-07-28, Streamable HTTP): Mcp-Method, Mcp-Name and Mcp-Param-*.

They are always made from the body that is sent, never copied from the caller's: a policy may have changed it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Final

from policies.model import Json, JsonObject

_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\Z")
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=\Z")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_SCALARS: Final = ("string", "integer", "boolean")
_KEPT: Final = 4_096

Paths = tuple[tuple[tuple[str, ...], str], ...]
"""Property paths of arguments, each with the header that mirrors it."""


def encode(value: str) -> str:
    """`value` as a header value: itself where it survives, else `=?base64?…?=` of its UTF-8."""
    if (_PLAIN.match(value) and not _ENCODED.match(value)) or not value:
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode('ascii')}?="


class Mirror:
    """Makes the headers, and remembers which arguments a tool's schema annotates with `x-mcp-header`."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[JsonObject, Paths]] = {}

    def headers(self, method: str, params: JsonObject, definition: JsonObject | None) -> dict[str, str]:
        """The headers for a request of the modern era. `definition` is the tool object of a tools/call."""
        made = {"Mcp-Method": method}
        key = _NAMED.get(method)
        if key is None:
            return made
        name = params.get(key)
        if isinstance(name, str):
            made["Mcp-Name"] = encode(name)
        if definition is not None:
            for path, header in self._paths(definition):
                text = _text(_at(params.get("arguments"), path))
                if text is not None:
                    made[header] = encode(text)
        return made

    def _paths(self, definition: JsonObject) -> Paths:
        known = self._known.get(id(definition))
        if known is not None and known[0] is definition:
            return known[1]
        if len(self._known) >= _KEPT:
            self._known.clear()
        paths = annotated(definition.get("inputSchema"))
        self._known[id(definition)] = (definition, paths)
        return paths


def annotated(schema: Json) -> Paths:
    """The `x-mcp-header` annotations that count: on scalars reached through `properties` alone."""
    first: dict[str, tuple[tuple[str, ...], str]] = {}
    for path, token in _annotations(schema):
        first.setdefault(token.lower(), (path, f"Mcp-Param-{token}"))
    return tuple(first.values())


def _annotations(schema: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    left: list[tuple[tuple[str, ...], Json]] = [((), schema)]
    while left:
        path, node = left.pop()
        if not isinstance(node, Mapping):
            continue
        token = node.get("x-mcp-header")
        if path and isinstance(token, str) and _TOKEN.match(token) and node.get("type") in _SCALARS:
            yield path, token
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            left.extend(((*path, name), child) for name, child in reversed(list(properties.items())))


def _at(value: Json, path: tuple[str, ...]) -> Json:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python converts
        return None
