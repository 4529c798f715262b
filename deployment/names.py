"""What things are called: every resource of a deployment, by rules that need no account and no memory."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from deployment.account import TAG
from deployment.config import DeployConfig

RUNTIME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}")
REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+")
GATEWAY: Final = re.compile(r"(?:[0-9a-z]-?){1,100}-[0-9a-z]{10}")
GATEWAY_ARN: Final = re.compile(rf"arn:aws[a-z-]*:bedrock-agentcore:([a-z0-9-]+):\d{{12}}:gateway/({GATEWAY.pattern})")

_GATEWAY_HOST: Final = re.compile(r"([^.]+)\.gateway\.bedrock-agentcore\.([a-z0-9-]+)\.")
_RUNTIME_PATH: Final = re.compile(r"/runtimes/([^/]+)/invocations")
_RUNTIME_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:bedrock-agentcore:[a-z0-9-]+:\d{12}:runtime/[a-zA-Z][a-zA-Z0-9_]{0,99}-[a-zA-Z0-9]{10}"
)
"""No `*`: it goes into a policy as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What `gateway_endpoint` says of itself. All None for a URL that is neither a gateway's nor a runtime's."""

    gateway: str | None = None
    runtime: str | None = None
    """An ARN."""
    region: str | None = None


def tags(config: DeployConfig) -> dict[str, str]:
    """On every resource that we make."""
    return {**config.tags, TAG: config.agent_name}


def role(config: DeployConfig) -> str:
    """The execution role; at most 58 characters where we choose it (IAM allows 64)."""
    return config.iam_role_name or f"{config.agent_name}-execution"


def secret(config: DeployConfig) -> str:
    """The client secret in Secrets Manager. No six characters behind its last hyphen: AWS takes those for its own."""
    return f"mcp-policy-proxy/{config.agent_name}/outbound"


def repository(config: DeployConfig) -> str:
    """The ECR repository. ECR allows no capitals, and one separator at a time."""
    return f"mcp-policy-proxy/{re.sub(r'_+', '_', config.agent_name.lower()).strip('_')}"


def log_groups(agent_name: str) -> str:
    """Start of the names of the runtime's log groups: `…/NAME-ID-ENDPOINT` follows."""
    return f"/aws/bedrock-agentcore/runtimes/{agent_name}-"


def gateway_id(given: str) -> str:
    """The id that the API wants, from an id or an ARN."""
    return given.rpartition("/")[2]


def upstream(url: str) -> Upstream:
    """Reads hosts of gateways and paths of runtimes."""
    parts = urlsplit(url)
    if gateway := _GATEWAY_HOST.match(parts.hostname or ""):
        return Upstream(gateway=gateway[1], region=gateway[2])
    if runtime := _RUNTIME_PATH.match(parts.path):
        arn = unquote(runtime[1])
        if _RUNTIME_ARN.fullmatch(arn):
            return Upstream(runtime=arn, region=arn.split(":")[3])
    return Upstream()


def runtime_name(wrong: str) -> str:
    """The nearest name that a runtime may have."""
    cleaned = re.sub(r"[^a-zA-Z0-9_]+", "_", wrong).strip("_")
    return (cleaned if cleaned[:1].isalpha() else f"proxy_{cleaned}").rstrip("_")[:48]


def token(*content: object) -> str:
    """A client token of 64 characters, the same for the same request: what a crash repeats is done once."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
