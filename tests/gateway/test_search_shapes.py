"""What a search found, in odd shapes too: what is hidden stays hidden in all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_search import CANARY, HIDDEN, SHOWN, chain, tools_of
from tests.gateway.tools import SEARCH, fill, found, tool
from tests.mcp_wire import rpc
from tests.rich_upstream import RichUpstream
from tests.running import Running, proxy_before

pytestmark = pytest.mark.usefixtures("doors")

BOTH = found(HIDDEN, SHOWN)
TEXT = BOTH["content"][0]
PROSE = {"type": "text", "text": f"Best: {CANARY}"}
TWICE = json.dumps({"tools": [HIDDEN], "TOOLS": []}).replace("TOOLS", "tools")
BEHIND = f"eu___{SEARCH}"

BY_ANNOTATION = """
from policies.model import ALLOW, Modify, Tool
from policies.policy import Policy


class Quiet(Policy):
    def on_tool(self, tool, caller):
        if not tool.annotations.get("openWorldHint"):
            return ALLOW
        return Modify(Tool(definition={**tool.definition, "description": "quiet"}))
"""


async def searched(running: Running, era: str, name: str = SEARCH) -> Any:
    params = {"name": name, "arguments": {"query": "x"}}
    return (await rpc(running.url, "tools/call", params, era)).messages[-1]


@pytest.mark.parametrize(
    "result",
    [
        {"content": [TEXT, PROSE]},
        {**BOTH, "isError": True},
        {**BOTH, "isError": True, "structuredContent": {"code": 7, "also": [HIDDEN]}},
        {**BOTH, "inputRequests": {"a": {"method": "elicitation/create", "params": {}}}},
        {**BOTH, "_meta": {"a.b/c": [HIDDEN]}},
        {**BOTH, "matches": [HIDDEN]},
        {**BOTH, "structuredContent": {"tools": [SHOWN, HIDDEN], "best": HIDDEN}},
        {**BOTH, "content": [{"type": "text", "text": json.dumps({"tools": [HIDDEN, SHOWN], "best": HIDDEN})}]},
        {**found(SHOWN), "content": [TEXT, PROSE]},
        {**BOTH, "content": [{"type": "resource_link", "uri": "a://b", "name": CANARY}, TEXT]},
        {**found(SHOWN), "content": [{"type": "text", "text": TWICE}]},
    ],
    ids=[
        *("text and prose", "an error", "an error with data", "with requests", "in _meta", "at the top", "in the data"),
        *("in the text", "one copy says more", "a link", "a key twice"),
    ],
)
async def test_what_is_hidden_is_in_no_part_of_it(
    gateway: RichUpstream, era: str, tmp_path: Path, result: dict[str, Any]
) -> None:
    fill(gateway, tool(SEARCH), SHOWN, HIDDEN)
    gateway.results[SEARCH] = result
    async with proxy_before(gateway.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = await searched(running, era)
    assert CANARY not in json.dumps(answer)
    assert "Denied" not in json.dumps(answer)


@pytest.mark.parametrize("strip", [False, True])
async def test_the_search_of_a_gateway_behind_the_gateway_is_judged_by_the_names_listed(
    gateway: RichUpstream, era: str, tmp_path: Path, strip: bool
) -> None:
    fill(gateway, tool(BEHIND), *({**one, "name": f"eu___{one['name']}"} for one in (SHOWN, HIDDEN)))
    gateway.results[BEHIND] = found(HIDDEN, SHOWN)
    async with proxy_before(gateway.url, tmp_path, chain(tmp_path, "Hide"), strip_target_prefix=strip) as running:
        answer = await searched(running, era, SEARCH if strip else BEHIND)
    assert tools_of(answer) == ([SHOWN], [SHOWN])
    assert CANARY not in json.dumps(answer)


async def test_a_tool_that_the_list_rewrites_is_rewritten_also_where_the_search_says_less(
    gateway: RichUpstream, era: str, tmp_path: Path
) -> None:
    (tmp_path / "by_annotation.py").write_text(BY_ANNOTATION)
    fill(gateway, tool(SEARCH), listed := tool("crm___post", description=CANARY, annotations={"openWorldHint": True}))
    gateway.results[SEARCH] = found({key: value for key, value in listed.items() if key != "annotations"})
    async with proxy_before(gateway.url, tmp_path, '[[policy]]\nuse = "by_annotation:Quiet"\n') as running:
        answer = await searched(running, era)
    assert CANARY not in json.dumps(answer)
    assert [one["description"] for one in tools_of(answer)[1]] == ["quiet"]


async def test_an_error_of_the_search_with_data_is_the_answer(gateway: RichUpstream, era: str, tmp_path: Path) -> None:
    fill(gateway, tool(SEARCH), SHOWN)
    said = {"isError": True, "content": [{"type": "text", "text": "Too long."}], "structuredContent": {"limit": 200}}
    gateway.results[SEARCH] = said
    async with proxy_before(gateway.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = (await searched(running, era))["result"]
    assert {key: answer[key] for key in said} == said


async def test_a_list_that_calls_itself_an_error_is_judged_all_the_same(
    gateway: RichUpstream, era: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gateway, SHOWN, HIDDEN)
    page = gateway._page
    monkeypatch.setattr(gateway, "_page", lambda params: {**page(params), "isError": True})
    async with proxy_before(gateway.url, tmp_path, chain(tmp_path, "Hide")) as running:
        assert (await rpc(running.url, "tools/list", {}, era)).result["tools"] == [SHOWN]
