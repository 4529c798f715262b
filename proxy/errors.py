"""Every error the proxy raises on purpose.

ProxyError
├── ConfigError          something in a file, flag or variable is wrong; `findings` lists all of it
├── RpcError             a JSON-RPC error for the client: code, message, data
│   └── UpstreamError    the upstream could not be reached, or did not answer as MCP (`kind`)
└── AuthError            no credential for the upstream could be had
    └── ClientRefusedError   the token endpoint does not accept the client with this secret
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from policies.model import Json

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
DENIED = -31001
"""Ours, outside the range JSON-RPC and MCP reserve (-32768…-32000)."""
UPSTREAM_FAILED = -31002


class ProxyError(Exception):
    """Base of the errors below."""


class ConfigError(ProxyError):
    """All that is wrong with the configuration, one finding a line."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


class RpcError(ProxyError):
    """A JSON-RPC error object."""

    def __init__(self, code: int, message: str, data: Json = None, *, has_data: bool | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.has_data = data is not None if has_data is None else has_data


UpstreamFault = Literal["unreachable", "timeout", "malformed", "too_large", "status", "auth", "session", "closed"]


class UpstreamError(RpcError):
    """The upstream failed in a way that is not a JSON-RPC answer of its own.

    The message is ours and holds no text of the upstream. `sent` says whether the request may have been executed.
    """

    def __init__(self, kind: UpstreamFault, message: str, *, sent: bool = True, status: int | None = None) -> None:
        super().__init__(UPSTREAM_FAILED, message, {"kind": kind})
        self.kind = kind
        self.sent = sent
        self.status = status


class AuthError(ProxyError):
    """No credential for the upstream could be had. The message names the source, never the secret.

    `told` is what the caller may learn of it; the message is for the log. An error that is not `lasting` came of what
    one call brought along: another call may fare better.
    """

    def __init__(self, message: str, *, lasting: bool = True, told: str | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.told = told


class ClientRefusedError(AuthError):
    """The token endpoint does not accept the client with this secret."""
