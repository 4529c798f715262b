"""Outbound auth: what proves to the upstream who the proxy is. `outbound` picks the way that `auth_mode` names.

The upstream client calls `sign` for every request with exactly what it is going to send, and `refused` when the answer
is 401 or 403.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from yarl import URL

from policies.policy import Secrets
from proxy.address import address
from proxy.auth_client import client_of, reference_of
from proxy.auth_modes import Anonymous, ApiKey, Bearer, Iam, Passthrough
from proxy.aws import SERVICE, credentials, named_by
from proxy.errors import AuthError, ConfigError
from proxy.identity import Identity, Provider
from proxy.lease import Lease, Leased
from proxy.loopback import is_loopback
from proxy.settings import Settings
from proxy.sigv4 import Signer

if TYPE_CHECKING:
    from proxy.client_auth import BearerAuth as BearerAuth
    from proxy.client_auth import SigV4Auth as SigV4Auth

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PROVIDER: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_FRAMING: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade"}
)

_log = logging.getLogger(__name__)


class Auth(Protocol):
    """One way of proving to the upstream who calls."""

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        """Headers to add to this very request. A header returned replaces one of the same name. Raises AuthError.

        `authorization` is the caller's own Authorization value, or None; `workload` is the workload access token of
        the call, or None. Each comes only in the mode that uses it, and nothing else of the caller's does.
        """
        ...

    async def refused(self, status: int, workload: str | None = None) -> bool:
        """The upstream answered `status` (401 or 403): True when a second try, at most one, may succeed."""
        ...

    async def ready(self) -> None:
        """Returns when the proxy can do without a caller what it does for itself, discovery."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def outbound(
    settings: Settings,
    secrets: Secrets,
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
) -> Auth:
    """The way that `settings.auth_mode` names. Raises ConfigError with every finding; fetches nothing yet."""
    _warn_of_plain_http(settings)
    match settings.auth_mode:
        case "iam":
            return _iam(settings, clock)
        case "jwt":
            return _jwt(settings, secrets, os.environ if environ is None else environ, clock)
        case "identity":
            return _identity(settings, secrets, os.environ if environ is None else environ, clock)
        case "api_key":
            return _api_key(settings, secrets, clock)
        case "passthrough":
            return Passthrough()
        case "none":
            return Anonymous()


def _warn_of_plain_http(settings: Settings) -> None:
    url = address(settings.upstream) if settings.upstream else URL()
    if settings.auth_mode != "none" and url.scheme == "http" and not is_loopback(url.host or ""):
        _log.warning("the upstream is reached over http://: credentials cross the network in the clear")


def _iam(settings: Settings, clock: Callable[[], float]) -> Iam:
    named = named_by(address(settings.upstream).host or "") if settings.upstream else None
    region = named[1] if named else settings.region
    service = settings.service or (named[0] if named else SERVICE)
    findings = []
    if not settings.upstream:
        findings.append("setting upstream: auth_mode=iam needs the upstream's URL")
    elif region is None:
        findings.append("setting region: the upstream's host names no AWS region; set MCP_PROXY_REGION")
    if findings or region is None:
        raise ConfigError(findings)
    return Iam(Signer(service=service, region=region, clock=clock), Leased("AWS credentials", credentials, clock=clock))


def _jwt(settings: Settings, secrets: Secrets, environ: Mapping[str, str], clock: Callable[[], float]) -> Bearer:
    findings: list[str] = []
    client = client_of(settings, secrets, environ, clock, findings)
    if client is None:
        raise ConfigError(findings)
    return Bearer(Leased("access token", client.fetch, clock=clock))


def _identity(settings: Settings, secrets: Secrets, environ: Mapping[str, str], clock: Callable[[], float]) -> Identity:
    findings = list(_unfit_names(settings))
    client = client_of(settings, secrets, environ, clock, findings) if settings.client_id else None
    named = named_by(address(settings.upstream).host or "") if settings.upstream else None
    region = settings.region or (named[1] if named else None)
    if region is None:
        findings.append(
            "setting region: auth_mode=identity needs that of the credential provider; set MCP_PROXY_REGION"
        )
    if not (settings.workload_identity or settings.client_id or settings.inbound == "platform"):
        findings.append(
            "setting workload_identity: auth_mode=identity needs it where no AgentCore Runtime is in front "
            "(MCP_PROXY_INBOUND=platform) to give each call a workload access token"
        )
    if findings or region is None or settings.credential_provider is None:
        raise ConfigError(findings)
    scopes = tuple((settings.scope or "").split())
    provider = Provider(
        name=settings.credential_provider, region=region, scopes=scopes, audience=settings.audience, clock=clock
    )
    own: list[Callable[[bool], Awaitable[Lease[str]]]] = []
    if settings.workload_identity:
        own.append(partial(provider.by_identity, settings.workload_identity))
    if client is not None:
        own.append(lambda _: client.fetch())
    return Identity(provider, own)


def _unfit_names(settings: Settings) -> Iterator[str]:
    name, identity = settings.credential_provider, settings.workload_identity
    if not name:
        yield "setting credential_provider: auth_mode=identity needs it; set MCP_PROXY_CREDENTIAL_PROVIDER to its name"
    elif not _PROVIDER.fullmatch(name):
        yield "setting credential_provider: must be the provider's name (letters, digits, - and _), not its ARN"
    if identity and not _IDENTITY.fullmatch(identity):
        yield "setting workload_identity: must be the name of a workload identity, not its ARN"


def _api_key(settings: Settings, secrets: Secrets, clock: Callable[[], float]) -> ApiKey:
    findings: list[str] = []
    reference = reference_of("api_key", settings.api_key, "api_key", findings)
    header = settings.api_key_header
    if not _HEADER.fullmatch(header) or header.lower() in _FRAMING:
        findings.append("setting api_key_header: is not the name of a header that can carry a key")
    if findings or reference is None:
        raise ConfigError(findings)

    async def fetch() -> Lease[str]:
        return Lease(value=await _sendable(secrets, reference), ends=None)

    return ApiKey(header, Leased("API key", fetch, clock=clock))


async def _sendable(secrets: Secrets, reference: str) -> str:
    try:
        key = await secrets.get(reference)
    except LookupError as error:
        raise AuthError(f"API key: {error}") from None
    if not (key.isascii() and key.isprintable()):
        raise AuthError(f"API key: {reference} holds characters that a header cannot carry")
    return key


def __getattr__(name: str) -> object:
    """SigV4Auth and BearerAuth, for agents. The proxy itself never asks, and so starts without httpx2."""
    if name not in ("SigV4Auth", "BearerAuth"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from proxy import client_auth

    return getattr(client_auth, name)
