"""Outbound auth: what proves to the upstream who the proxy is. `outbound` picks the way that `auth_mode` names.

The upstream client calls `sign` for every request with exactly what it is going to send, and `refused` when the answer
is 401 or 403.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from yarl import URL

from policies.policy import Secrets
from proxy.address import address
from proxy.auth_modes import Anonymous, ApiKey, Bearer, Iam, Passthrough
from proxy.aws import SERVICE, credentials, named_by
from proxy.discovery import Endpoint, Known, of_domain, of_issuer, of_pool, region_of
from proxy.errors import AuthError, ConfigError
from proxy.fetch import is_loopback, problem_of
from proxy.lease import Lease, Leased
from proxy.references import unusable
from proxy.settings import Settings
from proxy.sigv4 import Signer
from proxy.tokens import ClientCredentials

SAMPLE_SECRET: Final = "COGNITO_CLIENT_SECRET"
"""The published sample's variable, which holds the secret itself. It still works, with a warning."""

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade"}
)

_log = logging.getLogger(__name__)


class Auth(Protocol):
    """One way of proving to the upstream who calls."""

    async def sign(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, authorization: str | None
    ) -> Mapping[str, str]:
        """Headers to add to this very request. `authorization` is the caller's own Authorization value, or None.

        A header returned replaces one of the same name. Raises AuthError.
        """
        ...

    async def refused(self, status: int) -> bool:
        """The upstream answered `status` (401 or 403): True when a second try, at most one, may succeed."""
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
    endpoint = token_endpoint(settings, findings)
    secret = _client_secret(settings, environ, findings)
    if not settings.client_id:
        findings.append("setting client_id: auth_mode=jwt needs it; set MCP_PROXY_CLIENT_ID")
    if findings or endpoint is None or secret is None or settings.client_id is None:
        raise ConfigError(findings)
    client = ClientCredentials(
        endpoint=endpoint,
        secrets=secrets,
        client_id=settings.client_id,
        secret=secret,
        scope=settings.scope,
        audience=settings.audience,
        clock=clock,
    )
    return Bearer(Leased("access token", client.fetch, clock=clock))


def token_endpoint(settings: Settings, findings: list[str]) -> Endpoint | None:
    """By the first given of token_url, cognito_domain, issuer, cognito_user_pool_id. Adds to `findings`."""
    pool = settings.cognito_user_pool_id
    if settings.token_url:
        return Known(settings.token_url) if _sound("token_url", settings.token_url, findings) else None
    if settings.cognito_domain:
        url = of_domain(settings.cognito_domain, (region_of(pool) if pool else None) or settings.region)
        if url is None:
            findings.append("setting cognito_domain: give a prefix (and MCP_PROXY_REGION), a host, or an https:// URL")
        return Known(url) if url else None
    if settings.issuer:
        return of_issuer(settings.issuer) if _sound("issuer", settings.issuer, findings) else None
    found = of_pool(pool) if pool else None
    if pool and found is None:
        findings.append("setting cognito_user_pool_id: must look like us-east-1_AbCdEfGhI")
    elif found is None:
        findings.append(
            "setting token_url: auth_mode=jwt needs to know where tokens are had; set one of MCP_PROXY_TOKEN_URL, "
            "COGNITO_DOMAIN, MCP_PROXY_ISSUER, COGNITO_USER_POOL_ID"
        )
    return found


def _sound(name: str, url: str, findings: list[str]) -> bool:
    problem = problem_of(url)
    if problem:
        findings.append(f"setting {name}: {problem}")
    return problem is None


def _client_secret(settings: Settings, environ: Mapping[str, str], findings: list[str]) -> str | None:
    if settings.client_secret is None and environ.get(SAMPLE_SECRET):
        _log.warning(
            "%s holds a secret in the environment; set MCP_PROXY_CLIENT_SECRET to a reference instead", SAMPLE_SECRET
        )
        return f"env:{SAMPLE_SECRET}"
    return _reference("client_secret", settings.client_secret, "jwt", findings)


def _reference(name: str, value: str | None, mode: str, findings: list[str]) -> str | None:
    problem = unusable(value) if value else f"auth_mode={mode} needs it; set MCP_PROXY_{name.upper()} to a reference"
    if problem:
        findings.append(f"setting {name}: {problem}")
    return value


def _api_key(settings: Settings, secrets: Secrets, clock: Callable[[], float]) -> ApiKey:
    findings: list[str] = []
    reference = _reference("api_key", settings.api_key, "api_key", findings)
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
