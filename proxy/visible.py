"""Which tools a caller sees, and how: the answer of every policy's `on_tool`, for lists and for what a search found."""

from __future__ import annotations

import asyncio
from typing import Final

from policies.chain import Chain, Denied
from policies.model import JsonObject, Result, Step, Tool
from proxy.catalog import Catalog
from proxy.journey import Journey
from proxy.publishing import GROWTH, grown
from proxy.search_tool import UnreadableError, as_found, as_listed, searched
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
        scope = listed.body.get("cacheScope")
        private = self._per_caller and scope not in (None, "private")  # also where this caller sees it whole
        if shown == listed.body["tools"] and not private:
            return listed
        body = {**listed.body, "tools": shown}
        return listed.with_body({**body, "cacheScope": "private"} if private else body)

    async def found(self, journey: Journey, catalog: Catalog, result: Result, workload: str | None) -> Result | Denied:
        """What the search tool found, as `page` would show it; a tool that the catalog does not hold is hidden."""
        if not (self._chain.sees("on_tool") or catalog.publishing.changes):
            return result
        search = catalog.publishing.called(journey.call.name)
        if search is None:
            return _UNREADABLE
        known: dict[str, tuple[JsonObject, JsonObject | None]] = {}
        left = GROWTH

        async def see(definition: JsonObject) -> JsonObject | None:
            nonlocal left
            name = definition.get("name")
            if not isinstance(name, str):
                return None
            if name not in known or known[name][0] != definition:
                seen = await self._judged(journey, catalog, as_listed(definition, search), workload)
                known[name] = definition, seen and as_found(seen, definition, search)
            judged, shown = known[name]
            if shown is None or shown == judged:
                return shown and definition
            if (left := left - grown(judged, shown)) < 0:
                raise UnreadableError("what is shown is far longer than what was found")
            return shown

        tells = not result.is_error and result.body.get("resultType") != "input_required"
        try:
            async with asyncio.timeout(self._within_s):
                body = await searched(result.body, see, tells=tells)
        except TimeoutError:
            return _UNJUDGED
        except UnreadableError:
            return _UNREADABLE
        return result if body is result.body else result.with_body(body)

    async def _judged(
        self, journey: Journey, catalog: Catalog, definition: JsonObject, workload: str | None
    ) -> JsonObject | None:
        """By the definition that is listed, and by this one, which may say more or less."""
        published = catalog.publishing.one(definition)
        if published is None:
            return None
        tool = await catalog.sought(published["name"], workload)
        if tool is None:
            return None
        seen = await self._seen(journey, tool)
        if seen is None or published == tool.definition:
            return seen.definition if seen else None
        told = await self._seen(journey, Tool(definition=published))
        if told is None:
            return None
        return told.definition if seen.definition == tool.definition else seen.definition

    async def _seen(self, journey: Journey, tool: Tool) -> Tool | None:
        if not self._chain.sees("on_tool"):
            return tool
        steps: list[Step] = []
        seen = await self._chain.on_tool(tool, journey.call.caller, steps)
        journey.keep(steps)
        return None if isinstance(seen, Denied) else seen
