"""The runtime's environment: all of it is set here, and it holds references, never a secret."""

from __future__ import annotations

from functools import cache
from typing import Final

from botocore.exceptions import UnknownRegionError
from botocore.session import Session

from deployment.config import DeployConfig
from proxy.arns import SUFFIXES

MOST: Final = 50
"""Variables that a runtime may have."""

POLICIES: Final = "policies.toml"
"""Name of the policies file inside the artifact, beside its entry."""

OTEL: Final = "OTEL_"
"""Variables that the config's `environment` may set over ours."""


_FIXED: Final = frozenset(
    {
        "MCP_PROXY_AUTH_MODE",
        "MCP_PROXY_CLIENT_ID",
        "MCP_PROXY_COGNITO_DOMAIN",
        "MCP_PROXY_COGNITO_USER_POOL_ID",
        "MCP_PROXY_POLICIES",
        "MCP_PROXY_PORT",
        "MCP_PROXY_STDIO",
        "MCP_PROXY_TRANSPORT",
        "MCP_PROXY_UPSTREAM",
    }
)
"""Other names of what is set here, and what a Runtime leaves no choice of: it calls port 8000."""


def variables(config: DeployConfig, client_secret: str | None) -> dict[str, str]:
    """Name → value. `client_secret` is the ARN of the client's secret, where the mode needs one."""
    ours: dict[str, str | None] = {
        "MCP_PROXY_HOST": "0.0.0.0",
        "MCP_PROXY_INBOUND": "platform",
        "MCP_PROXY_REGION": config.region,
        "GATEWAY_ENDPOINT": config.gateway_endpoint,
        "AUTH_MODE": config.auth_mode,
        "MCP_PROXY_POLICIES": POLICIES if config.policies else None,
        "OTEL_SERVICE_NAME": config.agent_name,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": _traces(config.region),
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
        **_outbound(config, client_secret),
    }
    return {name: value for name, value in ours.items() if value} | config.environment


def owned(config: DeployConfig) -> frozenset[str]:
    """Variables that follow from other keys of the config, so that `environment` may not set them."""
    every = variables(config.model_copy(update={"environment": {}}), "arn")
    ours = (*every, *_outbound(config, None))
    return _FIXED.union(name for name in ours if not name.startswith(OTEL))


def _outbound(config: DeployConfig, client_secret: str | None) -> dict[str, str | None]:
    client, identity = config.has_client, config.auth_mode == "identity"
    return {
        "COGNITO_USER_POOL_ID": config.cognito_user_pool_id if client else None,
        "COGNITO_CLIENT_ID": config.cognito_client_id if client else None,
        "COGNITO_DOMAIN": config.cognito_domain if client else None,
        "MCP_PROXY_CLIENT_SECRET": client_secret if client else None,
        "MCP_PROXY_TOKEN_URL": config.token_url if client else None,
        "MCP_PROXY_AUDIENCE": config.audience if client or identity else None,
        "MCP_PROXY_SCOPE": config.scope if client or identity else None,
        "MCP_PROXY_CREDENTIAL_PROVIDER": config.credential_provider if identity else None,
    }


@cache
def _traces(region: str) -> str:
    """Where X-Ray takes spans (OTLP), which the proxy signs. The host ends as the region's partition has it."""
    try:
        partition = Session().get_partition_for_region(region)
    except UnknownRegionError:
        partition = "aws"
    return f"https://xray.{region}.{SUFFIXES[partition]}/v1/traces"
