"""The servers of a run, each a process of its own on a free loopback port. A new comparator is one entry in SERVERS."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.check import OtherModeError, Peer, UnfitError, check
from benchmarks.wire import FORMS, HANDSHAKE_JSON, HANDSHAKE_SSE, MODERN_JSON, PATH, Form

START_SECONDS = 30.0
STOP_SECONDS = 15.0

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream mcp {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://mcp; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
POLICIES = '[[policy]]\nuse = "sanitize"\n\n[[policy]]\nuse = "audit"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a server starts: a folder for its files, its own port, and the upstream's."""

    folder: Path
    port: int
    upstream: int

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream}{PATH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One process to measure: the row's name, the forms it is measured in, and its command line.

    `direct` has no command: it is the upstream itself. `needs` names a program that may not be installed. `headers`
    go with every message sent to it.
    """

    name: str
    title: str
    forms: tuple[Form, ...]
    command: Callable[[Place], list[str]] | None
    needs: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _python(*arguments: object) -> list[str]:
    return [sys.executable, "-m", *map(str, arguments)]


def _nginx(place: Place) -> list[str]:
    config = place.folder / "nginx.conf"
    config.write_text(NGINX.format(folder=place.folder, port=place.port, upstream=place.upstream))
    return ["nginx", "-p", str(place.folder), "-e", "stderr", "-c", str(config)]


def _passthrough(place: Place) -> list[str]:
    return _python("benchmarks.comparators.passthrough", place.port, place.upstream_url)


def _fastmcp(kind: str, answers: str) -> Callable[[Place], list[str]]:
    module = "benchmarks.comparators.fastmcp_servers"
    return lambda place: _python(module, kind, place.port, answers, place.upstream_url)


def _proxy(place: Place) -> list[str]:
    policies = place.folder / "policies.toml"
    policies.write_text(POLICIES)
    where = ("--host", "127.0.0.1", "--port", place.port)
    return _python("proxy", "serve", *where, "--upstream", place.upstream_url, "--policies", policies)


_JSON = (HANDSHAKE_JSON, MODERN_JSON)
_SSE = (HANDSHAKE_SSE,)
_FORWARDS = "forwards, knows nothing of MCP"
BROWSER = {"Origin": "http://127.0.0.1"}
"""What a page in a browser would send. The proxy's lane leaves such a message to its other door, FastMCP."""

SERVERS = (
    Server(name="direct", title="the upstream itself", forms=_JSON, command=None),
    Server(name="nginx", title=_FORWARDS, forms=_JSON, command=_nginx, needs="nginx"),
    Server(name="passthrough", title=_FORWARDS, forms=_JSON, command=_passthrough),
    Server(name="proxy", title="this proxy, sanitize and audit", forms=FORMS, command=_proxy),
    Server(name="proxy_door", title="the same, past its lane", forms=FORMS, command=_proxy, headers=BROWSER),
    Server(name="echo", title="plain FastMCP, no proxying", forms=_JSON, command=_fastmcp("echo", "json")),
    Server(name="echo", title="plain FastMCP, no proxying", forms=_SSE, command=_fastmcp("echo", "sse")),
    Server(name="create_proxy", title="FastMCP's own", forms=_JSON, command=_fastmcp("create_proxy", "json")),
    Server(name="create_proxy", title="FastMCP's own", forms=_SSE, command=_fastmcp("create_proxy", "sse")),
    Server(
        name="create_proxy_lean",
        title="FastMCP's own, spared a list per call",
        forms=(MODERN_JSON,),
        command=_fastmcp("create_proxy_lean", "json"),
    ),
)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process of this command, ended on the way out. What it prints goes to `stderr` in its folder."""
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready(process: subprocess.Popen[bytes], peer: Peer, *, until: float) -> str:
    """Waits for the first right answer of this peer, until that time of the monotonic clock.

    Returns the session id, or "". Raises UnfitError with the last reason.
    """
    while True:
        if (code := process.poll()) is not None:
            raise UnfitError(f"ended with exit code {code} before it answered")
        try:
            return check(peer)
        except OtherModeError:
            raise
        except UnfitError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def last_words(folder: Path) -> str:
    """The last lines of the `stderr` in this folder, indented."""
    errors = folder / "stderr"
    lines = errors.read_text(errors="replace").splitlines()[-5:] if errors.exists() else []
    return "".join(f"    {line}\n" for line in lines).rstrip()


def missing(server: Server) -> bool:
    """Whether the program that the server needs is not installed."""
    return server.needs is not None and shutil.which(server.needs) is None
