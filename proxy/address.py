"""The upstream's URL as the settings give it, checked once for everybody who reads it."""

from __future__ import annotations

import socket
from hashlib import sha256

import yarl

from proxy.errors import ConfigError
from proxy.loopback import is_loopback


def address(url: str) -> yarl.URL:
    """`url` as it is written: an encoded ARN in its path stays encoded. Raises ConfigError for one of no use."""
    try:
        found = yarl.URL(url, encoded=True)
        if not found.host or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError
        yarl.URL(url)  # what asks for the host alone must not fail later
    except ValueError:
        raise ConfigError(["setting upstream: not a URL that can be requested as it stands (is it encoded?)"]) from None
    if found.raw_user is not None or found.raw_password is not None:
        raise ConfigError(["setting upstream: holds a user or password; take it out and set auth_mode"])
    return found.with_fragment(None)


def endpoint_of(url: yarl.URL) -> str:
    """scheme://host:port/path: no user, no query."""
    return f"{url.scheme}://{url.host_port_subcomponent}{url.raw_path}"


def mark_of(endpoint: str) -> str:
    """What every replica of a proxy in front of this upstream writes into its User-Agent.

    A request that brings it back has passed such a proxy already: the upstream leads to the proxy itself. An address
    of loopback is another place on each machine, and may be the upstream's own upstream.
    """
    if is_loopback(yarl.URL(endpoint, encoded=True).host or ""):
        endpoint = f"{socket.gethostname()} {endpoint}"
    return f"(upstream {sha256(endpoint.encode()).hexdigest()[:16]})"
