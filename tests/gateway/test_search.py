"""What the gateway's search tool finds: filtered and rewritten like a list, in both copies, and faithful otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.tools import SEARCH, fill, found, tool
from tests.mcp_wire import rpc
from tests.rich_upstream import BIG, RICH_SCHEMA, VENDOR, RichUpstream
from tests.running import NO_POLICIES, Running, proxy_before

pytestmark = pytest.mark.usefixtures("doors")

CANARY = "CANARY-of-a-hidden-tool"
POLICIES = """
from dataclasses import replace

from policies.model import ALLOW, Deny, Modify, Tool
from policies.policy import Policy


class Hide(Policy):
    def on_tool(self, tool, caller):
        return Deny("hidden") if tool.annotations.get("destructiveHint") or tool.name.endswith("secret") else ALLOW


class Explain(Policy):
    def on_tool(self, tool, caller):
        return Modify(Tool(definition={**tool.definition, "description": "explained"}))


class Broken(Policy):
    def on_tool(self, tool, caller):
        if tool.name.endswith("lookup"):
            raise RuntimeError
        return ALLOW
"""
RICH = tool("crm___rich", inputSchema=RICH_SCHEMA, annotations={"readOnlyHint": True}, **VENDOR)
SHOWN = tool("crm___lookup")
HIDDEN = tool("crm___erase", description=CANARY, annotations={"destructiveHint": True})
LATE = tool("crm___secret", description=CANARY)


def chain(tmp_path: Path, *classes: str) -> str:
    (tmp_path / "searching.py").write_text(POLICIES)
    return "".join(f'[[policy]]\nuse = "searching:{name}"\n' for name in classes)


async def searched(running: Running, era: str) -> Any:
    """The JSON-RPC answer to a search."""
    params = {"name": SEARCH, "arguments": {"query": "x"}}
    return (await rpc(running.url, "tools/call", params, era)).messages[-1]


@pytest.fixture
def searching(gateway: RichUpstream) -> RichUpstream:
    """A gateway with its search tool, which finds three of the four others."""
    fill(gateway, tool(SEARCH), RICH, SHOWN, HIDDEN, LATE)
    gateway.results[SEARCH] = found(RICH, HIDDEN, SHOWN)
    return gateway


def tools_of(answer: Any) -> tuple[list[Any], list[Any]]:
    """The definitions as data and as text."""
    result = answer["result"]
    return result["structuredContent"]["tools"], json.loads(result["content"][0]["text"])["tools"]


@pytest.mark.parametrize("policies", [NO_POLICIES, "Hide"])
async def test_what_is_not_hidden_arrives_as_the_gateway_says_it(
    searching: RichUpstream, era: str, tmp_path: Path, policies: str
) -> None:
    searching.results[SEARCH] = {**found(RICH, SHOWN), "_meta": {"a.b/c": VENDOR}, **VENDOR}
    searching.results[SEARCH]["content"].append({"type": "text", "text": "Two tools."})
    params = {"name": SEARCH, "arguments": {"query": "x"}}
    direct = (await rpc(searching.url, "tools/call", params, era)).result
    async with proxy_before(
        searching.url, tmp_path, policies if policies == NO_POLICIES else chain(tmp_path, policies)
    ) as running:
        assert (await searched(running, era))["result"] == direct


async def test_a_tool_that_the_list_hides_is_in_neither_copy(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = await searched(running, era)
    assert tools_of(answer) == ([RICH, SHOWN], [RICH, SHOWN])
    assert answer["result"]["structuredContent"]["tools"][0]["inputSchema"]["properties"]["n"]["maximum"] == BIG
    assert CANARY not in json.dumps(answer)


async def test_a_tool_is_judged_by_its_listed_definition_also_where_the_search_says_less(
    searching: RichUpstream, era: str, tmp_path: Path
) -> None:
    bare = {key: value for key, value in HIDDEN.items() if key != "annotations"}
    searching.results[SEARCH] = found(bare, SHOWN)
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        assert tools_of(await searched(running, era)) == ([SHOWN], [SHOWN])


async def test_and_by_what_the_search_itself_says(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    searching.results[SEARCH] = found({**SHOWN, "annotations": {"destructiveHint": True}}, RICH)
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        assert tools_of(await searched(running, era)) == ([RICH], [RICH])


async def test_a_tool_that_nobody_could_call_is_not_shown(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    searching.results[SEARCH] = found(
        tool("crm___unlisted", description=CANARY), SHOWN, "no tool", {"title": "nameless"}
    )
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        assert tools_of(await searched(running, era)) == ([SHOWN], [SHOWN])


async def test_a_tool_is_shown_as_the_policies_rewrite_it(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide", "Explain")) as running:
        expected = [{**RICH, "description": "explained"}, {**SHOWN, "description": "explained"}]
        assert tools_of(await searched(running, era)) == (expected, expected)


async def test_a_policy_that_breaks_over_a_tool_hides_it(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Broken")) as running:
        assert tools_of(await searched(running, era)) == ([RICH, HIDDEN], [RICH, HIDDEN])


async def test_names_are_those_of_the_list(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide"), strip_target_prefix=True) as running:
        expected = [{**RICH, "name": "rich"}, {**SHOWN, "name": "lookup"}]
        assert tools_of(await searched(running, era)) == (expected, expected)


async def test_without_any_policy_names_are_those_of_the_list_too(
    searching: RichUpstream, era: str, tmp_path: Path
) -> None:
    async with proxy_before(searching.url, tmp_path, strip_target_prefix=True) as running:
        assert [one["name"] for one in tools_of(await searched(running, era))[1]] == ["rich", "erase", "lookup"]


async def test_personal_data_in_a_definition_is_taken_out_of_both_copies(
    searching: RichUpstream, era: str, tmp_path: Path
) -> None:
    told = tool("crm___lookup", description="Ask maria.rossi@example.com first.")
    fill(searching, tool(SEARCH), told)
    searching.results[SEARCH] = found(told)
    async with proxy_before(searching.url, tmp_path, None) as running:
        answer = await searched(running, era)
    assert "maria.rossi@example.com" not in json.dumps(answer)
    data, text = tools_of(answer)
    assert data == text
    assert data[0]["name"] == "crm___lookup"


async def test_text_that_is_no_copy_stays_only_where_nothing_was_hidden(
    searching: RichUpstream, era: str, tmp_path: Path
) -> None:
    searching.results[SEARCH] = {**found(HIDDEN, SHOWN), "content": [{"type": "text", "text": f"Found: {CANARY}"}]}
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = await searched(running, era)
    assert tools_of(answer) == ([SHOWN], [SHOWN])
    assert CANARY not in json.dumps(answer)


@pytest.mark.parametrize("wrap", [lambda tools: {"tools": tools}, lambda tools: tools], ids=["object", "list"])
async def test_a_text_without_structured_content_is_filtered_alone(
    searching: RichUpstream, era: str, tmp_path: Path, wrap: Any
) -> None:
    searching.results[SEARCH] = {"content": [{"type": "text", "text": json.dumps(wrap([HIDDEN, SHOWN]))}]}
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = await searched(running, era)
    assert json.loads(answer["result"]["content"][0]["text"]) == wrap([SHOWN])


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": f"Tools: {CANARY}"}]},
        {"content": [{"type": "text", "text": "{"}], "structuredContent": {"found": [HIDDEN]}},
        {"content": [], "structuredContent": [HIDDEN]},
        {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": CANARY}}]},
        {"content": CANARY},
    ],
)
async def test_what_cannot_be_judged_is_denied(
    searching: RichUpstream, era: str, tmp_path: Path, result: dict[str, Any]
) -> None:
    searching.results[SEARCH] = result
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        answer = await searched(running, era)
    assert answer["result"]["content"][0]["text"].startswith("Denied: unreadable_search (exchange ")
    assert CANARY not in json.dumps(answer)


async def test_an_error_of_the_search_is_the_answer(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    searching.results[SEARCH] = {"isError": True, "content": [{"type": "text", "text": "The query is empty."}]}
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide")) as running:
        assert (await searched(running, era))["result"]["content"][0]["text"] == "The query is empty."


async def test_a_tool_that_the_gateway_has_since_is_found(searching: RichUpstream, era: str, tmp_path: Path) -> None:
    async with proxy_before(searching.url, tmp_path, chain(tmp_path, "Hide"), bounds={"unknown_s": 0.001}) as running:
        assert len(tools_of(await searched(running, era))[0]) == 2
        new = tool("crm___new")
        fill(searching, *searching.tools, new)
        searching.results[SEARCH] = found(new)
        assert tools_of(await searched(running, era)) == ([new], [new])
