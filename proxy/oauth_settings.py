"""What `inbound=oauth` needs to know, and what of the settings is missing or of no use for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from proxy.discovery import of_issuer, of_pool, region_of
from proxy.fetch import problem_of
from proxy.references import unusable
from proxy.settings import Settings

_NEEDED: Final = ("oauth_provider", "oauth_client_id", "oauth_client_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The settings of this mode. `secret` and `signing_key` are references."""

    issuer: str
    client_id: str
    secret: str
    signing_key: str | None
    storage: Path | None
    base_url: str
    scopes: tuple[str, ...]
    audience: str | None
    pool: tuple[str, str] | None

    @classmethod
    def of(cls, settings: Settings) -> Asked:
        """From settings without findings."""
        pool = settings.oauth_user_pool_id or ""
        cognito = settings.oauth_provider == "cognito"
        return cls(
            issuer=_issuer(settings),
            client_id=settings.oauth_client_id or "",
            secret=settings.oauth_client_secret or "",
            signing_key=settings.oauth_signing_key,
            storage=settings.oauth_storage,
            base_url=_public(settings).removesuffix("/mcp"),
            scopes=settings.inbound_scopes or ("openid",),
            audience=next(iter(settings.inbound_audience), None),
            pool=(pool, region_of(pool) or "") if cognito else None,
        )


def findings(settings: Settings) -> list[str]:
    """What is missing or of no use in this mode."""
    return [
        *(
            f"setting {name}: inbound=oauth needs it; set MCP_PROXY_{name.upper()}"
            for name in _NEEDED
            if not getattr(settings, name)
        ),
        *_of_issuer(settings),
        *_of_secrets(settings),
        *_of_url(settings),
    ]


def _of_issuer(settings: Settings) -> Iterator[str]:
    pool = settings.oauth_user_pool_id
    if settings.oauth_issuer and (problem := problem_of(settings.oauth_issuer)):
        yield f"setting oauth_issuer: {problem}"
    if settings.oauth_provider == "cognito" and (not pool or region_of(pool) is None):
        yield "setting oauth_user_pool_id: must look like us-east-1_AbCdEfGhI"
    if settings.oauth_provider == "oidc" and not settings.oauth_issuer:
        yield "setting oauth_issuer: oauth_provider=oidc needs it; set MCP_PROXY_OAUTH_ISSUER"
    if settings.oauth_provider == "oidc" and pool:
        yield "setting oauth_user_pool_id: is for oauth_provider=cognito"
    if len(settings.inbound_audience) > (settings.oauth_provider == "oidc"):
        yield "setting inbound_audience: inbound=oauth takes one with oauth_provider=oidc, and none with cognito"


def _of_secrets(settings: Settings) -> Iterator[str]:
    for name in ("oauth_client_secret", "oauth_signing_key"):
        reference = getattr(settings, name)
        if reference and (problem := unusable(reference)):
            yield f"setting {name}: {problem}"
    if settings.oauth_storage and not settings.oauth_storage.is_dir():
        yield f"setting oauth_storage: there is no folder {settings.oauth_storage}"


def _of_url(settings: Settings) -> Iterator[str]:
    if not settings.public_url and settings.port == 0:
        yield "setting public_url: inbound=oauth needs it with port 0, which is not known beforehand"
    if urlsplit(_public(settings)).path != "/mcp":
        yield "setting public_url: must end in /mcp right after the host with inbound=oauth"


def _public(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}/mcp"


def _issuer(settings: Settings) -> str:
    pool = of_pool(settings.oauth_user_pool_id or "")
    if settings.oauth_issuer:
        return of_issuer(settings.oauth_issuer).issuer
    return pool.issuer if pool else ""
