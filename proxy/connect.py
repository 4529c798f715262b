"""Which upstream the settings name, and over what wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yarl

from proxy.aws import SERVICE, named_by
from proxy.errors import ConfigError
from proxy.upstream import Upstream
from proxy.wire import Auth

if TYPE_CHECKING:
    from proxy.settings import Settings


def connect(settings: Settings, auth: Auth) -> Upstream:
    """The upstream that the settings name, not opened yet. Raises ConfigError when they name none.

    `auth` signs what goes over HTTP; it is opened and closed by whoever made it.
    """
    bounds = settings.bounds
    if settings.stdio:
        from proxy.wire_stdio import StdioWire

        return Upstream(StdioWire(settings.stdio, answer_bytes=bounds.answer_bytes, depth=bounds.depth), bounds)
    if not settings.upstream:
        raise ConfigError(["no upstream: set MCP_PROXY_UPSTREAM (or --upstream), or MCP_PROXY_STDIO (or --stdio)"])
    from proxy.wire_http import HttpWire

    wire = HttpWire(
        settings.upstream,
        auth,
        answer_bytes=bounds.answer_bytes,
        depth=bounds.depth,
        connect_s=bounds.connect_s,
        in_flight=bounds.in_flight,
    )
    return Upstream(wire, bounds, agentcore=is_agentcore(settings, wire.endpoint))


def is_agentcore(settings: Settings, endpoint: str) -> bool:
    """Whether AgentCore answers: by the host, or by what is signed for where the host is a custom one."""
    host = yarl.URL(endpoint, encoded=True).host or ""
    if named := named_by(host):
        return named[0] == SERVICE
    ours = settings.auth_mode == "iam" and settings.service in (None, SERVICE)
    return ours and not host.endswith((".amazonaws.com", ".on.aws"))
