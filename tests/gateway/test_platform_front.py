"""What stands in front of the proxy, AgentCore Runtime or a registry's nginx, and what it may send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.workload import WORKLOAD_HEADERS
from tests.inbound.issuer import compact
from tests.mcp_wire import request, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

pytestmark = pytest.mark.usefixtures("doors")

PLATFORM = {"inbound": "platform"}
SESSION = {"x-amzn-bedrock-agentcore-runtime-session-id": "s" * 33}
RUNTIME = {
    **SESSION,
    "x-amzn-bedrock-agentcore-runtime-request-id": "r1",
    "x-amzn-bedrock-agentcore-runtime-user-id": "bob",
    "x-amzn-bedrock-agentcore-runtime-custom-tenant": "t1",
    "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793",
    **dict.fromkeys(WORKLOAD_HEADERS, "CANARY-workload"),
}
WHO = """
from policies.model import Modify
from policies.policy import Policy


class Who(Policy):
    def on_result(self, call, result):
        caller = call.caller
        told = [caller.subject, caller.issuer, caller.claims.get("tenant"), dict(caller.asserted)]
        return Modify(result.with_body({**result.body, "_meta": {"who": told}}))
"""


async def statuses(url: str, path: str, era: str) -> list[tuple[int, bytes]]:
    """What every method answers at a path, redirects not followed."""
    body, headers = request("tools/call", {"name": "echo", "arguments": {"n": 1}}, era, request_id=1)
    found = []
    async with aiohttp.ClientSession() as http:
        for method, given in (
            ("POST", json.dumps(body)),
            ("GET", None),
            ("DELETE", None),
            ("PUT", "{}"),
            ("HEAD", None),
        ):
            where = url.removesuffix("/mcp") + path
            asked = {"content-type": "application/json", **headers}
            timeout = aiohttp.ClientTimeout(total=10, sock_read=2)
            async with http.request(
                method, where, data=given, headers=asked, allow_redirects=False, timeout=timeout
            ) as answer:
                found.append((answer.status, await answer.read() if method == "POST" else b""))
    return found


async def test_both_forms_of_the_path_are_served_alike_and_nothing_is_redirected(
    gateway: RichUpstream, era: str, tmp_path: Path
) -> None:
    gateway.tools[:] = [{"name": "echo", "inputSchema": {"type": "object"}}]
    async with proxy_before(gateway.url, tmp_path, **PLATFORM) as running:
        plain = await statuses(running.url, "/mcp", era)
        assert plain == await statuses(running.url, "/mcp/", era)
        assert plain[0][0] == 200
        assert not [status for status, _ in plain if 300 <= status < 400]


@pytest.mark.parametrize("session", ["of-the-runtime", "0" * 36])
async def test_a_session_id_that_the_proxy_never_gave_is_taken_in_any_order(
    gateway: RichUpstream, era: str, tmp_path: Path, session: str
) -> None:
    gateway.tools[:] = [{"name": "echo", "inputSchema": {"type": "object"}}]
    async with proxy_before(gateway.url, tmp_path, **PLATFORM) as running:
        for headers in ({"mcp-session-id": session}, {**SESSION, "mcp-session-id": session}, SESSION):
            params = {"name": "echo", "arguments": {"n": 1}}
            reply = await rpc(running.url, "tools/call", params, era, headers=headers)
            assert reply.result["structuredContent"] == {"n": 1}, "no initialize came before it"
            assert (await rpc(running.url, "tools/list", {}, era, headers=headers)).result["tools"]


async def test_ping_is_healthy_and_says_no_time(gateway: RichUpstream, tmp_path: Path) -> None:
    """A time of the last update that moves keeps a session alive to its longest (AgentCore Runtime, /ping)."""
    async with (
        proxy_before(gateway.url, tmp_path, **PLATFORM) as running,
        aiohttp.ClientSession() as http,
        http.get(running.url.replace("/mcp", "/ping")) as answer,
    ):
        assert (answer.status, await answer.json()) == (200, {"status": "Healthy"})


def token(**claims: Any) -> dict[str, str]:
    told = {"iss": "https://issuer.example", "sub": "alice", "tenant": "acme", "exp": 4102444800, **claims}
    return {"authorization": f"Bearer {compact({'alg': 'RS256', 'kid': 'k'}, told)}.c2lnbmF0dXJl"}


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        (RUNTIME, [None, None, None, {"session": "s" * 33, "user": "bob"}]),
        ({**RUNTIME, **token()}, ["alice", "https://issuer.example", "acme", {"session": "s" * 33, "user": "bob"}]),
        ({**token(sub="carol"), "mcp-session-id": "m"}, ["carol", "https://issuer.example", "acme", {"session": "m"}]),
        (
            {**RUNTIME, "authorization": "AWS4-HMAC-SHA256 Credential=A"},
            [None, None, None, {"session": "s" * 33, "user": "bob"}],
        ),
    ],
    ids=["iam", "jwt", "jwt of another", "a signature"],
)
async def test_claims_say_who_calls_and_headers_only_what_is_asserted(
    gateway: RichUpstream, era: str, tmp_path: Path, headers: dict[str, str], who: list[Any]
) -> None:
    gateway.tools[:] = [{"name": "echo", "inputSchema": {"type": "object"}}]
    (tmp_path / "who_policy.py").write_text(WHO)
    async with proxy_before(gateway.url, tmp_path, '[[policy]]\nuse = "who_policy:Who"\n', **PLATFORM) as running:
        reply = await rpc(running.url, "tools/call", {"name": "echo", "arguments": {}}, era, headers=headers)
        assert reply.result["_meta"]["who"] == who


async def test_nothing_of_the_platforms_headers_goes_on_but_the_trace(
    gateway: RichUpstream, era: str, tmp_path: Path
) -> None:
    gateway.tools[:] = [{"name": "echo", "inputSchema": {"type": "object"}}]
    async with proxy_before(gateway.url, tmp_path, **PLATFORM) as running:
        await rpc(running.url, "tools/call", {"name": "echo", "arguments": {}}, era, headers={**RUNTIME, **token()})
    for headers, body in gateway.received:
        assert not [name for name in headers if name.startswith("x-amz") or "workload" in name]
        assert "authorization" not in headers
        assert "CANARY" not in json.dumps([headers, body])


@pytest.mark.parametrize("name", ["WorkloadAccessToken", "X-Amz-Bedrock-AgentCore-Identity-WAT"])
async def test_a_workload_token_that_comes_twice_is_refused(gateway: RichUpstream, tmp_path: Path, name: str) -> None:
    async with proxy_before(gateway.url, tmp_path, **PLATFORM) as running, aiohttp.ClientSession() as http:
        twice = [("content-type", "application/json"), (name, "a"), (name, "b")]
        async with http.post(running.url, data=b"{}", headers=twice) as answer:
            assert answer.status == 400
            assert "came more than once" in (await answer.json())["error"]["message"]
