"""Auth for agents on httpx2: FastMCP's client and the MCP SDK 2. `proxy.auth` exports both. See docs/agents.md."""

from __future__ import annotations

import httpx2

from proxy.client_flows import BearerFlow, SigV4Flow


class SigV4Auth(SigV4Flow, httpx2.Auth):
    """An AWS signature on every request: for a Runtime whose inbound auth is IAM."""


class BearerAuth(BearerFlow, httpx2.Auth):
    """A bearer token on every request: for a Runtime with a JWT authorizer, or a proxy with `inbound=jwt`."""
