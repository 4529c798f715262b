"""Callers whom the platform in front has checked (AgentCore Runtime): claims are read, and no signature is verified.

Only for a process that nobody but that platform can reach. What the settings name beyond that (issuer, audience,
clients, scopes) and the end of the token are checked once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from policies.model import ANYONE, Caller
from proxy.asgi import App, Headers
from proxy.callers import Refused, claiming
from proxy.claims import BadTokenError, Rules, caller_of, read, rules
from proxy.fetch import problem_of
from proxy.protected_resource import Resource, bearer, value_of
from proxy.settings import Settings


class PlatformCallers:
    """Implements `proxy.callers.Callers`. A caller without a JWT (IAM in front) has no subject."""

    def __init__(self, *, header: str, rules: Rules, issuer: str | None) -> None:
        self.header = header.lower().encode()
        self._rules = rules
        self._issuer = issuer
        self._asked = bool(issuer or rules.audiences or rules.clients or rules.scopes)
        self._resource = Resource(url=None, scopes=rules.scopes)

    def known(self, headers: Headers) -> Caller | None:
        try:
            return self._caller(headers)
        except Refused:
            return None

    async def identify(self, headers: Headers) -> Caller:
        return self._caller(headers)

    def _caller(self, headers: Headers) -> Caller:
        token = bearer(value_of(headers, self.header))
        if token is None and not self._asked:
            return claiming(ANYONE, dict(headers))
        if token is None:
            raise self._resource.missing(headers, "The platform passed no token on, and its claims are asked for")
        try:
            claims = read(token).claims
            self._rules.check(claims, self._issuer, must_end=False)
        except BadTokenError as error:
            raise self._resource.invalid(headers, str(error)) from None
        if self._rules.lacks_scope(claims):
            raise self._resource.insufficient(headers)
        return claiming(caller_of(claims), dict(headers))

    def app_for(self, path: str) -> App | None:
        return None

    async def open(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing to end."""


def findings(settings: Settings) -> list[str]:
    """Nothing is missing in this mode: what could be checked once more need not be configured."""
    problem = problem_of(settings.inbound_issuer) if settings.inbound_issuer else None
    return [f"setting inbound_issuer: {problem}"] if problem else []


def made(settings: Settings, clock: Callable[[], float] = time.time) -> PlatformCallers:
    """What reads callers as the settings say."""
    return PlatformCallers(
        header=settings.inbound_header, rules=rules(settings, clock), issuer=settings.inbound_issuer or None
    )
