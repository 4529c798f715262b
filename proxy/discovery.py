"""Where tokens are had: a known token endpoint, or what an issuer's metadata names (RFC 8414, OIDC Discovery)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from yarl import URL

from policies.model import Json
from proxy.cognito import api_of
from proxy.errors import AuthError
from proxy.fetch import fetch_json, host_of, problem_of

OIDC: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"

_POOL: Final = re.compile(r"([a-z]{2,4}(?:-[a-z]+)+-\d+)_[A-Za-z0-9]+")
_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Endpoint(Protocol):
    """A token endpoint."""

    async def url(self) -> str:
        """Its URL. Raises AuthError."""
        ...

    def forget(self) -> None:
        """It failed: find it anew the next time."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """A token endpoint given by the configuration."""

    where: str

    async def url(self) -> str:
        return self.where

    def forget(self) -> None:
        pass


class Discovered:
    """The token endpoint named by an issuer's metadata, remembered until it fails. `advice` ends the error text.

    Where the metadata names none, it is `unnamed`, if that is given.
    """

    def __init__(self, issuer: str, locations: Sequence[str], advice: str, unnamed: str | None = None) -> None:
        self.issuer = issuer
        self.locations = tuple(locations)
        self._advice = advice
        self._unnamed = unnamed
        self._found: str | None = None

    async def url(self) -> str:
        """The first usable document's token endpoint. Raises AuthError that says what each location answered."""
        if self._found is None:
            self._found = await self._find()
        return self._found

    def forget(self) -> None:
        self._found = None

    async def _find(self) -> str:
        problems = []
        for location in self.locations:
            try:
                return self._endpoint(*await fetch_json(location))
            except AuthError as error:
                problems.append(str(error))
        raise AuthError(f"{host_of(self.issuer)}: no token endpoint found ({'; '.join(problems)}); {self._advice}")

    def _endpoint(self, status: int, document: Json) -> str:
        """RFC 8414, section 3.3: metadata of another issuer must not be used."""
        if status != 200 or not isinstance(document, dict):
            raise AuthError(f"answered {status}" if status != 200 else "did not answer a JSON object")
        if str(document.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise AuthError("the metadata is of another issuer")
        endpoint = document.get("token_endpoint")
        if endpoint is None and self._unnamed is not None:
            return self._unnamed
        if not isinstance(endpoint, str):
            raise AuthError("the metadata names no token endpoint")
        if problem := problem_of(endpoint, loopback=URL(self.issuer).scheme == "http"):
            raise AuthError(f"the token endpoint {problem}")
        return endpoint


def of_issuer(issuer: str) -> Discovered:
    """Discovery at the places where metadata of `issuer` may be. The URL of its document may be given for it."""
    for suffix in (OIDC, OAUTH):
        issuer = issuer.removesuffix(suffix)
    url = URL(issuer)
    path = url.raw_path.rstrip("/")
    origin = str(url.origin())
    places = dict.fromkeys([f"{origin}{OAUTH}{path}", f"{origin}{path}{OIDC}", f"{origin}{OIDC}{path}"])
    return Discovered(issuer, list(places), "set MCP_PROXY_TOKEN_URL where the issuer publishes no metadata")


def of_pool(pool: str, environ: Mapping[str, str] | None = None) -> Discovered | None:
    """Discovery of a Cognito user pool, or None where `pool` is not a pool's id.

    A pool names a token endpoint only when it has a domain. One without gives tokens by its API (`proxy/cognito.py`).
    The SDK's own variables for another endpoint of that API count here too.
    """
    region = region_of(pool)
    if region is None:
        return None
    api = _overridden(os.environ if environ is None else environ) or api_of(region)
    issuer = f"{api.rstrip('/')}/{pool}"
    return Discovered(issuer, [issuer + OIDC], "set MCP_PROXY_TOKEN_URL to do without it", api_of(region))


def _overridden(environ: Mapping[str, str]) -> str | None:
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return environ.get("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER") or environ.get("AWS_ENDPOINT_URL") or None


def region_of(pool: str) -> str | None:
    """The region in a Cognito user pool's id, or None where it is not one."""
    found = _POOL.fullmatch(pool)
    return found[1] if found else None


def of_domain(domain: str, region: str | None) -> str | None:
    """The token endpoint of a Cognito domain: a prefix (then `region` counts), a host, or a URL. None: unusable."""
    if _PREFIX.fullmatch(domain):
        return f"https://{domain}.auth.{region}.amazoncognito.com/oauth2/token" if region else None
    url = domain if "://" in domain else f"https://{domain}"
    if problem_of(url):
        return None
    return f"{url.rstrip('/').removesuffix('/oauth2/token')}/oauth2/token"
