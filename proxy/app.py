"""The only composition root: what a process is made of, how it starts and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.chain import Chain, Entry
from policies.loading import PolicyConfigError
from policies.loading import load as load_policies
from policies.model import JsonObject
from policies.policy import Services
from proxy import logs
from proxy.auth import Auth, outbound
from proxy.catalog import Catalogs
from proxy.connect import connect
from proxy.errors import ConfigError
from proxy.exchange import Exchanges
from proxy.guards import LOOPBACK, App, Guards
from proxy.health import Health
from proxy.routes import Routes
from proxy.services import quiet, services
from proxy.settings import Settings
from proxy.snapshot import Snapshot
from proxy.telemetry import Telemetry
from proxy.telemetry import start as start_telemetry
from proxy.upstream import Upstream

if TYPE_CHECKING:
    from fastmcp import FastMCP

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Everything one process runs, composed and not yet started."""

    settings: Settings
    chain: Chain
    auth: Auth
    upstream: Upstream
    catalogs: Catalogs
    exchanges: Exchanges
    telemetry: Telemetry

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
                discovery = asyncio.create_task(self.catalogs.main.keep_fresh())
                stack.push_async_callback(_ended, discovery)
            yield

    def fastmcp(self) -> FastMCP:
        """The FastMCP app with the relay at index 0 of its server's middleware."""
        from fastmcp import FastMCP

        from proxy.hello import own_version
        from proxy.in_process import CatalogProvider
        from proxy.relay import Relay

        provider = CatalogProvider(self.catalogs.main, self.exchanges)
        app: FastMCP = FastMCP(
            "mcp-policy-proxy", version=own_version(), dereference_schemas=False, providers=[provider]
        )
        server = app._mcp_server
        server.middleware.insert(0, Relay(self.exchanges))
        # Without a lookup the SDK lists every tool for each call. It finds nothing: the exchange checks the headers.
        server.get_tool_input_schema = lambda _: None
        return app

    def state(self) -> JsonObject:
        """The body of /readyz: no names, no addresses."""
        catalog, hello = self.catalogs.main, self.upstream.known()
        return {
            "status": "ready",
            "policies": [entry.name for entry in self.chain.entries],
            "upstream": {"known": hello is not None, "era": hello.era if hello else None},
            "catalog": {"state": catalog.state, "tools": len(catalog), "fault": catalog.fault},
            "in_flight": self.exchanges.in_flight,
        }


def refusals(settings: Settings, entries: Sequence[Entry]) -> list[str]:
    """What must not run: nobody checks who calls, so nothing may listen to strangers or decide by who they are."""
    found = [
        f"policy {entry.name}: decides by verified caller, and no inbound authentication verifies one"
        for entry in entries
        if entry.policy.per_caller and entry.mode != "off"
    ]
    if settings.transport == "http" and settings.host not in LOOPBACK:
        found.append(f"setting host: {settings.host} is not loopback, and there is no inbound authentication")
    return found


def compose(settings: Settings, telemetry: Telemetry | None = None, lent: Services | None = None) -> Proxy:
    """Build the process from its settings; telemetry from the `OTEL_*` variables, and services, where none are given.

    Raises ConfigError with every finding at once.
    """
    lent = lent or services(settings)
    findings: list[str] = []
    try:
        entries = load_policies(settings.policies, lent)
    except PolicyConfigError as error:
        findings, entries = list(error.findings), []
    try:
        auth = outbound(settings, lent.secrets)
    except ConfigError as error:
        raise ConfigError([*findings, *error.findings]) from None
    findings += refusals(settings, entries)
    if findings:
        raise ConfigError(findings)
    chain, telemetry = Chain(entries), telemetry or start_telemetry(os.environ)
    upstream = connect(settings, auth)
    snapshot = Snapshot(settings.snapshot) if settings.snapshot else None
    passthrough = settings.auth_mode == "passthrough"
    catalogs = Catalogs(upstream, settings.bounds, per_token=passthrough, snapshot=snapshot)
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
        auth=auth,
        upstream=upstream,
        catalogs=catalogs,
        exchanges=exchanges,
        telemetry=telemetry,
    )


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
async def http_app(proxy: Proxy) -> AsyncIterator[App]:
    """The ASGI app of a running proxy: guards and health in front of the doors."""
    from starlette.routing import Route

    app = proxy.fastmcp().http_app(path="/mcp", stateless_http=True, json_response=False)
    (door,) = (route.app for route in app.routes if isinstance(route, Route) and route.path == "/mcp")
    logs.configure(proxy.settings.log_level)
    passthrough = proxy.settings.auth_mode == "passthrough"
    async with app.router.lifespan_context(app):
        yield Guards(
            Health(app, door, proxy.state),
            proxy.settings.bounds,
            issue_session=lambda: _issues_sessions(proxy),
            release=lambda session, token: proxy.upstream.release(session, token if passthrough else None),
        )


async def published_tools(settings: Settings) -> list[JsonObject]:
    """The catalog as a proxy with these settings publishes it. Raises ConfigError, RpcError."""
    from proxy.in_process import listed

    async with with_upstream(settings) as effective:
        proxy = compose(effective, lent=quiet(effective))
        async with proxy.running():
            return await listed(proxy.exchanges)


def _issues_sessions(proxy: Proxy) -> bool:
    """Whether callers need an id to be told apart by. While the upstream is not known, they may."""
    hello = proxy.upstream.known()
    return hello is None or hello.sessions


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
