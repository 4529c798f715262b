"""Signatures, checked by FastMCP's own JWTVerifier: one for each key and algorithm, loaded behind the calls."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from policies.jsontext import dumps
from policies.model import JsonObject
from policies.policy import Behind
from proxy.claims import KEY_TYPES, BadTokenError, Rules, Unverified
from proxy.logs import take_over
from proxy.signing_keys import KeysAwayError, SigningKeys

if TYPE_CHECKING:
    from fastmcp.server.auth.providers.jwt import JWTVerifier

LOAD_S: Final = 15.0
"""So long the first calls wait for FastMCP to be loaded."""

_VERIFIERS: Final = 100


class Signatures:
    """Checks tokens against the keys of one issuer."""

    def __init__(self, keys: SigningKeys, behind: Behind) -> None:
        self._keys = keys
        self._behind = behind
        self._loading: Future[type[JWTVerifier]] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._verifiers: dict[tuple[str, bytes, str], JWTVerifier] = {}

    def open(self) -> None:
        """Begins to load and to fetch."""
        self._load()
        self._warming = asyncio.create_task(self._warm(), name="keys for inbound authentication")

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self._keys.close()

    async def verified(self, token: str, unverified: Unverified, rules: Rules) -> tuple[str, JsonObject]:
        """The issuer and the verified claims. Raises BadTokenError, KeysAwayError, and TimeoutError while loading."""
        keys = await self._keys.current()
        rules.check(unverified.claims, keys.issuer)
        key = await self._keys.find(unverified.kid, unverified.alg)
        if key is None:
            raise BadTokenError("The token is signed with a key that its issuer does not publish")
        verifier = await self._verifier(keys.issuer, key, unverified.alg)
        access = await verifier.verify_token(token)
        if access is None:
            raise BadTokenError("The signature of the token is not valid")
        return keys.issuer, access.claims

    async def _verifier(self, issuer: str, key: JsonObject, alg: str) -> JWTVerifier:
        try:
            async with asyncio.timeout(LOAD_S):
                made = await asyncio.shield(asyncio.wrap_future(self._load()))
        except ImportError:
            raise TimeoutError("could not be loaded; the next call tries again") from None
        which = (issuer, dumps(key), alg)
        if which not in self._verifiers:
            if len(self._verifiers) >= _VERIFIERS:
                self._verifiers.clear()
            self._verifiers[which] = made(public_key=_pem(key, alg), algorithm=alg, issuer=issuer)
        return self._verifiers[which]

    def _load(self) -> Future[type[JWTVerifier]]:
        if self._loading is None or (self._loading.done() and self._loading.exception()):
            self._loading = self._behind.start(_imported)
        return self._loading

    async def _warm(self) -> None:
        with contextlib.suppress(KeysAwayError):
            await self._keys.current()


def _imported() -> type[JWTVerifier]:
    from fastmcp.server.auth.providers.jwt import JWTVerifier

    take_over()
    return JWTVerifier


def _pem(key: JsonObject, alg: str) -> str:
    """Raises BadTokenError for a key that is none."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    try:
        pem: bytes = kinds[KEY_TYPES[alg]].import_key(dict(key)).as_pem(private=False)
        return pem.decode()
    except (JoseError, TypeError, KeyError, ValueError):
        raise BadTokenError("The token is signed with a key that cannot be read") from None
