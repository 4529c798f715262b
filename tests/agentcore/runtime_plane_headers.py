"""Which headers cross a Runtime's door, and which ones the platform adds."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from tests.agentcore.runtime_plane_errors import PlatformError

Json = dict[str, Any]

RUNTIME = "X-Amzn-Bedrock-AgentCore-Runtime-"
SESSION = f"{RUNTIME}Session-Id"
USER = f"{RUNTIME}User-Id"
REQUEST = f"{RUNTIME}Request-Id"
MCP_SESSION = "Mcp-Session-Id"
WORKLOAD = ("WorkloadAccessToken", "X-Amz-Bedrock-AgentCore-Identity-WAT")
"""The workload access token under its first name, and under its newer one."""

VALUE_BYTES = 4096
_TRACE = "X-Amzn-Trace-Id"
_PROTOCOL = {"content-type", "accept", "traceparent", "tracestate", "baggage", "last-event-id"}
_NEVER = {"host", "content-length", "connection", "transfer-encoding", "x-amz-date", "x-amz-security-token"}
_ANSWERED = ("content-type", "mcp-protocol-version", "cache-control", "x-accel-buffering")


def forwarded(headers: Mapping[str, str], request: Json) -> dict[str, str]:
    """What of the caller's headers reaches the code: MCP's own, traces, those of the allow-list, Custom-*.

    Authorization passes on a JWT runtime alone, and only when the list names it. Raises PlatformError for a value
    over 4 KB.
    """
    listed = {name.lower() for name in request.get("requestHeaderConfiguration", {}).get("requestHeaderAllowlist", ())}
    if not request.get("authorizerConfiguration"):
        listed.discard("authorization")
    kept = {name: value for name, value in headers.items() if _passes(name.lower(), listed)}
    if any(len(value) > VALUE_BYTES for value in kept.values()):
        raise PlatformError(-32006, f"A header's value is over {VALUE_BYTES} bytes")
    return kept


def _passes(name: str, listed: set[str]) -> bool:
    if name in _NEVER:
        return False
    return name in _PROTOCOL or name in listed or name.startswith(("mcp-", f"{RUNTIME}Custom-".lower()))


def added(headers: Mapping[str, str], session: str, workload: str | None) -> dict[str, str]:
    """The platform's own headers. `workload` is the workload access token of the call, where there is one."""
    trace = headers.get(_TRACE) or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=1"
    found = {SESSION: session, MCP_SESSION: session, REQUEST: str(uuid.uuid4()), _TRACE: trace}
    found |= {USER: headers[USER]} if USER in headers else {}
    return found | (dict.fromkeys(WORKLOAD, workload) if workload else {})


def answered(headers: Mapping[str, str], session: str, sent: Mapping[str, str]) -> dict[str, str]:
    """What of the code's answer goes back, and what the platform says beside it."""
    kept = {name: headers[name] for name in _ANSWERED if name in headers}
    return {**kept, SESSION: session, MCP_SESSION: session, _TRACE: sent[_TRACE], "x-amzn-RequestId": sent[REQUEST]}
