"""What `export` writes: this proxy as its neighbours describe servers."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from policies.model import JsonObject
from proxy.errors import ConfigError
from proxy.export_agentcore import Project
from proxy.export_registry import Entry, url_of, variable
from proxy.settings import Settings

NAME: Final = "mcp-policy-proxy"


def entry(options: Namespace, settings: Settings, tools: Sequence[JsonObject]) -> Entry:
    """The registry's entry: the proxy at `--arn` or `--url`, with the tools that it publishes. Raises ConfigError."""
    name = NAME if options.name is None else options.name
    return Entry(
        name=name,
        path=options.path or f"/{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}",
        url=url_of(options.arn) if options.arn else options.url,
        tokens=_tokens(options, settings, name),
        tags=["mcp", "policy-proxy", *(("bedrock", "agentcore") if options.arn else ())],
        tools=tools,
    )


def project(options: Namespace, settings: Settings) -> Project:
    """The `agentcore` CLI's project. Raises ConfigError."""
    name = NAME if options.name is None else options.name
    return Project(name=name, settings=settings, arn=options.arn, qualifier=options.qualifier or "DEFAULT")


def check(options: Namespace) -> None:
    """Raises ConfigError for options that do not go together."""
    registry, found = options.what == "registry", []
    if registry and bool(options.arn) is bool(options.url):
        found.append("export registry: give --arn for a deployed proxy or --url for one of your own, and not both")
    if registry and options.qualifier:
        found.append("option --qualifier: the registry's URL can only be that of the DEFAULT endpoint")
    for option in ("url", "path", "token") if not registry else ():
        if getattr(options, option):
            found.append(f"option --{option}: export agentcore does not look at it")
    if found:
        raise ConfigError(found)


def _tokens(options: Namespace, settings: Settings, name: str) -> dict[str, str]:
    """Headers and the variable of each; a Runtime takes its token in Authorization alone."""
    if options.arn:
        return {"Authorization": variable(name, "AUTH")}
    if settings.inbound == "none":
        return {"Authorization": variable(name, "AUTH")} if options.token else {}
    upstream = {"Authorization": variable(name, "UPSTREAM")} if settings.auth_mode == "passthrough" else {}
    return {settings.inbound_header: variable(name, "AUTH"), **upstream}
