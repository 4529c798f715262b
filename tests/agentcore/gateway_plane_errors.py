"""What a gateway itself answers with: JSON-RPC errors, at the HTTP status of the caller's era."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.agentcore.signatures import DUMPS

Json = dict[str, Any]

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR, PARSE_ERROR = -32600, -32601, -32602, -32603, -32700
THROTTLED = -32003
_MODERN = {METHOD_NOT_FOUND: 404, INVALID_PARAMS: 400}


@dataclass
class GatewayError(Exception):
    """One such error. `status` is None where the era decides: 200 in the handshake era but for malformed messages."""

    code: int
    message: str
    status: int | None = None
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, message_id: Any, *, modern: bool) -> Answer:
        told: Json = {"code": self.code, "message": self.message}
        if self.data is not None:
            told["data"] = self.data
        own = self.status or (_MODERN.get(self.code, 200) if modern else 200)
        body = {"jsonrpc": "2.0", "id": message_id, "error": told}
        return Answer(status=own, headers=dict(self.headers), body=body)


@dataclass
class Answer:
    """An answer before it is sent: interceptors see it and may change it. A body of None is an empty one."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def response(self) -> web.Response:
        if self.body is None:
            return web.Response(status=self.status, headers=self.headers)
        return web.json_response(self.body, status=self.status, headers=self.headers, dumps=DUMPS)
