"""moto beside the emulator: the account's other services, in a thread of this process."""

from __future__ import annotations

import contextlib
import logging
import urllib.request
from collections.abc import Iterator

from moto.server import ThreadedMotoServer


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of a moto server. A process has one: what moto holds is the process's, whatever the port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()
        assert server._server is not None
        server._server.server_close()


def reset(url: str) -> None:
    """Empties moto: of everything, in every service."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=10) as answer:
        answer.read()
