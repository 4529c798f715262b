"""Callers who show a JWT of a known issuer. FastMCP's JWTVerifier checks the signature; it is loaded in a thread.

A token is looked at in the order of cost: shape and claims, then the issuer's keys, then the signature, then the
claims once more, as they were verified. Sound tokens are remembered for a short time, refused ones never.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from policies.model import Caller, JsonObject
from policies.policy import Behind
from proxy.asgi import App, Headers
from proxy.callers import claiming
from proxy.claims import TOKEN_BYTES, BadTokenError, Rules, caller_of, read, rules
from proxy.discovery import of_issuer
from proxy.fetch import problem_of
from proxy.protected_resource import Resource, bearer, resource, unavailable, value_of
from proxy.settings import Settings
from proxy.signatures import Signatures
from proxy.signing_keys import KeysAwayError, SigningKeys

REMEMBERED: Final = 2_000
REMEMBERED_S: Final = 60.0
"""How many sound tokens are remembered, by their hash, and for how long at most; never past their end. Claims may be
large, and checking a token that was forgotten costs a quarter of a millisecond."""

LONGEST: Final = TOKEN_BYTES + 100
_AWAY: Final = "Tokens cannot be checked at the moment: the issuer's keys cannot be had"
_STARTING: Final = "Tokens cannot be checked yet: the proxy is starting"


class Remembered:
    """Callers by the hash of the header value that proved who they are; the one not met for longest is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[bytes, tuple[Caller, float]] = {}

    def known(self, headers: Headers, header: bytes) -> Caller | None:
        """The caller whose token stands in `header`, with what the headers claim beside it."""
        fields = dict(headers)
        value = fields.get(header)
        caller = self.get(value) if value and len(value) <= LONGEST else None
        return None if caller is None else claiming(caller, fields)

    def get(self, value: bytes) -> Caller | None:
        """The caller, unless the token has ended or was forgotten."""
        key = sha256(value).digest()
        entry = self._entries.pop(key, None)
        if entry is None or entry[1] <= self._clock():
            return None
        self._entries[key] = entry
        return entry[0]

    def put(self, value: bytes, caller: Caller, ends: float) -> None:
        self._entries[sha256(value).digest()] = (caller, min(ends, self._clock() + REMEMBERED_S))
        while len(self._entries) > REMEMBERED:
            del self._entries[next(iter(self._entries))]


class JwtCallers:
    """The callers of one issuer. Implements `proxy.callers.Callers`."""

    def __init__(
        self,
        *,
        header: str,
        signatures: Signatures,
        rules: Rules,
        resource: Resource,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.header = header.lower().encode()
        self._name = header
        self._resource = resource
        self._rules = rules
        self._remembered = Remembered(clock)
        self._signatures = signatures

    def known(self, headers: Headers) -> Caller | None:
        """The caller of a token that was found sound a short while ago."""
        return self._remembered.known(headers, self.header)

    async def identify(self, headers: Headers) -> Caller:
        """The caller. Raises Refused."""
        value = value_of(headers, self.header) or b""
        token = bearer(value) if len(value) <= LONGEST else ""
        if token is None:
            raise self._resource.missing(headers, f"Send an access token: {self._name}: Bearer TOKEN")
        try:
            claims = await self._verified(token)
        except BadTokenError as error:
            raise self._resource.invalid(headers, str(error)) from None
        except KeysAwayError:
            raise unavailable(_AWAY) from None
        except TimeoutError:
            raise unavailable(_STARTING) from None
        if self._rules.lacks_scope(claims):
            raise self._resource.insufficient(headers)
        caller = caller_of(claims)
        self._remembered.put(value, caller, float(claims["exp"]))
        return claiming(caller, dict(headers))

    async def _verified(self, token: str) -> JsonObject:
        unverified = read(token)
        self._rules.check(unverified.claims, None)
        issuer, claims = await self._signatures.verified(token, unverified, self._rules)
        self._rules.check(claims, issuer)
        return claims

    def app_for(self, path: str) -> App | None:
        return self._resource.app_for(path)

    async def open(self) -> None:
        """Begins to load what checks tokens and to fetch the keys, and waits for neither."""
        self._signatures.open()

    async def close(self) -> None:
        await self._signatures.close()


def findings(settings: Settings) -> list[str]:
    """What is missing or of no use in this mode."""
    found = []
    if not settings.inbound_issuer:
        found.append("setting inbound_issuer: inbound=jwt needs it; set MCP_PROXY_INBOUND_ISSUER to the tokens' `iss`")
    for name in ("inbound_issuer", "inbound_jwks_url"):
        url = getattr(settings, name)
        if url and (problem := problem_of(url)):
            found.append(f"setting {name}: {problem}")
    if not (settings.inbound_audience or settings.inbound_client_ids):
        found.append(
            "setting inbound_audience: without it a token that was issued for anything else would do; set "
            "MCP_PROXY_INBOUND_AUDIENCE, or MCP_PROXY_INBOUND_CLIENT_IDS where tokens have no `aud` (Cognito)"
        )
    return found


def made(settings: Settings, behind: Behind, clock: Callable[[], float] = time.time) -> JwtCallers:
    """What checks callers as the settings say, once `findings` is empty."""
    issuer = of_issuer(settings.inbound_issuer or "").issuer
    return JwtCallers(
        header=settings.inbound_header,
        signatures=Signatures(SigningKeys(issuer, settings.inbound_jwks_url, clock), behind),
        rules=rules(settings, clock),
        resource=resource(settings, [issuer]),
        clock=clock,
    )
