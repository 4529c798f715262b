"""What the emulated AgentCore holds. The control plane fills it; the data planes read it.

Requests are kept as they came in (boto3's shape, already judged by botocore's model), so that nothing is lost on the
way: what the control plane answers is made from them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
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
    failure: str = ""
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


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
    """Name of the identity that the platform keeps for this runtime; it lives and dies with it."""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    version_times: list[float] = field(default_factory=list)
    removed_versions: set[str] = field(default_factory=set)

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
    listing: bool = False
    """Its tools are being listed right now: no number of polls makes it READY."""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


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
    updated: float = field(default_factory=time.time)


@dataclass
class Provider:
    """An OAuth2 credential provider. The secret is kept apart, as AWS keeps it in a secret of its own."""

    name: str
    arn: str
    request: Json
    client_secret: str = field(repr=False, default="")
    tags: dict[str, str] = field(default_factory=dict)
    secret_arn: str = ""
    callback_url: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


@dataclass
class Faults:
    """What a test asks the emulator to do wrong, and how often. Keys are `service:Operation`, else as documented."""

    throttled: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    create_failed: dict[str, str] = field(default_factory=dict)
    """Resource name → failure reason: its creation ends in *_FAILED."""
    update_failed: dict[str, str] = field(default_factory=dict)
    """Resource name → failure reason: its next updates end in UPDATE_FAILED (a gateway's in UPDATE_UNSUCCESSFUL)."""
    unassumable: dict[str, int] = field(default_factory=dict)
    """Role name → how many requests still find that it cannot be assumed, as a new role's cannot for a while."""
    lost: dict[str, int] = field(default_factory=dict)
    """Calls that are carried out, and whose answer is a 500: a client tries again with the same client token."""
    polls_to_ready: int = 2
    """Which look at a resource finds it settled: 1 the first."""
    creates_with_mmdsv2: bool = False
    """Whether a new runtime comes with requireMMDSV2 set."""
    token_life_s: int = 3600
    """How long an issuer's access tokens live, in seconds. Less than 0: they are over when they are handed out."""
    invocation_errors: list[int] = field(default_factory=list)
    """JSON-RPC codes of the platform that the next invocations of runtimes are answered with (-32003, -32005 …)."""
    lost_sessions: int = 0
    """How many of the next invocations that name a session find it gone: 404, as once its microVM has ended."""
    gateway_throttled: int = 0
    """How many of the next requests to gateways are answered -32003 with data {limitKey, metric, retryAfter}."""
    gateway_retry_after_s: float = 1
    """The retryAfter of such an answer, in seconds."""
    gateway_lost_sessions: int = 0
    """How many of the next requests in a gateway's session find it gone: 404."""


@dataclass
class World:
    """Everything, by id (providers and identities by name)."""

    runtimes: dict[str, Runtime] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    identities: dict[str, Json] = field(default_factory=dict)
    """Workload identities: name → {name, workloadIdentityArn, createdTime, lastUpdatedTime, tags,
    allowedResourceOauth2ReturnUrls, managedBy: ARN of the runtime or gateway that it belongs to, or ""}."""
    keys: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Access keys that the emulator knows: access key → (secret key, session token)."""
    principals: dict[str, str] = field(default_factory=dict)
    """Access key → the ARN that it acts as."""
    twins: dict[str, Path] = field(default_factory=dict)
    """SHA-256 of an uploaded archive for aarch64 → the tree of its twin for this machine, which is started instead."""
    faults: Faults = field(default_factory=Faults)
    calls: list[str] = field(default_factory=list)
    """Every control-plane call that was made, as `bedrock-agentcore-control:CreateAgentRuntime`."""
