"""An upstream that is away, slow, broken or hostile: a clear error within the bound, and recovery without a restart."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.mcp_wire import HANDSHAKE, MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

BOUNDS: dict[str, Any] = {"first_list_s": 0.4, "hello_s": 0.4, "read_s": 0.6, "call_read_s": 0.6, "connect_s": 0.4}
INITIALIZE = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.parametrize("era", [HANDSHAKE, MODERN])
async def test_an_absent_upstream_is_an_error_and_never_an_empty_catalog(era: str, tmp_path: Path) -> None:
    patient = {**BOUNDS, "first_list_s": 5}
    async with proxy_before(f"http://127.0.0.1:{free_port()}/mcp", tmp_path, bounds=patient) as running:
        listed = await rpc(running.url, "tools/list", {}, era)
        assert "result" not in listed.messages[-1]
        assert "unreachable" in json.dumps(listed.error)
        called = await rpc(running.url, "tools/call", {"name": "any"}, era)
        assert "result" not in called.messages[-1]


async def test_initialize_promises_tools_only_while_the_upstream_is_away(tmp_path: Path) -> None:
    async with proxy_before(f"http://127.0.0.1:{free_port()}/mcp", tmp_path, bounds=BOUNDS) as running:
        answer = (await rpc(running.url, "initialize", INITIALIZE)).result
        assert answer["capabilities"] == {"tools": {}}
        discovered = (await rpc(running.url, "server/discover", era=MODERN)).result
        assert discovered["capabilities"] == {"tools": {}}


async def test_a_hanging_upstream_delays_nobody_past_the_bound(tmp_path: Path) -> None:
    server = await asyncio.start_server(_hanging, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    async with proxy_before(url, tmp_path, bounds=BOUNDS) as running:
        began = time.monotonic()
        replies = await asyncio.gather(
            rpc(running.url, "initialize", INITIALIZE),
            rpc(running.url, "tools/list"),
            rpc(running.url, "tools/call", {"name": "a"}),
            rpc(running.url, "ping"),
        )
        assert time.monotonic() - began < 5
        assert replies[0].result["capabilities"] == {"tools": {}}
        assert replies[1].error
        assert replies[2].error
        assert replies[3].result == {}
    server.close()


async def test_an_upstream_that_comes_late_is_found_without_a_restart(tmp_path: Path) -> None:
    upstream = RichUpstream(MODERN)
    port = free_port()
    async with proxy_before(f"http://127.0.0.1:{port}/mcp", tmp_path, bounds=BOUNDS) as running:
        assert (await rpc(running.url, "tools/list", era=MODERN)).error
        async with upstream.running(), _forward(port, upstream.url):
            assert (await rpc(running.url, "tools/list", era=MODERN)).result["tools"]
            await until(lambda: len(running.proxy.catalogs.main) == len(upstream.tools))


async def test_the_last_good_catalog_is_served_while_the_upstream_is_away(tmp_path: Path) -> None:
    upstream = RichUpstream(MODERN)
    async with upstream.running():
        running_proxy = proxy_before(upstream.url, tmp_path, bounds=BOUNDS)
        running = await running_proxy.__aenter__()
        await until(lambda: len(running.proxy.catalogs.main) == len(upstream.tools))
    try:
        listed = (await rpc(running.url, "tools/list", era=MODERN)).result
        assert [tool["name"] for tool in listed["tools"]] == [tool["name"] for tool in upstream.tools]
        called = await rpc(running.url, "tools/call", {"name": "untitled"}, MODERN)
        assert called.error["data"]["kind"] == "unreachable"
    finally:
        await running_proxy.__aexit__(None, None, None)


async def test_a_snapshot_answers_at_start_while_the_upstream_is_away(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.json"
    upstream = RichUpstream(MODERN)
    async with upstream.running(), proxy_before(upstream.url, tmp_path, snapshot=snapshot):
        await until(snapshot.exists)
    async with proxy_before(upstream.url, tmp_path, snapshot=snapshot, bounds=BOUNDS) as running:
        listed = (await rpc(running.url, "tools/list", era=MODERN)).result
        assert len(listed["tools"]) == len(upstream.tools)
        answer = (await rpc(running.url, "initialize", INITIALIZE)).result
        assert answer["serverInfo"]["name"] == "rich"


async def test_too_many_calls_in_flight_are_refused_and_the_others_answered(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(upstream.url, tmp_path, bounds={"in_flight": 1}) as running:
        slow = asyncio.create_task(rpc(running.url, "tools/call", {"name": "slow"}, era))
        await asyncio.wait_for(upstream.slow_started.wait(), 5)
        assert "in flight" in (await rpc(running.url, "tools/call", {"name": "untitled"}, era)).error["message"]
        upstream.release.set()
        assert (await slow).result


class _forward:  # noqa: N801 - reads as a verb where it is used
    """A TCP relay from a fixed port, so that an upstream can appear where none was."""

    def __init__(self, port: int, url: str) -> None:
        self._port = port
        self._to = int(url.split(":")[2].split("/")[0])

    async def __aenter__(self) -> None:
        self._server = await asyncio.start_server(self._pipe, "127.0.0.1", self._port)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
