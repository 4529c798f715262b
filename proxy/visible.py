"""Which tools a caller sees, and how: the answer of every policy's `on_tool`, for lists and for what a search found."""

from __future__ import annotations

import asyncio
from typing import Final

from policies.chain import Chain, Denied
from policies.model import JsonObject, Result, Step, Tool
from proxy.catalog import Catalog
from proxy.journey import Journey
from proxy.search_tool import UnreadableError, searched
from proxy.settings import Bounds

_UNJUDGED: Final = Denied(policy="chain", reason="policy_error", index=0)
_UNREADABLE: Final = Denied(policy="chain", reason="unreadable_search", index=0)


class Visibility:
    """Runs `on_tool` for whole lists, within the time that a list may take."""

    def __init__(self, chain: Chain, bounds: Bounds) -> None:
        self._chain = chain
        self._within_s = bounds.first_list_s
        self._per_caller = any(entry.policy.per_caller for entry in chain.entries) and chain.sees("on_tool")

    async def page(self, journey: Journey, catalog: Catalog, listed: Result) -> Result | Denied:
        """The page without the tools that are hidden, and with those that are rewritten."""
        tools = catalog.learn(listed.body)
        if tools is None:
            return listed
        try:
            async with asyncio.timeout(self._within_s):
                shown = [seen.definition for seen in [await self._seen(journey, tool) for tool in tools] if seen]
        except TimeoutError:
            return _UNJUDGED
        if shown == listed.body["tools"]:
            return listed
        body = {**listed.body, "tools": shown}
        if "cacheScope" in body and self._per_caller:
            body["cacheScope"] = "private"
        return listed.with_body(body)

    async def found(self, journey: Journey, catalog: Catalog, result: Result, workload: str | None) -> Result | Denied:
        """What the search tool found, as `page` would show it; a tool that the catalog does not hold is hidden."""
        if result.asks or not (self._chain.sees("on_tool") or catalog.publishing.changes):
            return result
        known: dict[str, tuple[JsonObject, JsonObject | None]] = {}

        async def see(definition: JsonObject) -> JsonObject | None:
            name = definition.get("name")
            if not isinstance(name, str):
                return None
            if name not in known or known[name][0] != definition:
                known[name] = definition, await self._judged(journey, catalog, definition, workload)
            judged, seen = known[name]
            return definition if seen is judged else seen

        try:
            async with asyncio.timeout(self._within_s):
                body = await searched(result.body, see)
        except TimeoutError:
            return _UNJUDGED
        except UnreadableError:
            return _UNREADABLE
        return result if body is result.body else result.with_body(body)

    async def _judged(
        self, journey: Journey, catalog: Catalog, definition: JsonObject, workload: str | None
    ) -> JsonObject | None:
        published = catalog.publishing.one(definition)
        if published is None:
            return None
        tool = await catalog.sought(published["name"], workload)
        if tool is None:
            return None
        seen = await self._seen(journey, tool)
        if seen is not None and published != tool.definition:
            seen = await self._seen(journey, Tool(definition=published))
        if seen is None or seen.definition == definition:
            return definition if seen else None
        return seen.definition

    async def _seen(self, journey: Journey, tool: Tool) -> Tool | None:
        if not self._chain.sees("on_tool"):
            return tool
        steps: list[Step] = []
        seen = await self._chain.on_tool(tool, journey.call.caller, steps)
        journey.keep(steps)
        return None if isinstance(seen, Denied) else seen
