"""Gateways of a project made with the `agentcore` CLI: the variables that it gives to each of the project's runtimes.

`AGENTCORE_GATEWAY_{NAME}_URL` and `AGENTCORE_GATEWAY_{NAME}_AUTH_TYPE`, one of NONE, AWS_IAM and CUSTOM_JWT (npm
@aws/agentcore-cdk, AgentCoreMcp). They count where nothing else names an upstream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.settings import Settings

_URL: Final = re.compile(r"AGENTCORE_GATEWAY_(\w+)_URL", re.ASCII)
_MODES: Final = {"NONE": "none", "AWS_IAM": "iam"}
_JWT: Final = "CUSTOM_JWT"


def with_gateway(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with the project's gateway as upstream, where they name none. Raises ConfigError.

    An `auth_mode` that is set stays. For a gateway that takes tokens it is `identity` where a credential provider is
    named, else `jwt`.
    """
    found = {match[1]: url for name, url in environ.items() if (match := _URL.fullmatch(name)) and url}
    if settings.upstream or settings.stdio or not found:
        return settings
    names = sorted(f"AGENTCORE_GATEWAY_{name}_URL" for name in found)
    if len(names) > 1:
        given = ", ".join(names)
        raise ConfigError([f"environment: {given} name {len(names)} gateways; set MCP_PROXY_UPSTREAM to one of them"])
    (name,) = found
    mode = settings.auth_mode if "auth_mode" in settings.model_fields_set else _mode(name, settings, environ)
    return settings.model_copy(update={"upstream": found[name], "auth_mode": mode})


def _mode(name: str, settings: Settings, environ: Mapping[str, str]) -> str:
    variable = f"AGENTCORE_GATEWAY_{name}_AUTH_TYPE"
    kind = environ.get(variable) or "NONE"
    if kind == _JWT:
        return "identity" if settings.credential_provider else "jwt"
    if kind not in _MODES:
        raise ConfigError([f"environment: {variable} is none of {', '.join([*_MODES, _JWT])}; set MCP_PROXY_AUTH_MODE"])
    return _MODES[kind]
