"""What an HTTP failure means: its kind, whether the request was executed, whether it may be sent again."""

from __future__ import annotations

from typing import Final

from proxy.http1_errors import ClosedError, ConnectError, FramingError, HeaderError
from proxy.http1_response import Response
from proxy.wire import Again, WireError

_BUSY: Final = frozenset({409, 424, 503})
"""Conflict, an AgentCore runtime that did not start, unavailable: worth another try where a repeat does no harm."""
_NO_CONNECTION: Final = {
    "certificate": "no TLS connection to the upstream: its certificate was not accepted",
    "time": "the upstream did not accept a connection in time",
    "name": "the upstream's host name cannot be resolved",
    "refused": "the upstream cannot be connected to",
}


def fault(error: Exception) -> WireError:
    """An exception of the HTTP client's as a WireError. Nothing of its text is kept: it may quote the upstream."""
    if isinstance(error, WireError):
        return error
    if isinstance(error, ConnectError):
        return _unreachable(error)
    if isinstance(error, TimeoutError):
        return WireError("timeout", "the upstream did not answer in time")
    if isinstance(error, ClosedError | ConnectionError):
        return WireError(
            "closed", "the upstream closed the connection before its answer was complete", again="repeatable"
        )
    if isinstance(error, FramingError):
        return WireError("malformed", "the upstream's answer is not HTTP that can be read")
    if isinstance(error, HeaderError):
        return WireError("malformed", f"the request has a header that HTTP cannot carry: {error}", sent=False)
    return WireError("malformed", f"the upstream's answer cannot be read ({type(error).__name__})")


def _unreachable(error: ConnectError) -> WireError:
    again: Again = "never" if error.reason == "certificate" else "always"
    return WireError("unreachable", _NO_CONNECTION[error.reason], again=again, sent=False)


def status_fault(response: Response) -> WireError:
    """A status that is no answer, as a WireError."""
    status = response.status
    if 300 <= status < 400:
        message = f"the upstream redirects (HTTP {status}), which is not followed: configure the final address"
        return WireError("status", message, status=status, sent=False)
    message = f"the upstream answered HTTP {status}"
    if status == 508:
        return WireError("status", "the upstream leads back to this proxy (HTTP 508)", status=status, sent=False)
    if status in (401, 403):
        return WireError("auth", f"{message}: it does not accept the credential", status=status, sent=False)
    after = retry_after(response)
    if status == 429:
        return WireError("status", message, status=status, again="always", sent=False, after=after)
    return WireError("status", message, status=status, again="repeatable" if status in _BUSY else "never", after=after)


def retry_after(response: Response) -> float | None:
    """The seconds of a Retry-After header; None without one, or with a date."""
    found = response.header("retry-after") or ""
    return float(found) if found.isdecimal() and found.isascii() and len(found) < 7 else None
