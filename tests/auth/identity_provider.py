"""An identity provider on loopback: metadata and a token endpoint that checks its client, and can misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from policies.policy import Secrets
from proxy.discovery import OAUTH, OIDC

POOL = "us-east-1_AbC123"
"""The provider as a Cognito user pool: metadata is under this path too."""


@dataclass
class Provider:
    """Issues `token-1`, `token-2` … to the client it knows. Set a field to make it misbehave."""

    client: tuple[str, str] = ("client", "s3cret")
    also: str | None = None
    """The client's second live secret."""
    answer: dict[str, Any] = field(default_factory=dict)
    """Members over those of the token answer; None removes one."""
    status: int = 200
    raw: bytes | None = None
    redirect: str | None = None
    slow_s: float = 0
    endless: bool = False
    hidden: set[str] = field(default_factory=set)
    metadata: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    fetches: int = 0
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def token(self, request: web.Request) -> web.StreamResponse:
        self.fetches += 1
        self.forms.append({key: str(value) for key, value in (await request.post()).items()})
        self.headers.append(dict(request.headers))
        number = self.fetches
        await asyncio.sleep(self.slow_s)
        if self.endless:
            return await self.pour(request)
        if self.redirect:
            raise web.HTTPTemporaryRedirect(self.redirect)
        if self.raw is not None:
            return web.Response(status=self.status, body=self.raw, content_type="application/json")
        if self.status != 200:
            return web.json_response(self.answer, status=self.status)
        name, secret = self.shown(request)
        if name != self.client[0] or secret not in (self.client[1], self.also):
            return web.json_response({"error": "invalid_client"}, status=401)
        answer = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": 3600, **self.answer}
        return web.json_response({key: value for key, value in answer.items() if value is not None})

    def shown(self, request: web.Request) -> tuple[str, str]:
        """Id and secret of Basic client authentication, decoded as RFC 6749, section 2.3.1 says."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        assert scheme == "Basic"
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)

    async def pour(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b" " * 65_536)
        return response

    async def describe(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path in self.hidden:
            raise web.HTTPNotFound
        document = {"issuer": f"{self.url}/pool", "token_endpoint": f"{self.url}/oauth2/token", **self.metadata}
        return web.json_response({key: value for key, value in document.items() if value is not None})


@contextlib.asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Provider]:
    app = web.Application()
    app.router.add_post("/oauth2/token", provider.token)
    for path in (f"{OAUTH}/pool", f"/pool{OIDC}", f"/{POOL}{OIDC}", f"{OIDC}/pool"):
        app.router.add_get(path, provider.describe)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    provider.url = f"http://{host}:{port}"
    try:
        yield provider
    finally:
        await runner.cleanup()


@dataclass
class Given(Secrets):
    """Secrets given by a test."""

    values: dict[str, str] = field(default_factory=lambda: {"env:SECRET": "s3cret"})
    reads: int = 0

    async def get(self, reference: str) -> str:
        self.reads += 1
        try:
            return self.values[reference]
        except KeyError:
            raise LookupError(f"{reference}: is not there") from None


def jwt(claims: dict[str, Any]) -> str:
    """An unsigned JWT, as far as the proxy reads one."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.{part('signature')}"
