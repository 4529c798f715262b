"""Following a list's cursors to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from policies.model import JsonObject
from proxy.errors import UpstreamError

_PAGES: Final = 1_000
"""Most pages of one list, empty ones included."""
_ITEMS: Final = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


async def pages(
    ask: Callable[[JsonObject], Awaitable[JsonObject]], method: str, params: JsonObject, limit: int
) -> list[JsonObject]:
    """Every page of a list, at most `limit` items in all. An empty string is a cursor like any other.

    Raises UpstreamError: malformed for a cursor that comes twice or is no string, too_large over the limits.
    """
    found: list[JsonObject] = []
    cursors: set[str] = set()
    items = 0
    while True:
        page = await ask(params)
        found.append(page)
        listed = page.get(_ITEMS.get(method, ""))
        items += len(listed) if isinstance(listed, list) else 0
        cursor = page.get("nextCursor")
        if cursor is None:
            return found
        if not isinstance(cursor, str) or cursor in cursors:
            raise UpstreamError("malformed", f"the upstream's pages of {method} do not end: a cursor came twice")
        if items > limit or len(found) >= _PAGES:
            raise UpstreamError("too_large", f"the upstream's {method} is longer than the bound")
        cursors.add(cursor)
        params = {**params, "cursor": cursor}
