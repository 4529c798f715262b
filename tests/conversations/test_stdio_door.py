"""The proxy as a child of its client: what a line may be, and that every way to end it answers what is in flight."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as SdkClient
from mcp import StdioServerParameters

from tests.mcp_wire import HANDSHAKE, MODERN, request
from tests.rich_upstream import BIG, RichUpstream
from tests.running import AUDIT_ONLY, until

ROOT = Path(__file__).parents[2]
INFO = {"name": "tests", "version": "1"}
INITIALIZE = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": INFO}
EVENTS = {"notifications": {"toolsListChanged": True}}
DEEP = b"[" * 300 + b"]" * 300
SERVER = r"""
import json, os, re, sys
def tell(id, result):
    print(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    id, method, name = message.get("id"), message.get("method"), (message.get("params") or {}).get("name")
    if method == "initialize":
        info = {"name": "s", "version": "1"}
        tell(id, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info})
    elif method == "tools/list":
        tell(id, {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in ("pid", "slow", "exact")]})
    elif name == "pid": tell(id, {"content": [{"type": "text", "text": str(os.getpid())}]})
    elif name == "exact":
        found = re.search(r'"arguments":({.*?})[,}]', line).group(1)
        print('{"jsonrpc":"2.0","id":%d,"result":{"content":[],"structuredContent":%s}}' % (id, found), flush=True)
    elif name == "slow": open(sys.argv[1], "w").close()
    elif id is not None:
        print(json.dumps({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}}), flush=True)
"""
NOISY = """
import os
from policies.model import ALLOW
from policies.policy import Policy
class Noisy(Policy):
    def on_call(self, call):
        print("noise", flush=True)
        os.system("echo noise")
        return ALLOW
"""


LATE = """
import asyncio, pathlib
from policies.policy import Policy
class Late(Policy):
    async def open(self):
        pathlib.Path(__file__).with_name("opening").touch()
        await asyncio.sleep(3600)
"""


@dataclass
class Door:
    """A proxy process and the pipes to it."""

    process: asyncio.subprocess.Process
    era: str

    async def send(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        await self.process.stdin.drain()

    async def ask(self, method: str, params: Mapping[str, Any] | None = None, key: Any = None) -> None:
        await self.send(self.line(method, params, key))

    def line(self, method: str, params: Mapping[str, Any] | None = None, key: Any = None) -> bytes:
        return json.dumps(request(method, params, self.era, request_id=key)[0]).encode()

    async def heard(self, seconds: float = 15) -> Any:
        assert self.process.stdout
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        assert line.endswith(b"\n")
        return json.loads(line)

    async def answered(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        await self.ask(method, params)
        return await self.heard()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    async def rest(self, seconds: float = 15) -> tuple[list[Any], list[Any]]:
        """What is still to be read once the process has ended by itself, with 0: messages, audit records."""
        assert self.process.stdout
        assert self.process.stderr
        async with asyncio.timeout(seconds):
            out, err = await asyncio.gather(self.process.stdout.read(), self.process.stderr.read())
            assert await self.process.wait() == 0, err.decode()
        records = [json.loads(line) for line in err.splitlines() if line.startswith(b'{"time"')]
        return [json.loads(line) for line in out.splitlines()], records


def written(folder: Path, policies: str = AUDIT_ONLY) -> Path:
    file = folder / "policies.toml"
    file.write_text(policies)
    return file


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "proxy", "serve", "--transport", "stdio", *arguments]


@contextlib.asynccontextmanager
async def door(
    era: str, tmp_path: Path, *arguments: str, policies: str = AUDIT_ONLY, ahead: int = 2**26, **env: str
) -> AsyncIterator[Door]:
    """A real proxy process; in the handshake era the handshake is done. `ahead`: bytes taken before they are read."""
    file = written(tmp_path, policies)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command(*arguments, "--policies", str(file)),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=ROOT,
        env={**os.environ, **env},
        limit=ahead,
    )
    opened = Door(process, era)
    try:
        if era == HANDSHAKE:
            assert (await opened.answered("initialize", INITIALIZE))["result"]["protocolVersion"] == HANDSHAKE
            await opened.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        else:
            assert "result" in await opened.answered("server/discover")
        yield opened
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def local(tmp_path: Path) -> tuple[list[str], Path]:
    """A command to start as upstream, and the file it makes when a slow call has arrived."""
    server, arrived = tmp_path / "server.py", tmp_path / "arrived"
    server.write_text(SERVER)
    return ["--stdio", shlex.join([sys.executable, str(server), str(arrived)])], arrived


def of(records: list[Any], method: str = "tools/call") -> list[tuple[str, str]]:
    return [(record["outcome"], record.get("reason", "")) for record in records if record["method"] == method]


def stop(proxy: Door, how: str) -> None:
    proxy.close() if how == "EOF" else proxy.process.send_signal(signal.Signals[how])


async def calls_in_flight(proxy: Door, upstream: RichUpstream, count: int) -> None:
    await proxy.send(*(proxy.line("tools/call", {"name": "slow"}, f"slow-{n}") for n in range(count)))
    await until(lambda: len(upstream.bodies("tools/call")) == count, 15)


ENDS = pytest.mark.parametrize("how", ["EOF", "SIGTERM", "SIGINT"])
EOF_OR_SIGTERM = pytest.mark.parametrize("how", ["EOF", "SIGTERM"])


@ENDS
async def test_calls_in_flight_at_the_end_are_answered_and_recorded(
    upstream: RichUpstream, era: str, tmp_path: Path, how: str
) -> None:
    async with door(era, tmp_path, "--upstream", upstream.url) as proxy:
        await calls_in_flight(proxy, upstream, 5)
        stop(proxy, how)
        await asyncio.sleep(0.3)
        upstream.release.set()
        messages, records = await proxy.rest()
        assert {message["id"] for message in messages} == {f"slow-{n}" for n in range(5)}
        assert {message["result"]["content"][0]["text"] for message in messages} == {"at last"}
        assert of(records) == [("completed", "")] * 5


@EOF_OR_SIGTERM
async def test_calls_that_outlast_the_drain_end_in_a_clear_error(
    upstream: RichUpstream, era: str, tmp_path: Path, how: str
) -> None:
    async with door(era, tmp_path, "--upstream", upstream.url, MCP_PROXY_BOUNDS__DRAIN_S="0.3") as proxy:
        await calls_in_flight(proxy, upstream, 5)
        stop(proxy, how)
        messages, records = await proxy.rest()
        assert {message["id"] for message in messages} == {f"slow-{n}" for n in range(5)}
        assert all("shutting down" in message["error"]["message"] for message in messages)
        assert of(records) == [("failed", "shutdown")] * 5


async def test_a_client_that_closes_and_then_terminates_leaves_records_before_it_kills(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with door(HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url, MCP_PROXY_BOUNDS__DRAIN_S="60") as proxy:
        await calls_in_flight(proxy, handshake_upstream, 1)
        proxy.close()
        await asyncio.sleep(0.3)
        assert proxy.process.returncode is None
        proxy.process.send_signal(signal.SIGTERM)
        messages, records = await proxy.rest(5)
        assert "shutting down" in messages[0]["error"]["message"]
        assert of(records) == [("failed", "shutdown")]


@ENDS
async def test_an_idle_process_ends_at_once(modern_upstream: RichUpstream, tmp_path: Path, how: str) -> None:
    async with door(MODERN, tmp_path, "--upstream", modern_upstream.url) as proxy:
        began = time.monotonic()
        stop(proxy, how)
        assert (await proxy.rest())[0] == []
        assert time.monotonic() - began < 5, "far below the drain bound of 10 s"


async def test_a_start_that_hangs_ends_at_a_signal(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    file = written(tmp_path, '[[policy]]\nuse = "late:Late"\n')
    process = await asyncio.create_subprocess_exec(
        *command("--policies", str(file)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    await until((tmp_path / "opening").exists, 15)
    process.terminate()
    out, _ = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, out) == (0, b"")


@EOF_OR_SIGTERM
async def test_a_subscription_does_not_hold_up_the_end(modern_upstream: RichUpstream, tmp_path: Path, how: str) -> None:
    async with door(MODERN, tmp_path, "--upstream", modern_upstream.url) as proxy:
        await proxy.ask("subscriptions/listen", EVENTS, "events")
        assert (await proxy.heard())["method"] == "notifications/subscriptions/acknowledged"
        began = time.monotonic()
        stop(proxy, how)
        messages, records = await proxy.rest()
        assert "shutting down" in messages[-1]["error"]["message"]
        assert messages[-1]["id"] == "events"
        assert of(records, "subscriptions/listen") == [("failed", "shutdown")]
        assert time.monotonic() - began < 5


async def test_a_subscription_that_is_the_last_line_does_not_hold_up_the_end(
    modern_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with door(MODERN, tmp_path, "--upstream", modern_upstream.url) as proxy:
        await proxy.ask("subscriptions/listen", EVENTS, "events")
        proxy.close()
        messages, _ = await proxy.rest(5)
        assert messages[-1]["id"] == "events"


async def test_every_line_before_the_end_of_input_is_answered(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with door(era, tmp_path, "--upstream", upstream.url) as proxy:
        lines = [proxy.line("tools/call", {"name": "echo", "arguments": {"n": n}}, n) for n in range(1, 101)]
        assert proxy.process.stdin
        proxy.process.stdin.write(b"\n".join(lines))
        proxy.close()
        messages, records = await proxy.rest()
        assert {message["id"]: message["result"]["structuredContent"]["n"] for message in messages} == {
            n: n for n in range(1, 101)
        }
        assert of(records) == [("completed", "")] * 100


@EOF_OR_SIGTERM
async def test_a_local_upstream_ends_with_the_proxy(local: tuple[list[str], Path], tmp_path: Path, how: str) -> None:
    arguments, arrived = local
    async with door(HANDSHAKE, tmp_path, *arguments, MCP_PROXY_BOUNDS__DRAIN_S="0.3") as proxy:
        answer = await proxy.answered("tools/call", {"name": "pid"})
        child = int(answer["result"]["content"][0]["text"])
        await proxy.ask("tools/call", {"name": "slow"}, "slow")
        await until(arrived.exists)
        stop(proxy, how)
        messages, records = await proxy.rest()
        assert "shutting down" in messages[0]["error"]["message"]
        assert of(records) == [("completed", ""), ("failed", "shutdown")]
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


async def test_a_cancelled_call_is_not_waited_for(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with door(era, tmp_path, "--upstream", upstream.url) as proxy:
        await calls_in_flight(proxy, upstream, 1)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow-0"}}
        await proxy.send(json.dumps(cancelled).encode())
        await asyncio.wait_for(upstream.slow_cancelled.wait(), 10)
        proxy.close()
        messages, records = await proxy.rest(5)
        assert messages == []
        assert of(records) == [("failed", "cancelled")]


async def test_calls_of_a_client_that_reads_no_more_are_given_up(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with door(HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url) as proxy:
        await calls_in_flight(proxy, handshake_upstream, 1)
        transport = proxy.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()
        await asyncio.sleep(0.05)  # the pipe closes in a later turn of the loop; an answer before that is taken
        await proxy.ask("ping")
        assert proxy.process.stderr
        records = [line for line in (await proxy.process.stderr.read()).splitlines() if b'"tools/call"' in line]
        assert [json.loads(record)["reason"] for record in records] == ["shutdown"]
        assert await asyncio.wait_for(proxy.process.wait(), 5) == 0


async def test_a_client_that_does_not_read_is_not_read_either(handshake_upstream: RichUpstream, tmp_path: Path) -> None:
    bounds = {"MCP_PROXY_BOUNDS__" + name: "5" for name in ("IN_FLIGHT", "STREAMS")}
    few = {**bounds, "MCP_PROXY_BOUNDS__DRAIN_S": "0.3"}
    async with door(HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url, ahead=1000, **few) as proxy:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await proxy.send(*(proxy.line("ping", None, n) for n in range(100_000)))
        proxy.process.send_signal(signal.SIGTERM)
        await until(lambda: proxy.process.returncode is not None, 15)
        assert proxy.process.returncode == 0


def call(arguments: bytes, key: bytes = b"7") -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"method":"tools/call","params":{"name":"echo","arguments":%b}}' % (key, arguments)


BAD = {
    "NaN": (call(b'{"a":NaN}'), -32700, None),
    "Infinity": (call(b'{"a":-Infinity}'), -32700, None),
    "beyond a double": (call(b'{"a":1e400}'), -32700, None),
    "long and beyond a double": (call(b'{"a":1234567890123456789012345e400}'), -32700, None),
    "lone surrogate": (call(b'{"a":"\\ud800"}'), -32700, None),
    "not UTF-8": (call(b'{"a":"\xff"}'), -32700, None),
    "nested too deeply": (call(b'{"a":' + DEEP + b"}"), -32700, None),
    "not JSON": (b"not json", -32700, None),
    "cut short": (call(b"{}")[:-1], -32700, None),
    "id null": (call(b"{}", b"null"), -32600, None),
    "id fraction": (call(b"{}", b"1.5"), -32600, None),
    "id true": (call(b"{}", b"true"), -32600, None),
    "id object": (call(b"{}", b"{}"), -32600, None),
    "id array": (call(b"{}", b"[1]"), -32600, None),
    "key twice": (call(b'{"a":1,"a":2}'), -32600, None),
    "batch": (b"[" + call(b"{}") + b"]", -32600, None),
    "string": (b'"ping"', -32600, None),
    "empty object": (b"{}", -32600, None),
    "other version": (call(b"{}").replace(b'"2.0"', b'"1.0"'), -32600, 7),
    "no version": (call(b"{}", b'"seven"').replace(b'"jsonrpc":"2.0",', b""), -32600, "seven"),
    "params by position": (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[1]}', -32600, 7),
    "method a number": (b'{"jsonrpc":"2.0","id":7,"method":7}', -32600, 7),
}


async def test_a_line_that_is_no_message_is_answered_and_goes_nowhere(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with door(era, tmp_path, "--upstream", upstream.url) as proxy:
        for name, (line, code, key) in BAD.items():
            await proxy.send(line)
            answer = await proxy.heard()
            assert (answer["error"]["code"], answer["id"]) == (code, key), name
            assert set(answer) == {"jsonrpc", "id", "error"}
        answer = await proxy.answered("tools/call", {"name": "echo", "arguments": {"n": BIG}})
        assert answer["result"]["structuredContent"] == {"n": BIG}
        assert [body["params"]["arguments"] for body in upstream.bodies("tools/call")] == [{"n": BIG}]


async def test_a_bad_line_before_the_first_message_is_answered(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *command("--upstream", handshake_upstream.url, "--policies", str(written(tmp_path))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    out, _ = await asyncio.wait_for(process.communicate(b"\n \r\nnot json"), 20)
    assert [json.loads(line)["error"]["code"] for line in out.splitlines()] == [-32700], "blank lines are none"
    assert process.returncode == 0


async def test_a_line_over_the_cap_is_dropped_to_its_end_and_answered(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with door(HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url) as proxy:
        before = _resident(proxy)
        await proxy.send(call(b'{"a":"' + b"x" * 40_000_000 + b'"}'))
        answer = await proxy.heard()
        assert (answer["error"]["code"], answer["id"]) == (-32600, None)
        assert "4194304 bytes" in answer["error"]["message"]
        assert _resident(proxy) - before < 16 * 2**20
        assert "result" in await proxy.answered("tools/call", {"name": "echo"})
        assert len(handshake_upstream.bodies("tools/call")) == 1


async def test_the_cap_holds_to_the_byte_also_for_a_last_line_without_an_end(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with door(
        HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url, MCP_PROXY_BOUNDS__REQUEST_BYTES="70000"
    ) as proxy:
        bare = proxy.line("tools/call", {"name": "echo", "arguments": {"a": ""}}, 7)
        fits, over = (bare.replace(b'"a": ""', b'"a": "%b"' % (b"x" * (n - len(bare)))) for n in (70_000, 70_001))
        await proxy.send(fits, over)
        answers = [await proxy.heard(), await proxy.heard()]
        assert sorted((answer["id"] or 0, "error" in answer) for answer in answers) == [(0, True), (7, False)]
        assert proxy.process.stdin
        proxy.process.stdin.write(over)
        proxy.close()
        messages, _ = await proxy.rest()
        assert [message["error"]["code"] for message in messages] == [-32600]


def _resident(proxy: Door) -> int:
    """Bytes of the process in memory, at their highest."""
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def test_every_number_survives_both_ways(local: tuple[list[str], Path], tmp_path: Path) -> None:
    exact = b'{"a":0.1234567890123456789012345,"b":1180591620717411303425,"c":1.0}'
    async with door(HANDSHAKE, tmp_path, *local[0], policies="") as proxy:
        await proxy.send(call(exact).replace(b'"echo"', b'"exact"'))
        assert proxy.process.stdout
        assert exact in await asyncio.wait_for(proxy.process.stdout.readline(), 15)


async def test_long_answers_and_notifications_never_mix(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    upstream.results["empty"] = {"content": [{"type": "text", "text": "x" * 300_000}]}
    async with door(era, tmp_path, "--upstream", upstream.url) as proxy:
        for n in range(40):
            name = "empty" if n % 2 else "chatty"
            await proxy.ask("tools/call", {"name": name, "_meta": {"progressToken": n}}, n)
        heard = []
        while sum("id" in message for message in heard) < 40:
            heard.append(await proxy.heard())
        assert {message["id"] for message in heard if "id" in message} == set(range(40))
        assert sum(message.get("method") == "notifications/progress" for message in heard) == 40


async def test_what_a_policy_prints_is_not_taken_for_an_answer(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    policies = '[[policy]]\nuse = "noisy:Noisy"\n'
    async with door(HANDSHAKE, tmp_path, "--upstream", handshake_upstream.url, policies=policies) as proxy:
        assert (await proxy.answered("tools/call", {"name": "echo"}))["result"]
        proxy.close()
        assert proxy.process.stdout
        assert proxy.process.stderr
        out, err = await asyncio.gather(proxy.process.stdout.read(), proxy.process.stderr.read())
        assert out == b""
        assert err.count(b"noise\n") >= 2


async def test_input_and_output_may_be_files(handshake_upstream: RichUpstream, tmp_path: Path) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    lines = [request("initialize", INITIALIZE, request_id=1)[0], request("tools/list", request_id=2)[0]]
    source.write_text("\n".join(map(json.dumps, lines)))
    with source.open() as stdin, sink.open("wb") as stdout:
        process = await asyncio.create_subprocess_exec(
            *command("--upstream", handshake_upstream.url, "--policies", str(written(tmp_path))),
            stdin=stdin,
            stdout=stdout,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert [json.loads(line)["id"] for line in sink.read_bytes().splitlines()] == [1, 2]


async def test_the_sdk_client_works_over_stdio(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    file = written(tmp_path)
    first, *rest = command("--upstream", upstream.url, "--policies", str(file))
    started = StdioServerParameters(command=first, args=rest, cwd=ROOT, env=dict(os.environ))
    mode = "legacy" if era == HANDSHAKE else "auto"
    async with asyncio.timeout(30), SdkClient(started, mode=mode) as client:
        assert client.protocol_version == era
        assert len((await client.list_tools()).tools) == 5
        assert (await client.call_tool("untitled", {})).content[0].text == "u"  # type: ignore[union-attr]
