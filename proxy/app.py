"""The only composition root: what a process is made of, how it starts and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from policies.chain import Chain
from policies.jsontext import dumps
from policies.loading import PolicyConfigError
from policies.loading import load as load_policies
from policies.model import Caller, JsonObject
from policies.policy import Services
from proxy import VERSION
from proxy.address import mark_of
from proxy.asgi import App
from proxy.auth import Auth, outbound
from proxy.callers import Callers, allowed, callers, refusals
from proxy.catalogs import Catalogs
from proxy.connect import connect
from proxy.door import Door
from proxy.errors import ConfigError
from proxy.exchange import Exchanges
from proxy.guards import Guards
from proxy.inbound import session_of
from proxy.lane import Lane
from proxy.logs import take_over
from proxy.publishing import publishing_of
from proxy.routes import Routes
from proxy.services import quiet, services
from proxy.settings import Settings
from proxy.snapshot import Snapshot
from proxy.telemetry import Telemetry, start_behind
from proxy.upstream import Upstream

if TYPE_CHECKING:
    from fastmcp import FastMCP

_T = TypeVar("_T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Everything one process runs, composed and not yet started."""

    settings: Settings
    chain: Chain
    callers: Callers
    auth: Auth
    upstream: Upstream
    catalogs: Catalogs
    exchanges: Exchanges
    telemetry: Telemetry
    services: Services

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the chain and the upstream, and discover in the background."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.telemetry.close)
            await self.chain.open()
            stack.push_async_callback(self.chain.close)
            await self.auth.open()
            stack.push_async_callback(self.auth.close)
            await self.upstream.open()
            stack.push_async_callback(self.upstream.close)
            if self.settings.auth_mode != "passthrough":
                discovery = asyncio.create_task(self.catalogs.main.keep_fresh(self.auth.ready))
                stack.push_async_callback(_ended, discovery)
            yield

    def fastmcp(self) -> FastMCP:
        """The FastMCP app with the relay at index 0 of its server's middleware."""
        from fastmcp import FastMCP

        from proxy.in_process import CatalogProvider
        from proxy.relay import Relay

        provider = CatalogProvider(self.catalogs.main, self.exchanges)
        app: FastMCP = FastMCP("mcp-policy-proxy", version=VERSION, dereference_schemas=False, providers=[provider])
        server = app._mcp_server
        server.middleware.insert(0, Relay(self.exchanges))
        # Without a lookup the SDK lists every tool for each call. It finds nothing: the exchange checks the headers.
        server.get_tool_input_schema = lambda _: None
        return app

    def state(self, door: str, strangers: bool) -> JsonObject:
        """The body of /readyz: no names of tools, no addresses; to strangers only how far it has started."""
        if strangers:
            return {"status": "ready", "door": door}
        catalog, hello = self.catalogs.main, self.upstream.known()
        return {
            "status": "ready",
            "door": door,
            "policies": [entry.name for entry in self.chain.entries],
            "upstream": {"known": hello is not None, "era": hello.era if hello else None},
            "catalog": {"state": catalog.state, "tools": len(catalog), "fault": catalog.fault},
            "in_flight": self.exchanges.in_flight,
        }

    def issues_sessions(self) -> bool:
        """Whether callers need an id to be told apart by. While the upstream is not known, they may."""
        hello = self.upstream.known()
        return hello is None or hello.sessions

    def release(self, caller: Caller, authorization: str | None) -> None:
        """End what the upstream keeps for this caller, of this Authorization where callers bring their own."""
        session = session_of(caller)
        if session is not None:
            self.upstream.release(session, authorization if self.settings.auth_mode == "passthrough" else None)


def compose(
    settings: Settings,
    telemetry: Telemetry | None = None,
    lent: Services | None = None,
    more: Sequence[Mapping[str, object]] = (),
) -> Proxy:
    """Build the process from its settings; telemetry from the `OTEL_*` variables, and services, where none are given.

    `more` are policies that join the default chain.

    Raises ConfigError with every finding at once.
    """
    lent = lent or services(settings)
    findings: list[str] = []
    behind = lent.behind
    telemetry = telemetry or _or_findings(findings, lambda: start_behind(os.environ, behind)) or Telemetry()
    lent = replace(lent, sinks=telemetry.beside(lent.sinks))
    try:
        entries = load_policies(settings.policies, lent, more=more)
    except PolicyConfigError as error:
        findings, entries = [*findings, *error.findings], []
    auth = _or_findings(findings, lambda: outbound(settings, lent.secrets))
    who = _or_findings(findings, lambda: callers(settings, lent.secrets, lent.behind))
    findings += refusals(settings, entries)
    if findings or auth is None or who is None:
        raise ConfigError(findings)
    chain = Chain(entries)
    upstream = connect(settings, auth)
    snapshot = Snapshot(settings.snapshot) if settings.snapshot else None
    passthrough = settings.auth_mode == "passthrough"
    catalogs = Catalogs(
        upstream,
        settings.bounds,
        per_token=passthrough,
        snapshot=snapshot,
        publishing=lambda: publishing_of(settings),
    )
    exchanges = Exchanges(
        chain=chain,
        routes=Routes(upstream, catalogs, settings, snapshot),
        catalogs=catalogs,
        telemetry=telemetry,
        bounds=settings.bounds,
        show_policy_names=settings.show_policy_names,
    )
    return Proxy(
        settings=settings,
        chain=chain,
        callers=who,
        auth=auth,
        upstream=upstream,
        catalogs=catalogs,
        exchanges=exchanges,
        telemetry=telemetry,
        services=lent,
    )


def _or_findings(findings: list[str], make: Callable[[], _T]) -> _T | None:
    try:
        return make()
    except ConfigError as error:
        findings += error.findings
        return None


@contextlib.asynccontextmanager
async def with_upstream(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with an upstream in them: the configured one, or the embedded demo for as long as this lasts."""
    if settings.upstream or settings.stdio:
        yield settings
        return
    from proxy import demo

    async with await demo.serve() as running:
        yield settings.model_copy(update={"upstream": running.url, "auth_mode": "none"})


@contextlib.asynccontextmanager
async def http_app(proxy: Proxy, door: Door | None = None) -> AsyncIterator[App]:
    """The ASGI app of a running proxy: the guards, the lane behind them, and the door behind the lane."""
    door = door or door_of(proxy)
    await proxy.callers.open()
    try:
        async with door.opening():
            yield Guards(
                bounds=proxy.settings.bounds,
                names=allowed(proxy.settings),
                callers=proxy.callers,
                mcp=proxy,
                posts=Lane(proxy.exchanges, door, door.check_headers),
                app=door,
                mark=mark_of(proxy.upstream.endpoint).encode(),
                state=lambda strangers: dumps(proxy.state(door.state, strangers)),
            )
    finally:
        await proxy.callers.close()


def door_of(proxy: Proxy) -> Door:
    """The door of this proxy, still closed."""
    return Door(load=import_door, make=proxy.fastmcp, behind=proxy.services.behind)


def import_door() -> None:
    """Import what the door needs, which takes a second. Not in two threads at once: one may get half a module."""

    import proxy.in_process
    import proxy.relay  # noqa: F401

    take_over()


async def published_tools(settings: Settings) -> list[JsonObject]:
    """The catalog as a proxy with these settings publishes it. Raises ConfigError, RpcError."""
    from proxy.in_process import listed

    async with with_upstream(settings) as effective:
        proxy = compose(effective, Telemetry(), quiet(effective))
        async with proxy.running():
            return await listed(proxy.exchanges)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
