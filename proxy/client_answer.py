"""What a server answers to the command line's client: taken for so long, and so much of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Final

from proxy.errors import ProxyError

ANSWER_BYTES: Final = 32 * 2**20
"""Most of one message, and of a list with all its pages."""

WHOLE_S: Final = 900.0
"""A whole answer, however steadily it comes."""


@contextlib.contextmanager
def within(seconds: float, connection: socket.socket, where: str) -> Iterator[None]:
    """Cuts the connection after `seconds`, which ends every wait on it. Raises ProxyError then."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if not over.is_set():
            raise
        raise ProxyError(f"{where} did not end its answer within {seconds:g} s") from None
    finally:
        timer.cancel()


def messages(response: http.client.HTTPResponse, where: str) -> Iterator[bytes]:
    """The text of each message: the body, or the data of its server-sent events. Raises ProxyError for a huge one."""
    kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        yield from _events(response, where)
    else:
        text = response.read(ANSWER_BYTES + 1)
        _refuse_huge(len(text), where)
        yield text


def _events(response: http.client.HTTPResponse, where: str) -> Iterator[bytes]:
    """Lines end at \\n or \\r\\n."""
    data: list[bytes] = []
    size = 0
    while line := response.readline(ANSWER_BYTES + 1):
        size += len(line)
        _refuse_huge(size, where)
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line:
            if data:
                yield b"\n".join(data)
            data, size = [], 0


def _refuse_huge(size: int, where: str) -> None:
    if size > ANSWER_BYTES:
        raise ProxyError(f"{where} answered more than {ANSWER_BYTES} bytes")
