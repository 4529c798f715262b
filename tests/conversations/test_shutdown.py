"""The process: how quickly it listens, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.mcp_wire import rpc
from tests.rich_upstream import RichUpstream

CHAIN = str(Path(__file__).parents[1] / "conformance" / "policies.toml")
"""sanitize and audit: the tests here need no redaction, and its recognizers take a second to load."""


@contextlib.asynccontextmanager
async def process(upstream: str, **environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A real proxy process, listening."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "serve", "--port", str(port), "--upstream", upstream, "--policies", CHAIN),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )
    try:
        await _ready(f"http://127.0.0.1:{port}")
        yield child, f"http://127.0.0.1:{port}/mcp"
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


async def _ready(base: str) -> None:
    deadline = time.monotonic() + 20
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)
    raise AssertionError("the proxy does not listen")


async def test_twenty_calls_in_flight_at_sigterm_end_in_their_answer_and_the_process_exits_zero(
    upstream: RichUpstream, era: str
) -> None:
    async with process(upstream.url) as (child, url):
        calls = [asyncio.create_task(rpc(url, "tools/call", {"name": "slow"}, era)) for _ in range(20)]
        await _arrived(upstream, 20)
        child.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        upstream.release.set()
        replies = await asyncio.gather(*calls)
        assert {reply.result["content"][0]["text"] for reply in replies} == {"at last"}
        out, _ = await asyncio.wait_for(child.communicate(), 10)
        assert child.returncode == 0
        assert out.count(b'"tools/call"') == 20


async def test_calls_that_outlast_the_drain_end_in_a_clear_error(upstream: RichUpstream, era: str) -> None:
    async with process(upstream.url, MCP_PROXY_BOUNDS__DRAIN_S="0.5") as (child, url):
        calls = [asyncio.create_task(rpc(url, "tools/call", {"name": "slow"}, era)) for _ in range(20)]
        await _arrived(upstream, 20)
        child.send_signal(signal.SIGTERM)
        replies = await asyncio.gather(*calls)
        assert all("shutting down" in reply.error["message"] for reply in replies)
        out, _ = await asyncio.wait_for(child.communicate(), 10)
        assert child.returncode == 0
        assert out.count(b'"reason":"shutdown"') == 20


async def test_the_process_listens_before_it_discovers() -> None:
    waiting = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with process(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp") as (child, url):
        await asyncio.wait_for(waiting.wait(), 10)
        async with aiohttp.ClientSession() as session, session.get(url.replace("/mcp", "/readyz")) as answer:
            state = await answer.json()
        assert state["catalog"] == {"state": "empty", "tools": 0, "fault": ""}, "discovery is still waiting"
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.communicate(), 20)
        assert child.returncode == 0
    server.close()


async def _arrived(upstream: RichUpstream, count: int) -> None:
    async with asyncio.timeout(10):
        while len(upstream.bodies("tools/call")) < count:  # noqa: ASYNC110 - counts what another process sent
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
async def test_a_foreign_host_name_is_refused(upstream: RichUpstream, tmp_path: Path, host: str) -> None:
    from tests.running import proxy_before

    async with proxy_before(upstream.url, tmp_path) as running:
        assert (await rpc(running.url, "tools/list", headers={"host": host})).status == 403
        for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
            assert (await rpc(running.url, "tools/list", headers={"origin": origin})).status == 403
        assert (await rpc(running.url, "tools/list", headers={"origin": "http://localhost:3000"})).status == 200
