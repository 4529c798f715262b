"""The OAuth 2.0 client credentials grant (RFC 6749, section 4.4), with Basic client authentication (section 2.3.1)."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from policies.model import Json
from policies.policy import Secrets
from proxy.cognito import client_token, region_of_api
from proxy.discovery import Endpoint
from proxy.errors import AuthError, ClientRefusedError
from proxy.fetch import fetch_json, host_of
from proxy.lease import Lease

UNSAID_S: Final = 300.0
"""How long a token is kept when neither the answer nor the token says when it ends."""

LONGEST_S: Final = 86_400.0

CODES: Final = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
    }
)
"""The only words of a token endpoint that an error repeats (RFC 6749, RFC 8707): any other text might hold a secret."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A client at a token endpoint. `secret` is a reference, read for every token, so that a rotated one is found.

    A client may have two live secrets while they are rotated. One that is refused is read once more, and where it has
    changed meanwhile, the token is asked for once more.
    """

    endpoint: Endpoint
    secrets: Secrets
    client_id: str
    secret: str
    scope: str | None = None
    audience: str | None = None
    clock: Callable[[], float] = time.time

    async def fetch(self) -> Lease[str]:
        """A new access token. Raises AuthError that names the host and, where it is one of CODES, the error code."""
        try:
            return await self._ask(await self.endpoint.url())
        except BaseException:
            self.endpoint.forget()
            raise

    async def _ask(self, url: str) -> Lease[str]:
        secret = await self._secret()
        try:
            return await self._granted(url, secret)
        except ClientRefusedError:
            other = await self._secret()
            if other == secret:
                raise
        return await self._granted(url, other)

    async def _secret(self) -> str:
        try:
            return await self.secrets.get(self.secret)
        except LookupError as error:
            raise AuthError(f"client secret: {error}") from None

    async def _granted(self, url: str, secret: str) -> Lease[str]:
        asked = self.clock()
        if region := region_of_api(url):
            token, lasts = await client_token(region, self.client_id, secret, self.scope, self.audience)
            return leased(host_of(url), token, lasts, asked)
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        sent = {name: value for name, value in form.items() if value}
        headers = {"Authorization": _basic(self.client_id, secret)}
        status, answer = await fetch_json(url, form=sent, headers=headers)
        return _lease(host_of(url), status, answer, asked)


def _basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _lease(host: str, status: int, answer: Json, asked: float) -> Lease[str]:
    if status != 200:
        refused = isinstance(answer, dict) and answer.get("error") == "invalid_client"
        raise (ClientRefusedError if refused else AuthError)(_refusal(host, status, answer))
    if not isinstance(answer, dict):
        raise AuthError(f"{host}: the token endpoint did not answer a JSON object")
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        raise AuthError(f"{host}: the token endpoint answered a token that is not a bearer token")
    return leased(host, answer.get("access_token"), answer.get("expires_in"), asked)


def leased(source: str, token: Json, expires_in: Json, asked: float) -> Lease[str]:
    """`token` until it ends. `asked` is when it was asked for. Raises AuthError for one that no header can carry."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise AuthError(f"{source}: answered no access token that fits into a header")
    return Lease(value=token, ends=_ends(token, expires_in, asked))


def _refusal(host: str, status: int, answer: Json) -> str:
    if 300 <= status < 400:
        return f"{host}: the token endpoint answered {status}; redirects are not followed: configure its final address"
    code = answer.get("error") if isinstance(answer, dict) else None
    known = f" ({code})" if isinstance(code, str) and code in CODES else ""
    return f"{host}: the token endpoint answered {status}{known}; check client id, client secret and scope"


def _ends(token: str, expires_in: Json, asked: float) -> float:
    """Counted from before the question was sent: the answer may have been long under way."""
    said = _number(expires_in)
    if said is not None:
        return asked + min(max(said, 0.0), LONGEST_S)
    exp = _number(_claims(token).get("exp"))
    return asked + UNSAID_S if exp is None else min(exp, asked + LONGEST_S)


def _number(value: Json) -> float | None:
    """A number, also one written as a string, as some servers write it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if number != number else number


def _claims(token: str) -> dict[str, Json]:
    """The claims of a JWT, unverified: only its end is read, to know when to ask for the next."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
