"""auth_mode=identity behind a Runtime: calls bring what lets the proxy have its token, and none of it goes on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.workload import MOST, WORKLOAD_HEADERS, workload_of
from tests.auth import agentcore_identity
from tests.auth.agentcore_identity import AgentCoreIdentity
from tests.gateway.tools import fill, tool
from tests.mcp_wire import MODERN, Reply, rpc
from tests.rich_upstream import RichUpstream
from tests.running import Running, proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

CANARY = "CANARY-wat-of-alice"
MODE: dict[str, Any] = {"auth_mode": "identity", "credential_provider": "gateway-client", "region": "us-east-1"}
PLATFORM = {**MODE, "inbound": "platform"}


@pytest.fixture
async def service(bare: pytest.MonkeyPatch) -> AsyncIterator[AgentCoreIdentity]:
    async with agentcore_identity.serving(AgentCoreIdentity(time.time(), workloads={CANARY}), bare) as service:
        yield service


@pytest.fixture
def filled(gateway: RichUpstream) -> RichUpstream:
    fill(gateway, tool("crm___lookup"))
    return gateway


async def lookup(running: Running, era: str, **headers: str) -> Reply:
    return await rpc(running.url, "tools/call", {"name": "crm___lookup", "arguments": {}}, era, headers=headers)


@pytest.mark.parametrize("name", WORKLOAD_HEADERS[:2])
async def test_the_very_first_call_brings_the_token_and_discovery_goes_on_with_it(
    service: AgentCoreIdentity, filled: RichUpstream, era: str, tmp_path: Path, name: str
) -> None:
    async with proxy_before(filled.url, tmp_path, **PLATFORM) as running:
        await asyncio.sleep(0.05)
        assert filled.received == [], "without a token nothing is sent"
        assert running.proxy.catalogs.main.fault == "", "nor tried in vain"
        reply = await lookup(running, era, **{name: CANARY, "authorization": "AWS4-HMAC-SHA256 CANARY"})
        assert reply.result["content"][0]["text"] == "of crm___lookup"
        await until(lambda: running.proxy.catalogs.main.state == "fresh")
        assert len(service.asked) == 1
    assert {headers.get("authorization") for headers, _ in filled.received} == {f"Bearer {service.token(1)}"}
    for headers, body in filled.received:
        assert "CANARY" not in json.dumps([headers, body])
        assert not set(WORKLOAD_HEADERS) & headers.keys()


@pytest.mark.parametrize("method", ["tools/list", "hello"])
async def test_a_first_list_and_a_first_greeting_get_the_upstreams_own_answer(
    service: AgentCoreIdentity, filled: RichUpstream, era: str, tmp_path: Path, method: str
) -> None:
    hello = (
        ("server/discover", {})
        if era == MODERN
        else ("initialize", {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
    )
    asked, params = ("tools/list", {}) if method == "tools/list" else hello
    async with proxy_before(filled.url, tmp_path, **PLATFORM) as running:
        result = (await rpc(running.url, asked, params, era, headers={WORKLOAD_HEADERS[0]: CANARY})).result
    assert result["tools"] if method == "tools/list" else result["instructions"] == filled.instructions


async def test_without_a_workload_token_a_call_says_what_is_missing_until_another_has_brought_one(
    service: AgentCoreIdentity, filled: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(filled.url, tmp_path, **PLATFORM) as running:
        error = (await lookup(running, era)).error
        assert (error["code"], error["data"]) == (-31002, {"kind": "auth"})
        assert "the call brought no workload access token" in error["message"]
        assert (await lookup(running, era, **{WORKLOAD_HEADERS[1]: CANARY})).result
        assert (await lookup(running, era)).result, "the token is the proxy's own"
        assert len(service.asked) == 1


async def test_a_refused_workload_token_is_told_without_details(
    service: AgentCoreIdentity, filled: RichUpstream, era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with proxy_before(filled.url, tmp_path, **PLATFORM) as running:
        error = (await lookup(running, era, **{WORKLOAD_HEADERS[0]: "CANARY-of-nobody"})).error
        assert error["data"] == {"kind": "auth"}
        assert "could not get its credential" in error["message"]
        assert "UnauthorizedException" not in error["message"]
        assert (await lookup(running, era, **{WORKLOAD_HEADERS[0]: CANARY})).result
    assert "GetResourceOauth2Token answered UnauthorizedException" in caplog.text
    assert "CANARY" not in caplog.text


async def test_with_an_identity_of_its_own_the_proxy_discovers_at_once(
    service: AgentCoreIdentity, filled: RichUpstream, tmp_path: Path
) -> None:
    service.identities.add("proxy-own")
    async with proxy_before(filled.url, tmp_path, **PLATFORM, workload_identity="proxy-own") as running:
        await until(lambda: running.proxy.catalogs.main.state == "fresh")
    assert service.owned == ["proxy-own"]


async def test_where_no_platform_is_in_front_the_header_is_only_the_callers_word(
    service: AgentCoreIdentity, filled: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(filled.url, tmp_path, **MODE, workload_identity="refused") as running:
        await until(lambda: running.proxy.catalogs.main.fault == "upstream_auth")
        assert (await lookup(running, era, **{WORKLOAD_HEADERS[0]: CANARY})).error["data"] == {"kind": "auth"}
    assert service.asked == []


def test_the_token_is_read_from_each_of_its_headers_the_newest_first() -> None:
    for name in WORKLOAD_HEADERS:
        assert workload_of({name: "t", "authorization": "Bearer x"}) == "t"
    assert workload_of({name: name for name in reversed(WORKLOAD_HEADERS)}) == WORKLOAD_HEADERS[0]
    assert workload_of({WORKLOAD_HEADERS[0]: "x" * (MOST + 1)}) is None
    assert workload_of({"authorization": "Bearer x"}) is None


async def test_the_sessions_of_callers_do_not_depend_on_their_workload_tokens(
    service: AgentCoreIdentity, tmp_path: Path
) -> None:
    service.workloads.add("CANARY-2")
    async with RichUpstream("2025-11-25", tools=[], results={}, sessions=True).running() as gateway:
        fill(gateway, tool("crm___lookup"))
        async with proxy_before(gateway.url, tmp_path, **PLATFORM) as running:
            for workload in (CANARY, "CANARY-2"):
                headers = {WORKLOAD_HEADERS[0]: workload, "mcp-session-id": "one"}
                assert (await lookup(running, "2025-11-25", **headers)).result
        used = [headers.get("mcp-session-id") for headers, body in gateway.received if body["method"] == "tools/call"]
        assert len(set(used)) == 1
