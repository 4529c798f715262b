"""What is wrong with settings that are each right by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from proxy.workload import WORKLOAD_HEADERS

if TYPE_CHECKING:
    from proxy.settings import Inbound, Settings

OWN_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type"}
    | {"cookie", "expect", "host", "keep-alive", "last-event-id", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"user-agent", *WORKLOAD_HEADERS}
)
"""Headers that belong to one connection or to one call, whoever asks for them."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names and addresses that only this machine answers to."""

_ANYWHERE: Final = frozenset({"0.0.0.0", "::"})
_PORTS: Final = {"http": 80, "https": 443}

_USED_BY: Final[Mapping[str, Sequence[Inbound]]] = {
    "inbound_issuer": ("jwt", "platform"),
    "inbound_jwks_url": ("jwt",),
    "inbound_audience": ("jwt", "platform", "oauth"),
    "inbound_client_ids": ("jwt", "platform"),
    "inbound_scopes": ("jwt", "platform", "oauth"),
    "oauth_provider": ("oauth",),
    "oauth_issuer": ("oauth",),
    "oauth_user_pool_id": ("oauth",),
    "oauth_client_id": ("oauth",),
    "oauth_client_secret": ("oauth",),
    "oauth_signing_key": ("oauth",),
    "oauth_storage": ("oauth",),
}
"""Ways of inbound authentication that look at a setting. With any other it would be believed to protect."""


def contradictions(settings: Settings) -> list[str]:
    """All of it, as findings."""
    found = []
    if never := sorted(name for name in settings.forward_headers if not _may_be_forwarded(name.lower())):
        found.append(f"setting forward_headers: {', '.join(never)} cannot be forwarded")
    if settings.upstream and settings.stdio:
        found.append("settings upstream and stdio exclude each other: give one")
    if settings.upstream and not settings.upstream.startswith(("http://", "https://")):
        found.append("setting upstream: must be an http:// or https:// URL")
    if settings.upstream and _is_ourselves(settings.upstream, settings):
        found.append("setting upstream: is this proxy itself, which would call itself for ever; give the MCP server's")
    if settings.auth_mode == "passthrough" and settings.snapshot:
        found.append("settings snapshot and auth_mode=passthrough exclude each other: a snapshot would be shared")
    return [*found, *_of_inbound(settings)]


def _is_ourselves(upstream: str, settings: Settings) -> bool:
    """Whether the URL is where this process listens, or what `public_url` says."""
    url, public = _place(upstream), _place(settings.public_url or "")
    if url is None:
        return False
    if settings.public_url and url == public:
        return True
    host, port, path = url
    if settings.transport != "http" or port != settings.port or path != "/mcp":
        return False
    return host == settings.host or (host in LOOPBACK and settings.host in LOOPBACK | _ANYWHERE)


def _place(url: str) -> tuple[str, int, str] | None:
    """Host, port and path; None for what is no URL."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.hostname or "").lower(), port, parts.path.rstrip("/")


def _of_inbound(settings: Settings) -> Iterator[str]:
    mode, header = settings.inbound, settings.inbound_header.lower()
    for name, modes in _USED_BY.items():
        if getattr(settings, name) and mode not in modes:
            yield f"setting {name}: inbound={mode} does not look at it; set MCP_PROXY_INBOUND={'|'.join(modes)}"
    if mode == "none":
        return
    if header in (name.lower() for name in settings.forward_headers):
        yield f"setting forward_headers: {header} carries the caller's token for this proxy, which never goes upstream"
    if settings.auth_mode == "passthrough" and header == "authorization":
        yield (
            "settings inbound and auth_mode=passthrough: MCP forbids passing on a token issued for this proxy; "
            "set MCP_PROXY_INBOUND_HEADER=X-Authorization and let Authorization carry a token for the upstream"
        )
    if settings.transport == "stdio":
        yield "settings inbound and transport=stdio exclude each other: on stdio there is no header to check"


def _may_be_forwarded(name: str) -> bool:
    """The caller's credential has a mode of its own (passthrough); the others belong to each connection."""
    return name not in OWN_HEADERS and not name.startswith(("mcp-", "x-amz-", "proxy-"))
