"""The keys that an issuer signs with (RFC 7517), found by its metadata (RFC 8414, OIDC Discovery), and kept fresh.

FastMCP's JWTVerifier checks each signature with the one key picked here. Its own reading of a key set is not used: it
cannot tell an issuer that is away from a bad token, knows one algorithm, and reads an answer of any size.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from policies.model import Json, JsonObject
from proxy.claims import KEY_TYPES
from proxy.discovery import of_issuer
from proxy.errors import AuthError, ProxyError
from proxy.fetch import fetch_json, host_of, problem_of
from proxy.lease import Lease, Leased

KEPT_S: Final = 3600.0
"""Keys are read again after 80 to 90 % of this, and where a token names an unknown one; while the issuer is away the
old ones hold until the end of it."""

_MOST: Final = 100
_USED: Final = frozenset({"authorization_endpoint", "token_endpoint", "revocation_endpoint"})
_CURVES: Final = {"ES256": {"P-256"}, "ES384": {"P-384"}, "ES512": {"P-521"}, "EdDSA": {"Ed25519", "Ed448"}}
_RSA_CHARS: Final = 341
"""base64url characters of the shortest modulus accepted, 2048 bits (RFC 7518, section 3.3)."""

_log = logging.getLogger(__name__)


class KeysAwayError(ProxyError):
    """The keys cannot be had now, so nothing can be said about a token. The log says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The keys of an issuer, as published. `issuer` is to the letter what its tokens must say."""

    issuer: str
    keys: tuple[JsonObject, ...] = field(repr=False)

    def find(self, kid: str | None, alg: str) -> JsonObject | None:
        """The key of that id; for a token that names none, the one key that fits."""
        fitting = [key for key in self.keys if (kid is None or key.get("kid") == kid) and _fits(key, alg)]
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None


def _fits(key: JsonObject, alg: str) -> bool:
    kind, uses = KEY_TYPES[alg], key.get("key_ops")
    if key.get("kty") != kind or key.get("use") not in (None, "sig"):
        return False
    if isinstance(uses, list) and "verify" not in uses:
        return False
    if kind == "RSA":
        return key.get("alg") in (None, alg) and len(str(key.get("n"))) >= _RSA_CHARS
    return str(key.get("crv")) in _CURVES.get(alg, {alg}) and (kind == "OKP" or key.get("alg") in (None, alg))


class SigningKeys:
    """Where keys come from: `jwks_url`, or else what the metadata of `issuer` names."""

    def __init__(self, issuer: str, jwks_url: str | None, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys = Leased(f"keys of {host_of(issuer)}", self._fetch, clock=clock)
        self._away = self._said = ""

    async def current(self) -> KeySet:
        """The keys at hand; waits only where there are none. Raises KeysAwayError."""
        try:
            return await self._keys.get()
        except AuthError as error:
            raise self._told(str(error)) from None

    async def find(self, kid: str | None, alg: str) -> JsonObject | None:
        """The key for a token. An unknown one is looked for at the issuer, every 10 s at most. Raises KeysAwayError."""
        found = (await self.current()).find(kid, alg)
        if found is None:
            await self._keys.renew()
            found = (await self.current()).find(kid, alg)
            if found is None and self._away:
                raise self._told(self._away)
        return found

    async def close(self) -> None:
        await self._keys.close()

    def _told(self, problem: str) -> KeysAwayError:
        if problem != self._said:
            self._said = problem
            _log.warning("callers cannot be checked: %s", problem)
        return KeysAwayError(problem)

    async def _fetch(self) -> Lease[KeySet]:
        self._away = f"{host_of(self._issuer)}: did not answer in time"
        try:
            found = await self._asked()
        except AuthError as error:
            self._away = str(error)
            raise
        self._away = self._said = ""
        return Lease(value=found, ends=self._clock() + KEPT_S)

    async def _asked(self) -> KeySet:
        issuer, url = self._issuer, self._jwks_url
        if url is None:
            document = await metadata(issuer)
            issuer, url = document["issuer"], document["jwks_uri"]
        return KeySet(issuer=issuer, keys=_keys(host_of(url), *await fetch_json(url)))


async def metadata(issuer: str) -> JsonObject:
    """The metadata of an issuer, wherever it may be. Raises AuthError that says what each place answered."""
    places, problems = of_issuer(issuer), []
    for location in places.locations:
        try:
            return _own(places.issuer, *await fetch_json(location))
        except AuthError as error:
            problems.append(str(error))
    raise AuthError(f"{host_of(issuer)}: no metadata found ({'; '.join(problems)})")


def _own(issuer: str, status: int, document: Json) -> JsonObject:
    """RFC 8414, section 3.3: metadata of another issuer must not be used. No endpoint used may be plain http."""
    if status != 200 or not isinstance(document, dict):
        raise AuthError(f"answered {status}" if status != 200 else "did not answer a JSON object")
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise AuthError("the metadata is of another issuer")
    for name in ("jwks_uri", *(_USED & document.keys())):
        url = document.get(name)
        if not isinstance(url, str):
            raise AuthError(f"the metadata names no {name}")
        if problem := problem_of(url, loopback=issuer.startswith("http://")):
            raise AuthError(f"the {name} {problem}")
    return document


def _keys(host: str, status: int, document: Json) -> tuple[JsonObject, ...]:
    found = document.get("keys") if status == 200 and isinstance(document, dict) else None
    if not isinstance(found, list):
        raise AuthError(f"{host}: answered {status} and no key set")
    return tuple(key for key in found[:_MOST] if isinstance(key, dict))
