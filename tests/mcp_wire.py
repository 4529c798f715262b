"""A raw MCP client for tests: what goes over the wire in either era, and what comes back, unmodelled."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

HANDSHAKE = "2025-11-25"
MODERN = "2026-07-28"
ERAS = (HANDSHAKE, MODERN)
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
}
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ids = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """Every JSON-RPC message of one HTTP answer; the last one is the answer."""

    status: int
    headers: Mapping[str, str]
    messages: list[Any] = field(default_factory=list)

    @property
    def notifications(self) -> list[Any]:
        return [message for message in self.messages if "id" not in message]

    @property
    def result(self) -> Any:
        return self.messages[-1]["result"]

    @property
    def error(self) -> Any:
        return self.messages[-1]["error"]


def request(
    method: str, params: Mapping[str, Any] | None = None, era: str = HANDSHAKE, *, request_id: Any = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a request as a client of that era sends it."""
    params = dict(params or {})
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if era == MODERN:
        params["_meta"] = {**ENVELOPE, **params.get("_meta", {})}
        headers["mcp-method"] = method
        if method in _NAMES:
            headers["mcp-name"] = str(params.get(_NAMES[method]))
    body = {"jsonrpc": "2.0", "id": next(_ids) if request_id is None else request_id, "method": method}
    return ({**body, "params": params} if params else body), headers


async def rpc(
    url: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    era: str = HANDSHAKE,
    *,
    headers: Mapping[str, str] | None = None,
    request_id: Any = None,
    timeout: float = 20,
) -> Reply:
    """One request, and every message of its answer."""
    body, own = request(method, params, era, request_id=request_id)
    return await post(url, json.dumps(body).encode(), {**own, **(headers or {})}, timeout=timeout)


async def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float = 20) -> Reply:
    data = io.BytesIO(body) if len(body) > 2**20 else body
    limit = aiohttp.ClientTimeout(total=timeout)
    async with (
        aiohttp.ClientSession(timeout=limit) as session,
        session.post(url, data=data, headers={"content-type": "application/json", **headers}) as answer,
    ):
        text = await answer.text()
        kind = answer.headers.get("content-type", "")
        messages = events(text) if kind.startswith("text/event-stream") else [json.loads(text)] if text else []
        return Reply(answer.status, dict(answer.headers), messages)


def events(text: str) -> list[Any]:
    """The JSON of every SSE frame with data."""
    found = []
    for frame in text.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].lstrip(" ") for line in frame.split("\n") if line.startswith("data:"))
        if data.strip():
            found.append(json.loads(data))
    return found


async def stream(answer: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """SSE messages as they come."""
    gathered = ""
    async for chunk in answer.content.iter_any():
        gathered += chunk.decode()
        while "\n\n" in (flat := gathered.replace("\r\n", "\n")):
            frame, gathered = flat.split("\n\n", 1)
            for message in events(frame + "\n\n"):
                yield message
