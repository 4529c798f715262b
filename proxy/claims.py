"""What a JWT says, read without verifying it, and what of that makes it unfit: the checks that need no key.

They run before any key is looked at, so that garbage costs no cryptography and the caller is told why, and again on
the claims that were verified (RFC 7519; RFC 9068, section 4).
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from policies.frozen import frozen
from policies.jsontext import JsonError, loads
from policies.model import Caller, Json, JsonObject
from proxy.errors import ProxyError
from proxy.settings import Settings

TOKEN_BYTES: Final = 16 * 1024

LEEWAY_S: Final = 30.0
"""How far a clock may be behind the issuer's. An end is an end: `exp` has no leeway."""

KEY_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519", "Ed448"), "OKP"),
}
"""The algorithms accepted, and the type of key that each needs. None is symmetric: a public key is no secret."""

_LATEST: Final = 1e12
"""Seconds: later than any date; what is larger is no time, and may be larger than a float."""
_DEPTH: Final = 20
_JWT: Final = re.compile(r"([A-Za-z0-9_-]++)\.([A-Za-z0-9_-]++)\.[A-Za-z0-9_-]++", re.ASCII)
_KID: Final = 512
_TYPES: Final = frozenset({"jwt", "at+jwt"})
"""Kinds of token that may give access (RFC 9068, section 4); logout tokens, DPoP proofs and others name their own."""
_BOUND: Final = "cnf"
_ID_TOKEN: Final = frozenset({"at_hash", "c_hash", "s_hash"})
"""Claims of an ID token alone (OpenID Connect Core, section 3.3.2.11); `nonce` also stands in access tokens of some."""


class BadTokenError(ProxyError):
    """The token is unfit. The message is for the caller, and repeats nothing of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """What anybody may have written."""

    alg: str
    kid: str | None
    claims: JsonObject = field(repr=False)


def read(token: str) -> Unverified:
    """The parts of a signed JWT in compact form. Raises BadTokenError."""
    parts = _JWT.fullmatch(token) if token.count(".") == 2 and len(token) <= TOKEN_BYTES else None
    if parts is None:
        raise BadTokenError("The token is not a signed JWT")
    header, claims = _object(parts[1]), _object(parts[2])
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in KEY_TYPES:
        raise BadTokenError("The token is not signed with an accepted algorithm")
    if "crit" in header or not (kid is None or (isinstance(kid, str) and 0 < len(kid) <= _KID)):
        raise BadTokenError("The token has a header that is not understood")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in _TYPES:
        raise BadTokenError("The token is not an access token")
    if _BOUND in claims:
        raise BadTokenError("The token is bound to a key of its holder, which is not checked here")
    return Unverified(alg=alg, kid=kid, claims=claims)


def end_of(token: str) -> float:
    """`exp` of a JWT that was verified elsewhere, by whatever algorithm; 0 where none can be read."""
    parts = _JWT.fullmatch(token) if len(token) <= TOKEN_BYTES else None
    try:
        found = _object(parts[2]).get("exp") if parts else None
    except BadTokenError:
        return 0.0
    return float(found) if isinstance(found, int | float) and _is_time(found) else 0.0


def _object(part: str) -> dict[str, Json]:
    try:
        found = loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), _DEPTH)
    except (JsonError, binascii.Error):
        found = None
    if not isinstance(found, dict):
        raise BadTokenError("The token is not a signed JWT")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What claims must say; whatever is empty is not asked for."""

    audiences: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    clock: Callable[[], float] = time.time

    def check(self, claims: JsonObject, issuer: str | None, *, must_end: bool = True) -> None:
        """Everything but the scopes. Raises BadTokenError."""
        self._check_time(claims, must_end=must_end)
        if issuer is not None and claims.get("iss") != issuer:
            raise BadTokenError("The token is of another issuer")
        if self.audiences and self.audiences.isdisjoint(_words(claims.get("aud"))):
            raise BadTokenError("The token is for another audience")
        if self.clients and self.clients.isdisjoint(_words(claims.get("client_id", claims.get("azp")))):
            raise BadTokenError("The token was issued to another client")
        if claims.get("token_use", "access") != "access" or claims.get("typ") in ("ID", "Refresh", "Logout"):
            raise BadTokenError("The token is not an access token")  # a Cognito ID token has the client as audience
        if not _ID_TOKEN.isdisjoint(claims) or "events" in claims:
            raise BadTokenError("The token is not an access token")
        if not isinstance(claims.get("sub", ""), str):
            raise BadTokenError("The token has no readable subject")

    def _check_time(self, claims: JsonObject, *, must_end: bool) -> None:
        now, exp, nbf = self.clock(), claims.get("exp"), claims.get("nbf")
        if exp is None and must_end:
            raise BadTokenError("The token has no end (exp)")
        if not (exp is None or _is_time(exp)) or not (nbf is None or _is_time(nbf)):
            raise BadTokenError("The token has a time that cannot be read")
        if exp is not None and exp <= now:
            raise BadTokenError("The token has expired")
        if nbf is not None and nbf > now + LEEWAY_S:
            raise BadTokenError("The token is not valid yet")

    def lacks_scope(self, claims: JsonObject) -> bool:
        """Whether a scope is missing. `scp` is what some issuers write for `scope`; either may be a list."""
        return not set(self.scopes) <= _scopes(claims)


def rules(settings: Settings, clock: Callable[[], float] = time.time) -> Rules:
    """The rules that the settings name."""
    return Rules(
        audiences=frozenset(settings.inbound_audience),
        clients=frozenset(settings.inbound_client_ids),
        scopes=settings.inbound_scopes,
        clock=clock,
    )


def caller_of(claims: JsonObject) -> Caller:
    """The caller of whom these claims were verified."""
    issuer = claims.get("iss")
    return Caller(
        subject=claims.get("sub") or None,
        issuer=issuer if isinstance(issuer, str) else None,
        claims=frozen(dict(claims)),
    )


def _is_time(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST


def _words(value: Json) -> set[str]:
    """A string, or the strings of a list."""
    return {word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)}


def _scopes(claims: JsonObject) -> set[str]:
    found = claims.get("scope", claims.get("scp"))
    return _words(found.split() if isinstance(found, str) else found)
