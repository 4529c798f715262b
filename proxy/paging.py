"""Following a list's cursors to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from policies import jsontext
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


Page = Callable[[JsonObject], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """What all pages of a list may come to."""

    items: int
    size: int
    seconds: float


async def pages(ask: Page, method: str, params: JsonObject, most: Most) -> list[JsonObject]:
    """Every page of a list, with its items and its age alone. An empty string is a cursor like any other.

    Raises UpstreamError: malformed for a cursor that comes twice or is no string, too_large and timeout over `most`.
    """
    try:
        async with asyncio.timeout(most.seconds):
            return await _walked(ask, method, params, most)
    except TimeoutError:
        text = f"the upstream did not list all of its {method} within {most.seconds:g} s"
        raise UpstreamError("timeout", text) from None


async def _walked(ask: Page, method: str, params: JsonObject, most: Most) -> list[JsonObject]:
    found: list[JsonObject] = []
    cursors: set[str] = set()
    name = _ITEMS[method]
    items = size = 0
    while True:
        page = await ask(params)
        found.append({key: page[key] for key in (name, "ttlMs") if key in page})
        listed = page.get(name)
        items += len(listed) if isinstance(listed, list) else 0
        size += len(jsontext.dumps(page))
        if size > most.size:
            raise UpstreamError("too_large", f"the upstream's {method} is larger than {most.size} bytes in all")
        cursor = page.get("nextCursor")
        if cursor is None:
            return found
        if not isinstance(cursor, str) or cursor in cursors:
            raise UpstreamError("malformed", f"the upstream's pages of {method} do not end: a cursor came twice")
        if items > most.items or len(found) >= _PAGES:
            raise UpstreamError("too_large", f"the upstream's {method} is longer than the bound")
        cursors.add(cursor)
        params = {**params, "cursor": cursor}
