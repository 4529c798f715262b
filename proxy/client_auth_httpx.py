"""The auth of `proxy.client_auth` for agents on httpx: the MCP SDK 1 and what is built on it. See docs/agents.md.

The proxy itself does not need httpx, and such an environment need not hold what the proxy needs.
"""

from __future__ import annotations

import httpx

from proxy.client_flows import BearerFlow, SigV4Flow


class SigV4Auth(SigV4Flow, httpx.Auth):  # type: ignore[misc]
    """An AWS signature on every request: for a Runtime whose inbound auth is IAM."""


class BearerAuth(BearerFlow, httpx.Auth):  # type: ignore[misc]
    """A bearer token on every request: for a Runtime with a JWT authorizer, or a proxy with `inbound=jwt`."""
