"""The short way round uvicorn's cycle: what it writes is what uvicorn would have written."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref
from typing import Any

import pytest
from uvicorn.protocols.http import httptools_impl

from proxy import connections
from proxy.asgi import App, Receive, Scope, Send, answer
from proxy.server import listen, server
from proxy.whole import Joined

HEADERS = (b"POST / HTTP/1.1\r\nhost: localhost\r\n", b"content-length: 2\r\n\r\n{}")


async def one_piece(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, 200, b'{"ok":true}', [(b"x-own", b"1")])


async def broken_header(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, 200, b"{}", [(b"x-own", b"1\r\nx-more: 2")])


async def in_pieces(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd"})


async def closes(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, 400, b"{}", [(b"connection", b"close")])


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    raise RuntimeError("between head and body")


def without_date(data: bytes) -> bytes:
    return re.sub(rb"date: [^\r]*\r\n", b"", data)


async def asked(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(pieces))
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return without_date(data)


APPS: list[App] = [one_piece, broken_header, in_pieces, closes]


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("head", [b"POST", b"GET", b"HEAD"])
async def test_what_leaves_is_what_uvicorn_would_have_written(
    app: App, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for plain in (False, True):
        if plain:
            monkeypatch.setattr(connections, "shortcut", lambda cycle: None)
        bound = listen("127.0.0.1", 0)
        serving = server(app, 0.2)
        task = asyncio.create_task(serving.serve(sockets=[bound]))
        request = (HEADERS[0].replace(b"POST", head), b"connection: close\r\n", HEADERS[1])
        written.append(await asked(bound.getsockname()[1], *request))
        serving.should_exit = True
        await task
    assert written[0] == written[1]


async def test_an_app_that_breaks_before_anything_was_written_is_answered_with_an_error() -> None:
    bound = listen("127.0.0.1", 0)
    serving = server(fails, 0.2)
    task = asyncio.create_task(serving.serve(sockets=[bound]))
    assert (await asked(bound.getsockname()[1], *HEADERS)).startswith(b"HTTP/1.1 500")
    serving.should_exit = True
    await task


async def test_a_request_leaves_nothing_behind_that_only_the_collector_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    cycles: list[weakref.ref[Any]] = []

    class Cycle(httptools_impl.RequestResponseCycle):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            cycles.append(weakref.ref(self))

    monkeypatch.setattr(httptools_impl, "RequestResponseCycle", Cycle)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert isinstance(send, Joined)
        await answer(send, 200, b"{}")

    bound = listen("127.0.0.1", 0)
    serving = server(app, 0.2)
    task = asyncio.create_task(serving.serve(sockets=[bound]))
    gc.disable()
    try:
        for _ in range(3):
            assert b"200 OK" in await asked(bound.getsockname()[1], *HEADERS)
        await asyncio.sleep(0.05)
        assert [ref() for ref in cycles] == [None] * 3
    finally:
        gc.enable()
        serving.should_exit = True
        await task
