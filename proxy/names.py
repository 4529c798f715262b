"""The host names that this proxy answers to, and the origins whose pages may call it: against DNS rebinding.

Source: MCP 2026-07-28, Streamable HTTP, Security Warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from proxy.settings import LOOPBACK

_LONGEST: Final = 512
"""Bytes of a Host or Origin that is looked at: a DNS name has 253 at most, and what was looked at is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`hosts` None means any, without a check.

    Loopback names are not in here: they are always allowed, and a page of theirs runs on the caller's own machine.
    """

    hosts: frozenset[str] | None
    origins: frozenset[str]

    def refuses_host(self, host: bytes | None) -> str | None:
        """Why a request with this Host is refused, or None."""
        if self.hosts is None:
            return None
        name = None if host is None else _hostname(b"//" + host)
        if name in LOOPBACK or name in self.hosts:
            return None
        return f"Host not allowed: this proxy answers to {_told(self.hosts)} names only (setting allowed_hosts)"

    def refuses_origin(self, origin: bytes | None) -> str | None:
        """Why a request with this Origin is refused, or None."""
        if origin is None or _hostname(origin) in LOOPBACK or origin.decode("latin-1") in self.origins:
            return None
        whose = _told(self.origins)
        return f"Origin not allowed: this proxy answers to {whose} origins only (setting allowed_origins)"


def _hostname(url: bytes) -> str | None:
    return _parsed(url) if len(url) <= _LONGEST else None


@lru_cache(maxsize=256)
def _parsed(url: bytes) -> str | None:
    try:
        return urlsplit(url.decode("latin-1")).hostname
    except ValueError:
        return None


def _told(more: frozenset[str]) -> str:
    return "loopback and its configured" if more else "loopback"
