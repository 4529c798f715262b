"""What a request of `http1` can fail with, beside TimeoutError: nothing here holds text of the server's.

HttpError
├── ConnectError     no connection, so nothing was sent
├── ClosedError      the connection ended, or its framing broke, before the answer was complete
├── FramingError     what came is not the head of an answer that can be read
└── HeaderError      a header of ours that cannot be sent, so nothing was
"""

from __future__ import annotations

from typing import Literal


class HttpError(Exception):
    """Base of the errors below."""


class ConnectError(HttpError):
    """`reason`: the name is not known, the certificate not accepted, no answer in time, or anything else."""

    def __init__(self, reason: Literal["name", "certificate", "time", "refused"]) -> None:
        super().__init__(reason)
        self.reason = reason


class ClosedError(HttpError):
    """Whether the request was executed is not known."""


class FramingError(HttpError):
    """Not HTTP/1, a head over its cap, or a length told in two ways."""


class HeaderError(HttpError):
    """A name that is no token or that the client sets itself, or a value with a line break, NUL or beyond latin-1."""
