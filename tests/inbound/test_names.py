"""The names a proxy answers to: loopback, its public URL's, what the settings add; behind the platform any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.inbound.conftest import jwt_of
from tests.inbound.issuer import Issuer
from tests.mcp_wire import MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

PUBLIC = {"public_url": "https://mcp.example.com/mcp"}
ADDED = {**PUBLIC, "allowed_hosts": "internal.example", "allowed_origins": "https://app.example"}

SPELT = {"public_url": "https://MCP.example.com:443/mcp", "allowed_origins": "https://App.Example:443"}


@pytest.mark.parametrize(
    ("flags", "headers", "status"),
    [
        ({}, {"host": "mcp.example.com"}, 403),
        (PUBLIC, {"host": "mcp.example.com"}, 200),
        (PUBLIC, {"host": "MCP.example.com:443"}, 200),
        (PUBLIC, {"host": "mcp.example.com.evil.example"}, 403),
        (PUBLIC, {"host": "127.0.0.1"}, 200),
        (PUBLIC, {"origin": "https://mcp.example.com"}, 200),
        (SPELT, {"host": "mcp.example.com", "origin": "https://mcp.example.com"}, 200),
        (SPELT, {"origin": "https://app.example"}, 200),
        (SPELT, {"origin": "https://mcp.example.com:8443"}, 403),
        (PUBLIC, {"origin": "http://mcp.example.com"}, 403),
        (PUBLIC, {"origin": "https://app.example"}, 403),
        (ADDED, {"host": "internal.example:8000", "origin": "https://app.example"}, 200),
        (ADDED, {"origin": "https://app.example.evil.example"}, 403),
        (ADDED, {"origin": "null"}, 403),
    ],
)
async def test_names_that_are_not_the_proxys_are_refused_even_with_a_sound_token(
    issuer: Issuer, tmp_path: Path, flags: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, **jwt_of(issuer, **flags)) as running,
    ):
        headers = {**headers, "authorization": f"Bearer {issuer.token()}"}
        assert (await rpc(running.url, "tools/call", {"name": "echo"}, headers=headers)).status == status


async def test_behind_the_platform_any_host_name_will_do(tmp_path: Path) -> None:
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path, inbound="platform") as running,
    ):
        headers = {"host": "bedrock-agentcore.us-east-1.amazonaws.com"}
        assert (await rpc(running.url, "tools/call", {"name": "echo"}, headers=headers)).status == 200
