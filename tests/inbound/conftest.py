"""An issuer on loopback, and checks of its callers without a proxy around them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.callers import Callers, Refused, callers
from proxy.settings import load
from tests.inbound.issuer import Issuer, serving


@dataclass
class Given:
    """Secrets given by a test."""

    values: dict[str, str] = field(default_factory=lambda: {"env:SECRET": "a-secret-of-the-client"})

    async def get(self, reference: str) -> str:
        return self.values[reference]


@dataclass(frozen=True)
class Answered:
    status: int
    challenge: str
    body: dict[str, Any]
    headers: dict[bytes, bytes]


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with serving(Issuer()) as running:
        yield running


@contextlib.asynccontextmanager
async def checking(**flags: Any) -> AsyncIterator[Callers]:
    """Callers as the settings say, open."""
    who = callers(load({}, **flags), Given())
    await who.open()
    try:
        yield who
    finally:
        await who.close()


def jwt_of(issuer: Issuer, **flags: Any) -> dict[str, Any]:
    """Settings that take the issuer's tokens."""
    return {"inbound": "jwt", "inbound_issuer": issuer.name, "inbound_audience": "proxy", **flags}


def with_token(token: str, header: str = "authorization", **more: str) -> list[tuple[bytes, bytes]]:
    fields = {"host": "127.0.0.1:8000", header: f"Bearer {token}"}
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    return [(name.encode(), value.encode()) for name, value in fields.items()]


async def refused(who: Callers, headers: list[tuple[bytes, bytes]]) -> Answered:
    """What the caller is answered; it must be a refusal, and must not be remembered as anything else."""
    assert who.known(headers) is None
    with pytest.raises(Refused) as caught:
        await who.identify(headers)
    assert who.known(headers) is None
    fields = dict(caught.value.headers)
    challenge = fields.get(b"www-authenticate", b"").decode()
    return Answered(caught.value.status, challenge, json.loads(caught.value.body), fields)
