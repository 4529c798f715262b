"""The entry of this proxy for the MCP Gateway Registry: its `gateway-config.json`.

https://github.com/agentic-community/mcp-gateway-registry, docs/agentcore.md: the fields and their types. With
`auth_provider` "bedrock-agentcore" the registry hands `Authorization` on unread, and rewrites the URL: it strips
`/mcp/` or `/mcp` from its end and appends `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from policies.model import Json, JsonObject
from proxy.arns import aws_invocation_url
from proxy.docstring import parsed
from proxy.errors import ConfigError

DESCRIPTION: Final = "The tools of an MCP server, behind a chain of policies over every call and every result"
LICENSE: Final = "Apache-2.0"

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where the proxy is, and what it publishes. `tokens` are the headers that its callers need, with a variable each.

    Raises ConfigError for what the registry would refuse.
    """

    name: str
    path: str
    url: str
    tokens: Mapping[str, str]
    tags: Sequence[str]
    tools: Sequence[JsonObject]

    def __post_init__(self) -> None:
        if found := list(_findings(self)):
            raise ConfigError(found)

    def document(self) -> JsonObject:
        headers: list[Json] = [{name: f"Bearer ${variable}"} for name, variable in self.tokens.items()]
        return {
            "server_name": self.name,
            "description": DESCRIPTION,
            "path": self.path,
            "proxy_pass_url": self.url,
            "auth_provider": "bedrock-agentcore",
            "auth_type": "oauth" if headers else "none",
            "supported_transports": ["streamable-http"],
            "tags": list(self.tags),
            "headers": headers,
            "num_tools": len(self.tools),
            "num_stars": 0,
            "is_python": True,
            "license": LICENSE,
            "tool_list": [_tool(tool) for tool in self.tools],
        }


def url_of(arn: str) -> str:
    """The invocation URL as the registry can hold it: what it appends would end up in a query. Raises ConfigError.

    Without a qualifier the Runtime calls its DEFAULT endpoint.
    """
    return aws_invocation_url(arn).partition("?")[0]


def variable(name: str, kind: str) -> str:
    """The variable that a token of the server `name` is in: `MY_SERVER_AUTH_TOKEN`."""
    return f"{re.sub(r'[^A-Z0-9]+', '_', name.upper()).strip('_')}_{kind}_TOKEN"


def _tool(tool: JsonObject) -> JsonObject:
    schema = tool.get("inputSchema")
    return {
        "name": str(tool.get("name")),
        "parsed_description": parsed(str(tool.get("description") or tool.get("title") or "")),
        "schema": schema if isinstance(schema, dict) else {},
    }


def _findings(entry: Entry) -> Iterator[str]:
    if not entry.name.strip() or not entry.name.isprintable():
        yield "option --name: must be a name in one line"
    if not all(_VARIABLE.fullmatch(variable) for variable in entry.tokens.values()):
        yield "option --name: must begin with a letter from A to Z, as the variables of its tokens will"
    if not _PATH.fullmatch(entry.path):
        yield "option --path: must begin with / and have nothing but letters, digits and ._~- in it, like /tools"
    try:
        parts = urlsplit(entry.url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and entry.url.isprintable()
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment or parts.username is not None or " " in entry.url:
        yield "option --url: must be an http:// or https:// URL without user, query and fragment"
