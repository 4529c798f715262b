"""A malicious client, a malicious upstream, a careless policy: what each of them cannot do."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp_wire import HANDSHAKE, MODERN, post, request, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

SECRET = "TOP-SECRET"
POLICIES = f'''
import asyncio

from policies.model import ALLOW, Deny, Modify, Respond, Result
from policies.policy import Policy


class Hide(Policy):
    def on_tool(self, tool, caller):
        return Deny("hidden") if tool.name == "echo" else ALLOW


class Clean(Policy):
    def on_call(self, call):
        cleaned = {{key: value for key, value in call.arguments.items() if value != "{SECRET}"}}
        return ALLOW if cleaned == call.arguments else Modify(call.with_arguments(cleaned))


class Answer(Policy):
    async def on_call(self, call):
        if "wait" in call.arguments:
            await asyncio.Event().wait()
        if call.method == "tools/list":
            return Respond(Result(body={{"tools": [{{"name": "invented", "inputSchema": {{"type": "object"}}}}]}}))
        return Respond(Result(body={{"content": []}})) if "cached" in call.arguments else ALLOW


SEEN = []


class Watch(Policy):
    def on_done(self, exchange):
        SEEN.append(str(exchange.call.params))
'''


def chain(tmp_path: Path, *classes: str) -> str:
    (tmp_path / "side_policies.py").write_text(POLICIES)
    return "".join(f'[[policy]]\nuse = "side_policies:{name}"\ntimeout_ms = 20000\n' for name in classes)


async def test_a_hidden_tool_answers_like_an_unknown_one(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}}
    upstream.tools = [{**tool, "inputSchema": schema} if tool["name"] == "echo" else tool for tool in upstream.tools]
    async with proxy_before(upstream.url, tmp_path, chain(tmp_path, "Hide")) as running:
        await until(lambda: len(running.proxy.catalogs.main) == len(upstream.tools))
        answers = []
        for name in ("echo", "nowhere"):
            reply = await rpc(running.url, "tools/call", {"name": name, "arguments": {"r": "x"}}, era)
            error = json.dumps({**reply.error, "data": None, "message": reply.error["message"].split(" (")[0]})
            answers.append((reply.status, error))
        assert answers[0] == answers[1]
        await rpc(running.url, "prompts/list", {}, era)  # is the door's: FastMCP is imported once this is answered
        app = running.proxy.fastmcp()
        assert await app.get_tool("echo") is None
        assert await app.get_tool("untitled") is not None


async def test_a_contradicting_parameter_header_is_refused_for_a_tool_that_the_caller_may_know(tmp_path: Path) -> None:
    upstream = RichUpstream(MODERN)
    schema = {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}}
    upstream.tools[2] = {**upstream.tools[2], "inputSchema": schema}
    async with upstream.running(), proxy_before(upstream.url, tmp_path) as running:
        params = {"name": "echo", "arguments": {"r": "eu"}}
        for headers, code in (({"mcp-param-region": "us"}, -32020), ({}, -32020)):
            reply = await rpc(running.url, "tools/call", params, MODERN, headers=headers)
            assert (reply.status, reply.error["code"]) == (400, code)
        good = await rpc(running.url, "tools/call", params, MODERN, headers={"mcp-param-region": "eu"})
        assert good.result["structuredContent"] == {"r": "eu"}
        assert upstream.received[-1][0]["mcp-param-region"] == "eu"


async def test_no_policy_is_told_arguments_that_another_one_removed(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    policies = chain(tmp_path, "Watch", "Clean", "Answer")
    async with proxy_before(upstream.url, tmp_path, policies) as running:
        for arguments in ({"s": SECRET}, {"s": SECRET, "cached": 1}):
            await rpc(running.url, "tools/call", {"name": "untitled", "arguments": arguments}, era)
        gone = rpc(running.url, "tools/call", {"name": "untitled", "arguments": {"s": SECRET, "wait": 1}}, era)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gone, 0.3)
        await until(lambda: running.proxy.exchanges.in_flight == 0)
        seen = "".join(vars(__import__("side_policies"))["SEEN"])
    assert "untitled" in seen
    assert SECRET not in seen


async def test_a_composed_list_adds_nothing_to_the_catalog(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path, chain(tmp_path, "Answer")) as running:
        listed = (await rpc(running.url, "tools/list", {}, era)).result
        assert [tool["name"] for tool in listed["tools"]] == ["invented"]
        assert ("resultType" in listed) is (era == MODERN)
        assert running.proxy.catalogs.main.find("invented") is None
        assert "error" in (await rpc(running.url, "tools/call", {"name": "invented"}, era)).messages[-1]


async def test_what_cannot_be_published_is_left_out_of_the_list(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    good = {"name": "good", "inputSchema": {"type": "object"}}
    upstream.tools = ["evil", good, {"name": 7}, {"name": "x" * 300}, {**good, "description": "again"}]
    async with proxy_before(upstream.url, tmp_path) as running:
        listed = (await rpc(running.url, "tools/list", {}, era)).result
        assert listed["tools"] == [good]


async def test_an_upstreams_error_text_about_its_list_does_not_reach_a_caller_unjudged(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked = json.loads(await reader.readexactly(length))
        error = {"code": -32000, "message": f"failed for {SECRET}", "data": SECRET}
        body = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "error": error}).encode()
        head_out = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
        writer.write(head_out + str(len(body)).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    async with proxy_before(url, tmp_path, bounds={"first_list_s": 2}) as running:
        for _ in range(2):
            reply = await rpc(running.url, "tools/call", {"name": "any"}, MODERN)
            assert reply.error["code"] == -31002, "not an unknown tool: nothing is known at all"
            assert SECRET not in json.dumps(reply.messages)
    server.close()


async def test_what_an_upstream_says_to_one_token_is_not_said_to_another(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    hello = "server/discover" if era == MODERN else "initialize"
    params = {} if era == MODERN else {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "t"}}
    params = params if era == MODERN else {**params, "clientInfo": {"name": "t", "version": "1"}}
    async with proxy_before(upstream.url, tmp_path, auth_mode="passthrough") as running:
        for name in ("alice", "bob"):
            upstream.instructions = f"private to {name}"
            reply = await rpc(running.url, hello, params, era, headers={"authorization": f"Bearer {name}"})
            assert reply.result["instructions"] == f"private to {name}"
        assert {headers.get("authorization") for headers, _ in upstream.received} == {"Bearer alice", "Bearer bob"}


@pytest.mark.parametrize("inputs", [["evil"], "evil", 7])
async def test_answers_of_the_user_that_are_no_object_are_refused(
    modern_upstream: RichUpstream, tmp_path: Path, inputs: Any
) -> None:
    async with proxy_before(modern_upstream.url, tmp_path) as running:
        params = {"name": "asking", "inputResponses": inputs}
        assert (await rpc(running.url, "tools/call", params, MODERN)).error["code"] == -32602
    assert modern_upstream.bodies("tools/call") == []


async def test_baggage_goes_on_only_where_the_configuration_names_it(upstream: RichUpstream, tmp_path: Path) -> None:
    sent = {"baggage": "user=jane", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    for named, expected in (((), None), (("baggage",), "user=jane")):
        async with proxy_before(upstream.url, tmp_path, forward_headers=named) as running:
            await rpc(running.url, "tools/call", {"name": "untitled"}, upstream.era, headers=sent)
        assert upstream.received[-1][0].get("baggage") == expected


async def test_open_subscriptions_take_no_place_from_calls(modern_upstream: RichUpstream, tmp_path: Path) -> None:
    body, headers = request("subscriptions/listen", {"notifications": {}}, MODERN)
    async with (
        proxy_before(modern_upstream.url, tmp_path, bounds={"in_flight": 1, "streams": 1}) as running,
        aiohttp.ClientSession() as session,
        session.post(running.url, json=body, headers=headers),
    ):
        await modern_upstream.slow_started.wait()
        assert (await rpc(running.url, "tools/call", {"name": "untitled"}, MODERN)).result["content"]
        refused = await rpc(running.url, "subscriptions/listen", {"notifications": {}}, MODERN)
        assert "in flight" in refused.error["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":1,"a":2}}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":NaN}}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":1e400}}', 400),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":[1e-99999999999999999999,1234567890123456789]}}',
            400,
        ),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":"\\ud800"}}', 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":' + b"[" * 300 + b"]" * 300 + b"}}", 400),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', 400),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', 400),
        (b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}', 400),
        (b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}', 400),
        (b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b'{"a":"' + b"x" * 5_000_000 + b'"}', 413),
    ],
)
async def test_a_body_that_is_no_message_is_refused_at_once(
    upstream: RichUpstream, era: str, tmp_path: Path, body: bytes, status: int
) -> None:
    _, headers = request("tools/list", {}, era)
    async with proxy_before(upstream.url, tmp_path) as running:
        reply = await post(running.url, body, headers)
        assert reply.status == status
        assert reply.error["code"] in (-32700, -32600)


async def test_a_body_that_does_not_come_is_not_waited_for(upstream: RichUpstream, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path, bounds={"body_s": 0.2}) as running:
        host, port = running.url.split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /mcp HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: 99\r\n\r\n{{".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
        assert b" 408 " in status
        writer.close()


async def test_a_client_that_takes_no_notifications_holds_no_place(tmp_path: Path) -> None:
    upstream = RichUpstream(HANDSHAKE)
    big = {"level": "info", "data": "x" * 400_000}
    upstream.told = [{"method": "notifications/message", "params": big}] * 60
    async with (
        upstream.running(),
        proxy_before(upstream.url, tmp_path, bounds={"notice_s": 0.2}) as running,
    ):
        host, port = running.url.split("/")[2].split(":")
        body, headers = request("tools/call", {"name": "chatty"}, HANDSHAKE)
        data = json.dumps(body).encode()
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(["POST /mcp HTTP/1.1", f"host: {host}:{port}", "content-type: application/json", *lines])
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(head.encode() + f"\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
        began = time.monotonic()
        await until(lambda: running.proxy.exchanges.in_flight == 1)
        await until(lambda: running.proxy.exchanges.in_flight == 0, 10)
        assert time.monotonic() - began < 10
        writer.close()


async def test_a_notification_of_an_unknown_method_is_not_relayed(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    upstream.told = [
        {"method": f"notifications/{SECRET}", "params": {}},
        {"method": "notifications/cancelled", "params": {"requestId": 1}},
        {"method": "notifications/message", "params": {"level": "info", "data": 1}},
    ]
    async with proxy_before(upstream.url, tmp_path) as running:
        reply = await rpc(running.url, "tools/call", {"name": "chatty"}, era)
    assert [message["method"] for message in reply.notifications] == ["notifications/message"]


async def test_a_list_that_policies_judge_too_slowly_is_denied_and_recorded_as_denied(
    upstream: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slow_judge.py").write_text(
        "import asyncio\nfrom policies.model import ALLOW\nfrom policies.policy import Policy\n\n\n"
        "class Slow(Policy):\n"
        "    async def on_tool(self, tool, caller):\n        await asyncio.sleep(0.2)\n        return ALLOW\n"
    )
    policies = '[[policy]]\nuse = "audit"\n[[policy]]\nuse = "slow_judge:Slow"\n'
    async with proxy_before(upstream.url, tmp_path, policies, bounds={"first_list_s": 0.5}) as running:
        reply = await rpc(running.url, "tools/list", {}, era)
    assert (reply.error["code"], reply.error["data"]["reason"]) == (-31001, "policy_error")
    (line,) = (json.loads(line) for line in capfd.readouterr().out.splitlines() if '"tools/list"' in line)
    assert (line["outcome"], line["reason"]) == ("denied", "policy_error")
