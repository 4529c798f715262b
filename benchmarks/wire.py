"""The messages that every part of the benchmark sends, in both eras of MCP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

HANDSHAKE = "2025-11-25"
MODERN = "2026-07-28"
LABEL = "io.modelcontextprotocol/"
PATH = "/mcp"

Json = dict[str, Any]
CLIENT: Json = {"name": "benchmark", "version": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to talk: the protocol version sent, and how the answer must come back."""

    version: str
    answers: Literal["json", "sse"]

    @property
    def modern(self) -> bool:
        return self.version == MODERN

    def __str__(self) -> str:
        return f"{self.version} {self.answers.upper()}"


HANDSHAKE_JSON = Form(version=HANDSHAKE, answers="json")
HANDSHAKE_SSE = Form(version=HANDSHAKE, answers="sse")
MODERN_JSON = Form(version=MODERN, answers="json")
FORMS = (HANDSHAKE_JSON, HANDSHAKE_SSE, MODERN_JSON)


def message(form: Form, method: str, params: Json, *, number: int | None = None) -> Json:
    """A JSON-RPC message, a notification when it has no number. The modern era adds its envelope in `_meta`."""
    if form.modern:
        envelope = {"protocolVersion": MODERN, "clientCapabilities": {}, "clientInfo": CLIENT}
        params = {**params, "_meta": {LABEL + key: value for key, value in envelope.items()}}
    sent: Json = {"jsonrpc": "2.0", "method": method, "params": params}
    return sent if number is None else {**sent, "id": number}


def headers(form: Form, method: str, *, name: str = "", session: str = "") -> dict[str, str]:
    """The HTTP headers that the message of this method needs (2026-07-28: standard headers; 2025-11-25: session)."""
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if method != "initialize":
        sent["MCP-Protocol-Version"] = form.version
    if form.modern:
        sent["Mcp-Method"] = method
    if form.modern and name:
        sent["Mcp-Name"] = name
    if session:
        sent["Mcp-Session-Id"] = session
    return sent


def post(port: int, fields: Mapping[str, str], body: Json) -> bytes:
    """The bytes of one POST of this message to a server on loopback."""
    data = orjson.dumps(body)
    fields = {"Host": f"127.0.0.1:{port}", **fields, "Content-Length": str(len(data))}
    head = f"POST {PATH} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return head.encode() + b"\r\n" + data
