"""The answers of an upstream, asked directly and through the proxy by a caller of each era."""

import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .installs import NODE
from .running import AUDIT_ONLY, REPOSITORY, environ, free_port, proxy, serving
from .steps import record
from .upstreams import Upstream
from .wire import Answer, Era, Json, Wire, http, inherited, stdio

ERAS: tuple[Era, ...] = ("handshake", "modern")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One caller's view: `hello` is the result of initialize or server/discover, `answers` are by a step's label."""

    hello: Json
    answers: dict[str, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    direct: dict[Era, Recording]
    proxied: dict[Era, Recording]


async def record_both(upstream: Upstream, folder: Path) -> Recordings:
    """Every recording starts from a freshly prepared folder at the same path, so that paths in answers are equal."""
    data = (folder / "data").resolve()
    direct, proxied = {}, {}
    for era in upstream.eras:
        upstream.prepare(data)
        async with _direct(upstream, data, folder, era) as wire:
            direct[era] = Recording(hello=wire.hello, answers=await record(wire, upstream.steps(data)))
    for era in ERAS:
        upstream.prepare(data)
        with behind_proxy(upstream, data, folder) as url:
            async with http(url, era=era) as wire:
                proxied[era] = Recording(hello=wire.hello, answers=await record(wire, upstream.steps(data)))
    return Recordings(direct=direct, proxied=proxied)


@asynccontextmanager
async def _direct(upstream: Upstream, data: Path, folder: Path, era: Era) -> AsyncIterator[Wire]:
    if upstream.over_http:
        with _http_server(upstream, data, folder) as url:
            async with http(url, era=era) as wire:
                yield wire
    else:
        env = inherited() | {"PATH": NODE.environ()["PATH"]}
        async with stdio(upstream.command(data), era=era, env=env, cwd=str(REPOSITORY)) as wire:
            yield wire


@contextmanager
def behind_proxy(upstream: Upstream, data: Path, folder: Path) -> Iterator[str]:
    """The URL of a proxy in front of the upstream; its chain changes nothing."""
    env = environ() | {"PATH": NODE.environ()["PATH"]}
    if upstream.over_http:
        with (
            _http_server(upstream, data, folder) as url,
            proxy(folder, "--upstream", url, policies=AUDIT_ONLY, env=env) as proxied,
        ):
            yield proxied
    else:
        command = shlex.join(upstream.command(data))
        with proxy(folder, "--stdio", command, policies=AUDIT_ONLY, env=env) as proxied:
            yield proxied


@contextmanager
def _http_server(upstream: Upstream, data: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    env = NODE.environ() | {"PORT": str(port)}
    with serving(upstream.command(data), folder / "upstream.log", ready=url, env=env):
        yield url
