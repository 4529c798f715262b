"""FastMCP's OAuth provider, built from an issuer's metadata. Only imported behind the calls: FastMCP takes a second.

The provider registers clients, asks the user, logs in at the issuer and gives out tokens of its own. Each of them
stands for a token of the issuer, which is checked again whenever it is used.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.jwt_issuer import derive_jwt_key
from fastmcp.server.auth.oidc_proxy import OIDCConfiguration, OIDCProxy
from fastmcp.server.auth.providers.aws import AWSCognitoProvider
from key_value.aio.stores.filetree import (
    FileTreeStore,
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.encryption import FernetEncryptionWrapper
from starlette.applications import Starlette
from starlette.routing import Route

from policies.model import JsonObject
from proxy.claims import BadTokenError, Rules, read
from proxy.signatures import Signatures
from proxy.signing_keys import KeysAwayError

if TYPE_CHECKING:
    from key_value.aio.protocols import AsyncKeyValue

KEPT: Final = 10_000
"""Clients, logins and tokens kept in memory, of each kind; what was used longest ago goes first."""

SELDOM_S: Final = 60.0
_STRANGERS: Final = ("fastmcp.server.auth.", "mcp.server.auth.", "key_value.")
"""Loggers of what strangers reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """This proxy as a client of the issuer, and as an authorization server of its own callers."""

    document: JsonObject
    client_id: str
    secret: str = field(repr=False)
    signing_key: str | None = field(repr=False)
    storage: Path | None
    base_url: str
    scopes: tuple[str, ...]
    audience: str | None = None
    pool: tuple[str, str] | None = None
    """Id and region of a Cognito user pool; None for any other issuer."""


class IssuersTokens(TokenVerifier):
    """Checks the issuer's tokens as in `inbound=jwt`. Scopes are asked for here, and missed by whoever calls this."""

    def __init__(self, signatures: Signatures, rules: Rules, scopes: tuple[str, ...]) -> None:
        super().__init__(required_scopes=list(scopes))
        self._signatures = signatures
        self._rules = rules

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            _, claims = await self._signatures.verified(token, read(token), self._rules)
            self._rules.check(claims, None)
        except (BadTokenError, KeysAwayError, TimeoutError):
            return None
        who = claims.get("client_id") or claims.get("azp") or claims.get("sub") or ""
        return AccessToken(
            token=token,
            client_id=str(who),
            scopes=[],
            expires_at=int(claims["exp"]),
            subject=claims.get("sub"),
            claims=dict(claims),
        )


def build(given: Registration, signatures: Signatures, rules: Rules) -> OIDCProxy:
    """The provider. It asks nobody: the metadata is at hand. Raises ValueError, OSError for an unusable folder."""
    _quieten()
    verifier = IssuersTokens(signatures, rules, given.scopes)
    key = _key(given.signing_key or given.secret)
    common: dict[str, Any] = {
        "client_id": given.client_id,
        "client_secret": given.secret,
        "base_url": given.base_url,
        "required_scopes": list(given.scopes),
        "jwt_signing_key": key,
        "client_storage": storage(given.storage, key),
    }

    class Found:
        """The issuer as it was found, in place of what the provider would ask for by itself, without bounds."""

        def get_oidc_configuration(self, *_: object, **__: object) -> OIDCConfiguration:
            return OIDCConfiguration.model_validate(given.document)

        def get_token_verifier(self, **_: object) -> TokenVerifier:
            return verifier

    if given.pool is not None:
        cognito: Any = type("Cognito", (Found, AWSCognitoProvider), {})
        provider: OIDCProxy = cognito(user_pool_id=given.pool[0], aws_region=given.pool[1], **common)
        return provider
    oidc: Any = type("Oidc", (Found, OIDCProxy), {})
    made: OIDCProxy = oidc(config_url=str(given.document["issuer"]), audience=given.audience, **common)
    return made


def app(provider: OIDCProxy) -> Starlette:
    """Login, registration and tokens. The metadata of the protected resource is not among them: it is ours."""
    routes = [route for route in provider.get_routes("/mcp") if not route.path.startswith("/.well-known/")]
    known = [route for route in provider.get_well_known_routes("/mcp") if "protected-resource" not in route.path]
    return Starlette(routes=[*routes, *_unique(known)])


def _unique(routes: list[Route]) -> list[Route]:
    return list({route.path: route for route in routes}.values())


def _key(secret: str) -> bytes:
    return derive_jwt_key(high_entropy_material=secret, salt="mcp-policy-proxy-inbound")


def storage(folder: Path | None, key: bytes) -> AsyncKeyValue:
    """Where registrations and logins are kept: in memory, or sealed in a folder. Raises OSError."""
    if folder is None:
        return MemoryStore(max_entries_per_collection=KEPT)
    sealed = Fernet(derive_jwt_key(high_entropy_material=key.decode(), salt="mcp-policy-proxy-storage"))
    return FernetEncryptionWrapper(key_value=files(folder), fernet=sealed, raise_on_decryption_error=False)


def files(folder: Path) -> FileTreeStore:
    """What is kept in a folder, one file an entry. Raises OSError."""
    return FileTreeStore(
        data_directory=folder,
        key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(folder),
        collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(folder),
    )


class Seldom(logging.Filter):
    """Lets a record through where none of the same place, kind and exception's type came within SELDOM_S.

    A stranger makes the provider write a line with each request; no more than the place is written of it anyway.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.pathname, record.lineno, record.levelno, record.exc_info[0] if record.exc_info else None)
        now = self._clock()
        if now - self._last.get(place, -SELDOM_S) < SELDOM_S:
            return False
        self._last[place] = now
        return True


def _quieten() -> None:
    """The provider's own loggers, which all are known once it is imported; what they said before counts no more."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(_STRANGERS):
            logger = logging.getLogger(name)
            logger.filters = [known for known in logger.filters if not isinstance(known, Seldom)]
            logger.addFilter(Seldom())
