"""A Runtime's front on loopback: it verifies signatures and tokens for real, and answers as it is told.

It stands in front of nothing, or of an MCP server. What it was asked is kept in the order in which it came.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.auth.aws_verifier import Verifier

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/policy_proxy-AbCdEf1234"
TARGET = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fpolicy_proxy-AbCdEf1234"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "right", "AWS_SESSION_TOKEN": "session"}
SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"

_KEPT = ("content-type", "mcp-session-id")
_SENT = ("accept", "content-type", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`target` is the request line's. Headers by lower-case name. `verdict` is `ok`, or why it was refused."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    verdict: str

    @property
    def rpc(self) -> str:
        """The MCP method of the message."""
        return str(json.loads(self.body)["method"]) if self.body else self.method

    @property
    def session(self) -> str:
        return self.headers.get(SESSION.lower(), "")


Answer = Callable[[Asked], web.StreamResponse | None]
"""What is answered in place of the server behind; None passes the request on."""


def refuse_nothing(_: Asked) -> None:
    return None


@dataclass
class Front:
    """Lets in what is signed with KEYS, or what carries one of `tokens` where there are any."""

    upstream: str | None = None
    tokens: set[str] = field(default_factory=set)
    answer: Answer = refuse_nothing
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        verdict = self._judge(f"{request.method} {request.raw_path} HTTP/1.1", headers, body)
        asked = Asked(method=request.method, target=request.raw_path, headers=headers, body=body, verdict=verdict)
        self.asked.append(asked)
        if verdict != "ok":
            return self._refusal(verdict)
        if (told := self.answer(asked)) is not None:
            return told
        return await self._passed_on(asked) if self.upstream else web.json_response({"verdict": verdict})

    def _judge(self, line: str, headers: Mapping[str, str], body: bytes) -> str:
        if self.tokens:
            return "ok" if headers.get("authorization", "").removeprefix("Bearer ") in self.tokens else "token"
        secrets = {KEYS["AWS_ACCESS_KEY_ID"]: (KEYS["AWS_SECRET_ACCESS_KEY"], KEYS["AWS_SESSION_TOKEN"])}
        return Verifier("bedrock-agentcore", "us-east-1", secrets).judge(line, dict(headers), body)

    def _refusal(self, verdict: str) -> web.Response:
        """As the service's own front answers: no JSON-RPC, and the error's name in a header."""
        if self.tokens:
            return web.json_response(
                {"message": verdict}, status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
            )
        headers = {"x-amzn-ErrorType": "InvalidSignatureException:http://internal.amazon.com/coral/"}
        return web.json_response({"message": verdict}, status=403, headers=headers)

    async def _passed_on(self, asked: Asked) -> web.Response:
        sent = {name: value for name, value in asked.headers.items() if name in _SENT}
        assert self.upstream
        async with (
            aiohttp.ClientSession() as client,
            client.request(asked.method, self.upstream, headers=sent, data=asked.body) as answered,
        ):
            kept = {name: value for name, value in answered.headers.items() if name.lower() in _KEPT}
            return web.Response(status=answered.status, body=await answered.read(), headers=kept)


@contextlib.asynccontextmanager
async def running(front: Front) -> AsyncIterator[Front]:
    runner = web.ServerRunner(web.Server(front.serve), handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    front.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield front
    finally:
        await runner.cleanup()
