"""Callers who log in: clients find everything by metadata, register, and get tokens for this proxy (OAuth 2.1, PKCE).

FastMCP's provider does the work (`proxy.oauth_provider`); it is built as soon as the issuer's metadata is at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import AnyHttpUrl

from policies.model import Caller, JsonObject
from policies.policy import Behind, Secrets
from proxy.asgi import App, Headers, Receive, Scope, Send, answer
from proxy.callers import claiming
from proxy.callers_jwt import LONGEST, Remembered
from proxy.claims import Rules, caller_of, end_of
from proxy.errors import AuthError
from proxy.lease import Lease, Leased
from proxy.login_folder import LoginFolder
from proxy.login_guards import LoginGuards
from proxy.logs import take_over
from proxy.oauth_settings import Asked, findings
from proxy.protected_resource import Resource, bearer, resource, unavailable, value_of
from proxy.settings import Settings
from proxy.signatures import Signatures
from proxy.signing_keys import KeysAwayError, SigningKeys, metadata

if TYPE_CHECKING:
    from fastmcp.server.auth.oidc_proxy import OIDCProxy

__all__ = ["OauthCallers", "findings", "made"]

PATHS: Final = frozenset(
    {
        *("/authorize", "/token", "/register", "/revoke", "/consent", "/auth/callback"),
        *("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
    }
)

CHECK_S: Final = 15.0
"""A token is checked so long at most; the provider may have to renew the issuer's token first."""

_log = logging.getLogger(__name__)
_AWAY: Final = "Logging in is not possible at the moment: the issuer cannot be reached, or the proxy is starting"


class Login:
    """The provider and its app, once they could be built."""

    def __init__(self, asked: Asked, secrets: Secrets, behind: Behind, rules: Rules) -> None:
        self._asked = asked
        self._secrets = secrets
        self._behind = behind
        self._rules = rules
        self.keys = SigningKeys(asked.issuer, None)
        self._signatures = Signatures(self.keys, behind)
        self._built: Leased[tuple[OIDCProxy, App]] = Leased("login", self._build)
        self._folder = LoginFolder(asked.storage, behind) if asked.storage else None
        self._tasks: list[asyncio.Task[None]] = []
        self._said = ""
        self.base_url = str(AnyHttpUrl(asked.base_url)).rstrip("/")  # as the provider writes it

    def full(self) -> bool:
        """Whether no more clients can be kept."""
        return self._folder is not None and self._folder.full

    async def get(self) -> tuple[OIDCProxy, App]:
        """Waits for it within a bound. Raises AuthError."""
        try:
            return await self._built.get()
        except AuthError as error:
            if str(error) != self._said:
                self._said = str(error)
                _log.warning("nobody can log in: %s", error)
            raise

    def open(self) -> None:
        self._signatures.open()
        self._tasks.append(asyncio.create_task(self._warm(), name="login"))
        if self._folder is not None:
            self._tasks.append(asyncio.create_task(self._folder.keep(), name="folder of logins"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._built.close()
        await self._signatures.close()

    async def _warm(self) -> None:
        with contextlib.suppress(AuthError):
            await self.get()

    async def _build(self) -> Lease[tuple[OIDCProxy, App]]:
        document = await metadata(self._asked.issuer)
        secret = await self._secret(self._asked.secret)
        signing = await self._secret(self._asked.signing_key) if self._asked.signing_key else None
        making = partial(_make, self._asked, document, secret, signing, self._signatures, self._rules)
        try:
            made = await asyncio.shield(asyncio.wrap_future(self._behind.start(making)))
        except (ValueError, OSError) as error:
            raise AuthError(f"login: the provider cannot be built ({type(error).__name__})") from None
        self._said = ""
        return Lease(value=made, ends=None)

    async def _secret(self, reference: str) -> str:
        try:
            return await self._secrets.get(reference)
        except LookupError as error:
            raise AuthError(f"login: {error}") from None


def _make(
    asked: Asked, document: JsonObject, secret: str, signing: str | None, signatures: Signatures, rules: Rules
) -> tuple[OIDCProxy, App]:
    from proxy import oauth_provider

    take_over()
    given = oauth_provider.Registration(
        document=document,
        client_id=asked.client_id,
        secret=secret,
        signing_key=signing,
        storage=asked.storage,
        base_url=asked.base_url,
        scopes=asked.scopes,
        audience=asked.audience,
        pool=asked.pool,
    )
    provider = oauth_provider.build(given, signatures, rules)
    return provider, oauth_provider.app(provider)


class OauthCallers:
    """Implements `proxy.callers.Callers`."""

    def __init__(
        self, *, header: str, login: Login, rules: Rules, resource: Resource, clock: Callable[[], float] = time.time
    ) -> None:
        self.header = header.lower().encode()
        self._name = header
        self._login = login
        self._rules = rules
        self._resource = resource
        self._clock = clock
        self._remembered = Remembered(clock)
        self._app = LoginGuards(self._answer, login.base_url, login.full)

    def known(self, headers: Headers) -> Caller | None:
        """The caller of a token that was found sound a short while ago."""
        return self._remembered.known(headers, self.header)

    async def identify(self, headers: Headers) -> Caller:
        """The caller. Raises Refused."""
        value = value_of(headers, self.header) or b""
        token = bearer(value) if len(value) <= LONGEST else ""
        if token is None:
            raise self._resource.missing(headers, f"Log in, and send the token: {self._name}: Bearer TOKEN")
        if token.count(".") != 2:
            raise self._resource.invalid(headers, "The token is none of this server's")
        try:
            async with asyncio.timeout(CHECK_S):
                provider, _ = await self._login.get()
                await self._login.keys.current()
                access = await provider.load_access_token(token)
        except (AuthError, KeysAwayError, TimeoutError):
            raise unavailable(_AWAY) from None
        if access is None:
            raise self._resource.invalid(headers, "The login has ended, or is not known here; log in again")
        claims = access.claims or {}
        if self._rules.lacks_scope(claims):
            raise self._resource.insufficient(headers)
        caller = caller_of(claims)
        self._remembered.put(value, caller, min(float(access.expires_at or self._clock()), end_of(token)))
        return claiming(caller, dict(headers))

    def app_for(self, path: str) -> App | None:
        return self._app if path in PATHS else self._resource.app_for(path)

    async def open(self) -> None:
        """Begins to fetch and to build, and waits for neither."""
        self._login.open()

    async def close(self) -> None:
        await self._login.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _, app = await self._login.get()
        except AuthError:
            refused = unavailable(_AWAY)
            await answer(send, refused.status, refused.body, refused.headers)
            return
        await app(scope, receive, send)


def made(settings: Settings, secrets: Secrets, behind: Behind, clock: Callable[[], float] = time.time) -> OauthCallers:
    """What lets callers log in as the settings say, once `findings` is empty."""
    asked = Asked.of(settings)
    audiences, clients = frozenset(settings.inbound_audience), frozenset({asked.client_id} if asked.pool else ())
    rules = Rules(audiences=audiences, clients=clients, scopes=settings.inbound_scopes, clock=clock)
    return OauthCallers(
        header=settings.inbound_header,
        login=Login(asked, secrets, behind, rules),
        rules=rules,
        resource=resource(settings.model_copy(update={"public_url": f"{asked.base_url}/mcp"}), [f"{asked.base_url}/"]),
        clock=clock,
    )
