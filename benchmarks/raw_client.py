"""CPU of the proxy's HTTP client beside aiohttp's: `python -m benchmarks.raw_client [CALLS]`.

POSTs of 1 KB of JSON with answers of 1 KB to `benchmarks/upstream.py` in another process, one at a time and sixteen at
once. Prints microseconds of this process's CPU per call, the median of five rounds, the clients by turns.
"""

import asyncio
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvloop
import yarl

from benchmarks.wire import HANDSHAKE_JSON, PATH, headers, message
from proxy.bodies import whole
from proxy.http1 import Client

ROUNDS = 5
CALLS = 4_000
LOADS = (1, 16)
NOTE = "x" * 900
CAP = 2**20

Call = Callable[[], Awaitable[bytes]]


@asynccontextmanager
async def upstream() -> AsyncIterator[yarl.URL]:
    """The benchmark's upstream on a free port, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.upstream", str(port))
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
        yield yarl.URL(f"http://127.0.0.1:{port}{PATH}")
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def ours(url: yarl.URL, sent: Mapping[str, str], body: bytes) -> AsyncIterator[Call]:
    client = Client(url, limit=100, connect_s=5)
    loop = asyncio.get_running_loop()

    async def call() -> bytes:
        response = await client.request("POST", sent, body, gap_s=60, deadline=loop.time() + 900)
        return await whole(response, CAP)

    try:
        yield call
    finally:
        await client.close()


@asynccontextmanager
async def theirs(url: yarl.URL, sent: Mapping[str, str], body: bytes) -> AsyncIterator[Call]:
    limits = aiohttp.ClientTimeout(total=900, connect=5, sock_read=60)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:

        async def call() -> bytes:
            response = await session.request(
                "POST", url, data=body, headers=sent, allow_redirects=False, timeout=limits
            )
            return await response.content.readany()

        yield call


async def cost(call: Call, load: int, calls: int) -> float:
    """Microseconds of CPU per call, with `load` at once."""

    async def some() -> None:
        for _ in range(calls // load):
            assert len(await call()) > len(NOTE)

    began = time.process_time()
    await asyncio.gather(*(some() for _ in range(load)))
    return (time.process_time() - began) / (calls // load * load) * 1e6


async def measure(calls: int) -> dict[tuple[str, int], float]:
    """The median cost of each client at each load."""
    body = orjson.dumps(message(HANDSHAKE_JSON, "tools/call", {"name": "echo", "arguments": {"note": NOTE}}, number=1))
    sent = {"User-Agent": "benchmark", **headers(HANDSHAKE_JSON, "tools/call"), "traceparent": "00-1-2-01"}
    rounds: dict[tuple[str, int], list[float]] = {}
    async with upstream() as url, ours(url, sent, body) as one, theirs(url, sent, body) as other:
        for call in (one, other):
            await cost(call, max(LOADS), 200)
        for _ in range(ROUNDS):
            for load in LOADS:
                for name, call in (("http1", one), ("aiohttp", other)):
                    rounds.setdefault((name, load), []).append(await cost(call, load, calls))
    return {key: statistics.median(found) for key, found in rounds.items()}


def main() -> None:
    found = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
    print(f"{'at once':>8}{'http1':>10}{'aiohttp':>10}{'ratio':>8}   (µs of CPU per call)")
    for load in LOADS:
        mine, other = found["http1", load], found["aiohttp", load]
        print(f"{load:>8}{mine:>10.0f}{other:>10.0f}{mine / other:>8.0%}")


if __name__ == "__main__":
    main()
