"""The loop: an upstream that is this proxy itself, or a gateway that has it as a target. Refused wherever it shows."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.address import mark_of
from proxy.check import check
from proxy.errors import ConfigError, UpstreamError
from proxy.settings import load
from tests.gateway.tools import SEARCH, fill, found, tool
from tests.mcp_wire import ERAS, MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

pytestmark = pytest.mark.usefixtures("doors")

BACK = "http://127.0.0.1:8123/mcp"


@pytest.mark.parametrize(
    "flags",
    [
        {"upstream": BACK, "port": 8123},
        {"upstream": "http://localhost:8123/mcp/", "port": 8123},
        {"upstream": "http://[::1]:8123/mcp", "port": 8123, "host": "0.0.0.0"},
        {"upstream": "http://10.0.0.7:8123/mcp", "port": 8123, "host": "10.0.0.7"},
        {"upstream": "https://MCP.example.com/mcp", "public_url": "https://mcp.example.com:443/mcp"},
    ],
)
def test_an_upstream_that_is_this_proxy_by_its_address_is_a_finding(flags: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="setting upstream: is this proxy itself"):
        load({}, **flags)


@pytest.mark.parametrize(
    "flags",
    [
        {"upstream": BACK, "port": 8124},
        {"upstream": "http://127.0.0.1:8123/other", "port": 8123},
        {"upstream": BACK, "port": 8123, "transport": "stdio"},
        {"upstream": "http://10.0.0.8:8123/mcp", "port": 8123, "host": "0.0.0.0"},
        {"upstream": "https://b.example.com/mcp", "public_url": "https://a.example.com/mcp"},
        {"upstream": "http://h:99999/mcp"},
    ],
)
def test_another_address_is_none(flags: dict[str, Any]) -> None:
    load({}, **flags)


class Front:
    """A load balancer: it passes each connection on to `port`, and counts them."""

    port = 0
    connections = 0
    url = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pumped(reader, back), _pumped(there, writer))


async def _pumped(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
    finally:
        to.close()


@contextlib.asynccontextmanager
async def in_front() -> AsyncIterator[Front]:
    front = Front()
    server = await asyncio.start_server(front.connected, "127.0.0.1", 0)
    front.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    try:
        yield front
    finally:
        server.close()


@pytest.mark.parametrize("era", ERAS)
async def test_a_proxy_behind_its_own_upstream_refuses_its_own_calls(
    era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with in_front() as front, proxy_before(front.url, tmp_path) as running:
        front.port = int(running.url.split(":")[2].split("/")[0])
        reply = await asyncio.wait_for(rpc(running.url, "tools/call", {"name": "t", "arguments": {}}, era), 5)
        assert "leads back to this proxy" in reply.error["message"]
        assert reply.error["data"] == {"kind": "status"}
        assert running.proxy.catalogs.main.fault == "upstream_status"
        assert front.connections < 10
    assert "has passed this proxy already" in caplog.text


async def test_calls_that_fail_for_want_of_a_list_are_not_kept_by_its_failure(tmp_path: Path) -> None:
    bounds = {"unknown_s": 60}
    async with in_front() as front, proxy_before(front.url, tmp_path, bounds=bounds) as running:
        front.port = int(running.url.split(":")[2].split("/")[0])
        catalog = running.proxy.catalogs.main
        lengths = []
        for _ in range(4):
            with pytest.raises(UpstreamError) as raised:
                await catalog.sought("t")
            lengths.append(len(list(traceback.walk_tb(raised.value.__traceback__))))
        assert len(set(lengths[1:])) == 1


async def test_a_chain_of_two_proxies_is_no_loop(tmp_path: Path) -> None:
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path) as inner,
        proxy_before(inner.url, tmp_path) as outer,
    ):
        assert (await rpc(outer.url, "tools/call", {"name": "echo", "arguments": {"n": 1}}, MODERN)).result


async def test_two_replicas_know_each_others_calls(tmp_path: Path) -> None:
    """On AgentCore each session has a process of its own: the call comes back to another than sent it."""
    async with RichUpstream(MODERN).running() as upstream:
        async with proxy_before(upstream.url, tmp_path) as one, proxy_before(upstream.url, tmp_path) as other:
            await rpc(one.url, "tools/call", {"name": "echo", "arguments": {}}, MODERN)
            agent = upstream.received[-1][0]["user-agent"]
            reply = await rpc(other.url, "tools/list", {}, MODERN, headers={"user-agent": agent})
            assert reply.status == 508
        assert (await rpc(upstream.url, "tools/list", {}, MODERN, headers={"user-agent": agent})).status == 200


def test_the_same_loopback_address_on_another_machine_is_another_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in front of a tunnel, and behind the tunnel one in front of its own neighbour."""
    for url, same in ((BACK, False), ("http://localhost:8123/mcp", False), ("https://mcp.example.com/mcp", True)):
        marks = []
        for machine in ("one", "other"):
            monkeypatch.setattr("socket.gethostname", lambda machine=machine: machine)
            marks += [mark_of(url), mark_of(url)]
        assert marks[0] == marks[1]
        assert (marks[1] == marks[2]) is same


LOOPED = ["p___a___x", "p___p___a___x", "q___b___y"]
HONEST = [SEARCH, "a___x", "b___y", "a___b___z", "p___own", "plain"]


async def test_tools_that_come_back_behind_a_target_are_not_published(
    gateway: RichUpstream, era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(gateway, *map(tool, [*HONEST, *LOOPED]))
    gateway.results[SEARCH] = found(tool("p___a___x"), tool("a___x"))
    async with proxy_before(gateway.url, tmp_path) as running:
        await running.proxy.catalogs.main.refresh()
        listed: list[str] = []
        for params in ({}, {"cursor": ""}):
            listed += [one["name"] for one in (await rpc(running.url, "tools/list", params, era)).result["tools"]]
        assert listed == HONEST
        for name in LOOPED:
            reply = await rpc(running.url, "tools/call", {"name": name, "arguments": {}}, era)
            assert reply.error["code"] == -32602
        for name in HONEST[1:]:
            assert (await rpc(running.url, "tools/call", {"name": name, "arguments": {}}, era)).result
        search = await rpc(running.url, "tools/call", {"name": SEARCH, "arguments": {"query": "x"}}, era)
        assert [one["name"] for one in search.result["structuredContent"]["tools"]] == ["a___x"]
        async with aiohttp.ClientSession() as http, http.get(running.url.replace("/mcp", "/readyz")) as answer:
            assert (await answer.json())["catalog"]["fault"] == "self_loop"
    assert "its tool 'a___x' again as 'p___a___x': its target 'p' leads back" in caplog.text
    report = await asyncio.to_thread(check, {"upstream": gateway.url}, offline=False)
    assert len(report.findings) == len(LOOPED)
