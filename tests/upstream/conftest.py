"""Upstreams to fakes on loopback, closed after each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
import uvloop
import yarl

from proxy.retry import Backoff
from proxy.settings import Bounds
from proxy.upstream import Upstream
from proxy.wire_http import HttpWire


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The HTTP client is tried on both event loops: their transports differ in when they write, pause and close."""
    both = item.path.name.startswith("test_http1")
    return {"asyncio": asyncio.new_event_loop, **({"uvloop": uvloop.new_event_loop} if both else {})}


@dataclass(slots=True)
class Token:
    """Outbound auth with a token that can be refreshed `fresh` times."""

    fresh: int = 0
    number: int = 0
    refusals: list[int] = field(default_factory=list)

    async def sign(
        self,
        method: str,
        url: yarl.URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return {"Authorization": authorization or f"token-{self.number}"}

    async def refused(self, status: int, workload: str | None = None) -> bool:
        self.refusals.append(status)
        self.number += 1
        return self.number <= self.fresh

    async def open(self) -> None: ...

    async def close(self) -> None: ...


Opener = Callable[..., "AsyncIterator[Upstream]"]


@pytest.fixture
async def to() -> AsyncIterator[Callable[..., object]]:
    """`await to(url, read_s=0.2, …)`: an open Upstream with these bounds and quick retries."""
    async with AsyncExitStack() as stack:

        async def opened(
            url: str,
            *,
            auth: Token | None = None,
            backoff: Backoff | None = None,
            agentcore: bool = False,
            **bounds: float,
        ) -> Upstream:
            limits = Bounds(**bounds)  # type: ignore[arg-type]
            wire = HttpWire(
                url,
                auth or Token(),
                answer_bytes=limits.answer_bytes,
                depth=limits.depth,
                connect_s=limits.connect_s,
                in_flight=limits.in_flight,
            )
            upstream = Upstream(wire, limits, backoff=backoff or Backoff(base_s=0.01), agentcore=agentcore)
            await upstream.open()
            stack.push_async_callback(upstream.close)
            return upstream

        yield opened
