"""Conversations: a client, the proxy, an upstream, and what each of them sees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp_wire import HANDSHAKE, MODERN, request, rpc, stream
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY, proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

CALLER_HEADERS = {
    "authorization": "Bearer callers-own",
    "cookie": "session=1",
    "x-api-key": "k",
    "x-amz-security-token": "t",
    "x-amz-date": "20260101T000000Z",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-proto": "https",
    "forwarded": "for=1",
    "user-agent": "agent/1",
    "x-custom": "c",
    "mcp-param-x": "p",
}


async def test_no_header_of_the_caller_reaches_the_upstream(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        for method, params in (("tools/list", {}), ("tools/call", {"name": "untitled"}), ("prompts/list", {})):
            await rpc(running.url, method, params, era, headers=CALLER_HEADERS)
    for headers, _ in upstream.received:
        sent = {key: value for key, value in headers.items() if key in CALLER_HEADERS}
        assert set(sent) <= {"user-agent"}
        assert "agent/1" not in headers.get("user-agent", "")
        assert not any(value in CALLER_HEADERS.values() for value in headers.values())


async def test_a_header_that_the_configuration_names_is_forwarded(upstream: RichUpstream, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path, forward_headers=("X-Custom",)) as running:
        await rpc(running.url, "tools/call", {"name": "untitled"}, upstream.era, headers=CALLER_HEADERS)
    headers, _ = upstream.received[-1]
    assert headers["x-custom"] == "c"
    assert "x-api-key" not in headers


async def test_an_unknown_tool_is_refused_and_never_forwarded(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        reply = await rpc(running.url, "tools/call", {"name": "nowhere"}, era)
        assert reply.error["code"] == -32602
        assert "nowhere" not in json.dumps(reply.error)
    assert upstream.bodies("tools/call") == []


async def test_a_tool_that_appeared_since_discovery_is_found_by_one_refresh(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(upstream.url, tmp_path, bounds={"unknown_s": 0.01}) as running:
        await rpc(running.url, "tools/list", {}, era)
        upstream.tools.append({"name": "late", "inputSchema": {"type": "object"}})
        upstream.results["late"] = {"content": [{"type": "text", "text": "found"}]}
        await asyncio.sleep(0.02)
        reply = await rpc(running.url, "tools/call", {"name": "late"}, era)
        assert reply.result["content"][0]["text"] == "found"


async def test_each_upstream_request_has_an_id_and_a_progress_token_of_its_own(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    params = {"name": "chatty", "_meta": {"progressToken": 1}}
    async with proxy_before(upstream.url, tmp_path) as running:
        await asyncio.gather(*(rpc(running.url, "tools/call", params, era, request_id=1) for _ in range(8)))
    calls = upstream.bodies("tools/call")
    assert len({body["id"] for body in calls}) == 8
    assert len({body["params"]["_meta"]["progressToken"] for body in calls}) == 8


async def test_a_client_that_goes_away_cancels_the_upstream_call(
    upstream: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with proxy_before(upstream.url, tmp_path, AUDIT_ONLY) as running:
        asked = asyncio.create_task(rpc(running.url, "tools/call", {"name": "slow"}, era))
        await asyncio.wait_for(upstream.slow_started.wait(), 5)
        asked.cancel()
        await asyncio.wait_for(upstream.slow_cancelled.wait(), 5)
        await until(lambda: running.proxy.exchanges.in_flight == 0)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"tools/call"' in line]
    assert [(line["outcome"], line["reason"]) for line in lines] == [("failed", "cancelled")]


async def test_one_hung_call_does_not_delay_fifty_others(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        hung = asyncio.create_task(rpc(running.url, "tools/call", {"name": "slow"}, era))
        await asyncio.wait_for(upstream.slow_started.wait(), 5)
        others = (rpc(running.url, "tools/call", {"name": "echo", "arguments": {"n": n}}, era) for n in range(50))
        replies = await asyncio.wait_for(asyncio.gather(*others), 10)
        assert sorted(reply.result["structuredContent"]["n"] for reply in replies) == list(range(50))
        assert not hung.done()
        upstream.release.set()
        assert (await hung).result["content"][0]["text"] == "at last"


async def test_a_subscription_relays_each_notification_under_the_callers_own_id(
    modern_upstream: RichUpstream, tmp_path: Path
) -> None:
    body, headers = request(
        "subscriptions/listen", {"notifications": {"toolsListChanged": True}}, MODERN, request_id=77
    )
    async with (
        proxy_before(modern_upstream.url, tmp_path) as running,
        aiohttp.ClientSession() as session,
        session.post(running.url, json=body, headers=headers) as answer,
    ):
        told = []
        async for message in stream(answer):
            told.append(message)
            if len(told) == 2:
                break
        assert [message["method"] for message in told] == [
            "notifications/subscriptions/acknowledged",
            "notifications/tools/list_changed",
        ]
        ids = [message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] for message in told]
        assert ids == [77, 77]
    await asyncio.wait_for(modern_upstream.slow_cancelled.wait(), 5)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {}),
        ("tools/call", {"name": 7}),
        ("tools/call", {"name": "echo", "arguments": [1]}),
        ("tools/call", {"name": "echo", "arguments": "x"}),
        ("resources/read", {"uri": None}),
        ("prompts/get", {"name": {}}),
    ],
)
async def test_params_of_a_wrong_type_are_refused_before_the_upstream(
    handshake_upstream: RichUpstream, tmp_path: Path, method: str, params: dict[str, Any]
) -> None:
    async with proxy_before(handshake_upstream.url, tmp_path) as running:
        assert (await rpc(running.url, method, params)).error["code"] == -32602
    assert handshake_upstream.bodies(method) == []


async def test_a_method_that_no_policy_can_judge_is_not_forwarded(
    upstream: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        assert (await rpc(running.url, "vendor/method", {}, era)).error["code"] == -32601
    assert upstream.bodies("vendor/method") == []


async def test_ping_is_answered_here(handshake_upstream: RichUpstream, tmp_path: Path) -> None:
    async with proxy_before(handshake_upstream.url, tmp_path) as running:
        assert (await rpc(running.url, "ping")).result == {}
    assert handshake_upstream.bodies("ping") == []


async def test_the_trace_context_goes_on_to_the_upstream(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    async with proxy_before(upstream.url, tmp_path) as running:
        await rpc(running.url, "tools/call", {"name": "untitled"}, era, headers=headers)
    assert trace in upstream.received[-1][0]["traceparent"]


async def test_in_process_calls_are_governed_and_audited_like_any_other(
    upstream: RichUpstream, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with proxy_before(upstream.url, tmp_path, AUDIT_ONLY) as running:
        await rpc(
            running.url, "prompts/list", {}, upstream.era
        )  # is the door's: FastMCP is imported once it is answered
        app = running.proxy.fastmcp()
        assert {tool.name for tool in await app.list_tools()} == {tool["name"] for tool in upstream.tools}
        result = await app.call_tool("echo", {"a": 1})
        assert result.structured_content == {"a": 1}
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["name"] for line in lines if line["method"] == "tools/call"] == ["echo"]


async def test_exactly_one_audit_line_is_written_for_each_exchange(
    upstream: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ["echo", "failing", "refusing", "nowhere", "untitled"]
    async with proxy_before(upstream.url, tmp_path, AUDIT_ONLY) as running:
        await rpc(running.url, "prompts/list", {}, era)
        capfd.readouterr()
        for name in asked:
            await rpc(running.url, "tools/call", {"name": name}, era)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    calls = [line for line in lines if line["method"] == "tools/call"]
    assert [line["outcome"] for line in calls] == ["completed", "completed", "failed", "denied", "completed"]
    assert len({line["exchange"] for line in calls}) == len(asked)


async def test_a_caller_of_the_handshake_era_may_skip_the_handshake(upstream: RichUpstream, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        assert (await rpc(running.url, "tools/list", {}, HANDSHAKE)).result["tools"]
