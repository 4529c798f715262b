"""The tools that a gateway lists: `{target}___{tool}`, in pages, with a search tool in front where it is asked for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from tests.agentcore.gateway_plane_eras import settings
from tests.agentcore.gateway_plane_errors import INVALID_PARAMS, GatewayError
from tests.agentcore.world import Gateway, Target

Json = dict[str, Any]

SEPARATOR = "___"
SEARCH = "x_amz_bedrock_agentcore_search"
FOUND = 10
"""How many tools a search answers at most."""

NAME_CHARS = 256
SEARCH_TOOL: Json = {
    "name": SEARCH,
    "description": "Finds the tools that match a context. Use it where there are many tools.",
    "inputSchema": {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "what the tools are wanted for"}},
        "required": ["query"],
    },
}
_LISTED = {"READY", "UPDATING", "SYNCHRONIZING", "SYNCHRONIZE_UNSUCCESSFUL", "UPDATE_UNSUCCESSFUL"}


def is_semantic(gateway: Gateway) -> bool:
    return settings(gateway).get("searchType") == "SEMANTIC"


def listed(targets: Sequence[tuple[Target, list[Json]]]) -> list[Json]:
    """Tools of targets under the gateway's names; longer names than NAME_CHARS are left out."""
    named = [{**tool, "name": f"{target.name}{SEPARATOR}{tool['name']}"} for target, tools in targets for tool in tools]
    return [tool for tool in named if len(tool["name"]) <= NAME_CHARS]


def served(gateway: Gateway) -> list[Target]:
    return [target for target in gateway.targets.values() if target.status in _LISTED]


def target_of(gateway: Gateway, name: str) -> tuple[Target, str]:
    """The target of a gateway's tool, and the tool's own name. Targets' names have no _. Raises GatewayError."""
    first, _, tool = name.partition(SEPARATOR)
    for target in served(gateway):
        if target.name == first and tool:
            return target, tool
    raise GatewayError(INVALID_PARAMS, f"Unknown tool: {name}")


def page(tools: Sequence[Json], cursor: Any, size: int, *, empty_cursor: bool) -> Json:
    """One page. With `empty_cursor` the second page's cursor is the empty string, which is as good as any other."""
    begin = _offset(cursor, size, empty_cursor=empty_cursor)
    if begin < 0 or (begin and begin >= len(tools)):
        raise GatewayError(INVALID_PARAMS, "Invalid cursor")
    found: Json = {"tools": list(tools[begin : begin + size])}
    if begin + size < len(tools):
        found["nextCursor"] = _cursor(begin + size, size, empty_cursor=empty_cursor)
    return found


def _cursor(begin: int, size: int, *, empty_cursor: bool) -> str:
    return "" if empty_cursor and begin == size else base64.urlsafe_b64encode(f"tools:{begin}".encode()).decode()


def _offset(cursor: Any, size: int, *, empty_cursor: bool) -> int:
    """Where a cursor points; −1 for one that is not ours."""
    if cursor is None:
        return 0
    if cursor == "":
        return size if empty_cursor else 0
    try:
        found = re.fullmatch(r"tools:(\d+)", base64.urlsafe_b64decode(cursor).decode())
    except (ValueError, TypeError):
        return -1
    return int(found[1]) if found else -1


def search(tools: Sequence[Json], query: Any) -> Json:
    """The result of the search tool: the best matches, as structured content and as text."""
    if not isinstance(query, str) or not query.strip():
        raise GatewayError(INVALID_PARAMS, "The argument query must be a text")
    wanted = _words(query)
    best = sorted(tools, key=lambda tool: -len(wanted & _words(f"{tool['name']} {tool.get('description', '')}")))
    found = {"tools": best[:FOUND]}
    return {"content": [{"type": "text", "text": json.dumps(found)}], "structuredContent": found, "isError": False}


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if word}
