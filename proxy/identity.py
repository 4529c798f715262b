"""Access tokens from AgentCore Identity (`GetResourceOauth2Token`, flow M2M), and who may share them.

A token of the flow M2M is issued to the client that the credential provider holds: to this proxy. The workload access
token that comes with a call only lets AgentCore Identity give it out, and whichever call brought it, what is given out
is the same. So the token is kept for all callers, as the one of `auth_mode=jwt` is; a workload access token is of its
call, used for the fetch which that call begins, and not kept.

https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_GetResourceOauth2Token.html
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from yarl import URL

from policies.model import Json
from proxy.errors import AuthError
from proxy.fetch import problem_of
from proxy.lease import Lease, Leased
from proxy.tokens import leased

Fetch = Callable[[], Awaitable[Lease[str]]]

_REFUSED: Final = frozenset({"AccessDeniedException", "UnauthorizedException", "ValidationException"})
CODES: Final = _REFUSED | {
    "ExpiredTokenException",
    "InternalServerException",
    "InvalidSignatureException",
    "ResourceNotFoundException",
    "ThrottlingException",
    "UnrecognizedClientException",
}
"""The only words of AgentCore Identity that an error repeats."""

_ADVICE: Final = {
    "GetResourceOauth2Token": "does the role have bedrock-agentcore:GetResourceOauth2Token on the token vault, the "
    "credential provider and the workload identity?",
    "GetWorkloadAccessToken": "does the role have bedrock-agentcore:GetWorkloadAccessToken on it, and is it one of "
    "your own? One that a Runtime manages cannot be used",
}
_log = logging.getLogger(__name__)

_WITHOUT: Final = (
    "the call brought no workload access token; on a Runtime with IAM in front it comes only for callers that send "
    "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A credential provider of AgentCore Identity, by its name. `scopes` and `audience` are those asked for."""

    name: str
    region: str
    scopes: Sequence[str] = ()
    audience: str | None = None
    clock: Callable[[], float] = time.time

    async def by_call(self, workload: str, force: bool) -> Lease[str]:
        """By the workload access token of a call. What is refused was that call's, so the error is not lasting."""
        return await self._asked(partial(_resource_token, workload=workload), force)

    async def by_identity(self, identity: str, force: bool) -> Lease[str]:
        """By a workload identity of the proxy's own."""
        return await self._asked(partial(_own_token, identity=identity), force)

    async def _asked(self, ask: Callable[..., Json], force: bool) -> Lease[str]:
        asked = self.clock()
        wanted: dict[str, Any] = {
            "resourceCredentialProviderName": self.name,
            "scopes": list(self.scopes),
            "oauth2Flow": "M2M",
            **({"audiences": [self.audience]} if self.audience else {}),
            **({"forceAuthentication": True} if force else {}),
        }
        token = await asyncio.to_thread(_with_client, self.region, partial(ask, wanted=wanted))
        return leased(f"credential provider {self.name}", token, None, asked)


class Identity:
    """The way `auth_mode=identity`. `own` are ways to a token that need no call, tried in their order."""

    def __init__(self, provider: Provider, own: Sequence[Callable[[bool], Awaitable[Lease[str]]]]) -> None:
        self._provider = provider
        self._own = tuple(own)
        self._token = Leased("access token", partial(self._fetched, None, False), clock=provider.clock)
        self._had = asyncio.Event()

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        if workload is None and not self._own:
            token = self._token.held()
            if token is None:
                raise AuthError(f"access token: {_WITHOUT}; or set MCP_PROXY_WORKLOAD_IDENTITY", told=_WITHOUT)
        else:
            token = await self._token.get(self._by(workload, False))
        return {"Authorization": f"Bearer {token}"}

    async def refused(self, status: int, workload: str | None = None) -> bool:
        """On a 403 a new token would lack the same right."""
        if status != 401 or (workload is None and not self._own):
            return False
        return await self._token.renew(self._by(workload, True) or partial(self._fetched, None, True))

    async def ready(self) -> None:
        """Waits until there is a token, or a way to one that needs no call."""
        if not self._own and self._token.held() is None:
            _log.info("discovery waits for the first call that brings a workload access token")
        while not self._own and self._token.held() is None:
            self._had.clear()
            await self._had.wait()

    async def open(self) -> None:
        """Nothing is fetched before the first request."""

    async def close(self) -> None:
        await self._token.close()

    def _by(self, workload: str | None, force: bool) -> Fetch | None:
        return None if workload is None else partial(self._fetched, workload, force)

    async def _fetched(self, workload: str | None, force: bool) -> Lease[str]:
        """By the call's workload access token, where it has one, then by the proxy's own ways."""
        ways: list[Fetch] = [partial(way, force) for way in self._own]
        if workload is not None:
            ways.insert(0, partial(self._provider.by_call, workload, force))
        failed: list[AuthError] = []
        for way in ways:
            try:
                lease = await way()
            except AuthError as error:
                failed.append(error)
            else:
                self._had.set()  # whoever waits for it goes on after this fetch, when it is taken
                return lease
        raise AuthError("; ".join(map(str, failed)), lasting=failed[0].lasting)


def _with_client(region: str, ask: Callable[[Any], Json]) -> Json:
    """In a thread: `ask` with a client of AgentCore's data plane. Raises AuthError."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from proxy.aws import session

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        with closing(session().create_client("bedrock-agentcore", region_name=region, config=config)) as client:
            if problem := problem_of(client.meta.endpoint_url):
                raise AuthError(f"AgentCore Identity: the endpoint configured for it {problem}")
            return ask(client)
    except ClientError as error:
        raise _refusal(error.operation_name, error.response.get("Error", {}).get("Code")) from None
    except BotoCoreError as error:
        raise AuthError(f"AgentCore Identity: could not be asked ({type(error).__name__})") from None


def _resource_token(client: Any, *, workload: str, wanted: dict[str, Any]) -> Json:
    answer = client.get_resource_oauth2_token(workloadIdentityToken=workload, **wanted)
    if "accessToken" not in answer and "authorizationUrl" in answer:
        raise AuthError("AgentCore Identity: the credential provider asks for a user's consent; it must grant M2M")
    return answer.get("accessToken")


def _own_token(client: Any, *, identity: str, wanted: dict[str, Any]) -> Json:
    workload = client.get_workload_access_token(workloadName=identity)["workloadAccessToken"]
    return _resource_token(client, workload=workload, wanted=wanted)


def _refusal(operation: str, code: Json) -> AuthError:
    said = code if code in CODES else "an error"
    return AuthError(
        f"AgentCore Identity: {operation} answered {said}; {_ADVICE[operation]}", lasting=code not in _REFUSED
    )
