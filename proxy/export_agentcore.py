"""This proxy as a project of the `agentcore` CLI: its runtime and, once that has an ARN, the gateway's target.

The schema is that of the npm package `@aws/agentcore` (`agentcore.json`). Its targets of the kind `mcpServer` have
OAuth or nothing towards the Runtime: the gateway's own role, which needs no token, it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from policies.model import Json, JsonObject
from proxy.arns import aws_invocation_url
from proxy.discovery import OIDC
from proxy.errors import ConfigError
from proxy.references import unusable
from proxy.settings import PREFIX, Settings

SCHEMA: Final = "https://schema.agentcore.aws.dev/v1/agentcore.json"

_STAYS: Final = frozenset(
    {"host", "port", "transport", "stdio", "snapshot", "policies", "bounds", "inbound", "inbound_header"}
    | {"inbound_jwks_url", "public_url", "allowed_hosts", "allowed_origins", "log_level"}
)
"""Settings that belong to this machine, or that the platform decides."""

_SECRETS: Final = ("client_secret", "api_key")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}(?<!-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`name` becomes the names of all resources, each in its own alphabet. Raises ConfigError."""

    name: str
    settings: Settings
    arn: str | None = None
    qualifier: str = "DEFAULT"

    def __post_init__(self) -> None:
        if found := list(_findings(self)):
            raise ConfigError(found)

    def document(self) -> JsonObject:
        return {
            "$schema": SCHEMA,
            "name": re.sub(r"[^A-Za-z0-9]", "", self.name)[:23],
            "version": 1,
            "managedBy": "CDK",
            "runtimes": [self._runtime()],
            "credentials": [self._credential()] if self._jwt and self.arn else [],
            "agentCoreGateways": [self._gateway(self.arn)] if self.arn else [],
        }

    def notes(self) -> Iterator[str]:
        """What to know before `agentcore deploy`."""
        if not self.arn:
            yield "the gateway's target needs the Runtime's ARN: deploy, then export again with --arn"
        elif not self._jwt:
            yield (
                "a target without OAuth cannot call a Runtime that checks IAM: set MCP_PROXY_INBOUND_ISSUER and "
                "MCP_PROXY_INBOUND_CLIENT_IDS, or register with setup_and_deploy.py, whose target signs with its role"
            )
        if self.settings.upstream and urlsplit(self.settings.upstream).query:
            yield "the query of the upstream's URL is in the file, as it was given: it must hold no secret"
        if self.settings.policies:
            yield f"put {self.settings.policies.name} beside the Dockerfile, and whatever it names"

    @property
    def _jwt(self) -> bool:
        return self.settings.inbound_issuer is not None

    def _runtime(self) -> JsonObject:
        runtime: dict[str, Json] = {
            "name": self.name.replace("-", "_"),
            "build": "Container",
            "entrypoint": "main.py",
            "codeLocation": f"app/{self.name}/",
            "networkMode": "PUBLIC",
            "protocol": "MCP",
            "instrumentation": {"enableOtel": False},
            "envVars": [{"name": name, "value": value} for name, value in self._variables().items()],
        }
        if self._jwt:
            runtime["requestHeaderAllowlist"] = ["Authorization"]
            runtime["authorizerType"] = "CUSTOM_JWT"
            runtime["authorizerConfiguration"] = {"customJwtAuthorizer": self._authorizer()}
        return runtime

    def _variables(self) -> dict[str, str]:
        """The environment of the Runtime: the settings given, secrets by their ARN."""
        given = self.settings
        variables = {"MCP_PROXY_HOST": "0.0.0.0", "MCP_PROXY_INBOUND": "platform"}
        for name in sorted(given.model_fields_set - _STAYS):
            if not name.startswith("oauth_") and (value := getattr(given, name)) not in (None, (), False):
                variables[PREFIX + name.upper()] = _text(value)
        for name in sorted(given.bounds.model_fields_set):
            variables[f"{PREFIX}BOUNDS__{name.upper()}"] = _text(getattr(given.bounds, name))
        if given.policies:
            variables["MCP_PROXY_POLICIES"] = given.policies.name
        return variables | {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false"}

    def _authorizer(self) -> JsonObject:
        allowed: dict[str, tuple[str, ...]] = {
            "allowedAudience": self.settings.inbound_audience,
            "allowedClients": self.settings.inbound_client_ids,
            "allowedScopes": self.settings.inbound_scopes,
        }
        return {"discoveryUrl": self._discovery, **{name: list(words) for name, words in allowed.items() if words}}

    @property
    def _discovery(self) -> str:
        issuer = (self.settings.inbound_issuer or "").rstrip("/")
        return issuer if issuer.endswith(OIDC) else issuer + OIDC

    def _credential(self) -> JsonObject:
        return {
            "authorizerType": "OAuthCredentialProvider",
            "name": f"{self.name}-oauth",
            "discoveryUrl": self._discovery,
            "scopes": list(self.settings.inbound_scopes),
            "vendor": "CustomOauth2",
            "usage": "outbound",
        }

    def _gateway(self, arn: str) -> JsonObject:
        return {
            "name": f"{self.name}-gateway",
            "protocolType": "MCP",
            "authorizerType": "AWS_IAM",
            "enableSemanticSearch": True,
            "exceptionLevel": "NONE",
            "targets": [self._target(arn)],
        }

    def _target(self, arn: str) -> JsonObject:
        oauth: dict[str, Json] = {
            "type": "OAUTH",
            "credentialName": f"{self.name}-oauth",
            "scopes": list(self.settings.inbound_scopes),
        }
        return {
            "name": self.name,
            "targetType": "mcpServer",
            "endpoint": aws_invocation_url(arn, self.qualifier),
            "outboundAuth": oauth if self._jwt else {"type": "NONE"},
        }


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return value.name
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _findings(project: Project) -> Iterator[str]:
    settings = project.settings
    if not _NAME.fullmatch(project.name):
        yield "option --name: must be letters, digits and hyphens, a letter first, 41 at the most"
    if settings.stdio:
        yield "setting stdio: a command of this machine is not in the Runtime; give --upstream"
    if settings.upstream and urlsplit(settings.upstream).username is not None:
        yield "setting upstream: holds a user or password, which would be in the file"
    if project.arn and not settings.upstream:
        yield (
            "setting upstream: must be given with --arn, because the CLI hands the gateway's URL to every runtime of "
            "the project, and the proxy would take the gateway that calls it as its upstream"
        )
    for name in _SECRETS:
        if (value := getattr(settings, name)) and (not value.startswith("arn:") or unusable(value)):
            yield f"setting {name}: must be the ARN of a secret; what it refers to is not in the Runtime"
    if settings.inbound_issuer and not settings.inbound_issuer.startswith("https://"):
        yield "setting inbound_issuer: the Runtime takes https:// only"
