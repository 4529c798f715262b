"""AgentCore Identity's data plane: workload access tokens, and OAuth tokens of a credential provider (M2M).

No answer says when its token ends (the model has no expires_in). Operations are signed for `bedrock-agentcore`. The
resources that a caller's policies must allow are those of AWS's page "Scope down access to credential providers".
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from aiohttp import web
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.agentcore.signatures import RefusedError, received, signer
from tests.agentcore.signatures_iam import DIRECTORY, VAULT, Permissions
from tests.agentcore.tokens_pools import new_key
from tests.agentcore.world import Provider, World

Json = dict[str, Any]

LIFE_S = 3600
_MANAGED = "WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller"


class Identity:
    """Workload access tokens of this emulator: made for a workload, maybe on behalf of a user, and read again."""

    def __init__(self, world: World, permissions: Permissions) -> None:
        self._world = world
        self._permissions = permissions
        self._kept: RSAKey | None = None

    def workload_token(self, workload: str, user: str | None = None) -> str:
        claims = {"workload": workload, "user": user, "exp": time.time() + LIFE_S}
        return jws.serialize_compact({"alg": "RS256"}, json.dumps(claims).encode(), self._key)

    def workload_of(self, token: str) -> str:
        """Raises RefusedError unless the token is one of ours and not over."""
        try:
            claims = json.loads(jws.deserialize_compact(token, self._key, algorithms=["RS256"]).payload)
        except (JoseError, ValueError):
            raise RefusedError("UnauthorizedException", "The workload identity token is not valid", 401) from None
        if claims["exp"] <= time.time():
            raise RefusedError("UnauthorizedException", "The workload identity token has expired", 401)
        return str(claims["workload"])

    @property
    def _key(self) -> RSAKey:
        self._kept = self._kept or new_key()
        return self._kept

    async def workload_access_token(self, principal: str, action: str, given: Json) -> Json:
        """GetWorkloadAccessToken and its two siblings. A workload that a service manages is refused."""
        name = _text(given, "workloadName")
        resources = [DIRECTORY, f"{DIRECTORY}/workload-identity/{name}"]
        await self._permissions.require(principal, f"bedrock-agentcore:{action}", resources)
        if name not in self._world.identities and not self._managed(name):
            raise RefusedError("ResourceNotFoundException", f"Workload identity {name} does not exist", 404)
        if self._managed(name):
            raise RefusedError("AccessDeniedException", _MANAGED)
        user = {"GetWorkloadAccessTokenForJWT": "userToken", "GetWorkloadAccessTokenForUserId": "userId"}.get(action)
        return {"workloadAccessToken": self.workload_token(name, _text(given, user) if user else None)}

    def _managed(self, name: str) -> bool:
        owned = {runtime.workload_identity.rsplit("/", 1)[-1] for runtime in self._world.runtimes.values()}
        return name in owned or bool(self._world.identities.get(name, {}).get("managedBy"))

    async def resource_token(self, http: aiohttp.ClientSession, principal: str, given: Json) -> Json:
        """GetResourceOauth2Token for the flow M2M."""
        workload = self.workload_of(_text(given, "workloadIdentityToken"))
        name = _text(given, "resourceCredentialProviderName")
        resources = [
            DIRECTORY,
            f"{DIRECTORY}/workload-identity/{workload}",
            VAULT,
            f"{VAULT}/oauth2credentialprovider/{name}",
        ]
        await self._permissions.require(principal, "bedrock-agentcore:GetResourceOauth2Token", resources)
        if given.get("oauth2Flow") != "M2M":
            raise RefusedError("ValidationException", "Only the flow M2M is emulated", 400)
        provider = self._world.providers.get(name)
        if provider is None:
            raise RefusedError("ResourceNotFoundException", f"Credential provider {name} does not exist", 404)
        scopes, extra = list(given.get("scopes", ())), dict(given.get("customParameters") or {})
        return {"accessToken": await provider_token(http, provider, scopes, extra)}


async def provider_token(
    http: aiohttp.ClientSession, provider: Provider, scopes: list[str], extra: dict[str, str] | None = None
) -> str:
    """A token of the client credentials grant, for the client that `provider` holds. Raises RefusedError."""
    settings = next(iter(provider.request["oauth2ProviderConfigInput"].values()))
    secret = provider.client_secret or settings.get("clientSecret", "")
    pair = f"{quote_plus(settings.get('clientId', ''))}:{quote_plus(secret)}"
    form = {**(extra or {}), "grant_type": "client_credentials"} | ({"scope": " ".join(scopes)} if scopes else {})
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    try:
        url = await _token_endpoint(http, settings)
        async with http.post(url, data=form, headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as answer:
            document = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
        why = f"its token endpoint could not be asked ({type(error).__name__})"
        raise RefusedError("ValidationException", f"Credential provider {provider.name}: {why}", 400) from None
    if answer.status != 200:
        why = f"its token endpoint answered {answer.status} ({document.get('error')})"
        raise RefusedError("ValidationException", f"Credential provider {provider.name}: {why}", 400)
    return str(document["access_token"])


async def _token_endpoint(http: aiohttp.ClientSession, settings: Json) -> str:
    discovery = settings.get("oauthDiscovery", {})
    known = settings.get("tokenEndpoint") or discovery.get("authorizationServerMetadata", {}).get("tokenEndpoint")
    if known:
        return str(known)
    async with http.get(discovery["discoveryUrl"], timeout=aiohttp.ClientTimeout(total=10)) as answer:
        return str((await answer.json(content_type=None))["token_endpoint"])


def _text(given: Json, member: str) -> str:
    value = given.get(member)
    if not isinstance(value, str) or not value:
        raise RefusedError("ValidationException", f"{member} is required", 400)
    return value


def add_routes(
    router: web.UrlDispatcher, world: World, identity: Identity, http: Callable[[], aiohttp.ClientSession]
) -> None:
    """The operations at their places in botocore's model."""

    def serve(operation: Callable[[str, Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            body = await request.read()
            try:
                principal = signer(world, received(request, body))
                return web.json_response(await operation(principal, _parsed(body)))
            except RefusedError as error:
                return error.at("workload → AgentCore Identity").response()

        return answer

    for name in ("GetWorkloadAccessToken", "GetWorkloadAccessTokenForJWT", "GetWorkloadAccessTokenForUserId"):

        async def workload(principal: str, given: Json, name: str = name) -> Json:
            return await identity.workload_access_token(principal, name, given)

        router.add_post(f"/identities/{name}", serve(workload))
    router.add_post("/identities/oauth2/token", serve(lambda who, given: identity.resource_token(http(), who, given)))


def _parsed(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedError("ValidationException", "The body is not a JSON object", 400)
    return found
