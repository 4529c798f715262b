"""The Gateway's door and what is behind it: who comes in, what it lists, and how it calls a runtime."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from fastmcp import Client as FastMCPClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from yarl import URL

from tests import mcp_wire
from tests.agentcore import gateway_plane, runtime_plane
from tests.agentcore.gateway_plane_catalog import SEARCH
from tests.agentcore.gateway_plane_client import TargetError
from tests.agentcore.gateway_plane_identity import Tamper
from tests.agentcore.runtime_plane_serving import (
    Signed,
    allow,
    gateway_in,
    role,
    runtime_in,
    serving,
    target_in,
    user_keys,
)
from tests.agentcore.signatures import Received, mint
from tests.agentcore.signatures_iam import DIRECTORY, VAULT
from tests.agentcore.test_runtime_plane import Code
from tests.agentcore.test_signatures import WRONG, signed_for
from tests.agentcore.test_tokens import WRONG as WRONG_TOKENS
from tests.agentcore.test_tokens import Front, Spoil, front, resigned, tenant_rule
from tests.agentcore.world import Gateway, Provider, Runtime, Target, World
from tests.mcp_wire import ERAS, HANDSHAKE, MODERN, Reply, rpc
from tests.running import proxy_before

__all__ = ["front"]

ROLE = "arn:aws:iam::123456789012:role/gateway"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:orders"
BEFORE = "arn:aws:lambda:us-east-1:123456789012:function:interceptor"
ITEM = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
ORDERS = [
    {"name": "get_order", "description": "Looks up an order", "inputSchema": ITEM, "outputSchema": {"type": "object"}},
    {"name": "cancel_order", "description": "Cancels an order", "inputSchema": ITEM},
    {"name": "track_parcel", "description": "Where a parcel is", "inputSchema": ITEM},
]
NAMES = [f"orders___{tool['name']}" for tool in ORDERS]
IAM = {
    "credentialProviderType": "GATEWAY_IAM_ROLE",
    "credentialProvider": {"iamCredentialProvider": {"service": "bedrock-agentcore", "region": "us-east-1"}},
}


def orders(event: Any, context: Any) -> Any:
    return {"order": event["id"], "tool": context.client_context.custom["bedrockAgentCoreToolName"]}


@dataclass
class Place:
    """Both planes, and MCP servers as the code of runtimes."""

    url: str
    moto: str
    world: World
    plane: gateway_plane.Plane
    code: Code
    http: aiohttp.ClientSession

    def gateway(self, mcp: dict[str, Any] | None = None, **request: Any) -> Gateway:
        """A gateway with the Lambda target `orders`."""
        gateway = gateway_in(self.world, self.url, ROLE, mcp, **request)
        target_in(gateway, "orders", {"lambda": {"lambdaArn": LAMBDA, "toolSchema": {"inlinePayload": ORDERS}}})
        return gateway

    def front(
        self, role_arn: str = ROLE, mcp: dict[str, Any] | None = None, **target: Any
    ) -> tuple[Gateway, Target, Runtime]:
        """A gateway, and behind it a runtime at its AWS host."""
        runtime = runtime_in(self.world, "shop", role_arn)
        gateway = gateway_in(self.world, self.url, role_arn, mcp)
        endpoint = (
            f"https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/{quote(runtime.arn, safe='')}/invocations"
        )
        given = {"credentialProviderConfigurations": [IAM], **target}
        server = {"endpoint": f"{endpoint}?qualifier=DEFAULT", "listingMode": "DEFAULT"}
        return gateway, target_in(gateway, "shop", {"mcpServer": server}, **given), runtime

    def may_invoke(self, runtime: Runtime) -> None:
        arns = [runtime.arn, f"{runtime.arn}/runtime-endpoint/*"]
        role(self.moto, "gateway", [allow(["bedrock-agentcore:InvokeAgentRuntime"], arns)])

    async def synchronized(self, gateway: Gateway, target: Target) -> None:
        target.tools = await self.plane.targets.list_tools(self.world, gateway, target)


@pytest.fixture
async def place(moto: str) -> AsyncIterator[Place]:
    from proxy.demo import serve

    world, code = World(), Code()
    runtimes = runtime_plane.app(world, moto, start=code)
    found: list[str] = []
    gateways = gateway_plane.app(world, moto, runtimes=lambda: found[0], functions={LAMBDA: orders}, page_size=2)
    demo = await serve()
    async with demo, serving(runtimes) as runtimes_url, serving(gateways) as url, aiohttp.ClientSession() as http:
        found.append(runtimes_url)
        code.url = demo.url.removesuffix("/mcp")
        yield Place(url, moto, world, gateways[gateway_plane.PLANE], code, http)


def spoiling_the_call(spoil: Tamper, request: Received) -> Received:
    """The handshake before a call has no header of the caller, and stays as it is."""
    return spoil(request) if "x-shop" in request.values() else request


async def names(url: str, era: str = HANDSHAKE, headers: dict[str, str] | None = None) -> list[str]:
    """The names on every page, of which there are fewer than ten."""
    found: list[str] = []
    params: dict[str, Any] = {}
    for _ in range(10):
        page = (await rpc(url, "tools/list", params, era, headers=headers)).result
        found += [tool["name"] for tool in page["tools"]]
        if "nextCursor" not in page:
            return found
        params = {"cursor": page["nextCursor"]}
    raise AssertionError("the pages have no end")


class TestClients:
    """MCP clients that nobody here wrote."""

    @pytest.mark.parametrize("mode", ["auto", "legacy"])
    @pytest.mark.parametrize("sessions", [{}, {"sessionConfiguration": {}}])
    async def test_the_sdks_client_lists_and_calls(self, place: Place, mode: Any, sessions: dict[str, Any]) -> None:
        gateway = place.gateway({"instructions": "Ask for orders.", **sessions}, authorizerType="AWS_IAM")
        async with (
            create_mcp_http_client(auth=Signed(user_keys(place.world))) as http,
            Client(streamable_http_client(gateway.url, http_client=http), mode=mode) as client,
        ):
            assert client.instructions == "Ask for orders."
            first = await client.list_tools()
            second = await client.list_tools(cursor=first.next_cursor)
            assert [tool.name for tool in (*first.tools, *second.tools)] == NAMES
            result = await client.call_tool(NAMES[0], {"id": "7"})
            assert (result.is_error, result.structured_content) == (False, {"order": "7", "tool": NAMES[0]})

    async def test_fastmcps_client_lists_every_page_and_calls(self, place: Place, front: Front) -> None:
        gateway = place.gateway(
            {"searchType": "SEMANTIC"},
            authorizerType="CUSTOM_JWT",
            authorizerConfiguration={"customJWTAuthorizer": front.authorizer(allowedClients=[front.client])},
        )
        async with FastMCPClient(StreamableHttpTransport(gateway.url, auth=await front.token())) as client:
            assert [tool.name for tool in await client.list_tools()] == [SEARCH, *NAMES]
            found = await client.call_tool(SEARCH, {"query": "where is the parcel"})
            assert found.structured_content
            assert found.structured_content["tools"][0]["name"] == "orders___track_parcel"

    @pytest.mark.parametrize("era", ERAS)
    async def test_a_call_needs_no_handshake_without_sessions(self, place: Place, era: str) -> None:
        reply = await rpc(place.gateway().url, "tools/call", {"name": NAMES[1], "arguments": {"id": "7"}}, era)
        told = {"order": "7", "tool": NAMES[1]}
        assert json.loads(reply.result["content"][0]["text"]) == told
        assert ("resultType" in reply.result) == (era == MODERN)


class TestLists:
    @pytest.mark.parametrize("era", ERAS)
    async def test_the_search_tool_comes_first_where_it_is_asked_for(self, place: Place, era: str) -> None:
        assert await names(place.gateway().url, era) == NAMES
        assert await names(place.gateway({"searchType": "SEMANTIC"}).url, era) == [SEARCH, *NAMES]

    async def test_a_search_answers_definitions_as_data_and_as_text(self, place: Place) -> None:
        gateway = place.gateway({"searchType": "SEMANTIC"})
        found = (await rpc(gateway.url, "tools/call", {"name": SEARCH, "arguments": {"query": "cancel"}})).result
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
        assert found["structuredContent"]["tools"][0] == {**ORDERS[1], "name": NAMES[1]}
        for arguments in ({}, {"query": ""}, {"query": 7}):
            reply = await rpc(gateway.url, "tools/call", {"name": SEARCH, "arguments": arguments})
            assert reply.error["code"] == -32602

    async def test_an_empty_string_is_a_cursor_where_a_test_says_so(self, place: Place) -> None:
        url = place.gateway().url
        assert (await rpc(url, "tools/list")).result["nextCursor"]
        application = gateway_plane.app(place.world, place.moto, runtimes=str, page_size=2, empty_cursor=True)
        async with serving(application) as base:
            other = base + URL(url).path
            assert (await rpc(other, "tools/list")).result["nextCursor"] == ""
            assert await names(other) == NAMES

    @pytest.mark.parametrize("cursor", ["x", "dG9vbHM6OTk=", "dG9vbHM6LTE=", 7])
    async def test_a_foreign_cursor_is_refused(self, place: Place, cursor: Any) -> None:
        assert (await rpc(place.gateway().url, "tools/list", {"cursor": cursor})).error["code"] == -32602

    async def test_pages_can_be_turned_off(self, place: Place) -> None:
        found = (await rpc(place.gateway({"disableMcpListToolsPagination": True}).url, "tools/list")).result
        assert len(found["tools"]) == 3

    @pytest.mark.parametrize("name", ["get_order", "orders__get_order", "other___get_order", "orders___", SEARCH, ""])
    async def test_an_unknown_tool_is_refused(self, place: Place, name: str) -> None:
        assert (await rpc(place.gateway().url, "tools/call", {"name": name})).error["code"] == -32602


class TestRevisions:
    @pytest.mark.parametrize(
        ("taken", "era", "status"),
        [
            (["2025-06-18"], HANDSHAKE, 400),
            (["2025-06-18"], MODERN, 400),
            (["2025-06-18"], "2025-06-18", 200),
            ([MODERN], HANDSHAKE, 400),
            ([MODERN], MODERN, 200),
            (None, "2024-11-05", 400),
            (None, "2099-01-01", 400),
        ],
    )
    async def test_revisions_that_are_not_supported_are_refused(
        self, place: Place, taken: list[str] | None, era: str, status: int
    ) -> None:
        gateway = place.gateway({"supportedVersions": taken} if taken else {})
        reply = await rpc(gateway.url, "tools/list", era=era)
        assert reply.status == status
        if status == 400:
            assert (reply.error["code"], reply.error["data"]["requested"]) == (-32022, era)
            assert reply.error["data"]["supported"] == (taken or [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"])

    async def test_initialize_negotiates_among_the_supported_ones(self, place: Place) -> None:
        gateway = place.gateway({"supportedVersions": ["2025-03-26", "2025-06-18", MODERN]})
        for asked, answered in (("2025-03-26", "2025-03-26"), ("2025-11-25", "2025-06-18")):
            reply = await rpc(gateway.url, "initialize", {"protocolVersion": asked}, HANDSHAKE)
            assert reply.result["protocolVersion"] == answered

    async def test_a_gateway_of_the_modern_era_alone_cannot_be_initialized(self, place: Place) -> None:
        gateway = place.gateway({"supportedVersions": [MODERN]})
        reply = await rpc(gateway.url, "initialize", {"protocolVersion": HANDSHAKE}, HANDSHAKE)
        assert (reply.status, reply.error["data"]["supported"]) == (400, [MODERN])
        async with place.http.post(gateway.url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}) as answer:
            assert answer.status == 400

    @pytest.mark.parametrize(
        ("headers", "code"),
        [({"mcp-method": "ping"}, -32020), ({"mcp-name": "other"}, -32020)],
    )
    async def test_modern_headers_that_do_not_say_what_the_body_says_are_refused(
        self, place: Place, headers: dict[str, str], code: int
    ) -> None:
        params = {"name": NAMES[0], "arguments": {"id": "7"}}
        reply = await rpc(place.gateway().url, "tools/call", params, MODERN, headers=headers)
        assert (reply.status, reply.error["code"]) == (400, code)

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [(b"{", 400, -32700), (b"[]", 400, -32600), (b'{"jsonrpc":"2.0","id":1,"method":"x/y"}', 200, -32601)],
    )
    async def test_what_is_no_request_or_no_method_is_refused(
        self, place: Place, body: bytes, status: int, code: int
    ) -> None:
        reply = await mcp_wire.post(place.gateway().url, body, {"mcp-protocol-version": HANDSHAKE})
        assert (reply.status, reply.error["code"]) == (status, code)

    async def test_a_payload_over_6_mb_is_refused(self, place: Place) -> None:
        assert (await mcp_wire.post(place.gateway().url, b" " * (6 * 2**20 + 1), {})).status == 413


class TestSessions:
    async def begun(self, gateway: Gateway) -> str:
        reply = await rpc(gateway.url, "initialize", {"protocolVersion": HANDSHAKE})
        return reply.headers["Mcp-Session-Id"]

    async def test_without_sessions_none_is_given(self, place: Place) -> None:
        reply = await rpc(place.gateway().url, "initialize", {"protocolVersion": HANDSHAKE})
        assert "Mcp-Session-Id" not in reply.headers

    async def test_with_sessions_a_missing_id_is_400_and_an_unknown_one_404(self, place: Place) -> None:
        gateway = place.gateway({"sessionConfiguration": {"sessionTimeoutInSeconds": 900}})
        session = await self.begun(gateway)
        for headers, status in (({}, 400), ({"Mcp-Session-Id": "x"}, 404), ({"Mcp-Session-Id": session}, 200)):
            assert (await rpc(gateway.url, "tools/list", headers=headers)).status == status
        assert (await rpc(gateway.url, "tools/list", era=MODERN)).status == 200

    async def test_a_session_that_is_ended_or_lost_is_404(self, place: Place) -> None:
        gateway = place.gateway({"sessionConfiguration": {}})
        headers = {"Mcp-Session-Id": await self.begun(gateway)}
        async with place.http.delete(gateway.url, headers=headers) as answer:
            assert answer.status == 200
        assert (await rpc(gateway.url, "tools/list", headers=headers)).status == 404
        headers = {"Mcp-Session-Id": await self.begun(gateway)}
        place.world.faults.gateway_lost_sessions = 1
        for _ in range(2):
            assert (await rpc(gateway.url, "tools/list", headers=headers)).status == 404

    async def test_somebody_elses_session_is_404(self, place: Place) -> None:
        gateway = place.gateway({"sessionConfiguration": {}}, authorizerType="AWS_IAM")
        both = ["invoker-a", "invoker-b"]
        statement = allow(["bedrock-agentcore:InvokeGateway"], [gateway.arn])
        keys = [mint(place.world, role(place.moto, name, [statement]), "i") for name in both]

        async def ask(number: int, method: str, **headers: str) -> tuple[int, str | None]:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).encode()
            request = signed_for(keys[number], gateway.url, body, headers)
            return await sent(place, gateway, request)

        status, session = await ask(0, "initialize")
        assert (status, bool(session)) == (200, True)
        assert (await ask(0, "tools/list", **{"Mcp-Session-Id": str(session)}))[0] == 200
        assert (await ask(1, "tools/list", **{"Mcp-Session-Id": str(session)}))[0] == 404


async def sent(place: Place, gateway: Gateway, request: Received) -> tuple[int, str | None]:
    """A request as it stands: its status, and the session that is answered."""
    url = URL(gateway.url).with_path("/").origin().join(URL(request.target, encoded=True))
    async with (
        aiohttp.ClientSession(skip_auto_headers=("Content-Type", "Accept", "User-Agent")) as http,
        http.request(request.method, url, headers=list(request.headers), data=request.body) as answer,
    ):
        text = await answer.text()
        return answer.status, answer.headers.get("Mcp-Session-Id") or text


class TestCallers:
    async def test_a_signature_that_is_wrong_in_any_part_is_refused_here(self, place: Place) -> None:
        gateway = place.gateway(authorizerType="AWS_IAM")
        keys = mint(place.world, role(place.moto, "invoker", [allow(["*"], [gateway.arn])]), "i")
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        headers = {"Content-Type": "application/json", "X-Shop": "a", "User-Agent": "mcp-policy-proxy/1"}
        request = signed_for(keys, f"{gateway.url}?x=%3ADEFAULT", body, headers)
        assert (await sent(place, gateway, request))[0] == 200
        found = {}
        for part, (spoil, _) in WRONG.items():
            status, text = await sent(place, gateway, spoil(request))
            found[part] = status, "proxy → gateway: " in str(text)
        assert found == dict.fromkeys(WRONG, (403, True)) | {"method": (405, False), "path": (404, False)}

    async def test_a_role_needs_invoke_gateway_on_this_gateway(self, place: Place) -> None:
        gateway = place.gateway(authorizerType="AWS_IAM")
        for resource, status in ((gateway.arn, 200), (f"{gateway.arn}x", 403), ("*", 200)):
            statement = allow(["bedrock-agentcore:InvokeGateway"], [resource])
            keys = mint(place.world, role(place.moto, "invoker", [statement]), "i")
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
            found, text = await sent(place, gateway, signed_for(keys, gateway.url, body, {}))
            assert found == status
            assert status == 200 or "agent → gateway: User: arn:aws:sts::" in str(text)

    async def test_a_token_that_is_wrong_in_any_part_is_refused_here(self, place: Place, front: Front) -> None:
        authorizer = front.authorizer(
            allowedClients=[front.client], allowedAudience=["proxy"], customClaims=[tenant_rule("a")]
        )
        gateway = place.gateway(
            authorizerType="CUSTOM_JWT", authorizerConfiguration={"customJWTAuthorizer": authorizer}
        )
        token = resigned(aud="proxy", tenant="a")(front, await front.token())

        async def ask(shown: str) -> Reply:
            headers = {"User-Agent": "mcp-policy-proxy/1", "Authorization": f"Bearer {shown}"}
            return await rpc(gateway.url, "tools/list", headers=headers)

        assert (await ask(token)).status == 200
        for part, (spoil, _) in WRONG_TOKENS.items():
            reply = await ask(spoil(front, token))
            assert (part, reply.status, reply.error["code"]) == (part, 401, -32001)
            assert reply.error["message"].startswith("proxy → gateway: ")
            assert "resource_metadata=" in reply.headers["WWW-Authenticate"]

    async def test_a_missing_scope_is_forbidden(self, place: Place, front: Front) -> None:
        authorizer = front.authorizer(allowedScopes=["shop/write"])
        gateway = place.gateway(
            authorizerType="CUSTOM_JWT", authorizerConfiguration={"customJWTAuthorizer": authorizer}
        )
        reply = await rpc(gateway.url, "tools/list", headers={"Authorization": f"Bearer {await front.token()}"})
        assert (reply.status, "insufficient_scope" in reply.headers["WWW-Authenticate"]) == (403, True)

    async def test_a_limit_tells_when_to_come_again(self, place: Place) -> None:
        gateway, faults = place.gateway(), place.world.faults
        faults.gateway_throttled, faults.gateway_retry_after_s = 1, 2
        error = (await rpc(gateway.url, "tools/list")).error
        assert (error["code"], error["data"]) == (
            -32003,
            {"limitKey": "per-caller", "metric": "requests", "retryAfter": 2},
        )
        assert (await rpc(gateway.url, "tools/list")).result


async def test_the_proxy_itself_signs_for_a_gateway_and_pages_through_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gateway = place.gateway({"searchType": "SEMANTIC", "sessionConfiguration": {}}, authorizerType="AWS_IAM")
    statement = allow(["bedrock-agentcore:InvokeGateway"], [gateway.arn])
    for name, value in mint(place.world, role(place.moto, "execution", [statement]), "i").environment().items():
        monkeypatch.setenv(name, value)
    async with proxy_before(gateway.url, tmp_path, auth_mode="iam", region="us-east-1") as proxy:
        assert await names(proxy.url) == [SEARCH, *NAMES]
        result = (await rpc(proxy.url, "tools/call", {"name": NAMES[0], "arguments": {"id": "7"}})).result
    assert result["structuredContent"]["order"] == "7"


class TestRuntime:
    """A target that is a runtime: gateway → runtime → MCP server."""

    @pytest.mark.parametrize("era", ERAS)
    async def test_a_runtime_is_synchronised_listed_and_called_with_the_gateways_role(
        self, place: Place, era: str
    ) -> None:
        gateway, target, runtime = place.front()
        place.may_invoke(runtime)
        assert await names(gateway.url) == []
        await place.synchronized(gateway, target)
        assert "shop___get_customer_profile" in await names(gateway.url, era)
        params = {"name": "shop___get_customer_profile", "arguments": {"customer_id": "CUST001"}}
        result = (await rpc(gateway.url, "tools/call", params, era)).result
        assert result["structuredContent"]["customer_id"] == "CUST001"
        assert result.get("resultType") == ("complete" if era == MODERN else None)

    async def test_a_dynamic_listing_asks_at_every_list(self, place: Place) -> None:
        gateway, target, runtime = place.front()
        place.may_invoke(runtime)
        target.request["targetConfiguration"]["mcp"]["mcpServer"]["listingMode"] = "DYNAMIC"
        assert "shop___get_customer_profile" in await names(gateway.url)

    async def test_the_gateways_role_needs_both_resources(self, place: Place) -> None:
        gateway, target, runtime = place.front()
        arns = [runtime.arn, f"{runtime.arn}/runtime-endpoint/*"]
        for missing, left in ((arns[1], arns[:1]), (arns[0], arns[1:])):
            role(place.moto, "gateway", [allow(["bedrock-agentcore:InvokeAgentRuntime"], left)])
            told = f"gateway → runtime: User: .*/gateway/.* is not authorized .*{re.escape(missing.rstrip('*'))}"
            with pytest.raises(TargetError, match=told):
                await place.synchronized(gateway, target)

    async def test_a_signature_that_is_wrong_in_any_part_is_refused_at_the_runtime(self, place: Place) -> None:
        gateway, _, runtime = place.front(metadataConfiguration={"allowedRequestHeaders": ["X-Shop"]})
        place.may_invoke(runtime)

        async def call() -> Any:
            params = {"name": "shop___get_customer_profile", "arguments": {"customer_id": "CUST001"}}
            return (await rpc(gateway.url, "tools/call", params, headers={"X-Shop": "a"})).result

        assert "structuredContent" in await call()
        for part, (spoil, _) in WRONG.items():
            place.plane.outbound.tamper = partial(spoiling_the_call, spoil)
            result = await call()
            assert (part, result["isError"]) == (part, True)
            assert result["content"][0]["text"].startswith("gateway → runtime: ")

    async def test_a_lost_session_of_the_target_is_begun_anew(self, place: Place) -> None:
        gateway, target, runtime = place.front(mcp={"sessionConfiguration": {}})
        place.may_invoke(runtime)
        await place.synchronized(gateway, target)
        begun = await rpc(gateway.url, "initialize", {"protocolVersion": HANDSHAKE})
        headers = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}
        params = {"name": "shop___get_customer_profile", "arguments": {"customer_id": "CUST001"}}

        async def call() -> Reply:
            return await rpc(gateway.url, "tools/call", params, headers=headers)

        assert "structuredContent" in (await call()).result
        place.world.faults.lost_sessions = 1
        assert "structuredContent" in (await call()).result
        assert place.world.faults.lost_sessions == 0
        place.world.faults.lost_sessions = 3
        assert "gateway → runtime" in (await call()).result["content"][0]["text"]

    @pytest.mark.parametrize(
        ("code", "told"),
        [(-32003, "Rate exceeded"), (-32005, "Session operation in progress"), (-32010, "Received an error")],
    )
    async def test_a_fault_of_the_runtime_ends_a_synchronisation_in_one_sentence(
        self, place: Place, code: int, told: str
    ) -> None:
        gateway, target, runtime = place.front()
        place.may_invoke(runtime)
        place.world.faults.invocation_errors = [code]
        with pytest.raises(TargetError, match=f"^gateway → runtime: .*{told}"):
            await place.synchronized(gateway, target)

    async def test_a_runtime_that_is_not_there_or_answers_no_mcp_is_told(self, place: Place) -> None:
        gateway, target, runtime = place.front()
        place.may_invoke(runtime)

        async def html(_: web.Request) -> web.Response:
            return web.Response(text="<html>", content_type="text/html")

        behind = web.Application()
        behind.router.add_post("/mcp", html)
        async with serving(behind) as place.code.url:
            with pytest.raises(TargetError, match="no MCP message"):
                await place.synchronized(gateway, target)
        del place.world.runtimes[runtime.id]
        with pytest.raises(TargetError, match="gateway → runtime: No agent runtime"):
            await place.synchronized(gateway, target)

    async def test_pages_without_an_end_and_answers_that_never_come_are_given_up(self, place: Place) -> None:
        gateway, target, runtime = place.front()
        place.may_invoke(runtime)
        hang = asyncio.Event()
        asked: list[str] = []

        async def answer(request: web.Request) -> web.Response:
            message = await request.json()
            asked.append(message["method"])
            if message["method"] == "tools/list":
                if hang.is_set():
                    await asyncio.sleep(5)
                return reply(message, {"tools": [], "nextCursor": "again"})
            return reply(message, {}) if "id" in message else web.Response(status=202)

        def reply(message: Any, result: Any) -> web.Response:
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

        behind = web.Application()
        behind.router.add_post("/mcp", answer)
        async with serving(behind) as place.code.url:
            with pytest.raises(TargetError, match="no end"):
                await place.synchronized(gateway, target)
            assert asked.count("tools/list") == 2
            hang.set()
            place.plane.targets.listing_s = 0.3
            with pytest.raises(TargetError, match=r"gateway → runtime: the tools were not listed within 0.3 s"):
                await place.synchronized(gateway, target)

    async def test_a_modern_call_of_a_handshake_server_is_said_in_its_era(self, place: Place) -> None:
        gateway, _, runtime = place.front()
        place.may_invoke(runtime)
        seen: list[str] = []

        async def answer(request: web.Request) -> web.Response:
            message, version = await request.json(), request.headers["MCP-Protocol-Version"]
            seen.append(message["method"])
            if version == MODERN:
                error = {"code": -32022, "message": "no", "data": {"supported": [HANDSHAKE], "requested": MODERN}}
                return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=400)
            if "id" not in message:
                return web.Response(status=202)
            result = {"content": [], "meta": sorted(message["params"].get("_meta", {}))}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

        behind = web.Application()
        behind.router.add_post("/mcp", answer)
        async with serving(behind) as place.code.url:
            params = {"name": "shop___x", "arguments": {}, "_meta": {"own": 1}}
            result = (await rpc(gateway.url, "tools/call", params, MODERN)).result
        assert (result["resultType"], result["meta"]) == ("complete", ["own"])
        assert seen == ["tools/call", "initialize", "notifications/initialized", "tools/call"]

    async def test_notifications_of_a_target_are_streamed_where_that_is_on(self, place: Place) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            message = await request.json()
            if message["method"] != "tools/call":
                return web.json_response({"jsonrpc": "2.0", "id": message.get("id"), "result": {}})
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            token = message["params"]["_meta"]["progressToken"]
            note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token}}
            final = {"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}
            for each in (note, final):
                await response.write(f"event: message\r\ndata: {json.dumps(each)}\r\n\r\n".encode())
            return response

        behind = web.Application()
        behind.router.add_post("/mcp", answer)
        params = {"name": "shop___x", "arguments": {}, "_meta": {"progressToken": "p"}}
        for mcp, count in (({}, 0), ({"streamingConfiguration": {"enableResponseStreaming": True}}, 1)):
            gateway, _, runtime = place.front(mcp=mcp)
            place.may_invoke(runtime)
            async with serving(behind) as place.code.url:
                reply = await rpc(gateway.url, "tools/call", params, request_id=77)
            assert [note["params"]["progressToken"] for note in reply.notifications] == ["p"] * count
            assert reply.messages[-1] == {"jsonrpc": "2.0", "id": 77, "result": {"content": []}}


class TestOAuthTarget:
    """A target whose calls carry a token of a credential provider."""

    @pytest.fixture
    def oauth(self, place: Place, front: Front) -> tuple[Gateway, Target, Runtime]:
        arn = f"{VAULT}/oauth2credentialprovider/up"
        custom = {"clientId": front.client, "oauthDiscovery": {"discoveryUrl": front.authorizer()["discoveryUrl"]}}
        place.world.providers["up"] = Provider(
            name="up",
            arn=arn,
            request={"oauth2ProviderConfigInput": {"customOauth2ProviderConfig": custom}},
            client_secret=front.secret,
            secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:up-AbCdEf",
        )
        given = {"providerArn": arn, "scopes": ["shop/read"], "grantType": "CLIENT_CREDENTIALS"}
        provider = {"credentialProviderType": "OAUTH", "credentialProvider": {"oauthCredentialProvider": given}}
        gateway, target, runtime = place.front(credentialProviderConfigurations=[provider])
        authorizer = front.authorizer(allowedClients=[front.client], allowedScopes=["shop/read"])
        runtime.versions[0]["authorizerConfiguration"] = {"customJWTAuthorizer": authorizer}
        self.permit(place, gateway, self.needed(gateway))
        return gateway, target, runtime

    @staticmethod
    def needed(gateway: Gateway) -> list[str]:
        identity = f"{DIRECTORY}/workload-identity/{gateway.id}"
        secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:up-??????"
        return [DIRECTORY, identity, VAULT, f"{VAULT}/oauth2credentialprovider/up*", secret]

    @staticmethod
    def permit(place: Place, gateway: Gateway, resources: list[str]) -> None:
        actions = ["bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetResourceOauth2Token"]
        role(place.moto, "gateway", [allow([*actions, "secretsmanager:GetSecretValue"], resources)])

    async def test_a_target_is_synchronised_and_called_with_a_token(
        self, place: Place, oauth: tuple[Gateway, Target, Runtime]
    ) -> None:
        gateway, target, _ = oauth
        await place.synchronized(gateway, target)
        params = {"name": "shop___get_customer_profile", "arguments": {"customer_id": "CUST001"}}
        result = (await rpc(gateway.url, "tools/call", params)).result
        assert result["structuredContent"]["customer_id"] == "CUST001"

    async def test_the_gateways_role_needs_every_resource(
        self, place: Place, oauth: tuple[Gateway, Target, Runtime]
    ) -> None:
        gateway, target, _ = oauth
        needed = self.needed(gateway)
        for missing in needed:
            self.permit(place, gateway, [each for each in needed if each != missing])
            with pytest.raises(TargetError, match=r"^gateway → runtime: User: .* is not authorized to perform"):
                await place.synchronized(gateway, target)

    async def test_a_secret_that_is_no_longer_good_is_told(
        self, place: Place, oauth: tuple[Gateway, Target, Runtime]
    ) -> None:
        place.world.providers["up"].client_secret = "old"
        told = r"^gateway → runtime: Credential provider up: .* answered 400 \(invalid_client\)$"
        with pytest.raises(TargetError, match=told):
            await place.synchronized(*oauth[:2])

    async def test_a_token_that_is_wrong_in_any_part_is_refused_at_the_runtime(
        self, place: Place, front: Front, oauth: tuple[Gateway, Target, Runtime]
    ) -> None:
        authorizer = oauth[2].versions[0]["authorizerConfiguration"]["customJWTAuthorizer"]
        authorizer |= {"allowedAudience": ["proxy"], "customClaims": [tenant_rule("a")]}
        spoil: Spoil = lambda _, token: token  # noqa: E731 (a row like those of the table)

        def tamper(request: Received) -> Received:
            token = dict(request.headers)["Authorization"].removeprefix("Bearer ")
            spoiled = spoil(front, resigned(aud="proxy", tenant="a")(front, token))
            headers = {**dict(request.headers), "Authorization": f"Bearer {spoiled}"}
            return replace(request, headers=tuple(headers.items()))

        place.plane.outbound.tamper = tamper
        await place.synchronized(*oauth[:2])
        for part, (each, _) in WRONG_TOKENS.items():
            spoil = each
            with pytest.raises(TargetError, match=r"^gateway → runtime: ") as caught:
                await place.synchronized(*oauth[:2])
            assert (part, caught.value.status) == (part, 401)


class TestInterceptors:
    def gateway(self, place: Place, function: Any, *points: str, **inputs: Any) -> Gateway:
        place.plane.targets.functions[BEFORE] = function
        configuration = {
            "interceptor": {"lambda": {"arn": BEFORE}},
            "interceptionPoints": list(points),
            "inputConfiguration": {"passRequestHeaders": False, **inputs},
        }
        return place.gateway(interceptorConfigurations=[configuration])

    async def test_a_request_is_changed_before_the_target_and_its_answer_after(self, place: Place) -> None:
        events: list[Any] = []

        def function(event: Any, context: Any) -> Any:
            events.append(event)
            assert context.client_context.custom["GATEWAY_ACCOUNT_ID"] == "123456789012"
            assert context.get_remaining_time_in_millis() > 0
            mcp = event["mcp"]
            if "gatewayResponse" in mcp:
                body = mcp["gatewayResponse"]["body"]
                body["result"]["content"].append({"type": "text", "text": "seen"})
                return out(transformedGatewayResponse={"statusCode": 201, "headers": {"X-A": "b"}, "body": body})
            body = mcp["gatewayRequest"]["body"]
            body["params"]["arguments"]["id"] = "8"
            return out(transformedGatewayRequest={"body": body})

        gateway = self.gateway(place, function, "REQUEST", "RESPONSE", passRequestHeaders=True)
        reply = await rpc(gateway.url, "tools/call", {"name": NAMES[1], "arguments": {"id": "7"}}, request_id=5)
        assert (reply.status, reply.headers["X-A"]) == (201, "b")
        texts = [block["text"] for block in reply.result["content"]]
        assert (json.loads(texts[0])["order"], texts[1]) == ("8", "seen")
        first, second = (event["mcp"] for event in events)
        assert events[0]["interceptorInputVersion"] == "1.0"
        assert json.loads(first["rawGatewayRequest"]["body"])["params"]["arguments"] == {"id": "7"}
        assert (first["gatewayRequest"]["path"], first["gatewayRequest"]["httpMethod"]) == ("/mcp", "POST")
        assert first["gatewayRequest"]["headers"]["mcp-protocol-version"] == HANDSHAKE
        assert second["gatewayResponse"]["statusCode"] == 200
        assert second["gatewayRequest"]["body"]["params"]["arguments"] == {"id": "8"}

    async def test_an_interceptors_own_answer_takes_the_targets_place_and_passes_the_other(self, place: Place) -> None:
        points: list[str] = []

        async def function(event: Any, context: Any) -> Any:
            points.append("RESPONSE" if "gatewayResponse" in event["mcp"] else "REQUEST")
            assert "headers" not in event["mcp"]["gatewayRequest"]
            if points[-1] == "RESPONSE":
                return out()
            body = {"jsonrpc": "2.0", "id": 5, "result": {"denied": True}}
            return out(transformedGatewayResponse={"statusCode": 403, "body": body}, transformedGatewayRequest={})

        place.plane.targets.functions[LAMBDA] = lambda *_: pytest.fail("the target was called")
        gateway = self.gateway(place, function, "REQUEST", "RESPONSE")
        reply = await rpc(gateway.url, "tools/call", {"name": NAMES[1], "arguments": {"id": "7"}}, request_id=5)
        assert (reply.status, reply.result, points) == (403, {"denied": True}, ["REQUEST", "RESPONSE"])

    async def test_a_body_can_be_kept_from_an_interceptor(self, place: Place) -> None:
        def function(event: Any, context: Any) -> Any:
            assert "body" not in event["mcp"]["gatewayResponse"]
            return out()

        filtered = {"exclude": [{"field": "RESPONSE_BODY"}]}
        gateway = self.gateway(place, function, "RESPONSE", payloadFilter=filtered)
        assert (await rpc(gateway.url, "tools/list")).result["tools"]

    @pytest.mark.parametrize("answer", [None, {}, {"interceptorOutputVersion": "2.0", "mcp": {}}, ValueError()])
    async def test_an_interceptor_that_fails_fails_the_request(self, place: Place, answer: Any) -> None:
        def function(event: Any, context: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        reply = await rpc(self.gateway(place, function, "REQUEST").url, "tools/list")
        assert (reply.status, reply.error["code"]) == (500, -32603)
        assert reply.error["message"].startswith("gateway → Lambda: ")


def out(**mcp: Any) -> dict[str, Any]:
    return {"interceptorOutputVersion": "1.0", "mcp": mcp}
