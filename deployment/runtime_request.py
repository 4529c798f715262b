"""What the runtime should be: the request, how it differs from what is there, and the update that loses nothing.

UpdateAgentRuntime is a full PUT. What is there and no key of the config speaks of (a file system, a custom claim of
the authorizer …) is therefore sent again as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from deployment.config import DeployConfig, Inbound, Network
from deployment.variables import variables

Json: TypeAlias = dict[str, Any]

PENDING: Final = "(the secret that is about to be made)"

MANAGED: Final = (
    "agentRuntimeArtifact",
    "roleArn",
    "networkConfiguration",
    "description",
    "authorizerConfiguration",
    "requestHeaderConfiguration",
    "protocolConfiguration",
    "lifecycleConfiguration",
    "environmentVariables",
)
"""Members of the request that follow from the config alone."""

_JWT: Final = ("discoveryUrl", "allowedAudience", "allowedClients", "allowedScopes")
_VPC: Final = ("subnets", "securityGroups")
_ORDERED: Final = frozenset({"entryPoint"})
_DEFAULTS: Final[Mapping[str, Json]] = {
    "protocolConfiguration": {"port": 8000, "path": "/mcp"},
    "lifecycleConfiguration": {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28_800},
    "networkConfiguration": {"networkMode": "PUBLIC"},
}
"""What AWS answers, or leaves out, where nothing was said."""


def wanted(config: DeployConfig, *, role: str, artifact: Json, client_secret: str | None) -> Json:
    """The members of CreateAgentRuntime that describe the runtime. `role` and `client_secret` are ARNs."""
    request: Json = {
        "agentRuntimeArtifact": artifact,
        "roleArn": role,
        "networkConfiguration": _network(config.network),
        "description": f"mcp-policy-proxy {config.agent_name}",
        "protocolConfiguration": {"serverProtocol": "MCP"},
        "lifecycleConfiguration": {
            "idleRuntimeSessionTimeout": config.lifecycle.idle_s or 900,
            "maxLifetime": config.lifecycle.max_s or 28_800,
        },
        "environmentVariables": variables(config, client_secret),
    }
    if config.inbound.mode == "jwt":
        request["authorizerConfiguration"] = {"customJWTAuthorizer": _authorizer(config.inbound)}
    if config.inbound.headers:
        request["requestHeaderConfiguration"] = {"requestHeaderAllowlist": list(config.inbound.headers)}
    return request


def full(wished: Json, existing: Json, members: Iterator[str] | tuple[str, ...]) -> Json:
    """`wished` and beside it what is there and not ours. `members` are those of the UpdateAgentRuntime request."""
    others = [name for name in members if name not in (*MANAGED, "clientToken", "agentRuntimeId")]
    request = {name: existing[name] for name in others if existing.get(name)} | wished
    request["metadataConfiguration"] = {**existing.get("metadataConfiguration", {}), "requireMMDSV2": True}
    _keep(request, existing, ("authorizerConfiguration", "customJWTAuthorizer"), _JWT)
    _keep(request, existing, ("networkConfiguration", "networkModeConfig"), _VPC)
    return request


def differences(wished: Json, existing: Json) -> tuple[str, ...]:
    """What an update to `wished` (made by `full`) would change, by key; of variables the names alone."""
    return tuple(line for name in MANAGED for line in _difference(name, wished.get(name), existing.get(name)))


def _difference(name: str, new: Any, old: Any) -> Iterator[str]:
    if name == "environmentVariables":
        yield from _variables(new or {}, old or {})
        return
    new, old = _settled(name, new), _settled(name, old)
    if new == old:
        return
    if isinstance(new, dict) and isinstance(old, dict) and set(new) == set(old):
        for key in new:
            if new[key] != old[key]:
                yield f"{name}.{key} differs"
    else:
        yield f"{name} differs"


def _variables(new: Mapping[str, str], old: Mapping[str, str]) -> Iterator[str]:
    changed = {name for name in {*new, *old} if new.get(name) != old.get(name)}
    for name in sorted(changed):
        if name not in new:
            yield f"environment variable {name} is removed: it is not in the config"
        else:
            yield f"environment variable {name} {'changes' if name in old else 'is added'}"


def _settled(name: str, value: Any) -> Any:
    """With AWS's defaults, without what is empty, and lists that are sets in one order."""
    defaults = _DEFAULTS.get(name)
    return _plain("", {**defaults, **(value or {})} if defaults else value)


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        plain = {name: _plain(name, each) for name, each in value.items()}
        return {name: each for name, each in plain.items() if each is not None} or None
    if isinstance(value, list) and key not in _ORDERED:
        return sorted(value, key=str) or None
    return value


def _keep(request: Json, existing: Json, path: tuple[str, str], ours: tuple[str, ...]) -> None:
    """Members below `path` that are there and not ours, when both have such a thing."""
    outer, inner = path
    new, old = (request.get(outer) or {}).get(inner), (existing.get(outer) or {}).get(inner)
    if new and old:
        kept = {name: value for name, value in old.items() if name not in ours}
        request[outer] = {**request[outer], inner: {**kept, **new}}


def _authorizer(inbound: Inbound) -> Json:
    lists = {
        "allowedAudience": list(inbound.allowed_audience),
        "allowedClients": list(inbound.allowed_clients),
        "allowedScopes": list(inbound.allowed_scopes),
    }
    return {"discoveryUrl": inbound.discovery_url, **{name: each for name, each in lists.items() if each}}


def _network(network: Network) -> Json:
    if network.mode == "PUBLIC":
        return {"networkMode": "PUBLIC"}
    vpc = {"subnets": list(network.subnets), "securityGroups": list(network.security_groups)}
    return {"networkMode": "VPC", "networkModeConfig": vpc}
