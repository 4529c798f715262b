"""An emulator whose gateways list what the test says, and an operator with a runtime in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agentcore import emulator_moto
from tests.agentcore.account import Listing
from tests.agentcore.emulator import Emulator
from tests.deployment.gateway.people import TOOLS, Operator, operator


@pytest.fixture
def listing() -> Listing:
    found = Listing()
    found.tools = list(TOOLS)
    return found


@pytest.fixture
def emulator(moto: str, listing: Listing) -> Iterator[Emulator]:
    """No proxy need run for a target to be listed."""
    emulator_moto.reset(moto)
    running = Emulator(moto=moto, list_tools=listing)
    running.start()
    yield running
    running.close()


@pytest.fixture
def shop(deployer: Emulator, listing: Listing) -> Operator:
    """Its runtime takes signatures."""
    return operator(deployer, listing)
