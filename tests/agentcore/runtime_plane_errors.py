"""What the platform itself answers when an invocation does not reach the code: a JSON-RPC error, at its HTTP status."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.agentcore.signatures import DUMPS

Json = dict[str, Any]

STATUSES = {
    -32001: (401, "UnauthorizedException", "Unauthorized"),
    -32002: (403, "AccessDeniedException", "Access denied"),
    -32003: (200, "ThrottlingException", "Rate exceeded"),
    -32004: (200, "ResourceNotFoundException", "Not found"),
    -32005: (200, "RetryableConflictException", "Session operation in progress"),
    -32006: (200, "ValidationException", "Validation failed"),
    -32010: (200, "RuntimeClientError", "Received an error from the runtime"),
    -32011: (406, "ValidationException", "Not acceptable: Accept must name application/json and text/event-stream"),
}
"""AWS's "MCP protocol contract", section error handling: code → HTTP status, exception, message."""


@dataclass
class PlatformError(Exception):
    """One such answer. `status` and `message` where they differ from STATUSES."""

    code: int
    message: str = ""
    status: int | None = None
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self, message_id: Any, boundary: str) -> web.Response:
        """As JSON-RPC. Where the status is no success, the member `message` tells boto3 the same."""
        status, kind, message = STATUSES[self.code]
        text = f"{boundary}: {self.message or message}"
        body: Json = {"jsonrpc": "2.0", "id": message_id, "error": {"code": self.code, "message": text}}
        if (self.status or status) != 200:
            body["message"] = text
        headers = {"x-amzn-ErrorType": self.kind or kind, **self.headers}
        return web.json_response(body, status=self.status or status, headers=headers, dumps=DUMPS)


def id_of(body: bytes) -> Any:
    """The id of a JSON-RPC message, or None."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message.get("id") if isinstance(message, dict) else None
