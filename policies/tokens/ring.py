"""A key ring that is read again: on an interval, and when a token names a key that it does not hold."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from policies.policy import Clock, Keys, SecretError
from policies.tokens.tokens import Keyring

EVERY_S: Final = 300.0
"""How old a ring gets before it is read again, beside the calls."""

LEAST_S: Final = 10.0
"""Between two readings that tokens of unknown keys ask for: strangers can make such tokens."""

WAIT_S: Final = 5.0
"""How long a call waits for such a reading."""

_log = logging.getLogger(__name__)


class LiveRing:
    """Reads the ring `reference` of `keys`. One reading at a time; one that fails leaves the keys that there are."""

    def __init__(self, keys: Keys, reference: str, clock: Clock) -> None:
        self._keys, self._reference, self._clock = keys, reference, clock
        self._ring: Keyring | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Reads it for the first time. Raises SecretError."""
        self._ring = await self._read()

    async def close(self) -> None:
        if self._reading and not self._reading.done():
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def __call__(self) -> Keyring:
        """The ring as it is now. Raises SecretError before `open`."""
        if self._ring is None:
            raise SecretError(f"{self._reference}: the key ring was not read yet")
        return self._ring

    def keep_fresh(self) -> None:
        """Begins to read an old ring again, and waits for nothing. Call it on the event loop, once per call."""
        if self._clock.monotonic() - self._read_at >= EVERY_S:
            self._begin()

    async def renewed(self) -> bool:
        """Reads it again now, unless that was done a moment ago. Whether its keys changed."""
        before = self._ring
        if not self._is_reading() and self._clock.monotonic() - self._read_at < LEAST_S:
            return False
        await asyncio.wait([self._begin()], timeout=WAIT_S)
        return self._ring is not before

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._again())
        return self._reading

    async def _again(self) -> None:
        try:
            ring = await self._read()
            if self._ring is None or ring.ids != self._ring.ids:
                self._ring = ring
        except SecretError as error:
            _log.warning("the key ring could not be read again, and stays as it is: %s", error)
        except Exception as error:  # noqa: BLE001 - a ring that cannot be renewed must not end the calls
            _log.warning("the key ring %s could not be read again: %s", self._reference, type(error).__name__)

    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read(self) -> Keyring:
        self._read_at = self._clock.monotonic()
        keys = await self._keys.ring(self._reference)
        try:
            return Keyring.of(keys)
        except ValueError as error:
            raise SecretError(f"{self._reference}: {error}") from None
