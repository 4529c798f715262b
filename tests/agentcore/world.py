"""What the emulated AgentCore holds. The control plane fills it; the data planes read it.

Requests are kept as they came in (boto3's shape, already judged by botocore's model), so that nothing is lost on the
way: what the control plane answers is made from them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"

Json = dict[str, Any]


@dataclass
class Endpoint:
    """A runtime's named endpoint, DEFAULT among them."""

    name: str
    live_version: str
    target_version: str
    status: str = "CREATING"
    polls: int = 0


@dataclass
class Runtime:
    """`versions[n - 1]` is the Create or Update request that made version n."""

    id: str
    arn: str
    name: str
    versions: list[Json] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    status: str = "CREATING"
    failure: str = ""
    polls: int = 0
    requires_mmdsv2: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    workload_identity: str = ""
    created: float = field(default_factory=time.time)

    def version(self, qualifier: str) -> Json | None:
        """The request behind an endpoint's live version."""
        endpoint = self.endpoints.get(qualifier)
        return self.versions[int(endpoint.live_version) - 1] if endpoint else None


@dataclass
class Target:
    """A gateway's target. `tools` is what the last synchronisation saw, under the tools' own names."""

    id: str
    name: str
    request: Json
    status: str = "CREATING"
    failure: str = ""
    polls: int = 0
    tools: list[Json] = field(default_factory=list)
    synchronized: float | None = None


@dataclass
class Gateway:
    """`url` is where the emulator serves it: loopback, never the AWS host."""

    id: str
    arn: str
    name: str
    url: str
    request: Json
    targets: dict[str, Target] = field(default_factory=dict)
    status: str = "CREATING"
    failure: str = ""
    polls: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)


@dataclass
class Provider:
    """An OAuth2 credential provider. The secret is kept apart, as AWS keeps it in a secret of its own."""

    name: str
    arn: str
    request: Json
    client_secret: str = field(repr=False, default="")
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Faults:
    """What a test asks the emulator to do wrong, and how often. Keys are `service:Operation`, else as documented."""

    throttled: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    create_failed: dict[str, str] = field(default_factory=dict)
    """Resource name → failure reason: its creation ends in *_FAILED."""
    polls_to_ready: int = 2


@dataclass
class World:
    """Everything, by id (providers and identities by name)."""

    runtimes: dict[str, Runtime] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    identities: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Access keys that the emulator knows: access key → (secret key, session token)."""
    principals: dict[str, str] = field(default_factory=dict)
    """Access key → the ARN that it acts as."""
    faults: Faults = field(default_factory=Faults)
    calls: list[str] = field(default_factory=list)
    """Every control-plane call that was made, as `bedrock-agentcore-control:CreateAgentRuntime`."""
