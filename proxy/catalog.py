"""The catalog: the upstream's tools as last listed, found by name.

It is discovered in the background and refreshed by the upstream's `ttlMs`; which catalog a caller sees is said in
`proxy/catalogs.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from policies.jsontext import dumps
from policies.model import Json, JsonObject, Tool
from proxy.errors import ProxyError, UpstreamError
from proxy.publishing import Publishing
from proxy.settings import Bounds
from proxy.snapshot import Snapshot
from proxy.upstream import Origin, Upstream
from proxy.wire import AnswerError

log = logging.getLogger(__name__)

LONG_NAME: Final = 128
"""Characters that the protocol allows in a tool name; longer ones are published with a warning."""

_LONGEST_TTL_MS: Final = 24 * 3600 * 1000

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 30.0

State = Literal["empty", "snapshot", "fresh", "stale"]


class Catalog:
    """The tools of one upstream as one credential sees them."""

    def __init__(
        self,
        upstream: Upstream,
        bounds: Bounds,
        origin: Origin,
        snapshot: Snapshot | None = None,
        publishing: Publishing | None = None,
    ) -> None:
        self._upstream = upstream
        self._bounds = bounds
        self._origin = origin
        self._snapshot = snapshot
        self.publishing = publishing or Publishing()
        self._tools: dict[str, Tool] = {}
        self._annotated: set[str] = set()
        self._refresh: asyncio.Task[None] | None = None
        self._refreshed = float("-inf")
        self._ttl_s = bounds.ttl_s
        self._failure: UpstreamError | None = None
        self.state: State = "empty"
        self._fault = ""
        if snapshot is not None and (held := snapshot.tools()[: bounds.tools]):
            self._take(held)
            self.state = "snapshot"

    def __len__(self) -> int:
        return len(self._tools)

    @property
    def fault(self) -> str:
        """Why the last listing failed, or why some of its tools are not published; empty when neither is so."""
        return self._fault or self.publishing.fault

    @property
    def tools(self) -> Sequence[Tool]:
        return tuple(self._tools.values())

    def find(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def has_header_parameters(self, name: str) -> bool:
        """Whether the tool's input schema may annotate a parameter with `x-mcp-header`."""
        return name in self._annotated

    async def sought(self, name: str, workload: str | None = None) -> Tool | None:
        """The tool, after at most one bounded refresh when the catalog does not hold it.

        `workload` is the call's workload access token, where the proxy has its own credential by it. Raises
        UpstreamError when the upstream cannot be listed and no list of it is known.
        """
        found = self._tools.get(name)
        if found is None:
            await self.renew(workload)
            found = self._tools.get(name)
        return found

    async def renew(self, workload: str | None = None) -> None:
        """One bounded refresh, unless there was one just now. Raises UpstreamError when no list is known at all."""
        seconds = self._bounds.first_list_s if self.state == "empty" else self._bounds.refresh_s
        done = True
        # What failed for want of a credential may go well with what this very call brings.
        helps = workload is not None and self._fault == "upstream_auth"
        if helps or time.monotonic() - self._refreshed >= self._bounds.unknown_s:
            done = bool((await asyncio.wait({self.refresh(workload)}, timeout=seconds))[0])
        if self.state == "empty":
            late = UpstreamError("timeout", f"The upstream did not list its tools within {seconds:g} s")
            # Raised once more, an exception would keep the frames of every call that it was raised in.
            raise self._failure.with_traceback(None) if done and self._failure else late

    def refresh(self, workload: str | None = None) -> asyncio.Task[None]:
        """The refresh under way, or a new one (single flight). Its exception is what went wrong."""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._discover(workload))
            self._refresh.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._refresh

    async def _discover(self, workload: str | None) -> None:
        origin = replace(self._origin, workload=workload) if workload else self._origin
        try:
            pages = await self._upstream.pages("tools/list", origin)
            listed = [tool for page in pages for tool in _objects(page.get("tools"))]
            self._take(listed)
        except Exception as error:
            self._failed(error)
            raise
        self._fresh(pages[0])
        if self._snapshot is not None:
            await asyncio.to_thread(self._snapshot.write, listed, self._upstream.known())

    def _failed(self, error: Exception) -> None:
        self._refreshed = time.monotonic()
        # What the upstream said stays here: no policy has seen it.
        told = UpstreamError("status", "The upstream answered its tool list with an error")
        if isinstance(error, AnswerError) and error.status in (401, 403):
            error = UpstreamError("auth", f"The upstream does not accept the proxy's credential (HTTP {error.status})")
        self._failure = error if isinstance(error, UpstreamError) else told
        fault = f"upstream_{error.kind}" if isinstance(error, UpstreamError) else type(error).__name__
        if fault != self._fault:
            held = f"; serving the {len(self._tools)} tools last known" if self._tools else ""
            log.warning("the upstream's tools cannot be listed (%s)%s", fault, held)
        self._fault = fault
        if self.state == "fresh":
            self.state = "stale"

    def _fresh(self, page: JsonObject) -> None:
        hello, ttl = self._upstream.known(), page.get("ttlMs")
        # A handshake upstream gives no ttlMs; the zero in the page was added for the modern caller that we are.
        given = hello is not None and hello.era == "modern" and isinstance(ttl, int | float)
        seconds = min(max(ttl or 0, 0), _LONGEST_TTL_MS) / 1000 if given else self._bounds.ttl_s
        self._ttl_s = max(seconds, self._bounds.ttl_min_s)
        self._refreshed = time.monotonic()
        if self._fault or self.state != "fresh":
            log.info("the catalog holds %d tools of the upstream", len(self._tools))
        self.state, self._fault = "fresh", ""

    def learn(self, page: JsonObject) -> list[Tool] | None:
        """Take in a page that a caller's list brought, and return its tools in order; None when it is not a list.

        What is no object, has no name that can be called, or repeats a name of this page is left out, and what is
        not published.
        """
        listed = page.get("tools")
        if not isinstance(listed, list):
            return None
        tools: dict[str, Tool] = {}
        objects = _objects(listed)
        published = self.publishing.published(objects, whole=False)
        for definition in published:
            name = definition.get("name")
            if isinstance(name, str) and len(name) <= self._bounds.tool_name:
                tools.setdefault(name, self._known(definition))
        if odd := len(listed) - len(objects) + len(published) - len(tools):
            log.warning("%d entries of the upstream's tool list cannot be published", odd)
        self._hold([tool.definition for tool in tools.values()], whole=False)
        return list(tools.values())

    def _known(self, definition: JsonObject) -> Tool:
        """The tool we hold when nothing changed, so that caches by identity stay warm."""
        held = self._tools.get(str(definition.get("name")))
        return held if held is not None and held.definition == definition else Tool(definition=definition)

    def _take(self, listed: Sequence[JsonObject]) -> None:
        """A whole list of the upstream's."""
        self._hold(self.publishing.published(listed, whole=True), whole=True)

    def _hold(self, published: Sequence[JsonObject], *, whole: bool) -> None:
        for level, said in self.publishing.news():
            log.log(level, "%s", said)
        withheld = self.publishing.withheld
        found = {} if whole else {name: tool for name, tool in self._tools.items() if name not in withheld}
        for definition in published:
            name = definition.get("name")
            if not isinstance(name, str) or len(name) > self._bounds.tool_name:
                continue
            if not (whole and name in found):
                found[name] = self._known(definition)
        if len(found) > self._bounds.tools:
            raise UpstreamError("too_large", f"The upstream lists more than {self._bounds.tools} tools")
        if found != self._tools:
            _warn_of_names(found.keys() - self._tools.keys())
            new = {name: tool for name, tool in found.items() if tool is not self._tools.get(name)}
            annotated = {name for name, tool in new.items() if b"x-mcp-header" in dumps(tool.input_schema)}
            self._annotated = (self._annotated & found.keys()) - new.keys() | annotated
            self._tools = found

    def forget(self) -> None:
        """The upstream said that its tools changed: refresh at the next occasion."""
        self._refreshed = float("-inf")

    async def keep_fresh(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Discover, then refresh for as long as the process lives; after a failure with growing pauses.

        `ready` returns when the proxy has a credential of its own, or needs none.
        """
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await ready()
                await asyncio.shield(self.refresh())
                pause = _FIRST_PAUSE_S
                await asyncio.sleep(self._ttl_s)
                await ready()
                # What the upstream says of itself may have changed as well as its tools.
                await self._upstream.refresh_hello(self._origin)
            except ProxyError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            except Exception as error:  # noqa: BLE001 - discovery must go on, whatever an upstream answers
                log.error("discovery failed: %s", type(error).__name__)
                await asyncio.sleep(_LONGEST_PAUSE_S)


def _objects(listed: Json) -> list[JsonObject]:
    """The tool objects of a list; what is not an object cannot be judged, and is not published."""
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def _warn_of_names(names: set[str]) -> None:
    long = sum(len(name) > LONG_NAME for name in names)
    if long:
        log.warning("%d tools have names of more than %d characters, which some clients refuse", long, LONG_NAME)
