"""What an HTTP failure means: its kind, whether the request was executed, whether it may be sent again."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp

from proxy.wire import WireError

_BUSY: Final = frozenset({409, 424, 503})
"""Conflict, an AgentCore runtime that did not start, unavailable: worth another try where a repeat does no harm."""


def fault(error: Exception) -> WireError:
    """An exception of the HTTP client's as a WireError. Nothing of its text is kept: it may quote the upstream."""
    if isinstance(error, WireError):
        return error
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return WireError(
            "unreachable", "no TLS connection to the upstream: its certificate was not accepted", sent=False
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return WireError("unreachable", "the upstream did not accept a connection in time", again="always", sent=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return WireError("unreachable", "the upstream's host name cannot be resolved", again="always", sent=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return WireError("unreachable", "the upstream cannot be connected to", again="always", sent=False)
    if isinstance(error, asyncio.TimeoutError):
        return WireError("timeout", "the upstream did not answer in time")
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | ConnectionError):
        return WireError(
            "closed", "the upstream closed the connection before its answer was complete", again="repeatable"
        )
    if isinstance(error, aiohttp.ClientResponseError):
        return WireError("malformed", "the upstream's answer is not HTTP that can be read")
    return WireError("malformed", f"the upstream's answer cannot be read ({type(error).__name__})")


def status_fault(response: aiohttp.ClientResponse) -> WireError:
    """A status that is no answer, as a WireError."""
    status = response.status
    if 300 <= status < 400:
        message = f"the upstream redirects (HTTP {status}), which is not followed: configure the final address"
        return WireError("status", message, status=status, sent=False)
    message = f"the upstream answered HTTP {status}"
    if status in (401, 403):
        return WireError("auth", f"{message}: it does not accept the credential", status=status, sent=False)
    after = retry_after(response)
    if status == 429:
        return WireError("status", message, status=status, again="always", sent=False, after=after)
    return WireError("status", message, status=status, again="repeatable" if status in _BUSY else "never", after=after)


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """The seconds of a Retry-After header; None without one, or with a date."""
    found = response.headers.get("Retry-After", "").strip()
    return float(found) if found.isdecimal() and found.isascii() and len(found) < 7 else None
