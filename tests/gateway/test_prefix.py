"""Names of a gateway's tools, `target___tool`: as they are, or without the target, and back for the call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.check import check
from tests.gateway.tools import SEARCH, fill, tool
from tests.mcp_wire import MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY, Running, proxy_before, until

pytestmark = pytest.mark.usefixtures("doors")

STRIP = {"strip_target_prefix": True}


async def names(url: str, era: str) -> list[str]:
    """The names on every page of the list."""
    listed: list[str] = []
    params: dict[str, Any] = {}
    while True:
        page = (await rpc(url, "tools/list", params, era)).result
        listed += [one["name"] for one in page["tools"]]
        if "nextCursor" not in page:
            return listed
        params = {"cursor": page["nextCursor"]}


async def called(running: Running, name: str, era: str) -> Any:
    """The text of the answer, or the code of the error."""
    answer = (await rpc(running.url, "tools/call", {"name": name, "arguments": {}}, era)).messages[-1]
    return answer["result"]["content"][0]["text"] if "result" in answer else answer["error"]["code"]


async def fault(running: Running) -> str:
    async with aiohttp.ClientSession() as http, http.get(running.url.replace("/mcp", "/readyz")) as answer:
        return str((await answer.json())["catalog"]["fault"])


async def test_names_are_published_as_the_gateway_has_them(gateway: RichUpstream, era: str, tmp_path: Path) -> None:
    fill(gateway, tool("crm___lookup"), tool("mail___lookup"))
    async with proxy_before(gateway.url, tmp_path) as running:
        assert await names(running.url, era) == ["crm___lookup", "mail___lookup"]
        assert await called(running, "mail___lookup", era) == "of mail___lookup"


async def test_without_its_target_a_tool_is_listed_and_called_and_the_gateway_gets_its_own_name(
    gateway: RichUpstream, era: str, tmp_path: Path
) -> None:
    crm = tool("crm___lookup", title="Look up", _meta={"a.b/c": 1}, annotations={"readOnlyHint": True})
    fill(gateway, crm, tool("mail___send_a___b"), tool("plain"), tool("___odd"), tool("odd___"), tool(SEARCH))
    async with proxy_before(gateway.url, tmp_path, AUDIT_ONLY, **STRIP) as running:
        assert await names(running.url, era) == ["lookup", "send_a___b", "plain", "___odd", "odd___", SEARCH]
        page = (await rpc(running.url, "tools/list", {}, era)).result
        assert page["tools"][0] == {**crm, "name": "lookup"}
        assert await called(running, "lookup", era) == "of crm___lookup"
        assert await called(running, "send_a___b", era) == "of mail___send_a___b"
        assert await called(running, "plain", era) == "of plain"
        assert await called(running, "crm___lookup", era) == -32602, "one name a tool"
    sent = [(headers, body) for headers, body in gateway.received if body.get("method") == "tools/call"]
    assert [body["params"]["name"] for _, body in sent] == ["crm___lookup", "mail___send_a___b", "plain"]
    if era == MODERN:
        assert [headers["mcp-name"] for headers, _ in sent] == ["crm___lookup", "mail___send_a___b", "plain"]


async def test_policies_know_a_tool_by_the_name_that_is_published(
    gateway: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(gateway, tool("crm___lookup"))
    policies = '[[policy]]\nuse = "audit"\ntools = ["lookup"]\n'
    async with proxy_before(gateway.url, tmp_path, policies, **STRIP) as running:
        await called(running, "lookup", era)
    assert '"name":"lookup"' in capfd.readouterr().out.replace(" ", "")


SHARED = [tool("crm___lookup"), *(tool(f"crm___t{n}") for n in range(6)), tool("mail___lookup")]
"""On two pages."""


async def test_a_name_that_two_tools_would_share_belongs_to_neither(
    gateway: RichUpstream, era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(gateway, *SHARED)
    async with proxy_before(gateway.url, tmp_path, **STRIP) as running:
        assert await names(running.url, era) == [f"t{n}" for n in range(6)]
        for name in ("lookup", "crm___lookup", "mail___lookup"):
            assert await called(running, name, era) == -32602
        assert await called(running, "t3", era) == "of crm___t3"
        assert await fault(running) == "tool_name_collision"
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "'crm___lookup' and 'mail___lookup'" in said.getMessage()
    assert gateway.bodies("tools/call") == [gateway.bodies("tools/call")[0]]


async def test_a_collision_that_comes_later_takes_the_name_back(
    gateway: RichUpstream, era: str, tmp_path: Path
) -> None:
    fill(gateway, tool("crm___lookup"), tool("crm___other"))
    async with proxy_before(gateway.url, tmp_path, **STRIP) as running:
        assert await called(running, "lookup", era) == "of crm___lookup"
        fill(gateway, *gateway.tools, tool("mail___lookup"))
        assert await names(running.url, era) == ["other"]
        assert [one.name for one in running.proxy.catalogs.main.tools] == ["other"]
        assert await called(running, "lookup", era) == -32602
        fill(gateway, tool("mail___lookup"))
        await running.proxy.catalogs.main.refresh()
        assert await called(running, "lookup", era) == "of mail___lookup"
        assert await fault(running) == ""


async def test_check_finds_a_collision_and_names_both(
    gateway: RichUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gateway, *SHARED)
    monkeypatch.setenv("MCP_PROXY_STRIP_TARGET_PREFIX", "true")
    report = await asyncio.to_thread(check, {"upstream": gateway.url}, offline=False)
    (finding,) = report.findings
    assert finding.startswith("tools: the upstream's tools 'crm___lookup' and 'mail___lookup' would all be published")
    monkeypatch.delenv("MCP_PROXY_STRIP_TARGET_PREFIX")
    assert (await asyncio.to_thread(check, {"upstream": gateway.url}, offline=False)).findings == ()


async def test_globs_are_held_against_the_names_that_are_published(
    gateway: RichUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gateway, tool("crm___lookup"))
    (tmp_path / "p.toml").write_text('[[policy]]\nuse = "audit"\ntools = ["lookup"]\n')
    flags = {"upstream": gateway.url, "policies": str(tmp_path / "p.toml")}
    assert len((await asyncio.to_thread(check, flags, offline=False)).findings) == 1
    monkeypatch.setenv("MCP_PROXY_STRIP_TARGET_PREFIX", "true")
    assert (await asyncio.to_thread(check, flags, offline=False)).findings == ()


async def test_the_last_list_known_and_a_snapshot_hold_the_same_names(era: str, tmp_path: Path) -> None:
    kept = {**STRIP, "snapshot": tmp_path / "tools.json"}
    async with contextlib.AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(RichUpstream(era, tools=[], results={}).running())
        fill(gateway, tool("crm___lookup"), tool("plain"))
        async with proxy_before(gateway.url, tmp_path, **kept) as running:
            await until((tmp_path / "tools.json").exists)
            await stack.aclose()
            assert await names(running.url, era) == ["lookup", "plain"]
            assert await names(running.url, era) == ["lookup", "plain"]
            assert running.proxy.catalogs.main.publishing.fault == ""
    async with proxy_before(gateway.url, tmp_path, **kept) as running:
        assert await names(running.url, era) == ["lookup", "plain"]
        assert running.proxy.catalogs.main.publishing.fault == ""
