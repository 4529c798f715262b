"""The first message that a fresh process answers: from before it is spawned to the last byte of the right answer."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from benchmarks.check import UnfitError, decode, mode_of
from benchmarks.process import cpu_seconds, family
from benchmarks.servers import Place, free_port
from benchmarks.starting.layout import Layout
from benchmarks.starting.servers import Starter
from benchmarks.tools import CALLED, NAMES, arguments, note
from benchmarks.wire import CLIENT, HANDSHAKE, HANDSHAKE_JSON, MODERN, MODERN_JSON, Form, Json, headers, message, post

ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.001
_MARK = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that may come first, and what its result must hold."""

    method: str
    form: Form
    params: Json
    right: Callable[[Json], bool]

    def sent(self, port: int) -> bytes:
        fields = headers(self.form, self.method, name=self.params.get("name", ""))
        return post(port, fields, message(self.form, self.method, self.params, number=1))


MESSAGES = (
    Message(
        method="initialize",
        form=HANDSHAKE_JSON,
        params={"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT},
        right=lambda result: bool(result["protocolVersion"] == HANDSHAKE),
    ),
    Message(
        method="server/discover",
        form=MODERN_JSON,
        params={},
        right=lambda result: MODERN in result["supportedVersions"],
    ),
    Message(
        method="tools/list",
        form=MODERN_JSON,
        params={},
        right=lambda result: sorted(tool["name"] for tool in result["tools"]) == sorted(NAMES),
    ),
    Message(
        method="tools/call",
        form=MODERN_JSON,
        params={"name": CALLED, "arguments": arguments(_MARK)},
        right=lambda result: [block.get("text") for block in result["content"]] == [note(_MARK)],
    ),
)
CALL = MESSAGES[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Milliseconds until the answer was there, and CPU milliseconds that the process had spent by then."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process just spawned: when, by time.perf_counter, on which port, and where its standard error goes."""

    process: subprocess.Popen[bytes]
    since: float
    port: int
    stderr: Path


@contextmanager
def spawned(layout: Layout, starter: Starter, folder: Path, upstream: int, **more: str) -> Iterator[Started]:
    """A process of this kind, killed on the way out: how it ends is not what is measured. `more` is environment."""
    place = Place(folder=folder, port=free_port(), upstream=upstream)
    command, environment = starter.command(layout, place), {**layout.environment, **starter.environment, **more}
    stderr = folder / "stderr"
    with stderr.open("wb") as errors:
        since = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder, env=environment)
    try:
        yield Started(process=process, since=since, port=place.port, stderr=stderr)
    finally:
        process.kill()
        process.wait()


def first_answer(started: Started, wanted: Message) -> First:
    """Sends the message as soon as the port accepts. Raises UnfitError when the answer is not the right one."""
    sent = wanted.sent(started.port)
    with _connected(started) as connection:
        try:
            connection.sendall(sent)
            response = HTTPResponse(connection, method="POST")
            response.begin()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise UnfitError(f"{wanted.method}: {type(error).__name__}") from error
    wall, cpu = time.perf_counter() - started.since, cpu_seconds(family(started.process.pid))
    _expect(wanted, response, body)
    return First(wall_ms=wall * 1e3, cpu_ms=cpu * 1e3)


def _connected(started: Started) -> socket.socket:
    while True:
        connection = socket.socket()
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(("127.0.0.1", started.port))
        except OSError as error:
            connection.close()
            if (code := started.process.poll()) is not None:
                raise UnfitError(f"ended with exit code {code} before it listened") from error
            if time.perf_counter() - started.since > ANSWER_SECONDS:
                raise UnfitError(f"did not listen within {ANSWER_SECONDS:g} s") from error
            time.sleep(POLL_SECONDS)
        else:
            return connection


def _expect(wanted: Message, response: HTTPResponse, body: bytes) -> None:
    try:
        answered = decode(body, mode_of(response))
        right = response.status == 200 and wanted.right(answered["result"])
    except (KeyError, TypeError, ValueError):
        right = False
    if not right:
        raise UnfitError(f"{wanted.method}: HTTP {response.status}, and not the right answer")
