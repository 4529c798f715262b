from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.mcp_wire import ERAS, HANDSHAKE, MODERN
from tests.rich_upstream import RichUpstream


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """The era that client and upstream both speak."""
    return str(request.param)


@pytest.fixture(params=["both", "door"])
def doors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The doors of the test's proxies: as the product has them, then without the lane. For `usefixtures`."""
    monkeypatch.setattr("tests.running.DOORS", request.param)
    return str(request.param)


@pytest.fixture
async def upstream(era: str) -> AsyncIterator[RichUpstream]:
    async with RichUpstream(era).running() as running:
        yield running


@pytest.fixture
async def modern_upstream() -> AsyncIterator[RichUpstream]:
    async with RichUpstream(MODERN).running() as running:
        yield running


@pytest.fixture
async def handshake_upstream() -> AsyncIterator[RichUpstream]:
    async with RichUpstream(HANDSHAKE).running() as running:
        yield running
