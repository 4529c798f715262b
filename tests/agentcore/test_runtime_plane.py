"""The Runtime's door: who comes in, which headers cross it, what it says itself, and the code behind it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.exceptions import ClientError
from fastmcp import Client as FastMCPClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from yarl import URL

from tests.agentcore import runtime_plane
from tests.agentcore.runtime_plane_callers import INVOKE
from tests.agentcore.runtime_plane_headers import MCP_SESSION, REQUEST, SESSION, USER, WORKLOAD
from tests.agentcore.runtime_plane_instances import StartError
from tests.agentcore.runtime_plane_process import unpacked
from tests.agentcore.runtime_plane_serving import (
    Signed,
    agentcore,
    allow,
    code_in,
    invocation_url,
    role,
    runtime_in,
    serving,
    user_keys,
)
from tests.agentcore.signatures import Keys, Received, mint
from tests.agentcore.signatures_iam import moto_client
from tests.agentcore.test_signatures import WRONG, signed_for
from tests.agentcore.test_tokens import WRONG as WRONG_TOKENS
from tests.agentcore.test_tokens import Front, front, resigned, tenant_rule
from tests.agentcore.world import Endpoint, Runtime, World
from tests.running import until

__all__ = ["front"]

ACCEPT = "application/json, text/event-stream"
LIST = b'{"jsonrpc":"2.0","id":7,"method":"tools/list"}'
ROLE = "arn:aws:iam::123456789012:role/execution"


@dataclass
class Code:
    """Code that keeps what reached it, in place of a process. `answer` may be set."""

    url: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)
    starts: list[tuple[str, str, int]] = field(default_factory=list)
    stops: int = 0
    answer: Callable[[web.Request], Any] | None = None

    async def __call__(self, runtime: Runtime, endpoint: str, version: int) -> Code:
        self.starts.append((runtime.id, endpoint, version))
        return self

    def alive(self) -> bool:
        return True

    async def stop(self) -> None:
        self.stops += 1

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append({name.lower(): value for name, value in request.headers.items()})
        if self.answer:
            found: web.StreamResponse = await self.answer(request)
            return found
        return web.json_response({"jsonrpc": "2.0", "id": 7, "result": {"tools": []}}, headers={"X-Secret": "no"})


@dataclass
class Door:
    """The plane with one runtime in front of recording code."""

    url: str
    moto: str
    world: World
    plane: runtime_plane.Plane
    runtime: Runtime
    code: Code
    keys: Keys
    http: aiohttp.ClientSession

    async def invoke(
        self,
        body: bytes = LIST,
        *,
        qualifier: str = "DEFAULT",
        keys: Keys | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """A signed invocation."""
        given = {"Content-Type": "application/json", "Accept": ACCEPT, **(headers or {})}
        url = invocation_url(self.url, self.runtime, qualifier)
        request = signed_for(keys or self.keys, url, body, given)
        return await self.send(request.method, request.target, dict(request.headers), request.body)

    async def send(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], Any]:
        async with self.http.request(method, URL(self.url + target, encoded=True), headers=headers, data=body) as found:
            return found.status, dict(found.headers), json.loads(await found.read() or b"null")


@pytest.fixture
async def door(moto: str) -> AsyncIterator[Door]:
    world, code = World(), Code()
    behind = web.Application(client_max_size=2**24)
    behind.router.add_post("/mcp", code.serve)
    application = runtime_plane.app(world, moto, start=code, payload_bytes=100_000)
    async with serving(behind) as code.url, serving(application) as url, aiohttp.ClientSession() as http:
        runtime = runtime_in(world, "shop", ROLE)
        yield Door(url, moto, world, application[runtime_plane.PLANE], runtime, code, user_keys(world), http)


class TestCallers:
    async def test_a_role_needs_the_permission_on_the_runtime_and_on_its_endpoints(self, door: Door) -> None:
        action, arns = (
            "bedrock-agentcore:InvokeAgentRuntime",
            [door.runtime.arn, f"{door.runtime.arn}/runtime-endpoint/*"],
        )
        both = mint(door.world, role(door.moto, "caller", [allow([action], arns)]), "i")
        assert (await door.invoke(keys=both))[0] == 200
        for missing, left in ((arns[1], arns[:1]), (arns[0], arns[1:])):
            role(door.moto, "caller", [allow([INVOKE], left)])
            status, headers, body = await door.invoke(keys=both)
            assert (status, body["error"]["code"]) == (403, -32002)
            assert body["error"]["message"].startswith("agent → runtime: User: arn:aws:sts::")
            assert missing.removesuffix("*") in body["error"]["message"]
            assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
            assert "WWW-Authenticate" not in headers

    async def test_who_calls_for_a_user_needs_another_permission(self, door: Door) -> None:
        arns = [door.runtime.arn, f"{door.runtime.arn}/runtime-endpoint/*"]
        caller = mint(door.world, role(door.moto, "caller", [allow([INVOKE], arns)]), "i")
        status, _, body = await door.invoke(keys=caller, headers={USER: "alice"})
        assert (status, body["id"]) == (403, 7)
        assert "InvokeAgentRuntimeForUser" in body["message"]

    async def test_a_signature_that_is_wrong_in_any_part_is_refused_here(self, door: Door) -> None:
        arns = [door.runtime.arn, f"{door.runtime.arn}/runtime-endpoint/*"]
        keys = mint(door.world, role(door.moto, "caller", [allow(["*"], arns)]), "i")
        headers = {"Content-Type": "application/json", "Accept": ACCEPT, "X-Shop": "a"}
        request = signed_for(keys, invocation_url(door.url, door.runtime), LIST, headers)
        assert (await door.send("POST", request.target, dict(request.headers), request.body))[0] == 200
        found = {part: await self.ask(door, spoil(request)) for part, (spoil, _) in WRONG.items()}
        elsewhere = {"method": (405, False), "path": (404, True), "path, decoded": (404, False)}
        assert found == dict.fromkeys(WRONG, (403, True)) | elsewhere
        assert len(door.code.seen) == 1

    async def ask(self, door: Door, request: Received) -> tuple[int, bool]:
        """The status of a request as it stands, and whether its answer names this boundary."""
        url = URL(door.url + request.target, encoded=True)
        async with (
            aiohttp.ClientSession(skip_auto_headers=("Content-Type", "Accept")) as http,
            http.request(request.method, url, headers=list(request.headers), data=request.body) as answer,
        ):
            return answer.status, "agent → runtime: " in await answer.text()

    async def test_a_bearer_of_a_token_is_refused_where_signatures_are_wanted(self, door: Door) -> None:
        target = invocation_url("", door.runtime)
        status, _, body = await door.send("POST", target, {"Authorization": "Bearer a.b.c", "Accept": ACCEPT}, LIST)
        assert (status, body["error"]["code"]) == (403, -32002)
        assert "Authorization method mismatch" in body["message"]


class TestBearers:
    @pytest.fixture
    def locked(self, door: Door, front: Front) -> Door:
        door.runtime.versions[0]["authorizerConfiguration"] = {
            "customJWTAuthorizer": front.authorizer(
                allowedClients=[front.client],
                allowedAudience=["proxy"],
                allowedScopes=["shop/read"],
                customClaims=[tenant_rule("a")],
            )
        }
        return door

    async def sound(self, front: Front) -> str:
        return resigned(aud="proxy", tenant="a")(front, await front.token())

    async def ask(self, door: Door, authorization: str | None) -> tuple[int, dict[str, str], Any]:
        headers = {"Accept": ACCEPT, "Content-Type": "application/json"}
        headers |= {"Authorization": authorization} if authorization is not None else {}
        return await door.send("POST", invocation_url("", door.runtime), headers, LIST)

    async def test_a_sound_token_comes_in_and_the_code_gets_a_workload_token_and_not_this_one(
        self, locked: Door, front: Front
    ) -> None:
        assert (await self.ask(locked, f"Bearer {await self.sound(front)}"))[0] == 200
        seen = locked.code.seen[0]
        assert "authorization" not in seen
        assert len({seen[name.lower()] for name in WORKLOAD}) == 1
        assert locked.plane.identity.workload_of(seen["workloadaccesstoken"]) == locked.runtime.id

    async def test_the_token_reaches_the_code_where_the_allow_list_names_its_header(
        self, locked: Door, front: Front
    ) -> None:
        token = await self.sound(front)
        locked.runtime.versions[0]["requestHeaderConfiguration"] = {"requestHeaderAllowlist": ["Authorization"]}
        await self.ask(locked, f"Bearer {token}")
        assert locked.code.seen[0]["authorization"] == f"Bearer {token}"

    async def test_a_token_that_is_wrong_in_any_part_is_refused_here(self, locked: Door, front: Front) -> None:
        token = await self.sound(front)
        for part, (spoil, _) in WRONG_TOKENS.items():
            status, headers, body = await self.ask(locked, f"Bearer {spoil(front, token)}")
            assert (part, status, body["error"]["code"]) == (part, 401, -32001)
            assert body["error"]["message"].startswith("agent → runtime: ")
            assert 'resource_metadata="http' in headers["WWW-Authenticate"]
        assert not locked.code.seen

    async def test_no_token_at_all_is_told_where_the_metadata_is(self, locked: Door, front: Front) -> None:
        status, headers, _ = await self.ask(locked, None)
        assert (status, "error=" in headers["WWW-Authenticate"]) == (401, False)
        async with locked.http.get(URL(headers["WWW-Authenticate"].split('"')[1], encoded=True)) as answer:
            assert (await answer.json())["authorization_servers"] == [front.issuer]

    async def test_a_missing_scope_is_forbidden_and_a_signature_is_the_wrong_way(
        self, locked: Door, front: Front
    ) -> None:
        token = resigned(scope="other")(front, await self.sound(front))
        status, headers, _ = await self.ask(locked, f"Bearer {token}")
        assert (status, "insufficient_scope" in headers["WWW-Authenticate"]) == (403, True)
        assert (await locked.invoke())[0] == 403


class TestHeaders:
    async def test_only_what_is_listed_crosses_and_the_platform_adds_its_own(self, door: Door) -> None:
        door.runtime.versions[0]["requestHeaderConfiguration"] = {
            "requestHeaderAllowlist": ["X-Tenant", "Authorization"]
        }
        crossing = {
            "Mcp-Protocol-Version": "2025-11-25",
            "Mcp-Method": "tools/list",
            "X-Tenant": "t",
            "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Shop": "s",
            "traceparent": "00-1-2-01",
            "X-Amzn-Trace-Id": "Root=1-2-3",
        }
        staying = {"X-Api-Key": "k", "Cookie": "c", "X-Forwarded-For": "1.2.3.4"}
        await door.invoke(headers={**crossing, **staying})
        seen = door.code.seen[0]
        assert {name: seen.get(name.lower()) for name in crossing} == crossing
        assert not {name.lower() for name in (*staying, "authorization", "x-amz-date", *WORKLOAD, USER)} & set(seen)
        assert seen[REQUEST.lower()]
        assert seen[SESSION.lower()] == seen[MCP_SESSION.lower()]

    async def test_a_user_that_the_caller_names_gets_a_workload_token(self, door: Door) -> None:
        await door.invoke(headers={USER: "alice"})
        seen = door.code.seen[0]
        assert seen[USER.lower()] == "alice"
        assert door.plane.identity.workload_of(seen[WORKLOAD[1].lower()]) == door.runtime.id

    async def test_a_value_over_4_kb_is_refused(self, door: Door) -> None:
        _, _, body = await door.invoke(headers={"X-Amzn-Bedrock-AgentCore-Runtime-Custom-Shop": "s" * 4097})
        assert body["error"]["code"] == -32006

    async def test_the_answer_has_no_header_of_the_codes_own(self, door: Door) -> None:
        status, headers, body = await door.invoke()
        assert (status, body["result"]) == (200, {"tools": []})
        assert "X-Secret" not in headers
        assert headers["X-Amzn-Trace-Id"].startswith("Root=")


class TestSessions:
    async def test_a_session_begins_by_itself_and_stays_at_its_version(self, door: Door) -> None:
        _, first, _ = await door.invoke()
        session = first[MCP_SESSION]
        assert first[SESSION] == session
        assert len(session) >= 33

        door.runtime.versions.append(door.runtime.versions[0])
        door.runtime.endpoints["DEFAULT"].live_version = "2"
        for headers in ({MCP_SESSION: session}, {SESSION: session}):
            assert (await door.invoke(headers=headers))[1][MCP_SESSION] == session
        assert [start[2] for start in door.code.starts] == [1]
        await door.invoke(headers={SESSION: "n" * 33})
        assert [start[2] for start in door.code.starts] == [1, 2]

    async def test_a_short_session_id_is_refused(self, door: Door) -> None:
        status, _, body = await door.invoke(headers={SESSION: "s" * 32})
        assert (status, body["error"]["code"]) == (400, -32006)

    async def test_a_lost_session_is_404_and_a_new_one_is_not(self, door: Door) -> None:
        _, first, _ = await door.invoke()
        door.world.faults.lost_sessions = 1
        status, _, body = await door.invoke(headers={MCP_SESSION: first[MCP_SESSION]})
        assert (status, "start a new one" in body["error"]["message"]) == (404, True)
        assert (await door.invoke())[0] == 200

    async def test_boto3_stops_a_session_once(self, door: Door) -> None:
        _, first, _ = await door.invoke()
        client = agentcore(door.url, door.keys)
        given = {"agentRuntimeArn": door.runtime.arn, "runtimeSessionId": first[SESSION], "qualifier": "DEFAULT"}
        answer = await asyncio.to_thread(client.stop_runtime_session, **given)
        assert answer["runtimeSessionId"] == first[SESSION]
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            await asyncio.to_thread(client.stop_runtime_session, **given)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "status", "kind"),
        [
            (-32001, 401, "UnauthorizedException"),
            (-32002, 403, "AccessDeniedException"),
            (-32003, 200, "ThrottlingException"),
            (-32004, 200, "ResourceNotFoundException"),
            (-32005, 200, "RetryableConflictException"),
            (-32006, 200, "ValidationException"),
            (-32010, 200, "RuntimeClientError"),
        ],
    )
    async def test_a_fault_of_the_platform_is_a_json_rpc_error(
        self, door: Door, code: int, status: int, kind: str
    ) -> None:
        door.world.faults.invocation_errors = [code]
        found, headers, body = await door.invoke()
        assert (found, headers["x-amzn-ErrorType"], body["error"]["code"], body["id"]) == (status, kind, code, 7)
        assert (await door.invoke())[0] == 200

    async def test_accept_must_have_both_kinds(self, door: Door) -> None:
        for accept in ("application/json", "text/event-stream"):
            status, _, body = await door.invoke(headers={"Accept": accept})
            assert (status, body["error"]["code"]) == (406, -32011)
        assert (await door.invoke(headers={"Accept": "*/*"}))[0] == 200

    async def test_a_runtime_without_mmdsv2_is_refused(self, door: Door) -> None:
        door.runtime.requires_mmdsv2 = False
        _, _, body = await door.invoke()
        assert (body["error"]["code"], "MMDSv2" in body["error"]["message"]) == (-32006, True)
        assert not door.code.starts

    @pytest.mark.parametrize(("status", "code"), [("CREATING", -32005), ("CREATE_FAILED", -32006)])
    async def test_an_endpoint_that_is_not_ready_is_refused(self, door: Door, status: str, code: int) -> None:
        door.runtime.endpoints["DEFAULT"].status = status
        assert (await door.invoke())[2]["error"]["code"] == code

    async def test_a_qualifier_chooses_the_endpoint_and_so_the_version(self, door: Door) -> None:
        door.runtime.versions.append({**door.runtime.versions[0], "protocolConfiguration": {"serverProtocol": "MCP"}})
        door.runtime.endpoints["prod"] = Endpoint(name="prod", live_version="2", target_version="2", status="READY")
        await door.invoke(qualifier="prod")
        assert door.code.starts == [(door.runtime.id, "prod", 2)]
        assert (await door.invoke(qualifier="none"))[2]["error"]["code"] == -32004

    async def test_a_payload_over_the_cap_is_refused(self, door: Door) -> None:
        assert (await door.invoke(b"x" * 100_001))[0] == 413
        assert not door.code.seen

    async def test_an_unknown_runtime_is_unknown_to_boto3(self, door: Door) -> None:
        client = agentcore(door.url, door.keys)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            await asyncio.to_thread(client.invoke_agent_runtime, agentRuntimeArn=door.runtime.arn + "x", payload=b"{}")

    async def test_code_that_fails_or_hangs_up_is_a_runtime_error(self, door: Door) -> None:
        async def fails(_: web.Request) -> web.Response:
            return web.Response(status=500)

        async def hangs_up(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        for answer in (fails, hangs_up):
            door.code.answer = answer
            status, _, body = await door.invoke()
            assert (status, body["error"]["code"]) == (200, -32010)


async def test_an_answer_is_streamed_as_it_comes(door: Door) -> None:
    more = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"first":1}\n\n')
        await more.wait()
        await response.write(b'data: {"last":1}\n\n')
        return response

    door.code.answer = stream
    request = signed_for(door.keys, invocation_url(door.url, door.runtime), LIST, {"Accept": ACCEPT})
    async with door.http.post(
        URL(door.url + request.target, encoded=True), headers=dict(request.headers), data=LIST
    ) as found:
        assert b"first" in await asyncio.wait_for(found.content.readany(), 5)
        more.set()
        assert b"last" in await asyncio.wait_for(found.content.read(), 5)


async def test_processes_end_with_their_runtime(door: Door) -> None:
    await door.invoke()
    del door.world.runtimes[door.runtime.id]
    await until(lambda: door.code.stops == 1)
    assert door.plane.instances.running == []


class TestCode:
    """Processes, started from zips in moto's S3."""

    @contextlib.asynccontextmanager
    async def running(self, moto: str, init_s: float = 20, **request: Any) -> AsyncIterator[Door]:
        world = World()
        application = runtime_plane.app(
            world, moto, init_s=init_s, environment=lambda: {"AWS_ENDPOINT_URL": moto, "SECRET_OF_OURS": "x"}
        )
        async with serving(application) as url, aiohttp.ClientSession() as http:
            runtime = runtime_in(world, "shop", ROLE, **request)
            yield Door(url, moto, world, application[runtime_plane.PLANE], runtime, Code(), user_keys(world), http)

    async def test_boto3_and_mcp_clients_call_the_proxy_by_its_arn(self, moto: str) -> None:
        environment = {"MCP_PROXY_HOST": "127.0.0.1", "MCP_PROXY_INBOUND": "platform"}
        artifact = code_in(moto, "proxy.zip")
        async with self.running(moto, agentRuntimeArtifact=artifact, environmentVariables=environment) as door:
            client = agentcore(door.url, door.keys)
            given = {"agentRuntimeArn": door.runtime.arn, "accept": ACCEPT, "contentType": "application/json"}
            answer = await asyncio.to_thread(client.invoke_agent_runtime, payload=LIST, qualifier="DEFAULT", **given)
            tools = {tool["name"] for tool in json.loads(answer["response"].read())["result"]["tools"]}
            assert (answer["statusCode"], len(answer["runtimeSessionId"]), "get_customer_profile" in tools) == (
                200,
                36,
                True,
            )
            url = invocation_url(door.url, door.runtime)
            transport = StreamableHttpTransport(url, auth=Signed(door.keys))
            async with FastMCPClient(transport) as fast:
                assert {tool.name for tool in await fast.list_tools()} == tools
            for mode in ("auto", "legacy"):
                async with (
                    create_mcp_http_client(auth=Signed(door.keys)) as http,
                    Client(streamable_http_client(url, http_client=http), mode=mode) as sdk,
                ):
                    result = await sdk.call_tool("get_customer_profile", {"customer_id": "CUST001"})
                    assert result.structured_content
                    assert result.structured_content["email"].endswith(".token.example.com")
            assert len(door.plane.instances.running) == 1
            await self.logged(moto, f"/aws/bedrock-agentcore/runtimes/{door.runtime.id}-DEFAULT", "tools/call")

    async def logged(self, moto: str, group: str, text: str) -> list[str]:
        logs = moto_client("logs", moto)
        for _ in range(100):
            with contextlib.suppress(ClientError):
                found = await asyncio.to_thread(logs.filter_log_events, logGroupName=group)
                lines = [str(event["message"]) for event in found["events"]]
                if any(text in line for line in lines):
                    return lines
            await asyncio.sleep(0.05)
        raise AssertionError(f"{text} is not in {group}")

    async def test_code_has_the_environment_that_was_set_and_a_key_of_its_role_and_no_more(self, moto: str) -> None:
        main = (
            "import http.server, json, os\n"
            "print(json.dumps(dict(os.environ)), flush=True)\n"
            "print('x' * 300000, flush=True)\n"
            "port = int(os.environ['MCP_PROXY_PORT'])\n"
            "http.server.HTTPServer(('127.0.0.1', port), http.server.BaseHTTPRequestHandler).serve_forever()\n"
        )
        artifact = code_in(moto, "environment.zip", main)
        async with self.running(moto, agentRuntimeArtifact=artifact, environmentVariables={"SHOP": "a"}) as door:
            _, _, body = await door.invoke()
            assert body["error"]["code"] == -32010
            group = f"/aws/bedrock-agentcore/runtimes/{door.runtime.id}-DEFAULT"
            lines = await self.logged(moto, group, "xxx")
            found = json.loads(lines[0])
            assert max(map(len, lines)) == 200_000
            role_keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
            assert set(found) - {"LC_CTYPE"} == {"PATH", "SHOP", "MCP_PROXY_PORT", "AWS_ENDPOINT_URL"} | role_keys
            principal = door.world.principals[found["AWS_ACCESS_KEY_ID"]]
            assert principal.startswith("arn:aws:sts::123456789012:assumed-role/execution/")

    @pytest.mark.parametrize(
        ("main", "told"),
        [
            ("import time\ntime.sleep(60)\n", "exceeded: initialization must complete in 0.5 s"),
            ("print('the reason'); raise SystemExit(3)\n", "ended with 3 before it listened; see /aws/bedrock"),
        ],
    )
    async def test_code_that_does_not_listen_in_time_is_424_for_boto3_too(
        self, moto: str, main: str, told: str
    ) -> None:
        artifact = code_in(moto, "late.zip", main)
        init_s = 0.5 if "sleep" in main else 20
        async with self.running(moto, init_s, agentRuntimeArtifact=artifact) as door:
            client = agentcore(door.url, door.keys)
            with pytest.raises(client.exceptions.RuntimeClientError, match=told) as caught:
                await asyncio.to_thread(
                    client.invoke_agent_runtime, agentRuntimeArn=door.runtime.arn, accept=ACCEPT, payload=LIST
                )
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
            assert door.plane.instances.running == []
            if "reason" in main:
                await self.logged(moto, f"/aws/bedrock-agentcore/runtimes/{door.runtime.id}-DEFAULT", "the reason")

    async def test_an_artifact_that_is_not_there_is_told(self, moto: str) -> None:
        artifact = code_in(moto, "x.zip")
        artifact["codeConfiguration"]["code"]["s3"]["prefix"] = "none.zip"
        async with self.running(moto, agentRuntimeArtifact=artifact) as door:
            status, _, body = await door.invoke()
            assert (status, "s3://artifacts/none.zip cannot be read" in body["message"]) == (424, True)

    def test_a_zip_that_leaves_its_folder_is_refused(self, tmp_path: Any) -> None:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("../out.py", "")
        for archive_bytes in (held.getvalue(), b"no zip"):
            with pytest.raises(StartError):
                unpacked(archive_bytes, tmp_path / "code")
        assert not (tmp_path / "out.py").exists()
