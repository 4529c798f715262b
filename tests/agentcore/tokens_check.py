"""A caller's JWT, checked as a `customJWTAuthorizer` says: on a runtime and on a gateway alike."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import aiohttp
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

Json = dict[str, Any]

ALGORITHMS = ["RS256", "ES256"]
LEEWAY_S = 5


class BadBearerError(Exception):
    """`error` and `description` as in WWW-Authenticate (RFC 6750); `status` is 401, or 403 for a missing scope."""

    def __init__(self, description: str, error: str = "invalid_token", status: int = 401) -> None:
        super().__init__(description)
        self.description = description
        self.error = error
        self.status = status


async def claims_of(http: aiohttp.ClientSession, authorizer: Json, authorization: str | None) -> Json:
    """The claims of a token that is right in every part. Raises BadBearerError."""
    token = _bearer(authorization)
    document = await _fetched(http, authorizer["discoveryUrl"])
    claims = _verified(token, await _fetched(http, str(document.get("jwks_uri"))))
    _check_times(claims)
    if claims.get("iss") != document.get("issuer"):
        raise BadBearerError("Claim 'iss' value mismatch with configuration.")
    _check_clients(claims, authorizer)
    _check_custom(claims, authorizer.get("customClaims", ()))
    scopes = authorizer.get("allowedScopes")
    if scopes and not set(scopes) & set(str(claims.get("scope", "")).split()):
        raise BadBearerError("The token has none of the allowed scopes.", "insufficient_scope", 403)
    return claims


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if not authorization:
        raise BadBearerError("Missing Bearer token", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadBearerError("The Authorization header is not a Bearer token", "invalid_request")
    return token.strip()


async def _fetched(http: aiohttp.ClientSession, url: str) -> Json:
    try:
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=5), allow_redirects=False) as answer:
            document = await answer.json(content_type=None) if answer.status == 200 else None
    except (aiohttp.ClientError, ValueError, TimeoutError):
        document = None
    if not isinstance(document, dict):
        raise BadBearerError("The issuer's metadata or keys cannot be had")
    return document


def _verified(token: str, keys: Json) -> Json:
    try:
        found = jws.deserialize_compact(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = json.loads(found.payload)
    except (JoseError, ValueError):
        raise BadBearerError("Invalid Bearer token") from None
    if not isinstance(claims, dict):
        raise BadBearerError("Invalid Bearer token")
    return claims


def _check_times(claims: Json) -> None:
    now = time.time()
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(ends, int | float) or not isinstance(begins, int | float):
        raise BadBearerError("Claims 'exp' and 'nbf' must be numbers.")
    if ends <= now:
        raise BadBearerError("Token has expired")
    if begins > now + LEEWAY_S:
        raise BadBearerError("Token is not yet valid")


def _check_clients(claims: Json, authorizer: Json) -> None:
    for member, claim in (("allowedAudience", "aud"), ("allowedClients", "client_id")):
        if authorizer.get(member) and not set(authorizer[member]) & set(_values(claims.get(claim))):
            raise BadBearerError(f"Claim '{claim}' value mismatch with configuration.")


def _check_custom(claims: Json, rules: Iterable[Json]) -> None:
    for rule in rules:
        match = rule["authorizingClaimMatchValue"]
        wanted = match["claimMatchValue"]
        accepted = [wanted["matchValueString"]] if "matchValueString" in wanted else wanted["matchValueStringList"]
        values = _values(claims.get(rule["inboundTokenClaimName"]))
        alike = values == accepted if match["claimMatchOperator"] == "EQUALS" else bool(set(values) & set(accepted))
        if not alike:
            raise BadBearerError(f"Claim '{rule['inboundTokenClaimName']}' value mismatch with configuration.")


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]
