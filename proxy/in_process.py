"""The catalog as FastMCP sees it, so that the app is an honest FastMCP server to in-process clients and tooling.

Listing is an exchange, and so is a tool's `run()`: an `app.call_tool()` is governed and audited like any other call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastmcp.exceptions import ToolError
from fastmcp.server.providers import Provider
from fastmcp.tools import Tool as FastMCPTool
from fastmcp.tools import ToolResult
from fastmcp.utilities.components import FastMCPComponent
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import PrivateAttr

from policies.model import JsonObject
from proxy.catalog import Catalog
from proxy.eras import MODERN
from proxy.errors import RpcError
from proxy.exchange import Exchanges
from proxy.inbound import Inbound

DOOR: Final = "in_process"
_EMPTY: Final[JsonObject] = {"type": "object"}


class GovernedTool(FastMCPTool):
    """A tool of the catalog; running it is an exchange."""

    _exchanges: Exchanges = PrivateAttr()

    @classmethod
    def of(cls, definition: JsonObject, exchanges: Exchanges) -> GovernedTool:
        annotations = definition.get("annotations")
        output = definition.get("outputSchema")
        tool = cls(
            name=str(definition["name"]),
            title=definition.get("title"),
            description=definition.get("description"),
            parameters=dict(definition.get("inputSchema") or _EMPTY),
            output_schema=dict(output) if isinstance(output, dict) else None,
            annotations=ToolAnnotations.model_validate(annotations) if isinstance(annotations, dict) else None,
            meta=definition.get("_meta"),
        )
        tool._exchanges = exchanges
        return tool

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """One governed call. Raises ToolError for what is not a tool result."""
        call = Inbound(
            method="tools/call", params={"name": self.name, "arguments": arguments}, protocol=MODERN, door=DOOR
        )
        try:
            body = dict(await self._exchanges.run(call))
        except RpcError as error:
            raise ToolError(error.message) from None
        if body.get("resultType") == "input_required":
            return self.convert_result(InputRequiredResult.model_validate(body))
        return ToolResult.from_mcp_result(CallToolResult.model_validate(body))


class CatalogProvider(Provider):
    """FastMCP's window on the catalog."""

    def __init__(self, catalog: Catalog, exchanges: Exchanges) -> None:
        super().__init__()
        self._catalog = catalog
        self._exchanges = exchanges

    async def _list_tools(self) -> Sequence[FastMCPTool]:
        return [GovernedTool.of(definition, self._exchanges) for definition in await listed(self._exchanges)]

    async def _get_tool(self, name: str, version: object = None) -> FastMCPTool | None:
        tool = self._catalog.find(name)
        seen = await self._exchanges.shown(tool) if tool else None
        return GovernedTool.of(seen.definition, self._exchanges) if seen else None

    async def get_tasks(self) -> Sequence[FastMCPComponent]:
        """No tool here runs as a background task; FastMCP would list the upstream at start to find out."""
        return []


async def listed(exchanges: Exchanges) -> list[JsonObject]:
    """Every tool as published, page by page, each page an exchange. Raises RpcError."""
    tools: list[JsonObject] = []
    cursor, seen = None, set[str]()
    while True:
        params: JsonObject = {} if cursor is None else {"cursor": cursor}
        page = await exchanges.run(Inbound(method="tools/list", params=params, protocol=MODERN, door=DOOR))
        tools += page.get("tools") or []
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or cursor in seen:
            return tools
        seen.add(cursor)
