"""An HTTP client that sends what it is given, byte for byte, and reads one answer."""

from __future__ import annotations

import asyncio
import http.client
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, body. `status` 0 is a connection that was closed without an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def sent(port: int, head: Sequence[bytes], body: bytes) -> Answer:
    """Send a request of these head lines and this body, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"\r\n".join([*head, b"connection: close", b"", b""]) + body)
        async with asyncio.timeout(PATIENCE_S):
            raw = await reader.read()
    finally:
        writer.close()
    return _parsed(raw, head[0].split(b" ")[0].decode()) if raw else Answer(0, {}, b"")


class _Bytes:
    """What `http.client` asks of a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _parsed(raw: bytes, verb: str) -> Answer:
    answer = http.client.HTTPResponse(_Bytes(raw), method=verb)  # type: ignore[arg-type]
    answer.begin()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    try:
        return Answer(answer.status, headers, answer.read())
    except http.client.IncompleteRead as cut:
        return Answer(answer.status, headers, cut.partial + b" CUT OFF")
