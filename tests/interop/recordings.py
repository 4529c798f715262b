"""The answers of an upstream, asked directly and through the proxy by a caller of each era."""

import shlex
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .installs import NODE
from .running import AUDIT_ONLY, REPOSITORY, environ, free_port, proxy, serving
from .steps import Step, record
from .upstreams import Upstream
from .wire import Answer, Era, Json, Wire, http, stdio

PATH = NODE.environ()["PATH"]
ERAS: tuple[Era, ...] = ("handshake", "modern")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One caller's view: `hello` is the result of initialize or server/discover, `answers` are by a step's label.

    `failure` tells why there is nothing of both.
    """

    hello: Json = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    direct: dict[Era, Recording]
    proxied: dict[Era, Recording]


async def record_both(upstream: Upstream, folder: Path) -> Recordings:
    """Every recording starts from a freshly prepared folder at the same path, so that paths in answers are equal."""
    data = (folder / "data").resolve()
    steps = upstream.steps(data)
    with running(upstream, data, folder) as server:
        direct = {era: await _recording(reach(upstream, server, data, era), steps) for era in upstream.eras}
        proxied = {era: await _recording(proxied_wire(upstream, server, data, folder, era), steps) for era in ERAS}
    return Recordings(direct=direct, proxied=proxied)


async def _recording(connection: AbstractAsyncContextManager[Wire], steps: Sequence[Step]) -> Recording:
    try:
        async with connection as wire:
            return Recording(hello=wire.hello, answers=await record(wire, steps))
    except Exception as error:  # noqa: BLE001 - it becomes the failure of every test that needs this recording
        return Recording(failure=f"{type(error).__name__}: {error}")


@asynccontextmanager
async def proxied_wire(
    upstream: Upstream, server: str | None, data: Path, folder: Path, era: Era, capabilities: Json | None = None
) -> AsyncIterator[Wire]:
    """A connection through a proxy of its own, by a caller that names its session: what lasts in one is kept for it."""
    with behind_proxy(upstream, server, data, folder) as url:
        async with http(url, era=era, capabilities=capabilities, session_id="interop-session-1") as wire:
            yield wire


@contextmanager
def running(upstream: Upstream, data: Path, folder: Path) -> Iterator[str | None]:
    """The URL of an HTTP upstream, which serves every recording; None for one that each connection starts itself."""
    if not upstream.over_http:
        yield None
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    env = environ() | {"PATH": PATH, "PORT": str(port)}
    with serving(upstream.command(data), folder / "upstream.log", ready=url, env=env):
        yield url


@asynccontextmanager
async def reach(
    upstream: Upstream, server: str | None, data: Path, era: Era, capabilities: Json | None = None
) -> AsyncIterator[Wire]:
    """A connection straight to the upstream."""
    upstream.prepare(data)
    if server:
        async with http(server, era=era, capabilities=capabilities) as wire:
            yield wire
    else:
        async with stdio(
            upstream.command(data),
            era=era,
            env=environ() | {"PATH": PATH},
            cwd=str(REPOSITORY),
            capabilities=capabilities,
        ) as wire:
            yield wire


@contextmanager
def behind_proxy(upstream: Upstream, server: str | None, data: Path, folder: Path) -> Iterator[str]:
    """The URL of a proxy in front of the upstream; its chain changes nothing."""
    upstream.prepare(data)
    address = ["--upstream", server] if server else ["--stdio", shlex.join(upstream.command(data))]
    env = environ() | {"PATH": PATH, "MCP_PROXY_LOG_LEVEL": "info"}  # A setting that the upstream must not see.
    with proxy(folder, *address, policies=AUDIT_ONLY, env=env) as url:
        yield url
