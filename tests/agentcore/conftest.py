"""The emulator as fixtures. Other folders import them into their own conftest."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.agentcore import emulator_moto
from tests.agentcore.account import Aws, Listing
from tests.agentcore.emulator import Emulator


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of this process's moto, which every test empties: it takes half a second to stop."""
    with emulator_moto.running() as url:
        # Passes over what moto and botocore have loaded take 0.3 s, and every client that a test makes calls for one.
        gc.collect()
        gc.freeze()
        yield url
        gc.unfreeze()


@pytest.fixture
def emulator(moto: str) -> Iterator[Emulator]:
    """A fresh emulator, and an empty account."""
    emulator_moto.reset(moto)
    running = Emulator(moto=moto)
    running.start()
    yield running
    running.close()


@pytest.fixture
def deployer(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The same, with its environment for everything in this process and below it, and no other AWS variable."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return emulator


@pytest.fixture
def listing() -> Listing:
    return Listing()


@pytest.fixture
def aws(moto: str, listing: Listing) -> Iterator[Aws]:
    """A fresh emulator whose targets list what `listing` says, and an account to deploy from."""
    emulator_moto.reset(moto)
    emulator = Emulator(moto=moto, list_tools=listing)
    emulator.start()
    yield Aws(emulator)
    listing.held.set()
    emulator.close()
