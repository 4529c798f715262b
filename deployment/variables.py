"""The runtime's environment: all of it is set here, and it holds references, never a secret."""

from __future__ import annotations

from typing import Final

from deployment.config import DeployConfig

MOST: Final = 50
"""Variables that a runtime may have."""

POLICIES: Final = "policies.toml"
"""Name of the policies file inside the artifact, beside its entry."""

OTEL: Final = "OTEL_"
"""Variables that the config's `environment` may set over ours."""


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
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
        **_outbound(config, client_secret),
    }
    return {name: value for name, value in ours.items() if value} | config.environment


def owned(config: DeployConfig) -> frozenset[str]:
    """Variables that follow from other keys of the config, so that `environment` may not set them."""
    every = variables(config.model_copy(update={"environment": {}}), "arn")
    return frozenset(name for name in (*every, *_outbound(config, None)) if not name.startswith(OTEL))


def _outbound(config: DeployConfig, client_secret: str | None) -> dict[str, str | None]:
    jwt, identity = config.auth_mode == "jwt", config.auth_mode == "identity"
    return {
        "COGNITO_USER_POOL_ID": config.cognito_user_pool_id if jwt else None,
        "COGNITO_CLIENT_ID": config.cognito_client_id if jwt else None,
        "COGNITO_DOMAIN": config.cognito_domain if jwt else None,
        "MCP_PROXY_CLIENT_SECRET": client_secret if jwt else None,
        "MCP_PROXY_TOKEN_URL": config.token_url if jwt else None,
        "MCP_PROXY_AUDIENCE": config.audience if jwt else None,
        "MCP_PROXY_SCOPE": config.scope if jwt or identity else None,
        "MCP_PROXY_CREDENTIAL_PROVIDER": config.credential_provider if identity else None,
    }
