"""MCP over the invocation URL: requests, pages, and what the platform answers in place of the proxy, in words."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from deployment.errors import DeployError
from deployment.transports import Answer, Sent, Transport

PROTOCOL: Final = "2025-11-25"
RETRY_S: Final = 60.0
PAGES: Final = 1_000

_PLATFORM: Final[Mapping[int, str]] = {
    -32001: "the runtime did not accept the caller's credentials",
    -32002: "the caller may not invoke it: InvokeAgentRuntime is needed on ARN and on ARN/runtime-endpoint/*",
    -32003: "AgentCore throttles the call, or a quota is used up",
    -32004: "AgentCore knows no such runtime, endpoint or session",
    -32005: "another operation of this session is in progress",
    -32006: "AgentCore found the request not valid",
    -32010: "the proxy in the runtime failed to answer: its log group shows why",
    -32011: "AgentCore wants an Accept of both JSON and events",
}
"""Codes of JSON-RPC errors that the platform answers itself, many in HTTP 200."""

_STATUS: Final[Mapping[int, str]] = {
    400: _PLATFORM[-32006],
    401: _PLATFORM[-32001],
    402: "a quota of AgentCore is used up",
    403: _PLATFORM[-32002],
    404: _PLATFORM[-32004],
    406: _PLATFORM[-32011],
    409: _PLATFORM[-32005],
    413: "the arguments are larger than AgentCore lets through",
    424: "the runtime did not start within its 30 s, or its proxy failed: its log group shows why",
    429: _PLATFORM[-32003],
}
_AGAIN: Final = frozenset({-32003, -32005, 409, 429})
"""Not executed, so that sending it again is safe."""
_LOST: Final = frozenset({-32004, 404})
_SAID: Final = 300
"""Characters of AWS's own message that are repeated."""


class RefusedError(DeployError):
    """The platform's answer in place of the proxy's. `number` is the HTTP status or the JSON-RPC code."""

    def __init__(self, number: int, sentence: str, said: object) -> None:
        told = f"; AWS said: {str(said)[:_SAID]}" if said else ""
        super().__init__(f"{sentence} ({number}){told}")
        self.number = number


class RpcAnswerError(DeployError):
    """The proxy's own JSON-RPC error, `error` as it came."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"the proxy answered error {error.get('code')}: {error.get('message')}")
        self.error = error


class Conversation:
    """Requests in one runtime session, which is new: an old one keeps running old code."""

    def __init__(
        self,
        transport: Transport,
        *,
        endpoint: str = "DEFAULT",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._clock = clock
        self._sleep = sleep
        self._ids = itertools.count(1)
        self._session = _new_session()
        self._lost = False

    def tools(self) -> list[dict[str, Any]]:
        """Every tool, all pages. Raises DeployError."""
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {}
        for _ in range(PAGES):
            page = self.request("tools/list", params)
            found += page.get("tools") or []
            if not isinstance(cursor := page.get("nextCursor"), str):
                return found
            if cursor == params.get("cursor"):
                break
            params = {"cursor": cursor}
        raise DeployError("the proxy's list of tools does not end")

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result. Sends again, within RETRY_S, what was not executed; once in a new session when it is lost."""
        ends, pause = self._clock() + RETRY_S, 0.5
        while True:
            try:
                return self._once(method, params)
            except RefusedError as error:
                if error.number in _LOST and not self._lost:
                    self._lost, self._session = True, _new_session()
                    continue
                if error.number not in _AGAIN or self._clock() + pause > ends:
                    raise
            self._sleep(pause)
            pause = min(pause * 2, 8.0)

    def _once(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        sent = Sent(
            body=json.dumps(message).encode(), session=self._session, protocol=PROTOCOL, endpoint=self._endpoint
        )
        answer = self._transport.send(sent)
        found = _message(answer, number)
        if found is None:
            sentence = _STATUS.get(answer.status, "the runtime did not answer with MCP")
            raise RefusedError(answer.status, sentence, answer.said)
        if isinstance(error := found.get("error"), dict):
            code = error.get("code")
            if isinstance(code, int) and code in _PLATFORM:
                raise RefusedError(code, _PLATFORM[code], error.get("message"))
            raise RpcAnswerError(error)
        result = found.get("result")
        return result if isinstance(result, dict) else {}


def _message(answer: Answer, number: int) -> dict[str, Any] | None:
    """The JSON-RPC response with this id, or an error without one; None where there is none."""
    for text in _events(answer.body) if answer.kind.startswith("text/event-stream") else [answer.body]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and ("result" in found or "error" in found) and found.get("id") in (number, None):
            return found
    return None


def _events(body: bytes) -> Iterator[bytes]:
    """The data of each server-sent event."""
    for event in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        data = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if data:
            yield b"\n".join(data)


def _new_session() -> str:
    """AgentCore wants 33 characters at least."""
    return f"mcp-policy-proxy-{uuid.uuid4()}"
