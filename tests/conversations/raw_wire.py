"""A proxy process, what harm it took, and a client that writes bytes instead of requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conversations.test_shutdown import CHAIN
from tests.mcp_wire import MODERN, request, rpc
from tests.rich_upstream import RichUpstream

MARKER = "MARKER-OF-THE-WIRE"
GROWTH = 30 * 2**20
"""Bytes that the process may have grown by."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Target:
    """A running proxy. Calls of `untitled` are the canary's, calls of `echo` what a test sends."""

    child: asyncio.subprocess.Process
    port: int
    upstream: RichUpstream
    said: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/mcp"

    @property
    def reached(self) -> int:
        return sum(body["params"]["name"] != "untitled" for body in self.upstream.bodies("tools/call"))

    @property
    def fds(self) -> int:
        return len(list(Path(f"/proc/{self.child.pid}/fd").iterdir()))

    def rss(self) -> int:
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def log(self) -> str:
        return self.said.read_text()

    def message(self, name: str = "echo") -> bytes:
        body, _ = request("tools/call", {"name": name, "arguments": {"marker": MARKER}}, MODERN)
        return json.dumps(body).encode()

    def head(
        self, *lines: str, first: str = "POST /mcp HTTP/1.1", host: str | None = None, name: str = "echo"
    ) -> bytes:
        """Everything that a call says of itself, but for what frames its body: that is in `lines`."""
        _, own = request("tools/call", {"name": name}, MODERN)
        fields = [f"{key}: {value}" for key, value in {"content-type": "application/json", **own}.items()]
        return "\r\n".join([first, f"host: {host or self.host}", *fields, *lines, "", ""]).encode("latin-1")

    def call(self, *lines: str, name: str = "echo", **head: Any) -> bytes:
        """A whole, sound call, with `lines` as further headers."""
        body = self.message(name)
        return self.head(*lines, f"content-length: {len(body)}", name=name, **head) + body

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def ask(self, *pieces: bytes) -> tuple[Answer | None, bool]:
        """The one answer to what is sent, None when there is none, and whether the connection is closed after it."""
        async with asyncio.timeout(15), self.connection() as (reader, writer):
            for piece in pieces:
                with contextlib.suppress(ConnectionError):
                    writer.write(piece)
                    await writer.drain()
            return await answer(reader), await closed(reader)


@contextlib.asynccontextmanager
async def deaf(target: Target) -> AsyncIterator[Callable[[bytes], Awaitable[bool]]]:
    """A client that reads nothing, and has little room for what it does not read. Says whether it was cut off."""
    loop = asyncio.get_running_loop()

    async def cut_after(data: bytes, within_s: float = 8) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await loop.sock_sendall(client, data)
                while True:
                    await asyncio.sleep(0.05)
                    client.send(b"\r\n")
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", target.port))
        yield cut_after


async def answer(reader: asyncio.StreamReader, within_s: float = 8) -> Answer | None:
    """The next answer; None when the connection ends before it has begun. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        try:
            while True:
                found = await _answer(reader)
                if found is None or found.status != 100:
                    return found
        except ConnectionError:
            return None


async def _answer(reader: asyncio.StreamReader) -> Answer | None:
    first = await reader.readline()
    if not first:
        return None
    headers = {}
    while (line := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name] = value.strip()
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(first.split()[1]), headers, body)


async def closed(reader: asyncio.StreamReader, within_s: float = 0.05) -> bool:
    """Whether the other side ends the connection without a further byte."""
    try:
        async with asyncio.timeout(within_s):
            return await reader.read(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@contextlib.asynccontextmanager
async def running(said: Path, files: int | None = None, **bounds: float) -> AsyncIterator[Target]:
    """A proxy process with these bounds, in front of an upstream that remembers. What it says is checked at the end.

    `files` is how many file descriptors it may have.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {f"MCP_PROXY_BOUNDS__{name.upper()}": str(value) for name, value in bounds.items()}
    async with RichUpstream(MODERN).running() as upstream:
        options = ("--port", str(port), "--upstream", upstream.url, "--policies", CHAIN)
        limited = ("sh", "-c", f'ulimit -n {files}; exec "$@"', "sh") if files else ()
        with said.open("wb") as stderr:
            child = await asyncio.create_subprocess_exec(
                *(*limited, sys.executable, "-m", "proxy", "serve", *options),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                cwd=Path(__file__).parents[2],
                env={**os.environ, **environment},
            )
        target = Target(child, port, upstream, said)
        try:
            await _open(target)
            yield target
            assert child.returncode is None
            _discreet(target.log())
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


def _discreet(text: str) -> None:
    assert not any(word in text for word in (MARKER, "Traceback", "Exception"))
    assert len(text) < 4096, "a stranger must not be able to fill the log"


async def _open(target: Target) -> None:
    """Wait until both doors are open, and have answered."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            found, _ = await target.ask(f"GET /readyz HTTP/1.1\r\nhost: {target.host}\r\n\r\n".encode())
            if found is not None and found.status == 200 and found.json["door"] == "open":
                await canary(target)
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the proxy does not start")


async def canary(target: Target) -> None:
    reply = await rpc(target.url, "tools/call", {"name": "untitled"}, MODERN)
    assert reply.result["content"][0]["text"] == "u"


@contextlib.asynccontextmanager
async def harmless(target: Target, growth: int = GROWTH) -> AsyncIterator[None]:
    """Asserts that its body neither ends the process, nor slows other callers down, nor makes it grow."""
    before, slowest, ended = target.rss(), 0.0, asyncio.Event()

    async def call() -> None:
        nonlocal slowest
        while not ended.is_set():
            began = time.monotonic()
            await canary(target)
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.02)

    calling = asyncio.create_task(call())
    try:
        yield
    finally:
        ended.set()
        await calling
    assert target.child.returncode is None
    assert slowest < 1, f"a call took {slowest:.2f} s meanwhile"
    assert target.rss() - before < growth, f"grown by {(target.rss() - before) / 2**20:.0f} MB"


def chunked(*pieces: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + last


def refused(found: Answer | None, statuses: Sequence[int]) -> bool:
    """Whether this is a refusal with one of these statuses that says why in JSON."""
    return found is not None and found.status in statuses and bool(found.json["error"]["message"])
