"""This proxy as a protected resource: how a caller is told what is missing (RFC 6750), and where tokens are (RFC 9728).

Nothing of what the caller sent is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from policies.jsontext import dumps
from proxy.asgi import App, Headers, Receive, Scope, Send, answer
from proxy.callers import Refused
from proxy.settings import Settings

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"

RETRY_S: Final = 2
"""Seconds after which a caller may try again while tokens cannot be checked."""

_LOOPBACK: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
_CORS: Final = ((b"access-control-allow-origin", b"*"), (b"cache-control", b"no-store"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What the proxy is to its callers.

    `url` is its public URL; without one it is on loopback, and called as the Host header says, so that a client
    finds in the metadata the very URL that it uses. Without `servers` no metadata is published.
    """

    url: str | None
    servers: Sequence[str] = ()
    scopes: Sequence[str] = ()
    fallback: str = "127.0.0.1:8000"

    def missing(self, headers: Headers, description: str) -> Refused:
        """No token came: 401 without an error code (RFC 6750, section 3)."""
        return Refused(401, "unauthorized", description, [self._challenge(headers)])

    def invalid(self, headers: Headers, description: str) -> Refused:
        """The token is unfit: 401."""
        return Refused(401, "invalid_token", description, [self._challenge(headers, "invalid_token", description)])

    def insufficient(self, headers: Headers) -> Refused:
        """The token is sound and lacks a scope: 403, with all that are needed."""
        error, description = "insufficient_scope", "The token lacks a scope that this server needs"
        return Refused(403, error, description, [self._challenge(headers, error, description)])

    def url_for(self, headers: Headers) -> str:
        """The resource identifier."""
        if self.url is not None:
            return self.url
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        host = hosts[0] if len(hosts) == 1 and _LOOPBACK.fullmatch(hosts[0]) else self.fallback
        return f"http://{host}/mcp"

    def app_for(self, path: str) -> App | None:
        """The metadata, where it is asked for: at the root, and after the root the resource's path."""
        return self._metadata if self.servers and path in self._paths() else None

    def _paths(self) -> set[str]:
        own = urlsplit(self.url).path.rstrip("/") if self.url else "/mcp"
        return {WELL_KNOWN, f"{WELL_KNOWN}/mcp", WELL_KNOWN + own}

    def _challenge(self, headers: Headers, error: str = "", description: str = "") -> tuple[bytes, bytes]:
        given = {"error": error, "error_description": description, "scope": " ".join(self.scopes)}
        if self.servers:
            parts = urlsplit(self.url_for(headers))
            given["resource_metadata"] = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"
        said = ", ".join(f'{name}="{value}"' for name, value in given.items() if value)
        return b"www-authenticate", f"Bearer {said}".rstrip().encode()

    async def _metadata(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        document = {
            "resource": self.url_for(scope["headers"]),
            "authorization_servers": list(self.servers),
            **({"scopes_supported": list(self.scopes)} if self.scopes else {}),
            "bearer_methods_supported": ["header"],
        }
        if method in ("GET", "HEAD"):
            await answer(send, 200, dumps(document), _CORS)
            return
        asked = [(b"access-control-allow-methods", b"GET"), (b"access-control-allow-headers", b"*")]
        await answer(
            send, 200 if method == "OPTIONS" else 405, b"", [(b"allow", b"GET, HEAD, OPTIONS"), *asked, *_CORS]
        )


def resource(settings: Settings, servers: Sequence[str]) -> Resource:
    """The resource that the settings describe; `servers` are the issuers whose tokens it takes."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Resource(
        url=settings.public_url,
        servers=tuple(servers),
        scopes=settings.inbound_scopes,
        fallback=f"{host}:{settings.port}",
    )


def unavailable(description: str) -> Refused:
    """Whether the token is sound cannot be found out now: 503, never let through."""
    return Refused(503, "temporarily_unavailable", description, [(b"retry-after", str(RETRY_S).encode())])


def value_of(headers: Headers, wanted: bytes) -> bytes | None:
    """The value of the first header of that name."""
    for name, value in headers:
        if name == wanted:
            return value
    return None


def bearer(value: bytes | None) -> str | None:
    """The token of a header value with the scheme Bearer, in any case; None where there is none."""
    scheme, _, token = (value or b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
