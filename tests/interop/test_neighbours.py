"""The neighbours' own programs: the registry's rules in a real nginx, and the agentcore CLI's own schema."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from proxy.export_registry import Entry, url_of
from tests.inbound.conftest import jwt_of
from tests.inbound.issuer import Issuer
from tests.inbound.issuer import serving as issuing
from tests.mcp_wire import MODERN, rpc
from tests.neighbours.registry_rules import nginx_conf
from tests.neighbours.test_agentcore_project import JWT, UPSTREAM
from tests.neighbours.test_agentcore_project import made as project
from tests.neighbours.test_registry import ARN, cli
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

from .agentcore_cli import AgentcoreCli
from .installs import install
from .nginx import nginx, serving
from .running import free_port

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def agentcore() -> AgentcoreCli:
    if shutil.which("npm") is None:
        message = "npm is not on the path: install Node.js with npm to run this"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    found = AgentcoreCli()
    install(found)  # type: ignore[arg-type]
    return found


PROJECTS: dict[str, dict[str, Any]] = {
    "before it is deployed": {"environ": {"MCP_PROXY_UPSTREAM": UPSTREAM}},
    "without an upstream": {},
    "with IAM": {"environ": {"MCP_PROXY_UPSTREAM": UPSTREAM}, "arn": ARN},
    "with tokens": {"environ": {"MCP_PROXY_UPSTREAM": UPSTREAM, **JWT}, "arn": ARN, "qualifier": "prod"},
    "with an audience": {
        "environ": {
            "MCP_PROXY_UPSTREAM": UPSTREAM,
            "MCP_PROXY_INBOUND": "jwt",
            "MCP_PROXY_INBOUND_ISSUER": "https://login.example.com/tenant",
            "MCP_PROXY_INBOUND_AUDIENCE": "https://mcp.example.com/mcp",
        },
        "arn": ARN,
    },
    "with the longest name": {"environ": {"MCP_PROXY_UPSTREAM": UPSTREAM}, "arn": ARN, "name": "p" * 41},
}


@pytest.mark.parametrize("facts", PROJECTS.values(), ids=PROJECTS)
def test_the_clis_own_schema_takes_the_project_and_keeps_all_of_it(agentcore: AgentcoreCli, facts: Any) -> None:
    document = project(**facts)
    assert agentcore.issues(document) == []
    read = agentcore.read(document)
    assert {name: read[name] for name in document} == document


def test_the_schema_refuses_what_this_export_does_not_write(agentcore: AgentcoreCli) -> None:
    document = project({"MCP_PROXY_UPSTREAM": UPSTREAM}, arn=ARN)
    (target,) = document["agentCoreGateways"][0]["targets"]
    target["outboundAuth"] = {"type": "GATEWAY_IAM_ROLE", "service": "bedrock-agentcore"}
    (issue,) = agentcore.issues(document)
    assert "mcpServer targets do not support GATEWAY_IAM_ROLE" in issue
    document["runtimes"][0]["protocol"] = "STDIO"
    assert len(agentcore.issues(document)) == 2


def test_what_the_command_writes_is_what_the_cli_reads(agentcore: AgentcoreCli, tmp_path: Path) -> None:
    ran = cli("agentcore", "--upstream", UPSTREAM, "--arn", ARN, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert agentcore.issues(json.loads(ran.stdout)) == []


@dataclass
class Front:
    """The registry's auth server: it lets in who has a token of `issuer` in X-Authorization."""

    tokens: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def validate(self, request: web.Request) -> web.Response:
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        allowed = not self.tokens or request.headers.get("X-Authorization", "") in self.tokens
        return web.Response(status=200 if allowed else 401, headers={"X-User": "alice", "X-Scopes": "all"})


@contextlib.asynccontextmanager
async def fronting(front: Front) -> AsyncIterator[Front]:
    app = web.Application()
    app.router.add_route("*", "/validate", front.validate)
    async with _served(app) as url:
        front.url = f"{url}/validate"
        yield front


@contextlib.asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def entry(url: str, **tokens: str) -> dict[str, Any]:
    made = Entry(name="shop", path="/shop", url=url, tokens=tokens, tags=[], tools=[])
    return json.loads(json.dumps(made.document()))  # type: ignore[no-any-return]


@contextlib.contextmanager
def registered(document: dict[str, Any], front: Front, folder: Path) -> Any:
    """The URL of the registry's nginx with the entry registered; the entry is below it at /shop."""
    port = free_port()
    (folder / "nginx.conf").write_text(nginx_conf(document, folder=folder, port=port, validate=front.url))
    with serving(nginx(), folder, port):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("end", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("written", ["/mcp", "/mcp/"], ids=["entry with /mcp", "entry with /mcp/"])
async def test_a_real_client_works_through_the_registrys_nginx(written: str, end: str, tmp_path: Path) -> None:
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path) as running,
        fronting(Front()) as front,
    ):
        document = entry(running.url.removesuffix("/mcp") + written)
        with registered(document, front, tmp_path) as base:
            async with Client(StreamableHttpTransport(f"{base}/shop{end}")) as client:
                names = {tool.name for tool in await client.list_tools()}
                result = await client.call_tool("echo", {"text": "through nginx"})
            published = len(running.proxy.catalogs.main)
            for era in (MODERN, "2025-11-25"):
                reply = await rpc(f"{base}/shop{end}", "tools/call", {"name": "echo", "arguments": {"a": 1}}, era)
                assert (reply.status, "result" in reply.messages[-1]) == (200, True)
    assert len(names) == published > 3
    assert not result.is_error
    assert front.asked
    assert len(upstream.bodies("tools/call")) == 3


async def test_both_ends_are_served_alike_and_without_a_redirection(tmp_path: Path) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    answers = []
    async with (
        RichUpstream(MODERN).running() as upstream,
        proxy_before(upstream.url, tmp_path) as running,
        fronting(Front()) as front,
        aiohttp.ClientSession() as session,
    ):
        with registered(entry(running.url), front, tmp_path) as base:
            for url in (running.url, f"{running.url}/", f"{base}/shop/mcp", f"{base}/shop/mcp/"):
                async with session.post(url, json=message, headers=accept, allow_redirects=False) as answer:
                    answers.append((answer.status, await answer.json()))
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)


async def test_each_of_the_registrys_two_tokens_is_checked_by_whom_it_is_for(tmp_path: Path) -> None:
    """X-Authorization opens the registry and the proxy (issuer A), Authorization the upstream (issuer B)."""
    async with contextlib.AsyncExitStack() as stack:
        a, b = [await stack.enter_async_context(issuing(Issuer())) for _ in range(2)]
        last = await stack.enter_async_context(RichUpstream(MODERN).running())
        upstream = await stack.enter_async_context(proxy_before(last.url, tmp_path, **jwt_of(b, inbound_audience="up")))
        flags = jwt_of(a, inbound_header="X-Authorization", auth_mode="passthrough")
        running = await stack.enter_async_context(proxy_before(upstream.url, tmp_path, **flags))
        mine, theirs = f"Bearer {a.token()}", f"Bearer {b.token(aud='up')}"
        front = await stack.enter_async_context(fronting(Front(tokens={mine})))
        base = stack.enter_context(registered(entry(running.url), front, tmp_path))
        transport = StreamableHttpTransport(
            f"{base}/shop/mcp", headers={"X-Authorization": mine, "Authorization": theirs}
        )
        async with Client(transport) as client:
            result = await client.call_tool("echo", {"text": "two tokens"})
        assert not result.is_error
        assert len(last.bodies("tools/call")) == 1
        assert mine not in str(last.received)
        swapped = {"X-Authorization": theirs, "Authorization": mine}
        assert await _status(f"{base}/shop/mcp", swapped) == (401, "nginx")
        front.tokens.clear()
        assert await _status(f"{base}/shop/mcp", swapped) == (401, "invalid_token")
        assert len(last.bodies("tools/call")) == 1


async def _status(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """The status of a call, and who refused it: nginx, or the proxy with its error."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}}
    accept = {"Accept": "application/json, text/event-stream"}
    async with aiohttp.ClientSession() as session, session.post(url, json=message, headers=headers | accept) as answer:
        html = answer.content_type == "text/html"
        return answer.status, "nginx" if html else str((await answer.json()).get("error"))


async def test_the_url_of_a_runtime_arrives_encoded_once_and_without_a_query(tmp_path: Path) -> None:
    """What nginx sends for the entry of a deployed proxy, its host put on loopback."""
    seen: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.headers.get("Authorization", "")))
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", take)
    async with _served(app) as url, fronting(Front()) as front, aiohttp.ClientSession() as session:
        invoked = url_of(ARN)
        document = entry(invoked.replace("https://bedrock-agentcore.eu-central-1.amazonaws.com", url))
        with registered(document, front, tmp_path) as base:
            headers = {"Authorization": "Bearer theirs"}
            async with session.post(f"{base}/shop/", json={}, headers=headers) as answer:
                assert answer.status == 200
    path = invoked.removeprefix("https://bedrock-agentcore.eu-central-1.amazonaws.com")
    assert seen == [(f"{path}/", "Bearer theirs")]
