"""AgentCore Identity's data plane on loopback: it gives out tokens for workload access tokens that it knows."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.auth.identity_provider import jwt


@dataclass
class AgentCoreIdentity:
    """Issues JWTs numbered 1, 2 … that end `lasts` seconds from `now`, for the workload tokens in `workloads`."""

    now: float
    lasts: float = 3600
    provider: str = "gateway-client"
    workloads: set[str] = field(default_factory=set)
    identities: set[str] = field(default_factory=set)
    error: tuple[int, str] | None = None
    consent: bool = False
    opaque: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[dict[str, Any]] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    def token(self, number: int) -> str:
        return "CANARY-opaque" if self.opaque else jwt({"exp": self.now + self.lasts, "number": number})

    async def own(self, request: web.Request) -> web.Response:
        given = await self._read(request)
        self.owned.append(given["workloadName"])
        if given["workloadName"] not in self.identities:
            return _refused(403, "AccessDeniedException")
        token = f"own-{given['workloadName']}"
        self.workloads.add(token)
        return web.json_response({"workloadAccessToken": token})

    async def resource(self, request: web.Request) -> web.Response:
        given = await self._read(request)
        self.asked.append(given)
        number = len(self.asked)
        await self.gate.wait()
        if self.error:
            return _refused(*self.error)
        if given["workloadIdentityToken"] not in self.workloads:
            return _refused(401, "UnauthorizedException")
        if given["resourceCredentialProviderName"] != self.provider:
            return _refused(404, "ResourceNotFoundException")
        if self.consent:
            return web.json_response({"authorizationUrl": "https://login.example/CANARY"})
        return web.json_response({"accessToken": self.token(number)})

    async def _read(self, request: web.Request) -> dict[str, Any]:
        assert "/us-east-1/bedrock-agentcore/aws4_request" in request.headers["Authorization"]
        return dict(json.loads(await request.read()))


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"message": "CANARY"}, status=status, headers={"x-amzn-ErrorType": code})


@contextlib.asynccontextmanager
async def serving(service: AgentCoreIdentity, environ: pytest.MonkeyPatch) -> AsyncIterator[AgentCoreIdentity]:
    """The service, with an environment that points the SDK to it."""
    app = web.Application()
    app.router.add_post("/identities/GetWorkloadAccessToken", service.own)
    app.router.add_post("/identities/oauth2/token", service.resource)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    service.url = f"http://{host}:{port}"
    environ.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", service.url)
    environ.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    environ.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-secret")
    try:
        yield service
    finally:
        await runner.cleanup()
