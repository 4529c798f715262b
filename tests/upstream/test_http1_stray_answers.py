"""An answer that nobody asked for, and a call that is given up: neither is ever noticed by another call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.auth_modes import Anonymous
from proxy.wire import Origin, Outgoing, WireError, is_answer
from proxy.wire_http import HttpWire
from tests.running import until
from tests.upstream.raw_server import OK, Peer, client_to, serving
from tests.upstream.test_http1 import ask, saying
from tests.upstream.test_http1_tls import certificate, offered, trusted  # noqa: F401 - fixtures

MODERN = "2026-07-28"


def call(number: int) -> Outgoing:
    return Outgoing(
        id=number,
        method="tools/call",
        params={"who": f"caller {number}"},
        version=MODERN,
        modern=True,
        origin=Origin(version=MODERN),
        gap_s=5,
        deadline=None,
    )


@contextlib.asynccontextmanager
async def wire_to(url: str, auth: Any = None) -> AsyncIterator[HttpWire]:
    wire = HttpWire(url, auth or Anonymous(), answer_bytes=2**20, depth=50, connect_s=2, in_flight=2)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()


def answer_to(body: bytes, status: int) -> bytes:
    """What is said to a caller: who it is, as a result or in an error."""
    asked = json.loads(body)
    who = asked["params"]["who"]
    said = {"result": {"for": who}} if status == 200 else {"error": {"code": -32000, "message": who}}
    text = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **said}).encode()
    head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(text))
    return head + text


@pytest.mark.parametrize("status", [200, 400])
async def test_after_an_answer_came_twice_nobody_gets_the_answer_of_another(status: int) -> None:
    async def one_behind(peer: Peer) -> None:
        _, body = await peer.request()
        last = answer_to(body, status)
        await peer.say(last)
        while True:
            _, body = await peer.request()
            fresh = answer_to(body, status)
            await peer.say(last if peer.number == 0 else fresh)
            last = fresh

    async with serving(one_behind, whole=False) as server, wire_to(server.url) as wire:
        got = []
        for number in range(1, 8):
            try:
                message = (await wire.send(call(number))).message
                got.append(message["result"]["for"] if status == 200 else message["error"]["message"])
            except WireError:
                got.append("an error of the proxy's own")
        assert got == ["caller 1", "an error of the proxy's own", *(f"caller {number}" for number in range(3, 8))]
        assert len(server.peers) == 2


@pytest.mark.parametrize(("found", "fits"), [(7, True), (8, False), (0, False), (None, True), ("x", True)])
def test_an_error_of_a_refused_post_may_bear_any_id_but_that_of_another_request(found: Any, fits: bool) -> None:
    message = {"jsonrpc": "2.0", "id": found, "error": {"code": -32000, "message": "no"}}
    with contextlib.nullcontext() if fits else pytest.raises(WireError):
        assert is_answer(message, 7, any_id=True)


class Undecided(Anonymous):
    """Never says whether a fresh credential can be had."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def refused(self, status: int, workload: str | None = None) -> bool:
        self.asked.set()
        return await asyncio.Future[bool]()


async def test_a_call_given_up_while_a_fresh_credential_is_sought_gives_its_connection_back() -> None:
    endless = b"HTTP/1.1 401 No\r\ncontent-type: text/html\r\ncontent-length: 90000000\r\n\r\n" + b"x" * 100_000
    auth = Undecided()
    async with serving(saying(endless)) as server, wire_to(server.url, auth) as wire:
        for number in range(2):
            auth.asked.clear()
            giving_up = asyncio.create_task(wire.send(call(number)))
            async with asyncio.timeout(5):
                await auth.asked.wait()
            giving_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await giving_up
        assert wire._client is not None
        pool = wire._client._pool
        await until(lambda: (pool._free_slots, len(pool._open)) == (4, 0), 2)


async def test_connects_over_tls_that_are_given_up_at_any_moment_break_no_connection_of_another(
    offered: ssl.SSLContext,  # noqa: F811
    trusted: ssl.SSLContext,  # noqa: F811
) -> None:
    async with serving(saying(OK), tls=offered) as secure, serving(saying(OK)) as plain:
        for turns in [*range(22)] * 2:
            async with (
                client_to(f"https://localhost:{secure.port}/", tls=trusted) as given_up,
                client_to(plain.url) as other,
            ):
                asking = asyncio.create_task(ask(given_up))
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
                assert await ask(other, gap_s=2) == (200, b"{}")


async def test_a_connection_that_is_no_longer_trusted_ends_after_the_call_that_it_carries() -> None:
    async def two(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()
        await asyncio.sleep(0.05)
        await peer.say(OK)
        await peer.left()

    async with serving(two, whole=False) as server, client_to(server.url) as client:
        first = await client.request("POST", {}, b"{}")
        assert await first.read() == b"{}"
        second = asyncio.create_task(client.request("POST", {}, b"{}"))
        await asyncio.sleep(0.01)
        first.distrust()
        assert await (await second).read() == b"{}"
        assert len(server.peers) == 1
        await asyncio.wait_for(server.peers[0].left(), 5)


async def test_an_answer_that_is_no_json_costs_no_other_call_its_connection() -> None:
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nno"

    async def mixed(peer: Peer) -> None:
        while True:
            _, body = await peer.request()
            await peer.say(page if json.loads(body)["id"] % 3 == 0 else answer_to(body, 200))

    async with serving(mixed, whole=False) as server, wire_to(server.url) as wire:
        found = await asyncio.gather(*(wire.send(call(n)) for n in range(60)), return_exceptions=True)
    for number, one in enumerate(found):
        if number % 3 == 0:
            assert isinstance(one, WireError)
            assert one.kind == "malformed"
        else:
            assert not isinstance(one, BaseException)
            assert one.message["result"] == {"for": f"caller {number}"}
