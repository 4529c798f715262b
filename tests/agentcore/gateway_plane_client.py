"""A gateway's own MCP client: what it says to a target that is an MCP server, in the era of the caller."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from mcp.shared.inbound import encode_header_value
from yarl import URL

from tests.agentcore.gateway_plane_eras import HANDSHAKE, MODERN, SESSION
from tests.agentcore.gateway_plane_identity import Outbound, target_of
from tests.agentcore.runtime_plane import GATEWAY_AGENT
from tests.agentcore.signatures import Received, RefusedError
from tests.agentcore.world import Gateway, Target

Json = dict[str, Any]

ANSWER_BYTES = 6 * 2**20
_RUNTIME_HOST = re.compile(r"bedrock-agentcore(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)")
_ENVELOPE = "io.modelcontextprotocol/"
_INFO = {"name": "agentcore-gateway", "version": "1.0.0"}
_ids = itertools.count(1)


class TargetError(Exception):
    """A target could not be asked or answered something else than MCP; one sentence. `status` is its HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a target is, and what the boundary to it is called."""

    gateway: Gateway
    target: Target
    url: str
    boundary: str


def place_of(gateway: Gateway, target: Target, runtimes: str) -> Place:
    """The AWS host of a runtime is the emulated one at URL `runtimes`; any other endpoint is what it says."""
    endpoint = str(target.request["targetConfiguration"]["mcp"]["mcpServer"]["endpoint"])
    if _RUNTIME_HOST.fullmatch(urlsplit(endpoint).hostname or ""):
        url = runtimes.rstrip("/") + target_of(endpoint)
        return Place(gateway=gateway, target=target, url=url, boundary="gateway → runtime")
    return Place(gateway=gateway, target=target, url=endpoint, boundary="gateway → target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Messages to targets. `http` has no timeouts of its own; each exchange is bounded by its caller."""

    http: aiohttp.ClientSession
    outbound: Outbound

    async def initialize(self, place: Place) -> str | None:
        """The handshake: the target's session id, where it gives one. Raises TargetError."""
        params = {"protocolVersion": HANDSHAKE[0], "capabilities": {}, "clientInfo": _INFO}
        session: list[str | None] = []
        await self.ask(place, "initialize", params, HANDSHAKE[0], None, session=session)
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
        headers = _headers("notifications/initialized", {}, HANDSHAKE[0], session[0], {})
        async with await self._post(place, headers, note) as answer:
            await answer.read()
        return session[0]

    async def ask(
        self,
        place: Place,
        method: str,
        params: Json,
        version: str,
        held: str | None,
        *,
        session: list[str | None] | None = None,
    ) -> Json:
        """The final message of an exchange. Raises TargetError, also for a JSON-RPC error."""
        final: Json = {}
        async for message in self.exchange(place, method, params, version, held, {}, session):
            final = message
        if "result" not in final:
            raise TargetError(f"{place.boundary}: {method} was answered {final.get('error', {}).get('message')}")
        result: Json = final["result"]
        return result

    async def exchange(
        self,
        place: Place,
        method: str,
        params: Json,
        version: str,
        held: str | None,
        passed: Mapping[str, str],
        session: list[str | None] | None = None,
    ) -> AsyncIterator[Json]:
        """Every message of the answer as it comes; the last one is the answer. Raises TargetError.

        `held` is the session with the target, `passed` what of the caller's headers goes on, and `session` takes the
        id that the answer's header gives.
        """
        if version == MODERN:
            params = {**params, "_meta": _enveloped(params.get("_meta") or {})}
        number = next(_ids)
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
        async with await self._post(place, _headers(method, params, version, held, passed), body) as answer:
            if session is not None:
                session.append(answer.headers.get(SESSION))
            async for message in _messages(place, answer):
                yield message
                if message.get("id") == number:
                    return
        raise TargetError(f"{place.boundary}: the target ended without an answer to {method}", answer.status)

    async def _post(self, place: Place, headers: dict[str, str], body: bytes) -> aiohttp.ClientResponse:
        given = {"Host": urlsplit(place.url).netloc, **headers}
        request = Received(method="POST", target=target_of(place.url), headers=tuple(given.items()), body=body)
        try:
            sent = await self.outbound.signed(self.http, place.gateway, place.target, place.url, request)
        except RefusedError as error:
            raise TargetError(f"{place.boundary}: {error.message}") from None
        parts = urlsplit(place.url)
        url = URL(f"{parts.scheme}://{parts.netloc}{sent.target}", encoded=True)
        try:
            return await self.http.request(
                sent.method, url, headers=list(sent.headers), data=sent.body, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise TargetError(f"{place.boundary}: the target cannot be reached ({type(error).__name__})") from None


def _headers(
    method: str, params: Mapping[str, Any], version: str, session: str | None, passed: Mapping[str, str]
) -> dict[str, str]:
    headers = {
        **passed,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "User-Agent": GATEWAY_AGENT,
        "MCP-Protocol-Version": version,
    }
    if version == MODERN:
        headers["Mcp-Method"] = method
        if method == "tools/call":
            headers["Mcp-Name"] = encode_header_value(str(params["name"]))
    return headers if session is None else {**headers, SESSION: session}


def _enveloped(meta: Json) -> Json:
    own = {f"{_ENVELOPE}clientCapabilities": {}, f"{_ENVELOPE}clientInfo": _INFO}
    return {**own, **meta, f"{_ENVELOPE}protocolVersion": MODERN}


async def _messages(place: Place, answer: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """JSON-RPC messages of an answer, of JSON or of an event stream. Raises TargetError for a refusal, or no MCP."""
    try:
        if answer.status == 200 and answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            async for event in _events(answer):
                yield event
            return
        message = json.loads(await _whole(answer))
    except (ValueError, aiohttp.ClientError):
        message = None
    if isinstance(message, dict) and _is_refusal(answer, message):
        # A runtime's own refusal names the boundary already.
        told = str(message["error"].get("message", ""))
        text = told if told.startswith(place.boundary) else f"{place.boundary}: {told}"
        raise TargetError(text, answer.status)
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        told = str(message.get("message", "")) if isinstance(message, dict) else ""
        own = told if told.startswith(place.boundary) else f"{place.boundary}: {told}"
        raise TargetError(f"{own} (HTTP {answer.status}, and no MCP message)", answer.status)
    yield message


def _is_refusal(answer: aiohttp.ClientResponse, message: Json) -> bool:
    """Whether an error is the platform's or the door's, and not the server's answer to the method."""
    if "error" not in message or answer.status < 400:
        return False
    unknown_method = answer.status == 404 and message["error"].get("code") == -32601
    return (answer.status in (401, 403, 404) and not unknown_method) or "x-amzn-ErrorType" in answer.headers


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """Raises ValueError over ANSWER_BYTES."""
    gathered = b""
    async for piece in answer.content.iter_any():
        gathered += piece
        if len(gathered) > ANSWER_BYTES:
            raise ValueError
    return gathered


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    gathered = b""
    async for piece in answer.content.iter_any():
        gathered = (gathered + piece).replace(b"\r\n", b"\n")
        if len(gathered) > ANSWER_BYTES:
            raise ValueError
        *frames, gathered = gathered.split(b"\n\n")
        for frame in frames:
            data = b"\n".join(line[5:].lstrip(b" ") for line in frame.split(b"\n") if line.startswith(b"data:"))
            if data.strip():
                yield json.loads(data)
