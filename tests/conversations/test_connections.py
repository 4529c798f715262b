"""Connections that send nothing, take nothing, or outlive the process's patience."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.connections import Reaper
from proxy.server import server
from tests.conversations.test_shutdown import process
from tests.mcp_wire import HANDSHAKE, request, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before, until


@contextlib.asynccontextmanager
async def serving(limit_s: float) -> AsyncIterator[tuple[int, set[Any]]]:
    """A server that answers 20 MB to everything, with a reaper."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(20_000_000)})

    from proxy.server import listen

    bound, running = listen("127.0.0.1", 0), server(app, 0.1)
    task = asyncio.create_task(running.serve(sockets=[bound]))
    reaping = asyncio.create_task(Reaper(running.server_state.connections, limit_s).run())
    try:
        yield bound.getsockname()[1], running.server_state.connections
    finally:
        reaping.cancel()
        running.should_exit = True
        await task


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /mcp HTTP/1.1\r\nhost: a", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"],
    ids=["nothing", "half a head", "a request whose answer it does not read"],
)
async def test_a_connection_that_stalls_is_cut(sent: bytes) -> None:
    async with serving(0.3) as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(sent)
        await until(lambda: len(connections) == 1)
        await until(lambda: not connections)
        writer.close()


async def test_a_connection_that_works_is_left_alone() -> None:
    async with serving(0.3) as (port, _), aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                assert len(await answer.read()) == 20_000_000


async def test_half_a_request_holds_the_end_of_the_process_no_longer_than_the_drain(upstream: RichUpstream) -> None:
    async with process(upstream.url, MCP_PROXY_BOUNDS__DRAIN_S="1") as (child, url):
        host, port = url.split("/")[2].split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /mcp HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: 99\r\n\r\n{{".encode())
        await writer.drain()
        await rpc(url, "tools/list", {}, upstream.era)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.communicate(), 15)
        assert child.returncode == 0
        assert time.monotonic() - began < 8, "an upper bound with room for a busy machine; without the cut it is 12"
        writer.close()


async def test_a_process_told_to_stop_while_a_policy_opens_stops(tmp_path: Path) -> None:
    (tmp_path / "slow_open.py").write_text(
        "import asyncio, sys\nfrom policies.policy import Policy\n\n\n"
        "class Slow(Policy):\n"
        "    async def open(self):\n"
        "        print('opening', file=sys.stderr, flush=True)\n"
        "        await asyncio.sleep(25)\n\n"
        "    def on_call(self, call):\n        raise NotImplementedError\n"
    )
    (tmp_path / "policies.toml").write_text('[[policy]]\nuse = "slow_open:Slow"\n')
    arguments = ("-m", "proxy", "serve", "--port", "0", "--policies", str(tmp_path / "policies.toml"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2], env={**os.environ}
    )
    assert child.stderr is not None
    assert b"opening" in await asyncio.wait_for(child.stderr.readline(), 20)
    child.send_signal(signal.SIGTERM)
    await asyncio.wait_for(child.communicate(), 15)
    assert child.returncode == 0


async def test_the_first_initialize_gets_a_session_although_it_is_what_asks_the_upstream(tmp_path: Path) -> None:
    upstream = RichUpstream(HANDSHAKE, sessions=True)
    async with upstream.running(), proxy_before(upstream.url, tmp_path) as running:
        params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        mine = {"mcp-session-id": (await rpc(running.url, "initialize", params)).headers["mcp-session-id"]}
        for _ in range(3):
            await rpc(running.url, "tools/call", {"name": "untitled"}, headers=mine)
        used = {headers["mcp-session-id"] for headers, body in upstream.received if body.get("method") == "tools/call"}
        assert len(used) == 1
        assert mine["mcp-session-id"] not in used, "the upstream's sessions are not the callers'"


@pytest.mark.parametrize("path", ["/ping", "/readyz"])
async def test_health_is_told_to_loopback_names_only(upstream: RichUpstream, tmp_path: Path, path: str) -> None:
    async with proxy_before(upstream.url, tmp_path) as running, aiohttp.ClientSession() as session:
        url = running.url.replace("/mcp", path)
        async with session.get(url) as answer:
            assert answer.status == 200
        async with session.get(url, headers={"host": "evil.example"}) as answer:
            assert answer.status == 403


async def test_a_list_lifetime_of_any_size_breaks_nothing(tmp_path: Path) -> None:
    upstream = RichUpstream("2026-07-28", ttl_ms=10**400)
    async with upstream.running(), proxy_before(upstream.url, tmp_path) as running:
        await until(lambda: running.proxy.catalogs.main.state == "fresh")
        assert request("ping")


async def test_a_client_that_deletes_its_session_ends_the_upstreams(tmp_path: Path) -> None:
    upstream = RichUpstream(HANDSHAKE, sessions=True)
    async with upstream.running(), proxy_before(upstream.url, tmp_path) as running:
        mine = {"mcp-session-id": "0123456789abcdef"}
        await rpc(running.url, "tools/call", {"name": "untitled"}, headers=mine)
        (used,) = (h["mcp-session-id"] for h, body in upstream.received if body.get("method") == "tools/call")
        async with aiohttp.ClientSession() as session, session.delete(running.url, headers=mine) as answer:
            assert answer.status == 204
        await until(lambda: used in upstream.deleted)


async def test_what_the_upstream_says_of_itself_is_asked_again(tmp_path: Path) -> None:
    upstream = RichUpstream("2026-07-28", ttl_ms=0)
    async with upstream.running(), proxy_before(upstream.url, tmp_path, bounds={"ttl_min_s": 0.05}) as running:
        await until(lambda: running.proxy.catalogs.main.state == "fresh")
        upstream.instructions = "changed"
        await until(lambda: (running.proxy.upstream.known() or running).body["instructions"] == "changed")
