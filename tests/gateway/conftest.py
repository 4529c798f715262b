"""Gateways in front of which a proxy runs, in either era, through either door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.auth.conftest import bare
from tests.mcp_wire import ERAS
from tests.rich_upstream import RichUpstream

__all__ = ["bare"]


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """The era that client and gateway both speak."""
    return str(request.param)


@pytest.fixture(params=["both", "door"])
def doors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The doors of the test's proxies: as the product has them, then without the lane. For `usefixtures`."""
    monkeypatch.setattr("tests.running.DOORS", request.param)
    return str(request.param)


@pytest.fixture
async def gateway(era: str) -> AsyncIterator[RichUpstream]:
    """An upstream without tools yet; see `tests.gateway.tools`."""
    async with RichUpstream(era, tools=[], results={}).running() as running:
        yield running
