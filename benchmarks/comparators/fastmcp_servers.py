"""FastMCP as a plain server and as its own proxy.

`python -m benchmarks.comparators.fastmcp_servers echo|create_proxy|create_proxy_lean PORT json|sse UPSTREAM_URL`.
The word after the port says how the handshake era is answered; the modern era answers in JSON either way.
"""

import sys
from collections.abc import Callable
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.server import create_proxy
from fastmcp.tools import Tool
from pydantic import BaseModel, Field

from benchmarks.tools import DESCRIPTION, NAMES

Clock = Annotated[str, Field(description="Time of day as HH:MM, in the customer's own time zone.")]


class Window(BaseModel):
    """Delivery window that the customer agreed to; both ends are inclusive."""

    start: Clock
    end: Clock


async def update(
    record_id: Annotated[str, Field(description="Identifier of the record, as returned by the search tool.")],
    note: Annotated[str, Field(description="What was agreed, in plain words. Kept unchanged with the record.")],
    priority: Annotated[int, Field(description="1 is the most urgent, 5 the least.", ge=1, le=5)] = 3,
    tags: Annotated[list[str] | None, Field(description="Short labels that reports group records by.")] = None,
    notify: Annotated[bool, Field(description="Whether the customer gets a confirmation by mail.")] = False,
    window: Window | None = None,
) -> str:
    """Answers with the note it was given."""
    return note


def echo() -> FastMCP:
    """A server that answers by itself, spared the list of tools that the SDK makes for each modern call."""
    server: FastMCP = FastMCP("benchmark-echo")
    tools = [
        Tool.from_function(update, name=name, description=DESCRIPTION.format(area=area), output_schema=None)
        for area, name in enumerate(NAMES)
    ]
    for tool in tools:
        server.add_tool(tool)
    schemas = {tool.name: tool.parameters for tool in tools}
    server._mcp_server.get_tool_input_schema = schemas.get
    return server


def lean(upstream: str) -> FastMCP:
    """FastMCP's proxy, spared that same list: what is left is the cost of forwarding the call itself."""
    server = create_proxy(upstream)
    server._mcp_server.get_tool_input_schema = lambda _name: None
    return server


def build(kind: str, upstream: str) -> FastMCP:
    """The server of this kind; raises KeyError for another."""
    kinds: dict[str, Callable[[], FastMCP]] = {
        "echo": echo,
        "create_proxy": lambda: create_proxy(upstream),
        "create_proxy_lean": lambda: lean(upstream),
    }
    return kinds[kind]()


def main(kind: str, port: str, answers: str, upstream: str) -> None:
    """Serves until the process is ended."""
    build(kind, upstream).run(
        transport="http",
        host="127.0.0.1",
        port=int(port),
        show_banner=False,
        log_level="ERROR",
        stateless_http=True,
        json_response=answers == "json",
        uvicorn_config={"access_log": False, "log_level": "error"},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
