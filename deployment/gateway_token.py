"""A token for a gateway that lets in bearers: as the client that we made for it, or as the proxy's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployment import gateway_pool_find as pools
from deployment.errors import DeployError
from deployment.gateway_names import GatewayNames
from deployment.gateway_secret import outbound_arn
from deployment.run import Run
from proxy.discovery import Endpoint, Known, of_issuer
from proxy.errors import AuthError, ClientRefusedError
from proxy.lease import Lease
from proxy.references import References
from proxy.tokens import ClientCredentials

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A proof of who calls, for `proxy.client`."""

    token: str = field(repr=False)

    def headers(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def advice(self, status: int, kind: str) -> str:
        return "the gateway does not let this client in: look at its authorizer's allowed clients and scopes"


def bearer(run: Run, gateway: Json) -> Bearer | None:
    """None where no client of ours is among those that the gateway lets in. Raises DeployError."""
    authorizer = (gateway.get("authorizerConfiguration") or {}).get("customJWTAuthorizer") or {}
    client = _ours(run, gateway, authorizer) or _proxys(run, authorizer)
    if client is None:
        return None
    try:
        return Bearer(token=asyncio.run(_fetched(client)).value)
    except AuthError as error:
        raise DeployError(f"no token for gateway {gateway['gatewayId']}: {error}") from None


async def _fetched(client: ClientCredentials) -> Lease[str]:
    async with asyncio.timeout(30):
        return await client.fetch()


def refused(discovery_url: str, client_id: str, scopes: Sequence[str], secret: str) -> str | None:
    """Why no token could be asked for from here; None where one was given.

    Raises DeployError where the identity provider refuses this client with this secret.
    """
    client = ClientCredentials(
        endpoint=of_issuer(discovery_url),
        secrets=_Told(secret),
        client_id=client_id,
        secret="given",
        scope=" ".join(scopes) or None,
    )
    try:
        asyncio.run(_fetched(client))
    except ClientRefusedError as error:
        raise DeployError(f"the identity provider refuses client {client_id} with this secret: {error}") from None
    except (AuthError, TimeoutError) as error:
        return str(error) or "no answer within 30 s"
    return None


class _Told:
    """A secret that is at hand, for a reader of references."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def get(self, reference: str) -> str:
        return self._text


def _ours(run: Run, gateway: Json, authorizer: Json) -> ClientCredentials | None:
    named = GatewayNames(
        agent=run.config.agent_name, name=gateway["name"], region=run.account.region, account=run.account.id
    )
    found = pools.look(run, named)
    if found.client is None or found.secret is None or found.client not in (authorizer.get("allowedClients") or ()):
        return None
    return _client(of_issuer(authorizer["discoveryUrl"]), found.client, found.secret, named.scope)


def _proxys(run: Run, authorizer: Json) -> ClientCredentials | None:
    config, secret = run.config, outbound_arn(run)
    if secret is None or config.cognito_client_id not in (authorizer.get("allowedClients") or ()):
        return None
    endpoint = Known(config.token_url) if config.token_url else of_issuer(authorizer["discoveryUrl"])
    return _client(endpoint, str(config.cognito_client_id), secret, config.scope)


def _client(endpoint: Endpoint, name: str, secret: str, scope: str | None) -> ClientCredentials:
    return ClientCredentials(endpoint=endpoint, secrets=References(), client_id=name, secret=secret, scope=scope)
