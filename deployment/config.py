"""What `deploy_config.json` may say: the published sample's keys, and ours with defaults.

Values only. `deployment/reading.py` makes them from the file, the flags and the prompts and collects every finding;
paths are absolute by then. Patterns and bounds are those of botocore's model of `bedrock-agentcore-control`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AuthMode: TypeAlias = Literal["none", "iam", "jwt", "identity"]
Artifact: TypeAlias = Literal["zip", "container", "codebuild"]
Python: TypeAlias = Literal["PYTHON_3_11", "PYTHON_3_12", "PYTHON_3_13", "PYTHON_3_14"]

ENDPOINT: Final = r"[a-zA-Z][a-zA-Z0-9_]{0,47}"
"""A runtime endpoint's name, and a runtime's."""

_Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
_Header: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,255}$")]
_Scope: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]{1,255}$")]
_Subnet: TypeAlias = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-zA-Z]{8,17}$")]
_Group: TypeAlias = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-zA-Z]{8,17}$")]
_Variable: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
_Value: TypeAlias = Annotated[str, StringConstraints(max_length=5000)]
_TagKey: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\s._:/=+@-]{1,128}$")]
_TagValue: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\s._:/=+@-]{0,256}$")]

_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")


class Inbound(BaseModel):
    """Who may call the runtime: AWS identities with permission (`iam`), or bearers of a token (`jwt`)."""

    model_config = _FROZEN

    mode: Literal["iam", "jwt"] = "iam"
    discovery_url: _Text | None = None
    allowed_audience: tuple[_Text, ...] = ()
    allowed_clients: tuple[_Text, ...] = ()
    allowed_scopes: tuple[_Scope, ...] = ()
    headers: tuple[_Header, ...] = Field(default=(), max_length=20)
    """Headers of the caller that the platform passes on to the proxy."""


class Network(BaseModel):
    """Where the runtime's own connections leave from."""

    model_config = _FROZEN

    mode: Literal["PUBLIC", "VPC"] = "PUBLIC"
    subnets: tuple[_Subnet, ...] = Field(default=(), max_length=16)
    security_groups: tuple[_Group, ...] = Field(default=(), max_length=16)


class Lifecycle(BaseModel):
    """How long a runtime session lives, in seconds. None leaves AWS's default: 900 idle, 28800 in all."""

    model_config = _FROZEN

    idle_s: int | None = Field(default=None, ge=60, le=1_209_600)
    max_s: int | None = Field(default=None, ge=60, le=1_209_600)


class DeployConfig(BaseModel):
    """One deployment. Everything that it makes is found again by `agent_name`."""

    model_config = _FROZEN

    agent_name: _Text
    gateway_endpoint: _Text
    region: _Text
    iam_role_name: Annotated[str, StringConstraints(pattern=r"^[\w+=,.@-]{1,64}$")] | None = None
    gateway_api_id: _Text | None = None
    auth_mode: AuthMode = "iam"
    cognito_user_pool_id: _Text | None = None
    cognito_client_id: _Text | None = None
    cognito_domain: _Text | None = None
    scope: _Text | None = None
    token_url: _Text | None = None
    audience: _Text | None = None
    client_secret_arn: _Text | None = None
    credential_provider: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,128}$")] | None = None
    policies: Path | None = None
    include: tuple[Path, ...] = ()
    requirements: Path | None = None
    artifact: Artifact = "zip"
    runtime: Python = Field(default_factory=lambda: this_python())
    inbound: Inbound = Inbound()
    gateway: _Text | None = None
    endpoint: Annotated[str, StringConstraints(pattern=rf"^{ENDPOINT}$")] | None = None
    environment: dict[_Variable, _Value] = Field(default_factory=dict)
    tags: dict[_TagKey, _TagValue] = Field(default_factory=dict)
    network: Network = Network()
    lifecycle: Lifecycle = Lifecycle()

    folder: Path = Path()
    """Where the config file is. Not a key of it: `.build/` is made here."""

    @property
    def has_client(self) -> bool:
        """Whether the proxy is an OAuth client with a secret: always in jwt mode, as a fallback in identity mode."""
        return self.auth_mode == "jwt" or (self.auth_mode == "identity" and self.cognito_client_id is not None)

    @property
    def python(self) -> str:
        """`3.11` for PYTHON_3_11."""
        return self.runtime.removeprefix("PYTHON_").replace("_", ".")


def this_python() -> Python:
    """The minor version that runs the deployer, or the newest one that AgentCore has."""
    offered: tuple[Python, ...] = ("PYTHON_3_11", "PYTHON_3_12", "PYTHON_3_13", "PYTHON_3_14")
    own = f"PYTHON_{sys.version_info.major}_{sys.version_info.minor}"
    return next((each for each in offered if each == own), offered[-1])
