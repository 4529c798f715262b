"""Tools as an AgentCore gateway lists them, and what its search tool answers."""

from __future__ import annotations

import json
from typing import Any

from tests.rich_upstream import RichUpstream

SEARCH = "x_amz_bedrock_agentcore_search"


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"The tool {name.rpartition('___')[2]}.",
        "inputSchema": {"type": "object"},
        **more,
    }


def fill(gateway: RichUpstream, *tools: dict[str, Any]) -> None:
    """Give the gateway these tools; each answers with its own name."""
    gateway.tools[:] = tools
    for one in tools:
        gateway.results[one["name"]] = {"content": [{"type": "text", "text": f"of {one['name']}"}]}


def found(*tools: Any) -> dict[str, Any]:
    """The search tool's result: the same definitions as data and as text."""
    tools_found = {"tools": list(tools)}
    text = {"type": "text", "text": json.dumps(tools_found)}
    return {"isError": False, "content": [text], "structuredContent": tools_found}
