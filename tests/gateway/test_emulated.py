"""The proxy in front of the emulated AgentCore Gateway: revisions, sessions, pages, limits, search, signatures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agentcore import gateway_plane
from tests.agentcore.runtime_plane_serving import gateway_in, serving, target_in, user_keys
from tests.agentcore.world import Gateway, World
from tests.gateway.test_prefix import names
from tests.gateway.tools import SEARCH, tool
from tests.mcp_wire import ERAS, HANDSHAKE, MODERN, Reply, rpc
from tests.running import Running, proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

ROLE = "arn:aws:iam::123456789012:role/gateway"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:orders"
NOWHERE = "http://127.0.0.1:9"
TOOLS = [tool(name) for name in ("get_order", "cancel_order", "track_parcel")]
NAMES = [f"orders___{one['name']}" for one in TOOLS]
HIDE = """
from policies.model import ALLOW, Deny
from policies.policy import Policy


class Hide(Policy):
    def on_tool(self, tool, caller):
        return Deny("hidden") if "cancel" in tool.name else ALLOW
"""


def orders(event: Any, context: Any) -> Any:
    return {"order": event["id"], "tool": context.client_context.custom["bedrockAgentCoreToolName"]}


@dataclass
class Place:
    world: World
    url: str

    def gateway(self, mcp: dict[str, Any] | None = None, **request: Any) -> Gateway:
        """A gateway with the Lambda target `orders`, two tools a page."""
        gateway = gateway_in(self.world, self.url, ROLE, mcp, **request)
        target_in(gateway, "orders", {"lambda": {"lambdaArn": LAMBDA, "toolSchema": {"inlinePayload": TOOLS}}})
        return gateway


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    world = World()
    plane = gateway_plane.app(world, NOWHERE, runtimes=str, functions={LAMBDA: orders}, page_size=2, empty_cursor=True)
    async with serving(plane) as url:
        yield Place(world, url)


async def order(running: Running, era: str = HANDSHAKE, name: str = NAMES[0], **headers: str) -> Reply:
    return await rpc(running.url, "tools/call", {"name": name, "arguments": {"id": "7"}}, era, headers=headers)


def told(reply: Reply) -> Any:
    return json.loads(reply.result["content"][0]["text"])


@pytest.mark.parametrize("sessions", [{}, {"sessionConfiguration": {}}], ids=["stateless", "sessions"])
@pytest.mark.parametrize(
    "taken", [None, ["2025-11-25"], ["2025-06-18"], ["2025-03-26", "2025-06-18"], ["2025-03-26"], [MODERN]], ids=str
)
async def test_every_page_and_every_tool_are_there_whatever_the_gateway_supports(
    place: Place, tmp_path: Path, taken: list[str] | None, sessions: dict[str, Any]
) -> None:
    gateway = place.gateway({**({"supportedVersions": taken} if taken else {}), **sessions})
    async with proxy_before(gateway.url, tmp_path) as running:
        for era in ERAS:
            assert await names(running.url, era) == NAMES
            assert told(await order(running, era)) == {"order": "7", "tool": NAMES[0]}
        hello = running.proxy.upstream.known()
        assert hello is not None
        assert hello.version == (MODERN if taken is None else max(taken))
        assert hello.sessions == (bool(sessions) and not hello.modern)


async def test_a_session_that_the_gateway_has_lost_is_renewed(place: Place, tmp_path: Path) -> None:
    gateway = place.gateway({"supportedVersions": [HANDSHAKE], "sessionConfiguration": {}})
    async with proxy_before(gateway.url, tmp_path) as running:
        assert told(await order(running, **{"mcp-session-id": "one"}))
        place.world.faults.gateway_lost_sessions = 1
        assert told(await order(running, **{"mcp-session-id": "one"}))
        assert place.world.faults.gateway_lost_sessions == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"supportedVersions": [HANDSHAKE]}, {"supportedVersions": [HANDSHAKE], "sessionConfiguration": {}}),
        ({"supportedVersions": [HANDSHAKE]}, {"supportedVersions": ["2025-06-18"]}),
        ({"supportedVersions": [HANDSHAKE]}, {"supportedVersions": [MODERN]}),
        ({"supportedVersions": [MODERN]}, {"supportedVersions": ["2025-03-26"]}),
    ],
    ids=["sessions", "an older revision", "the modern era", "the handshake era"],
)
async def test_a_gateway_that_is_updated_is_known_anew_by_the_next_calls(
    place: Place, tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    gateway = place.gateway(before)
    async with proxy_before(gateway.url, tmp_path) as running:
        assert told(await order(running))
        await until(lambda: running.proxy.catalogs.main.state == "fresh")
        gateway.request["protocolConfiguration"]["mcp"] = after
        for _ in range(250):  # a probe a second at most comes of odd answers
            answer = (await order(running)).messages[-1]
            if "result" in answer:
                break
            await asyncio.sleep(0.02)
        assert answer["result"]


async def test_a_limit_is_waited_for_as_long_as_the_gateway_says(place: Place, tmp_path: Path) -> None:
    gateway = place.gateway()
    async with proxy_before(gateway.url, tmp_path) as running:
        assert told(await order(running))
        place.world.faults.gateway_throttled, place.world.faults.gateway_retry_after_s = 2, 0.2
        assert told(await order(running))
        assert place.world.faults.gateway_throttled == 0


@pytest.mark.parametrize("era", ERAS)
async def test_a_limit_that_takes_too_long_is_the_callers_to_know_with_its_data(
    place: Place, era: str, tmp_path: Path
) -> None:
    gateway = place.gateway()
    async with proxy_before(gateway.url, tmp_path) as running:
        assert told(await order(running, era))
        place.world.faults.gateway_throttled, place.world.faults.gateway_retry_after_s = 1, 60
        error = (await order(running, era)).error
        assert error["code"] == -32003
        assert error["data"].keys() == {"limitKey", "metric", "retryAfter"}
        assert error["data"]["retryAfter"] == 60


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("strip", [False, True])
async def test_what_the_search_finds_is_what_the_list_shows(
    place: Place, era: str, tmp_path: Path, strip: bool
) -> None:
    (tmp_path / "hide_cancel.py").write_text(HIDE)
    gateway = place.gateway({"searchType": "SEMANTIC"})
    policies = '[[policy]]\nuse = "hide_cancel:Hide"\n'
    async with proxy_before(gateway.url, tmp_path, policies, strip_target_prefix=strip) as running:
        listed = await names(running.url, era)
        own = [name.removeprefix("orders___") if strip else name for name in (NAMES[0], NAMES[2])]
        assert listed == [SEARCH, *own]
        params = {"name": SEARCH, "arguments": {"query": "cancel order"}}
        found = (await rpc(running.url, "tools/call", params, era)).result
        assert sorted(one["name"] for one in found["structuredContent"]["tools"]) == sorted(own)
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
        assert told(await order(running, era, own[1])) == {"order": "7", "tool": NAMES[2]}


async def test_a_gateway_that_wants_a_signature_gets_one_that_it_accepts(
    place: Place, tmp_path: Path, bare: pytest.MonkeyPatch
) -> None:
    gateway = place.gateway(authorizerType="AWS_IAM")
    keys = user_keys(place.world)
    bare.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
    bare.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)
    signed = {"auth_mode": "iam", "region": "us-east-1"}
    async with proxy_before(gateway.url, tmp_path, **signed) as running:
        for era in ERAS:
            assert await names(running.url, era) == NAMES
            assert told(await order(running, era))
    bare.setenv("AWS_SECRET_ACCESS_KEY", "another")
    async with proxy_before(gateway.url, tmp_path, **signed) as running:
        error = (await order(running)).error
        assert (error["code"], error["data"]) == (-31002, {"kind": "auth"})
        assert "does not accept the proxy's credential (HTTP 403)" in error["message"]
        assert running.proxy.catalogs.main.fault == "upstream_auth"
