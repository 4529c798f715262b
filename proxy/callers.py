"""Inbound authentication: who calls. `callers` picks the way that `inbound` names, and each way has a file of its own.

What a caller merely claims in headers (a session, a user) is kept apart as `Caller.asserted`, in every mode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

from policies.jsontext import dumps
from policies.line import Entry
from policies.model import ANYONE, Caller
from policies.policy import Behind, Secrets
from proxy.asgi import App, Headers
from proxy.errors import ConfigError, ProxyError
from proxy.fetch import problem_of
from proxy.names import Names
from proxy.settings import LOOPBACK, Settings

_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@,]+")
_PORTS: Final = {"https": ":443", "http": ":80"}
_USER: Final = b"x-amzn-bedrock-agentcore-runtime-user-id"
_SESSION: Final = b"mcp-session-id"
_RUNTIME_SESSION: Final = b"x-amzn-bedrock-agentcore-runtime-session-id"


class Refused(ProxyError):  # noqa: N818 - the answer that a caller gets, rather than something that broke
    """The caller gets this answer, and nothing is called. `body` is JSON; `headers` come beside its content type."""

    def __init__(self, status: int, error: str, description: str, headers: Headers = ()) -> None:
        super().__init__(description)
        self.status = status
        self.body = dumps({"error": error, "error_description": description})
        self.headers = headers


class Callers(Protocol):
    """One way of finding out who calls. `header`, in lower case, carries the token; it is empty where there is none."""

    header: bytes

    def known(self, headers: Headers) -> Caller | None:
        """The caller, where that can be said at once; None when `identify` must be awaited."""
        ...

    async def identify(self, headers: Headers) -> Caller:
        """The caller. Raises Refused."""
        ...

    def app_for(self, path: str) -> App | None:
        """What answers at a path of inbound authentication (metadata, login), or None."""
        ...

    async def open(self) -> None:
        """Returns at once: what must be fetched is fetched in the background."""
        ...

    async def close(self) -> None: ...


def asserted(headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    """What the caller claims of itself: `session` and `user`, each only where a header says it."""
    session, user = headers.get(_SESSION) or headers.get(_RUNTIME_SESSION), headers.get(_USER)
    found = {}
    if session:
        found["session"] = session.decode("latin-1")
    if user:
        found["user"] = user.decode("latin-1")
    return found


def claiming(caller: Caller, headers: Mapping[bytes, bytes]) -> Caller:
    """The caller with what its headers claim."""
    found = asserted(headers)
    if not found:
        return caller
    return Caller(subject=caller.subject, issuer=caller.issuer, claims=caller.claims, asserted=found)


class Anyone:
    """Nobody is asked who they are."""

    header = b""

    def known(self, headers: Headers) -> Caller:
        return claiming(ANYONE, dict(headers))

    async def identify(self, headers: Headers) -> Caller:
        return self.known(headers)

    def app_for(self, path: str) -> App | None:
        return None

    async def open(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing to end."""


def callers(settings: Settings, secrets: Secrets, behind: Behind | None = None) -> Callers:
    """The way that `settings.inbound` names. What it must import, it imports `behind` the calls.

    Raises ConfigError with every finding; fetches nothing yet.
    """
    findings = unusable(settings)
    if settings.inbound == "none":
        if findings:
            raise ConfigError(findings)
        return Anyone()
    from proxy import callers_jwt, callers_oauth, callers_platform
    from proxy.behind import Behind as Thread

    way = {"jwt": callers_jwt, "platform": callers_platform, "oauth": callers_oauth}[settings.inbound]
    if findings := [*findings, *way.findings(settings)]:
        raise ConfigError(findings)
    behind = behind or Thread()
    if settings.inbound == "jwt":
        return callers_jwt.made(settings, behind)
    if settings.inbound == "oauth":
        return callers_oauth.made(settings, secrets, behind)
    return callers_platform.made(settings)


def refusals(settings: Settings, entries: Sequence[Entry]) -> list[str]:
    """What must not run: where nobody checks who calls, nothing may listen to strangers or decide by who they are."""
    if settings.inbound != "none":
        return []
    found = [
        f"policy {entry.name}: decides by verified caller, and no inbound authentication verifies one; "
        "set MCP_PROXY_INBOUND"
        for entry in entries
        if entry.policy.per_caller and entry.mode != "off"
    ]
    if settings.transport == "http" and settings.host not in LOOPBACK:
        found.append(
            f"setting host: {settings.host} is not loopback, and there is no inbound authentication; "
            "set MCP_PROXY_INBOUND to jwt, oauth or platform (docs/inbound-auth.md)"
        )
    return found


def allowed(settings: Settings) -> Names:
    """What the settings name, and the public URL's own. The platform checks names itself, and gives ours no meaning."""
    hosts, origins = {host.lower() for host in settings.allowed_hosts}, set(map(_origin, settings.allowed_origins))
    if settings.public_url:
        hosts.add(urlsplit(settings.public_url).hostname or "")
        origins.add(_origin(settings.public_url))
    return Names(hosts=None if settings.inbound == "platform" else frozenset(hosts), origins=frozenset(origins))


def _origin(url: str) -> str:
    """As browsers write it: in lower case, and without the scheme's own port (RFC 6454, section 6.2)."""
    scheme, _, rest = url.lower().partition("://")
    return f"{scheme}://{rest.partition('/')[0].removesuffix(_PORTS.get(scheme, ':'))}"


def unusable(settings: Settings) -> list[str]:
    """What is wrong with the names of this proxy, whoever calls."""
    found = []
    if settings.public_url:
        if problem := problem_of(settings.public_url) or _unfit(settings.public_url):
            found.append(f"setting public_url: {problem}")
    elif settings.inbound in ("jwt", "oauth") and settings.host not in LOOPBACK:
        found.append(
            f"setting public_url: inbound={settings.inbound} on {settings.host} needs the URL that clients use, "
            "such as https://mcp.example.com/mcp"
        )
    found += [
        f"setting allowed_hosts: {host!r} is not a host name; give it without scheme, port and path"
        for host in settings.allowed_hosts
        if not _HOST.fullmatch(host)
    ]
    found += [
        f"setting allowed_origins: {origin!r} is not an origin such as https://app.example.com"
        for origin in settings.allowed_origins
        if not _ORIGIN.fullmatch(origin)
    ]
    return found


def _unfit(url: str) -> str | None:
    """Why no resource can be named by it: it stands in a header, between quotes."""
    if not (url.isascii() and url.isprintable()) or any(sign in url for sign in ' "\\?#'):
        return "must be a plain URL without a query or a fragment"
    return None
