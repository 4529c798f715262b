"""What the token endpoint knows of moto's user pools, and the keys that sign for them."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from joserfc import jws
from joserfc.jwk import RSAKey

from tests.agentcore.signatures_iam import moto_client
from tests.agentcore.world import Faults

LIVE_SECRETS = 2
"""Client secrets that may live at a time, so that one can be rotated without a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An app client, as moto describes it. `secret` is the one that it was made with, or None."""

    id: str
    pool: str
    secret: str | None = field(repr=False)
    flows: tuple[str, ...]
    auth_flows: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass
class Secret:
    id: str
    value: str = field(repr=False)
    made: float = field(default_factory=time.time)


class Pools:
    """Reads pools and clients from moto at every question; keys and further secrets are kept here."""

    def __init__(self, moto: str, faults: Faults) -> None:
        self._cognito = moto_client("cognito-idp", moto)
        self._faults = faults
        self._keys: dict[str, list[RSAKey]] = {}
        self._secrets: dict[str, list[Secret]] = {}
        self._of: dict[str, str] = {}

    @property
    def life_s(self) -> int:
        """How long a token lives. Set `faults.token_life_s` for another life, also one that is already over."""
        return self._faults.token_life_s

    async def exists(self, pool: str) -> bool:
        return await self._pool(pool) is not None

    async def domain(self, pool: str) -> str | None:
        found = await self._pool(pool)
        return found.get("Domain") or found.get("CustomDomain") if found else None

    async def _pool(self, pool: str) -> dict[str, Any] | None:
        answer = await asyncio.to_thread(self._ask, self._cognito.describe_user_pool, UserPoolId=pool)
        return None if answer is None else answer["UserPool"]

    async def client(self, name: str) -> Client | None:
        """The client of that id in whatever pool."""
        return await asyncio.to_thread(self._client, name)

    def _client(self, name: str) -> Client | None:
        pools = [self._of[name]] if name in self._of else self._pool_ids()
        for pool in pools:
            answer = self._ask(self._cognito.describe_user_pool_client, UserPoolId=pool, ClientId=name)
            if answer is not None:
                self._of[name] = pool
                return _client(pool, answer["UserPoolClient"])
        return None

    def _pool_ids(self) -> list[str]:
        pages = self._cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60})
        return [pool["Id"] for page in pages for pool in page["UserPools"]]

    @staticmethod
    def _ask(operation: Any, **parameters: str) -> Any:
        try:
            return operation(**parameters)
        except ClientError:
            return None

    def secrets(self, client: Client) -> list[Secret]:
        """The live secrets, the one that it was made with first."""
        if client.id not in self._secrets and client.secret:
            self._secrets[client.id] = [Secret(f"{client.id}--1", client.secret)]
        return self._secrets.setdefault(client.id, [])

    def knows(self, client: Client, secret: str) -> bool:
        return any(hmac.compare_digest(live.value.encode(), secret.encode()) for live in self.secrets(client))

    def add_secret(self, client: Client, value: str | None) -> Secret:
        fresh = Secret(f"{client.id}--{uuid.uuid4().hex[:8]}", value or secrets.token_hex(25))
        self.secrets(client).append(fresh)
        return fresh

    def token(self, client: Client, issuer: str, scopes: list[str]) -> str:
        """An access token as Cognito makes one: `client_id` and `scope`, and no `aud`."""
        now = int(time.time())
        claims = {
            "sub": client.id,
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": now,
            "iss": issuer,
            "exp": now + self.life_s,
            "iat": now,
            "version": 2,
            "jti": str(uuid.uuid4()),
            "client_id": client.id,
        }
        return self.sign(client.pool, claims)

    def sign(self, pool: str, claims: dict[str, Any]) -> str:
        """Any claims, signed with the pool's newest key."""
        key = self._of_pool(pool)[-1]
        return jws.serialize_compact({"alg": "RS256", "kid": key.kid}, json.dumps(claims).encode(), key)

    def published(self, pool: str) -> list[dict[str, Any]]:
        return [{**key.as_dict(private=False), "use": "sig", "alg": "RS256"} for key in self._of_pool(pool)]

    def rotate(self, pool: str) -> None:
        """A new key, and no other: tokens signed before are good no longer."""
        self._keys[pool] = [new_key()]

    def _of_pool(self, pool: str) -> list[RSAKey]:
        if pool not in self._keys:
            self.rotate(pool)
        return self._keys[pool]


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_urlsafe(8)})


def _client(pool: str, found: dict[str, Any]) -> Client:
    secret = found.get("ClientSecret")
    return Client(
        id=found["ClientId"],
        pool=pool,
        secret=plain(secret) if secret else None,
        flows=tuple(found.get("AllowedOAuthFlows", ())) if found.get("AllowedOAuthFlowsUserPoolClient") else (),
        auth_flows=tuple(found.get("ExplicitAuthFlows", ())),
        scopes=tuple(found.get("AllowedOAuthScopes", ())),
    )


def plain(secret: str) -> str:
    """moto's secret as AWS would have made it: the pattern of a ClientSecret has no dashes."""
    return secret.replace("-", "")
