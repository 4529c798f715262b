"""Who may call a runtime: AWS identities with the permission, or bearers of a token that its authorizer accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp

from tests.agentcore.runtime_plane_errors import PlatformError
from tests.agentcore.runtime_plane_headers import USER
from tests.agentcore.signatures import Received, RefusedError, signer
from tests.agentcore.signatures_iam import Permissions
from tests.agentcore.tokens_check import BadBearerError, claims_of
from tests.agentcore.world import Json, Runtime, World

INVOKE = "bedrock-agentcore:InvokeAgentRuntime"
INVOKE_FOR_USER = "bedrock-agentcore:InvokeAgentRuntimeForUser"

_MISMATCH = (
    "Authorization method mismatch. The agent is configured for a different authorization method than what was used "
    "in your request: SigV4 or OAuth"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A caller who may. `user` is whom the workload access token speaks for: no user, no such token."""

    user: str | None


class Callers:
    def __init__(self, world: World, permissions: Permissions) -> None:
        self._world = world
        self.permissions = permissions

    async def admit(
        self, http: aiohttp.ClientSession, runtime: Runtime, request: Json, qualifier: str, came: Received, origin: str
    ) -> Admitted:
        """Raises PlatformError: 401 or 403."""
        headers = came.values()
        authorizer = request.get("authorizerConfiguration", {}).get("customJWTAuthorizer")
        scheme = headers.get("authorization", "").partition(" ")[0].lower()
        if scheme and (scheme == "bearer") != bool(authorizer):
            raise PlatformError(-32002, _MISMATCH)
        if authorizer:
            return await self._bearer(http, authorizer, headers, metadata_url(origin, runtime.arn, qualifier))
        return await self._signer(runtime, qualifier, came, headers)

    async def _bearer(
        self, http: aiohttp.ClientSession, authorizer: Json, headers: Mapping[str, str], metadata: str
    ) -> Admitted:
        try:
            claims = await claims_of(http, authorizer, headers.get("authorization"))
        except BadBearerError as error:
            challenge = f'Bearer resource_metadata="{metadata}"'
            if error.error:
                challenge += f', error="{error.error}", error_description="{error.description}"'
            code = -32001 if error.status == 401 else -32002
            raise PlatformError(code, error.description, headers={"WWW-Authenticate": challenge}) from None
        return Admitted(user=str(claims.get("sub")))

    async def _signer(self, runtime: Runtime, qualifier: str, came: Received, headers: Mapping[str, str]) -> Admitted:
        user = headers.get(USER.lower())
        try:
            principal = signer(self._world, came)
            resources = [runtime.arn, f"{runtime.arn}/runtime-endpoint/{qualifier}"]
            await self.permissions.require(principal, INVOKE, resources)
            if user:
                await self.permissions.require(principal, INVOKE_FOR_USER, resources)
        except RefusedError as error:
            raise PlatformError(-32002, error.message, kind=error.kind) from None
        return Admitted(user=user)


def metadata_url(origin: str, arn: str, qualifier: str) -> str:
    """Where a JWT runtime's RFC 9728 metadata is, as its 401 says."""
    path = f"/runtimes/{quote(arn, safe='')}/invocations/.well-known/oauth-protected-resource"
    return f"{origin}{path}?qualifier={qualifier}"
