"""How a gateway proves to a target who it is: its role's signature, or a token of a credential provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.agentcore.signatures import Keys, Received, RefusedError, mint
from tests.agentcore.signatures_iam import DIRECTORY, VAULT, Permissions
from tests.agentcore.tokens_identity import provider_token
from tests.agentcore.world import Gateway, Json, Provider, Target, World

Tamper = Callable[[Received], Received]
"""What a test does to a request on its way from a gateway to a target, after it was signed."""


def untouched(request: Received) -> Received:
    return request


class Outbound:
    """Adds credentials to requests to targets. `tamper` may be set by a test."""

    def __init__(self, world: World, permissions: Permissions) -> None:
        self._world = world
        self._permissions = permissions
        self._keys: dict[str, Keys] = {}
        self.tamper: Tamper = untouched

    async def signed(
        self, http: aiohttp.ClientSession, gateway: Gateway, target: Target, url: str, request: Received
    ) -> Received:
        """`request` with what the target's credential provider gives. Raises RefusedError."""
        given = next(iter(target.request.get("credentialProviderConfigurations", ())), None)
        if given is None:
            return self.tamper(request)
        provider = given.get("credentialProvider", {})
        if given["credentialProviderType"] == "GATEWAY_IAM_ROLE":
            return self.tamper(self._by_role(gateway, provider["iamCredentialProvider"], url, request))
        if given["credentialProviderType"] == "OAUTH":
            token = await self._token(http, gateway, provider["oauthCredentialProvider"])
            return self.tamper(_plus(request, Authorization=f"Bearer {token}"))
        raise RefusedError("ValidationException", f"{given['credentialProviderType']} is not emulated", 400)

    def role_keys(self, gateway: Gateway) -> Keys:
        """A temporary key of the gateway's role, the same while the emulator runs."""
        role = gateway.request["roleArn"]
        if role not in self._keys:
            self._keys[role] = mint(self._world, role, f"gateway-{gateway.id[-10:]}")
        return self._keys[role]

    def _by_role(self, gateway: Gateway, provider: Json, url: str, request: Received) -> Received:
        keys = self.role_keys(gateway)
        signing = AWSRequest(request.method, url, data=request.body, headers=dict(request.headers))
        region = provider.get("region") or gateway.arn.split(":")[3]
        SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), provider["service"], region).add_auth(
            signing
        )
        return replace(request, headers=tuple((name, str(value)) for name, value in signing.headers.items()))

    async def _token(self, http: aiohttp.ClientSession, gateway: Gateway, given: Json) -> str:
        """A token of the client credentials grant, as far as the gateway's role may have it."""
        provider = next((each for each in self._world.providers.values() if each.arn == given["providerArn"]), None)
        if provider is None:
            raise RefusedError("ResourceNotFoundException", "The credential provider does not exist", 404)
        await self._require(gateway, provider)
        return await provider_token(http, provider, list(given["scopes"]), given.get("customParameters"))

    async def _require(self, gateway: Gateway, provider: Provider) -> None:
        principal = self._world.principals[self.role_keys(gateway).access_key]
        identity = [DIRECTORY, f"{DIRECTORY}/workload-identity/{gateway.id}"]
        needed = {
            "bedrock-agentcore:GetWorkloadAccessToken": identity,
            "bedrock-agentcore:GetResourceOauth2Token": [VAULT, provider.arn, *identity],
            "secretsmanager:GetSecretValue": [provider.secret_arn] if provider.secret_arn else [],
        }
        for action, resources in needed.items():
            await self._permissions.require(principal, action, resources)


def _plus(request: Received, **headers: str) -> Received:
    return replace(request, headers=(*request.headers, *headers.items()))


def target_of(url: str) -> str:
    """The request target of a URL, encoded as it stands."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
