"""An issuer on loopback: metadata, keys that can be rotated, and tokens that can be wrong in every way."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from proxy.discovery import OAUTH, OIDC

Key = RSAKey | ECKey | OKPKey


def new_key(kid: str = "one", kind: Literal["RSA", "EC", "OKP"] = "RSA", curve: str = "") -> Key:
    parameters = {"kid": kid}
    if kind == "RSA":
        return RSAKey.generate_key(int(curve or 2048), parameters)
    if kind == "EC":
        return ECKey.generate_key(curve or "P-256", parameters)  # type: ignore[arg-type]
    return OKPKey.generate_key(curve or "Ed25519", parameters)  # type: ignore[arg-type]


@dataclass
class Issuer:
    """Set a field to make it behave otherwise. `signing` signs; `published` is what its key set holds."""

    signing: Key = field(default_factory=new_key)
    published: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    away: bool = False
    raw: bytes | None = None
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.published = self.published or [public(self.signing)]

    @property
    def name(self) -> str:
        """The issuer identifier."""
        return f"{self.url}/pool"

    def rotate(self, kid: str) -> None:
        """Sign with a new key, and publish it beside the others."""
        self.signing = new_key(kid)
        self.published.append(public(self.signing))

    def claims(self, **given: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.name, "aud": "proxy", "sub": "alice", "client_id": "agent", "scope": "read write"}
        claims |= {"iat": now, "exp": now + 600, **given}
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, alg: str = "RS256", key: Key | None = None, header: dict[str, Any] | None = None, **given: Any
    ) -> str:
        """A signed token; claims and parts of the header given as None are left out."""
        key = key or self.signing
        head = {"typ": "JWT", "alg": alg, "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
        return jws.serialize_compact(head, json.dumps(self.claims(**given)).encode(), key, registry=registry)

    async def describe(self, request: web.Request) -> web.Response:
        self._seen(request)
        document = {"issuer": self.name, "jwks_uri": f"{self.url}/keys", **self.metadata}
        return web.json_response({key: value for key, value in document.items() if value is not None})

    async def keys(self, request: web.Request) -> web.Response:
        self._seen(request)
        if self.raw is not None:
            return web.Response(body=self.raw, content_type="application/json")
        return web.json_response({"keys": self.published})

    def _seen(self, request: web.Request) -> None:
        self.asked.append(request.path)
        if self.away:
            raise web.HTTPServiceUnavailable
        if request.path in self.hidden:
            raise web.HTTPNotFound

    def app(self) -> web.Application:
        app = web.Application()
        for path in (f"{OAUTH}/pool", f"/pool{OIDC}", f"{OIDC}/pool"):
            app.router.add_get(path, self.describe)
        app.router.add_get("/keys", self.keys)
        return app


def public(key: Key) -> dict[str, Any]:
    return {**key.as_dict(private=False), "use": "sig"}


def compact(*parts: Any) -> str:
    """JSON parts as the compact form has them; bytes stay bytes."""
    raw = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in raw)


def hs256_with(public_key: Key, claims: dict[str, Any]) -> str:
    """The confusion of RFC 8725, section 2.1: a symmetric signature whose secret is the public key."""
    signed = compact({"alg": "HS256", "kid": public_key.kid}, claims)
    secret = public_key.as_pem(private=False)
    return f"{signed}.{compact(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def unsigned(claims: dict[str, Any]) -> str:
    return compact({"alg": "none", "kid": "one"}, claims) + "."


@contextlib.asynccontextmanager
async def serving(issuer: Issuer, port: int = 0) -> AsyncIterator[Issuer]:
    runner = web.AppRunner(issuer.app(), handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    issuer.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield issuer
    finally:
        await runner.cleanup()
