"""The proxy as an OAuth client: its id, its secret by reference, and where it has its tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from policies.policy import Secrets
from proxy.discovery import Endpoint, Known, of_domain, of_issuer, of_pool, region_of
from proxy.fetch import problem_of
from proxy.references import unusable
from proxy.settings import Settings
from proxy.tokens import ClientCredentials

SAMPLE_SECRET: Final = "COGNITO_CLIENT_SECRET"
"""The published sample's variable, which holds the secret itself. It still works, with a warning."""

_log = logging.getLogger(__name__)


def client_of(
    settings: Settings,
    secrets: Secrets,
    environ: Mapping[str, str],
    clock: Callable[[], float],
    findings: list[str],
) -> ClientCredentials | None:
    """The OAuth client that the settings name. Adds to `findings`, and is None then."""
    endpoint = token_endpoint(settings, findings, environ)
    secret = _client_secret(settings, environ, findings)
    if not settings.client_id:
        findings.append("setting client_id: auth_mode=jwt needs it; set MCP_PROXY_CLIENT_ID")
    if findings or endpoint is None or secret is None or settings.client_id is None:
        return None
    return ClientCredentials(
        endpoint=endpoint,
        secrets=secrets,
        client_id=settings.client_id,
        secret=secret,
        scope=settings.scope,
        audience=settings.audience,
        clock=clock,
    )


def token_endpoint(
    settings: Settings, findings: list[str], environ: Mapping[str, str] | None = None
) -> Endpoint | None:
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
    found = of_pool(pool, environ) if pool else None
    if pool and found is None:
        findings.append("setting cognito_user_pool_id: must look like us-east-1_AbCdEfGhI")
    elif found is not None and (problem := problem_of(found.issuer)):
        findings.append(f"environment: the endpoint for Amazon Cognito (AWS_ENDPOINT_URL…) {problem}")
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
    return reference_of("client_secret", settings.client_secret, "jwt", findings)


def reference_of(name: str, value: str | None, mode: str, findings: list[str]) -> str | None:
    problem = unusable(value) if value else f"auth_mode={mode} needs it; set MCP_PROXY_{name.upper()} to a reference"
    if problem:
        findings.append(f"setting {name}: {problem}")
    return value
