"""Who may call a gateway: AWS identities with InvokeGateway on it, bearers of a token, or anybody."""

from __future__ import annotations

import aiohttp

from tests.agentcore.gateway_plane_errors import GatewayError
from tests.agentcore.signatures import Received, RefusedError, signer
from tests.agentcore.signatures_iam import Permissions
from tests.agentcore.tokens_check import BadBearerError, claims_of
from tests.agentcore.world import Gateway, World

INVOKE = "bedrock-agentcore:InvokeGateway"
OURS = "mcp-policy-proxy/"
"""How the User-Agent of the proxy begins. It decides how a refusal is worded, and nothing else."""

UNAUTHORIZED, FORBIDDEN = -32001, -32002


def boundary(came: Received) -> str:
    return f"{'proxy' if came.values().get('user-agent', '').startswith(OURS) else 'agent'} → gateway"


class Callers:
    def __init__(self, world: World, permissions: Permissions) -> None:
        self._world = world
        self._permissions = permissions

    async def admit(self, http: aiohttp.ClientSession, gateway: Gateway, came: Received, origin: str) -> str:
        """An identity of the caller, to which sessions are bound. Raises GatewayError: 401 or 403."""
        kind = gateway.request["authorizerType"]
        if kind == "NONE":
            return "anybody"
        if kind == "AWS_IAM":
            return await self._signer(gateway, came)
        if kind == "CUSTOM_JWT":
            return await self._bearer(http, gateway, came, origin)
        raise GatewayError(UNAUTHORIZED, f"The authorizer type {kind} is not emulated", 501)

    async def _signer(self, gateway: Gateway, came: Received) -> str:
        try:
            principal = signer(self._world, came)
            await self._permissions.require(principal, INVOKE, [gateway.arn])
        except RefusedError as error:
            told = f"{boundary(came)}: {error.message}"
            raise GatewayError(FORBIDDEN, told, 403, headers={"x-amzn-ErrorType": error.kind}) from None
        return principal

    async def _bearer(self, http: aiohttp.ClientSession, gateway: Gateway, came: Received, origin: str) -> str:
        authorizer = gateway.request["authorizerConfiguration"]["customJWTAuthorizer"]
        try:
            claims = await claims_of(http, authorizer, came.values().get("authorization"))
        except BadBearerError as error:
            challenge = f'Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource"'
            if error.error:
                challenge += f', error="{error.error}", error_description="{error.description}"'
            code = UNAUTHORIZED if error.status == 401 else FORBIDDEN
            told = f"{boundary(came)}: {error.description}"
            raise GatewayError(code, told, error.status, headers={"WWW-Authenticate": challenge}) from None
        return f"{claims['iss']} {claims.get('sub')}"
