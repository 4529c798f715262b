"""The exchange: what happens to one call between a door and the upstream, the same for every door.

Up the chain, out to the upstream, back through the chain, one record at the end. Whatever goes wrong on the way ends
as an `RpcError` or a denial that names the exchange id, and never carries an exception's text.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Final

from policies.chain import Answered, Chain, Denied
from policies.model import ANYONE, Call, JsonObject, Result, Step, Tool
from proxy.catalogs import Catalogs
from proxy.denials import denial, error_of, unknown_tool
from proxy.errors import INTERNAL_ERROR, RpcError, UpstreamError
from proxy.ids import uuid7
from proxy.inbound import Inbound, checked_params
from proxy.journey import Journey, error_body, without_progress_token
from proxy.routes import Routes
from proxy.search_tool import searches
from proxy.settings import Bounds
from proxy.telemetry import Span, Telemetry
from proxy.visible import Visibility

log = logging.getLogger(__name__)

NOTICES: Final = frozenset(
    {
        "notifications/progress",
        "notifications/message",
        "notifications/tools/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/prompts/list_changed",
        "notifications/elicitation/complete",
        "notifications/subscriptions/acknowledged",
    }
)
"""What an upstream may tell a caller. Any other method's name would be text that no policy judges."""


class Exchanges:
    """Runs exchanges, counts those in flight, and ends them all when the process stops."""

    def __init__(
        self,
        *,
        chain: Chain,
        routes: Routes,
        catalogs: Catalogs,
        telemetry: Telemetry,
        bounds: Bounds,
        show_policy_names: bool = False,
    ) -> None:
        self._chain = chain
        self._routes = routes
        self._catalogs = catalogs
        self._telemetry = telemetry
        self._bounds = bounds
        self._show = show_policy_names
        self._running: dict[asyncio.Task[object], Inbound] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._last: set[asyncio.Task[None]] = set()
        self._in_flight = {False: 0, True: 0}
        self._limit = {False: bounds.in_flight, True: bounds.streams}
        self._visibility = Visibility(chain, bounds)
        self._done_waits = any(iscoroutinefunction(entry.policy.on_done) for entry in chain.entries)

    @property
    def in_flight(self) -> int:
        """Calls under way, subscriptions not among them."""
        return self._in_flight[False]

    async def run(self, inbound: Inbound) -> JsonObject:
        """The result body for the client. Raises RpcError, and CancelledError when the client went away."""
        journey = Journey(inbound=inbound, call=Call(id=uuid7(), method=inbound.method, caller=inbound.caller))
        task = asyncio.current_task()
        self._in_flight[inbound.endless] += 1
        if task is not None:
            self._running[task] = inbound
        try:
            if not self._telemetry.ready:
                await self._traceable()
            with self._telemetry.server_span(inbound) as span:
                try:
                    return await self._governed(journey, span)
                finally:
                    await self._done(journey, span)
        finally:
            self._in_flight[inbound.endless] -= 1
            if task is not None:
                self._running.pop(task, None)
                self._ended.discard(task)

    async def _traceable(self) -> None:
        """Wait for telemetry. Being cancelled is put off until the exchange has begun, and is recorded there."""
        task = asyncio.current_task()
        try:
            await self._telemetry.wait()
        except asyncio.CancelledError:
            if task is not None:
                task.uncancel()
                task.cancel()

    def end_streams(self) -> None:
        """End the exchanges that would never end by themselves: the process is going down."""
        self._end([task for task, inbound in self._running.items() if inbound.endless])

    def abort(self) -> None:
        """End every exchange in flight with a clear error: the process is going down."""
        self._end(list(self._running))

    def _end(self, tasks: list[asyncio.Task[object]]) -> None:
        for task in tasks:
            self._ended.add(task)
            task.cancel()

    async def _governed(self, journey: Journey, span: Span) -> JsonObject:
        try:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                await asyncio.sleep(0)  # put off by `_traceable`: nothing must go upstream any more
            endless = journey.inbound.endless
            if self._in_flight[endless] > self._limit[endless]:
                raise RpcError(INTERNAL_ERROR, f"Too many calls in flight (exchange {journey.call.id})")
            result = await self._pass(journey, span)
            journey.result = result
            if result.error:
                raise error_of(result)
            return result.body
        except UpstreamError as error:
            journey.reason = f"upstream_{error.kind}"
            raise RpcError(error.code, f"{error.message} (exchange {journey.call.id})", error.data) from None
        except RpcError as error:
            journey.reason = journey.reason or "error"
            if journey.result is None:
                journey.result = Result(body={"code": error.code, "message": ""}, error=True)
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            journey.reason = "shutdown" if task in self._ended else "cancelled"
            if task is None or task not in self._ended:
                raise
            task.uncancel()
            raise RpcError(INTERNAL_ERROR, f"The proxy is shutting down (exchange {journey.call.id})") from None
        except Exception as error:  # noqa: BLE001 - any other exception would leak its text through the SDK
            journey.reason = "internal_error"
            log.error("exchange %s failed inside the proxy: %s", journey.call.id, type(error).__name__)
            raise RpcError(INTERNAL_ERROR, f"Internal error (exchange {journey.call.id})") from None

    async def _pass(self, journey: Journey, span: Span) -> Result:
        inbound = journey.inbound
        params, token = without_progress_token(checked_params(inbound))
        # A receiver without the tasks capability ignores the wish for one (MCP 2025-11-25, Tasks).
        params = {key: value for key, value in params.items() if key != "task"} if "task" in params else params
        tool = None
        if inbound.method == "tools/call":
            tool = await self._find_tool(journey, params)
            if tool is None:
                journey.outcome, journey.reason = "denied", "unknown_tool"
                return unknown_tool(journey.call.id)
        journey.call = Call(id=journey.call.id, method=inbound.method, params=params, caller=inbound.caller, tool=tool)
        went = await self._chain.on_call(journey.call, journey.steps)
        if isinstance(went, Denied):
            return await self._back(journey, self._denied(journey, went), went.index)
        if isinstance(went, Answered):
            journey.judged(went.call or journey.call)
            return await self._back(journey, _whole(went.result, inbound), went.index)
        journey.judged(went)
        result = await self._fetch(journey, token, span)
        if not result.error and (inbound.method == "tools/list" or (tool is not None and searches(tool.name))):
            result = await self._visible(journey, result)
        return await self._back(journey, result, None)

    async def _find_tool(self, journey: Journey, params: JsonObject) -> Tool | None:
        """The tool, if the caller may know it; a hidden one answers exactly like one that does not exist."""
        catalog, inbound = self._catalogs.of(journey.inbound), journey.inbound
        name = params["name"]
        tool = catalog.find(name) or await catalog.sought(name, self._routes.workload(inbound))
        if tool is None:
            return None
        if isinstance(await self._chain.on_tool(tool, inbound.caller, journey.steps), Denied):
            await catalog.renew(self._routes.workload(inbound))  # an unknown name would have waited for this
            return None
        if inbound.check_headers is not None and catalog.has_header_parameters(tool.name):
            journey.call = replace(journey.call, params={"name": tool.name}, tool=tool)
            await inbound.check_headers(tool.input_schema, params.get("arguments") or {})
        return tool

    async def _fetch(self, journey: Journey, token: str | int | None, span: Span) -> Result:
        async def notify(method: str, params: JsonObject) -> None:
            await self._notice(journey, method, params)

        began = time.perf_counter_ns()
        try:
            body = await self._routes.fetch(journey.call, journey.inbound, notify, token, span)
        except UpstreamError:
            raise
        except RpcError as error:
            return Result(body=error_body(error), error=True)
        finally:
            journey.upstream_ms = (time.perf_counter_ns() - began) / 1e6
        return Result(body=body)

    async def _notice(self, journey: Journey, method: str, params: JsonObject) -> None:
        self._catalogs.noticed(method, journey.inbound)
        if journey.inbound.notify is None or journey.deaf or method not in NOTICES:
            return
        steps: list[Step] = []
        passed = await self._chain.on_result(journey.call, Result(body=params, notice=method), steps)
        journey.keep(steps)
        if not isinstance(passed, Result):
            return
        try:
            async with asyncio.timeout(self._bounds.notice_s):
                await journey.inbound.notify(method, passed.body)
        except TimeoutError:
            journey.deaf = True
            log.warning("exchange %s: the client takes no notifications; it gets no more", journey.call.id)

    async def _back(self, journey: Journey, result: Result, before: int | None) -> Result:
        call = journey.call
        passed = await self._chain.on_result(call, result, journey.steps, before)
        while isinstance(passed, Denied):
            passed = await self._chain.on_result(call, self._denied(journey, passed), journey.steps, passed.index)
        if not journey.reason:
            journey.outcome = "failed" if passed.error else "completed"
            journey.reason = "upstream_error" if passed.error else ""
        return passed

    async def _visible(self, journey: Journey, result: Result) -> Result:
        """A list, or what the search tool found, with the tools that this caller may see."""
        catalog = self._catalogs.of(journey.inbound)
        if journey.call.method == "tools/list":
            shown = await self._visibility.page(journey, catalog, result)
        else:
            shown = await self._visibility.found(journey, catalog, result, self._routes.workload(journey.inbound))
        return self._denied(journey, shown) if isinstance(shown, Denied) else shown

    def _denied(self, journey: Journey, denied: Denied) -> Result:
        journey.outcome, journey.reason = "denied", denied.reason
        journey.forget_arguments(tool_known=True)
        policy = denied.policy if self._show else None
        return denial(journey.call, denied.reason, policy, modern=journey.inbound.modern)

    async def shown(self, tool: Tool) -> Tool | None:
        """The tool as an anonymous caller sees it; None when it is hidden."""
        seen = await self._chain.on_tool(tool, ANYONE, [])
        return None if isinstance(seen, Denied) else seen

    async def _done(self, journey: Journey, span: Span) -> None:
        if not journey.was_judged:
            journey.forget_arguments(tool_known=journey.call.tool is not None)
        exchange = journey.record(self._routes.endpoint, span.trace_id)
        span.finish(exchange)
        if not self._done_waits:
            await self._chain.on_done(exchange)
            return
        # A client that goes away now must not cut the record short.
        telling = asyncio.create_task(self._chain.on_done(exchange))
        self._last.add(telling)
        telling.add_done_callback(self._last.discard)
        task = asyncio.current_task()
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            if task is None or task not in self._ended:
                raise
            task.uncancel()  # the process is going down, and the answer is there: it still leaves


def _whole(answer: Result, inbound: Inbound) -> Result:
    """A composed answer with the `resultType` that the modern era requires of every result."""
    if not inbound.modern or answer.error or "resultType" in answer.body:
        return answer
    return answer.with_body({"resultType": "complete", **answer.body})
