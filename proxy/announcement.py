"""What the process says of itself when it begins to serve."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from proxy.parser import TRY, command

if TYPE_CHECKING:
    from policies.line import Entry
    from proxy.settings import Settings


DEMO_POLICIES: Final = (
    {
        "use": "tokenize",
        "config": {
            "keys": "ephemeral:",
            "scope": "global",
            "entities": ["EMAIL_ADDRESS"],
            "flows": [{"from": "get_customer_profile", "entities": "EMAIL_ADDRESS", "to": "send_update"}],
        },
    },
)
"""Joins the default chain in front of the embedded demo: an address is a token to the model, and reaches its tool."""


def announce(settings: Settings, entries: Sequence[Entry], url: str, *, demo: bool) -> None:
    """Say on standard error what is served where, by which chain, and what to try."""
    from policies.loading import announcements

    chain = " → ".join(entry.name if entry.mode == "enforce" else f"{entry.name} ({entry.mode})" for entry in entries)
    source = str(settings.policies) if settings.policies else "built-in default, yours: --policies FILE"
    where = "the embedded demo, made-up data; yours: --upstream URL" if demo else upstream_name(settings)
    lines = [
        f"MCP policy proxy on {settings.public_url or url}",
        f"  upstream  {where}",
        f"  policies  {chain or 'none'} ({source})",
        *(f"  note      {said}" for said in announcements(entries)),
        f"  callers   {who_may_call(settings)}",
    ]
    if settings.inbound == "none":
        lines.append(f"  try       {command()} {TRY if demo else 'tools'} --url {url}")
    print("\n".join(lines), file=sys.stderr, flush=True)


def who_may_call(settings: Settings) -> str:
    """The way of inbound authentication, the header, and whose tokens for whom."""
    if settings.inbound == "none":
        return "whoever reaches this address: no inbound authentication"
    issuer = settings.inbound_issuer or settings.oauth_issuer or settings.oauth_user_pool_id
    said = [f"{settings.inbound} in {settings.inbound_header}", f"tokens of {_place(issuer)}" if issuer else ""]
    wanted = {
        "audience": settings.inbound_audience,
        "clients": settings.inbound_client_ids,
        "scopes": settings.inbound_scopes,
    }
    said += [f"{name} {' '.join(values)}" for name, values in wanted.items() if values]
    said.append("claims believed as the platform checked them" if settings.inbound == "platform" else "")
    return ", ".join(filter(None, said))


def upstream_name(settings: Settings) -> str:
    """Where calls go, without credentials, query or a command's arguments."""
    if settings.stdio:
        return f"the command {program(settings.stdio)!r}"
    if not settings.upstream:
        return "the embedded demo (customer support, made-up data)"
    return _place(settings.upstream)


def _place(url: str) -> str:
    """A URL without credentials and query; what is none, without what could be either."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else url.partition("?")[0]


def program(command: str) -> str:
    """The program of a command line, without what it is given; of `NAME=value`, which no shell reads here, the name."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    return words[0].partition("=")[0] if words else ""
