"""A local command as the upstream: real processes, with the habits that local servers have."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from policies import jsontext
from proxy.errors import UpstreamError
from proxy.retry import Backoff
from proxy.settings import Bounds
from proxy.upstream import Origin, Upstream
from proxy.wire import MAX_REFUSALS, WireError
from proxy.wire_stdio import StdioWire

NOW = Origin(version="2026-07-28")
OLD = Origin(version="2025-11-25")

SERVER = r"""
import json, os, re, sys, time
era, quirk = sys.argv[1], (sys.argv[2:] or [""])[0]
def say(text):
    sys.stdout.write(text + "\n"); sys.stdout.flush()
def tell(id, body, kind="result"):
    say(json.dumps({"jsonrpc": "2.0", "id": id, kind: body}))
def note(method, **params):
    say(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))
for line in sys.stdin:
    m = json.loads(line)
    id, method, params = m.get("id"), m.get("method"), m.get("params") or {}
    name = params.get("name")
    if method == "server/discover":
        if quirk == "hangs": continue
        if era == "modern": tell(id, {"supportedVersions": ["2026-07-28"], "capabilities": {}})
        else: tell(id, {"code": -32601, "message": "no"}, "error")
    elif method == "initialize":
        tell(id, {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}})
    elif method == "tools/list":
        tell(id, {"tools": [{"name": "t"}]})
    elif name == "pid":
        tell(id, {"content": [], "pid": os.getpid(), "env": sorted(k for k in os.environ if k.startswith("MCP_PROXY"))})
    elif name == "die": os._exit(3)
    elif name == "slow": pending = id
    elif name == "exact":
        say('{"jsonrpc":"2.0","id":%d,"result":%s}' % (id, re.search(r'"arguments":({.*?})[,}]', line).group(1)))
    elif name == "chat":
        print("a log line on stdout"); print("{not json}"); print("[1]")
        tell(987654321, {"stale": True})
        for n in (1, 2):
            note("notifications/progress", progressToken=params["_meta"]["progressToken"], progress=n)
            note("notifications/message", data=n)
        say(json.dumps({"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage"}))
        refused = json.loads(sys.stdin.readline())
        tell(id, {"refused": refused["error"]["code"]})
    elif name == "deaf": time.sleep(60)
    elif name == "asks":
        for n in range(2000): say(json.dumps({"jsonrpc": "2.0", "id": str(n) + "x" * 500, "method": "sampling/x"}))
        time.sleep(0.5); tell(id, {})
    elif name == "big": tell(id, {"text": "x" * 300000})
    elif name == "deep": say('{"jsonrpc":"2.0","id":%d,"result":{"a":%s}}' % (id, "[" * 300 + "]" * 300))
    elif method == "notifications/cancelled":
        open(sys.argv[3], "w").write(str(params["requestId"] == pending)) if len(sys.argv) > 3 else None
    elif id is not None: tell(id, {"content": [], "params": params})
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    path = tmp_path / "server with a space.py"
    path.write_text(textwrap.dedent(SERVER))
    return path


@pytest.fixture
async def running() -> AsyncIterator[Any]:
    opened: list[Upstream] = []

    async def start(*command: str | Path, answer_bytes: int = 10**6, probe_s: float = 3.0, **bounds: float) -> Upstream:
        wire = StdioWire(shlex.join(map(str, command)), answer_bytes=answer_bytes, depth=200, probe_s=probe_s)
        upstream = Upstream(wire, Bounds(**bounds), backoff=Backoff(base_s=0.02))  # type: ignore[arg-type]
        await upstream.open()
        opened.append(upstream)
        return upstream

    yield start
    for upstream in opened:
        await upstream.close()


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("era", "version"), [("modern", "2026-07-28"), ("handshake", "2025-06-18")])
async def test_a_command_is_an_upstream_of_either_era(running: Any, server: Path, era: str, version: str) -> None:
    upstream = await running(sys.executable, server, era)
    hello = await upstream.hello()
    assert (hello.era, hello.version, hello.sessions) == (era, version, False)
    assert upstream.endpoint == f"stdio:{Path(sys.executable).name}"
    assert (await upstream.pages("tools/list", OLD))[0]["tools"] == [{"name": "t"}]
    results = await asyncio.gather(*(upstream.request("tools/call", call("echo", n=n), NOW) for n in range(20)))
    assert [result["params"]["arguments"]["n"] for result in results] == list(range(20))


async def test_a_server_that_ignores_the_probe_is_greeted_by_initialize(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "handshake", "hangs", probe_s=0.3)
    assert (await upstream.hello()).era == "handshake"


async def test_notifications_stray_lines_and_requests_are_sorted_out(running: Any, server: Path) -> None:
    notices: list[Any] = []

    async def notify(method: str, params: Any) -> None:
        notices.append((method.removeprefix("notifications/"), params))

    upstream = await running(sys.executable, server, "handshake")
    result = await upstream.request("tools/call", call("chat"), OLD, notify=notify, progress_token="mine")
    assert result == {"refused": -32601}
    assert notices == [
        ("progress", {"progressToken": "mine", "progress": 1}),
        ("message", {"data": 1}),
        ("progress", {"progressToken": "mine", "progress": 2}),
        ("message", {"data": 2}),
    ]


async def test_numbers_survive_the_pipe(running: Any, server: Path) -> None:
    text = '{"a":1234567890123456789012345,"b":0.12345678901234567890123456789}'
    upstream = await running(sys.executable, server, "handshake")
    found = await upstream.request("tools/call", {"name": "exact", "arguments": jsontext.loads(text)}, OLD)
    assert jsontext.dumps(found) == text.encode()


async def test_a_process_that_died_is_started_again_for_the_next_call(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "handshake")
    first = (await upstream.request("tools/call", call("pid"), OLD))["pid"]
    with pytest.raises(UpstreamError) as caught:
        await upstream.request("tools/call", call("die"), OLD)
    assert (caught.value.kind, caught.value.sent) == ("closed", True)
    second = (await upstream.request("tools/call", call("pid"), OLD))["pid"]
    assert first != second
    assert not alive(first)


async def test_closing_ends_the_process(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "handshake")
    pid = (await upstream.request("tools/call", call("pid"), OLD))["pid"]
    await upstream.close()
    assert not alive(pid)
    with pytest.raises(UpstreamError) as caught:
        await upstream.request("tools/call", call("pid"), OLD)
    assert caught.value.kind == "closed"


async def test_a_process_that_ignores_every_hint_is_ended_all_the_same(running: Any, tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile 1: time.sleep(9)\n")
    upstream = await running(sys.executable, stubborn, probe_s=0.2, read_s=0.2)
    with pytest.raises(UpstreamError) as caught:
        await upstream.hello()
    assert caught.value.kind == "timeout"
    pid = upstream._wire._child._process.pid
    await upstream.close()
    assert not alive(pid)


@pytest.mark.parametrize(("name", "kind"), [("big", "closed"), ("deep", "malformed"), ("slow", "timeout")])
async def test_a_bad_answer_is_a_clear_error_and_the_next_call_works(
    running: Any, server: Path, name: str, kind: str
) -> None:
    upstream = await running(sys.executable, server, "modern", answer_bytes=100_000, call_read_s=1)
    await upstream.hello()
    with pytest.raises(UpstreamError) as caught:
        await upstream.request("tools/call", call(name), NOW)
    assert caught.value.kind == kind
    assert await upstream.request("tools/call", call("echo"), NOW)


async def test_a_process_that_stops_reading_fills_no_buffer_and_is_replaced(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "modern", call_read_s=1)
    first = (await upstream.request("tools/call", call("pid"), NOW))["pid"]
    deaf = asyncio.create_task(upstream.request("tools/call", call("deaf"), NOW))
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(upstream.request("tools/call", call("t", x="x" * 10**6), NOW)) for _ in range(20)]
    await asyncio.sleep(0.3)
    assert upstream._wire._child._process.stdin.transport.get_write_buffer_size() < 2 * 10**6
    failed = await asyncio.gather(deaf, *waiting, return_exceptions=True)
    assert {type(error) for error in failed} <= {WireError}
    assert {error.kind for error in failed} <= {"timeout", "closed"}
    async with asyncio.timeout(8):
        while alive(first):  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.05)
    assert (await upstream.request("tools/call", call("pid"), NOW))["pid"] != first


async def test_what_waits_to_be_written_is_not_written_once_it_is_cancelled(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "modern")
    await upstream.hello()
    child = upstream._wire._child
    async with child._writing:
        task = asyncio.create_task(upstream.request("tools/call", call("die"), NOW))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await upstream.request("tools/call", call("echo"), NOW)
    assert upstream._wire._child is child


async def test_requests_of_the_process_that_nobody_reads_answers_to_are_bounded(running: Any, server: Path) -> None:
    upstream = await running(sys.executable, server, "modern")
    await upstream.hello()
    asking = asyncio.create_task(upstream.request("tools/call", call("asks"), NOW))
    busy = 0
    while not asking.done():
        await asyncio.sleep(0.005)
        busy = max(busy, upstream._wire._beside.busy)
    await asking
    assert busy <= MAX_REFUSALS


async def test_asking_anew_what_a_process_is_leaves_it_in_peace(running: Any, server: Path, tmp_path: Path) -> None:
    upstream = await running(sys.executable, server, "handshake")
    known = await upstream.refresh_hello(OLD)
    ids = next(upstream._greeter.ids)
    assert await upstream.refresh_hello(OLD) is known is upstream.known()
    assert next(upstream._greeter.ids) == ids + 1, "nothing was sent"


async def test_a_cancelled_call_is_cancelled_in_the_process(running: Any, server: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    upstream = await running(sys.executable, server, "modern", "", told)
    await upstream.hello()
    task = asyncio.create_task(upstream.request("tools/call", call("slow"), NOW))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.request("tools/call", call("echo"), NOW)
    assert told.read_text() == "True"


@pytest.mark.parametrize("command", [["/no/such/command"], ["false"]])
async def test_a_command_that_does_not_run_is_a_clear_error(running: Any, command: list[str]) -> None:
    upstream = await running(*command)
    with pytest.raises(UpstreamError) as caught:
        await upstream.request("tools/list", {}, NOW)
    assert caught.value.kind in ("unreachable", "closed")


async def test_our_settings_stay_out_of_its_environment(
    running: Any, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_PROXY_CLIENT_SECRET", "x")
    upstream = await running(sys.executable, server, "modern")
    assert (await upstream.request("tools/call", call("pid"), NOW))["env"] == []
