"""A gateway target's form: what ours must say, and how ours is told from others'."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from deployment.iam import Place
from proxy.arns import aws_invocation_url

Json = dict[str, Any]

PARTS: Final = ("targetConfiguration", "credentialProviderConfigurations")
"""Of a target, what is ours to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A target's place: the id of a gateway, and the target's name there."""

    gateway: str
    target: str

    def __str__(self) -> str:
        return f"gateway target {self.target} at {self.gateway}"


class Credential(Protocol):
    """How the gateway proves to the runtime who calls."""

    def configuration(self) -> Json | None:
        """The one item of `credentialProviderConfigurations`; None where it will be known only after `apply`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCredential:
    """The gateway signs with its own role. A bare GATEWAY_IAM_ROLE is refused: the service must be named."""

    region: str

    def configuration(self) -> Json:
        signer = {"service": "bedrock-agentcore", "region": self.region}
        return {"credentialProviderType": "GATEWAY_IAM_ROLE", "credentialProvider": {"iamCredentialProvider": signer}}


def wanted(runtime_arn: str, endpoint: str | None, credential: Json) -> Json:
    """The part of CreateGatewayTarget and UpdateGatewayTarget that is ours to say.

    The address is the AWS host's, wherever this run's own calls go. `endpoint` is a runtime endpoint's name.
    """
    server = {"endpoint": aws_invocation_url(runtime_arn, endpoint or "DEFAULT"), "listingMode": "DEFAULT"}
    return {
        "targetConfiguration": {"mcp": {"mcpServer": server}},
        "credentialProviderConfigurations": [credential],
    }


def differing(ours: Json | None, found: Json) -> tuple[str, ...]:
    """Which parts of the answer of GetGatewayTarget are not as `ours` says. What is not known yet differs."""
    if ours is None:
        return ("endpoint or credential",)
    there, here = server(found), server(ours)
    credentials = found.get("credentialProviderConfigurations") or [None]
    parts = {
        "endpoint": there.get("endpoint") == here["endpoint"],
        "listingMode": there.get("listingMode", "DEFAULT") == here["listingMode"],
        "credential": _within(ours["credentialProviderConfigurations"][0], credentials[0]),
    }
    return tuple(part for part, same in parts.items() if not same)


def server(target: Json) -> Json:
    """The MCP server that a target leads to; empty for a target of another kind."""
    configuration: Json = (target.get("targetConfiguration") or {}).get("mcp") or {}
    return configuration.get("mcpServer") or {}


def is_ours(found: Json, place: Place, agent_name: str) -> bool:
    """Whether the target leads to the runtime called `agent_name`, or to one of that name that is no more."""
    try:
        url = urlsplit(str(server(found).get("endpoint", "")))
    except ValueError:
        return False
    there = unquote(url.path.removeprefix("/runtimes/").removesuffix("/invocations"))
    stem = re.escape(place.arn("bedrock-agentcore", f"runtime/{agent_name}-"))
    at_aws = (url.hostname or "").startswith(f"bedrock-agentcore.{place.region}.")
    return at_aws and re.fullmatch(rf"{stem}[a-zA-Z0-9]{{10}}", there) is not None


def provider_arn(found: Json) -> str | None:
    """The OAuth2 credential provider that the target uses, or None."""
    credentials = found.get("credentialProviderConfigurations") or [{}]
    oauth = (credentials[0].get("credentialProvider") or {}).get("oauthCredentialProvider") or {}
    return oauth.get("providerArn")


def _within(ours: Any, there: Any) -> bool:
    """Whether everything of ours is there; AWS may add what it defaults."""
    if isinstance(ours, dict):
        return isinstance(there, dict) and all(_within(value, there.get(key)) for key, value in ours.items())
    return bool(ours == there)
