"""An OpenID provider on loopback that logs everybody in as alice, and an MCP client that goes the whole way."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from aiohttp import web

from tests.inbound.issuer import Issuer

CALLBACK = "http://127.0.0.1:9999/callback"


@dataclass
class Provider(Issuer):
    """`tokens` are the claims over those of an access token, `granted` is what comes beside one."""

    tokens: dict[str, Any] = field(default_factory=lambda: {"aud": None, "client_id": "proxy", "scope": "openid read"})
    granted: dict[str, Any] = field(default_factory=lambda: {"expires_in": 600, "refresh_token": "again"})
    codes: dict[str, str] = field(default_factory=dict)
    authorized: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    async def authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.authorized.append(query)
        code = secrets.token_hex(8)
        self.codes[code] = query["code_challenge"]
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    async def grant(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.forms.append(form)
        if form["grant_type"] == "authorization_code" and self.codes.pop(form["code"], "") != challenge(
            form["code_verifier"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.given.append(self.token(**self.tokens))
        return web.json_response({"access_token": self.given[-1], "token_type": "Bearer", **self.granted})

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/authorize", self.authorize)
        app.router.add_post("/token", self.grant)
        return app

    async def describe(self, request: web.Request) -> web.Response:
        self.metadata = {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return await super().describe(request)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class Client:
    """What an MCP client does from the first 401 on. Raises AssertionError where a step is not as specified."""

    session: aiohttp.ClientSession
    url: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    server: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""

    async def login(self) -> dict[str, Any]:
        """Metadata, registration, authorization with PKCE, consent, callback: the token answer."""
        await self.discover()
        await self.register()
        return await self.exchange(await self.authorize())

    async def discover(self) -> None:
        async with self.session.post(self.url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}) as answer:
            assert answer.status == 401
            where = answer.headers["WWW-Authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        async with self.session.get(where) as answer:
            resource = await answer.json()
        assert resource["resource"] == self.url
        issuer = resource["authorization_servers"][0]
        async with self.session.get(issuer.rstrip("/") + "/.well-known/oauth-authorization-server") as answer:
            self.server = await answer.json()
        assert self.server["issuer"] == issuer
        assert self.server["code_challenge_methods_supported"] == ["S256"]

    async def register(self) -> None:
        wanted = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "client_name": "tests"}
        async with self.session.post(self.server["registration_endpoint"], json=wanted) as answer:
            assert answer.status == 201, await answer.text()
            self.client_id = (await answer.json())["client_id"]

    async def authorize(self) -> str:
        """The code that arrives at the client's callback."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "state": "mine",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.url,
        }
        found = await self.browse(f"{self.server['authorization_endpoint']}?{urlencode(query)}")
        assert found["state"] == "mine"
        return found["code"]

    async def browse(self, location: str) -> dict[str, str]:
        """What a browser with an agreeing user brings to the client's callback."""
        while not location.startswith(CALLBACK):
            location = await self._step(location)
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    async def _step(self, location: str) -> str:
        async with self.session.get(location, allow_redirects=False) as answer:
            if answer.status in (302, 303, 307):
                return answer.headers["Location"]
            page = await answer.text()
        assert "/consent" in location, page
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        form = {name: unescape(value) for name, value in form.items()} | {"action": "approve"}
        async with self.session.post(location, data=form, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            return answer.headers["Location"]

    async def exchange(self, code: str, **more: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": self.client_id}
        form |= {"code_verifier": self.verifier, "resource": self.url, **more}
        async with self.session.post(self.server["token_endpoint"], data=form) as answer:
            found: dict[str, Any] = await answer.json()
            return {**found, "status": answer.status}
