"""What the upstream says reaches the client unchanged, in both eras, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.mcp_wire import HANDSHAKE, MODERN, Reply, rpc
from tests.rich_upstream import RESULTS, RichUpstream
from tests.running import AUDIT_ONLY, proxy_before

pytestmark = pytest.mark.usefixtures("doors")

READS: list[tuple[str, dict[str, Any]]] = [
    ("tools/list", {}),
    ("tools/list", {"cursor": ""}),
    ("tools/list", {"cursor": "10"}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "a://b"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "p", "arguments": {"a": "1"}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "x"}}),
]
CALLS: list[tuple[str, dict[str, Any]]] = [
    *(("tools/call", {"name": name}) for name in RESULTS),
    ("tools/call", {"name": "refusing", "arguments": {}}),
    ("tools/call", {"name": "chatty", "_meta": {"progressToken": "mine"}}),
    ("tools/call", {"name": "chatty", "_meta": {"progressToken": 7}}),
    ("tools/call", {"name": "echo", "arguments": {"n": 2**70, "f": 1.5, "s": "ä\u2028", "nil": None, "deep": [[{}]]}}),
]
HANDSHAKE_ONLY = [
    ("initialize", {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
    ("resources/subscribe", {"uri": "a://b"}),
    ("resources/unsubscribe", {"uri": "a://b"}),
    ("logging/setLevel", {"level": "info"}),
]
MODERN_ONLY: list[tuple[str, dict[str, Any]]] = [
    ("server/discover", {}),
    ("tools/call", {"name": "asking", "arguments": {}}),
    ("tools/call", {"name": "asking", "inputResponses": {"who": {"action": "accept"}}, "requestState": "st4te=="}),
]
ENVELOPE = ("resultType", "ttlMs", "cacheScope")


def said(reply: Reply) -> list[Any]:
    """Every message but for the id, which is the client's own."""
    return [{key: value for key, value in message.items() if key != "id"} for message in reply.messages]


@pytest.mark.parametrize("policies", ["", AUDIT_ONLY], ids=["no policies", "audited"])
async def test_every_answer_is_what_the_upstream_answers_directly(
    upstream: RichUpstream, era: str, tmp_path: Path, policies: str
) -> None:
    own = MODERN_ONLY if era == MODERN else HANDSHAKE_ONLY
    async with proxy_before(upstream.url, tmp_path, policies) as running:
        for method, params in [*READS, *CALLS, *own]:
            direct = await rpc(upstream.url, method, params, era)
            proxied = await rpc(running.url, method, params, era)
            assert said(proxied) == said(direct), (method, params)


async def test_a_handshake_caller_sees_a_modern_upstream_without_the_modern_envelope(
    modern_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with proxy_before(modern_upstream.url, tmp_path) as running:
        for method, params in [*READS, *CALLS]:
            direct = await rpc(modern_upstream.url, method, params, MODERN)
            proxied = await rpc(running.url, method, params, HANDSHAKE)
            expected = said(direct)
            if "result" in expected[-1]:
                expected[-1]["result"] = {k: v for k, v in expected[-1]["result"].items() if k not in ENVELOPE}
            assert said(proxied) == expected, (method, params)


async def test_a_modern_caller_sees_a_handshake_upstream_within_the_modern_envelope(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with proxy_before(handshake_upstream.url, tmp_path) as running:
        for method, params in [*READS, *CALLS]:
            direct = await rpc(handshake_upstream.url, method, params, HANDSHAKE)
            proxied = await rpc(running.url, method, params, MODERN)
            expected = said(direct)
            if "result" in expected[-1]:
                cached = {"ttlMs": 0, "cacheScope": "private"} if method.endswith(("/list", "/read")) else {}
                expected[-1]["result"] |= {"resultType": "complete", **cached}
            assert said(proxied)[-1] == expected[-1], (method, params)


async def test_a_handshake_caller_is_told_what_the_modern_upstream_is(
    modern_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with proxy_before(modern_upstream.url, tmp_path) as running:
        answer = (await rpc(running.url, *HANDSHAKE_ONLY[0])).result
        assert answer["protocolVersion"] == HANDSHAKE
        assert answer["serverInfo"]["name"] == "rich"
        assert answer["instructions"] == modern_upstream.instructions
        assert answer["capabilities"]["logging"] == {}
        for method, params in HANDSHAKE_ONLY[1:]:
            assert (await rpc(running.url, method, params)).result == {}


async def test_a_modern_caller_is_not_promised_pushes_that_a_handshake_upstream_cannot_send_it(
    handshake_upstream: RichUpstream, tmp_path: Path
) -> None:
    async with proxy_before(handshake_upstream.url, tmp_path) as running:
        answer = (await rpc(running.url, "server/discover", era=MODERN)).result
        assert answer["supportedVersions"] == [MODERN]
        assert "listChanged" not in answer["capabilities"]["tools"]
        assert "subscribe" not in answer["capabilities"]["resources"]
        listen = await rpc(running.url, "subscriptions/listen", {"notifications": {}}, MODERN)
        assert (listen.status, listen.error["code"]) == (404, -32601)


async def test_a_tool_list_is_paged_as_the_upstream_pages_it(upstream: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(upstream.url, tmp_path) as running:
        first = (await rpc(running.url, "tools/list", era=era)).result
        assert first["nextCursor"] == ""
        second = (await rpc(running.url, "tools/list", {"cursor": ""}, era)).result
        assert [t["name"] for t in first["tools"] + second["tools"]] == [t["name"] for t in upstream.tools[:10]]
