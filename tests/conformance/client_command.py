"""The client under test in the suite's client scenarios: directly, or with the proxy in between.

    python -m tests.conformance.client_command [--proxied] URL

The suite starts a server per scenario, appends its URL, and names scenario, version and context in the
environment. The client lists what there is and uses each thing once; with `--proxied` it does so through a
proxy of its own in front of URL, so that what the scenario's server sees is the proxy's upstream leg.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

from mcp import Client, MCPError
from mcp.client.client import ConnectMode
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult, Tool

from .processes import proxy
from .suite import OUT

ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "add_numbers": {"a": 5, "b": 3},
    "valid_tool": {"region": "us-west1"},
}
"""What to call a scenario's tool with where it takes anything and no context says so."""


async def fill_in(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Accept every form with its defaults, and true where a field has none."""
    assert isinstance(params, ElicitRequestFormParams)
    fields = params.requested_schema["properties"]
    return ElicitResult(action="accept", content={name: f.get("default", True) for name, f in fields.items()})


def calls(tools: list[Tool], context: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every listed tool once, with the arguments of the scenario's context where it names some."""
    if "toolCalls" in context:
        return [(call["name"], call["arguments"]) for call in context["toolCalls"]]
    schemas = {tool.name: tool.input_schema for tool in tools}
    echo = {"json_schema_echo": {"schema": schemas.get("json_schema_2020_12_tool")}}
    return [(name, dict({**ARGUMENTS, **echo}.get(name, {}))) for name in schemas]


async def use(url: str, mode: ConnectMode, context: Mapping[str, Any]) -> None:
    async with Client(url, mode=mode, elicitation_callback=fill_in) as client:
        # Listed even where no tools are declared: it is the one request that every scenario's server answers.
        for name, arguments in calls((await client.list_tools()).tools, context):
            await call(client, name, arguments)
        if client.server_capabilities.resources:
            for resource in (await client.list_resources()).resources:
                await client.read_resource(resource.uri)
        if client.server_capabilities.prompts:
            for prompt in (await client.list_prompts()).prompts:
                await client.get_prompt(prompt.name)


async def call(client: Client, name: str, arguments: dict[str, Any]) -> None:
    """Call a tool; an error of one is told on stderr and keeps nobody from the next."""
    try:
        await client.call_tool(name, arguments)
    except MCPError as error:
        print(f"{name}: {error}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--proxied", action="store_true")
    parser.add_argument("url")
    options = parser.parse_args()
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    version = os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    mode: ConnectMode = "legacy" if version < "2026" else "auto"
    log = OUT / version / "client" / f"{scenario}.log"
    # The suite ends a client that is too slow with SIGTERM; leave through the context, so that the proxy goes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with proxy(options.url, log) if options.proxied else nullcontext(options.url) as url:
        asyncio.run(use(url, mode, context))


if __name__ == "__main__":
    main()
