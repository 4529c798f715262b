"""Which OAuth client the gateway is at the runtime's door, and where that client's secret is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from deployment.config import DeployConfig
from deployment.errors import DeployError
from deployment.gateway_provider import Client
from deployment.gateway_secret import ClientSecret, outbound_arn
from deployment.run import Run

Auth = Literal["iam", "oauth"]


def auth_of(config: DeployConfig, given: str | None) -> Auth:
    """How the gateway proves who it is: as the runtime wants it. Raises DeployError where another way is asked for."""
    right: Auth = "oauth" if config.inbound.mode == "jwt" else "iam"
    if given in (None, right):
        return right
    takes = "tokens" if right == "oauth" else "signatures"
    raise DeployError(
        f"--auth {given}: the runtime takes {takes} alone (inbound.mode is {config.inbound.mode}); use --auth {right}"
    )


def client_of(config: DeployConfig) -> Client:
    """The client that the runtime lets in. Raises DeployError where the config leaves it open."""
    allowed = config.inbound.allowed_clients
    if config.cognito_client_id and (not allowed or config.cognito_client_id in allowed):
        client = config.cognito_client_id
    elif len(allowed) == 1:
        client = allowed[0]
    else:
        raise DeployError(
            "the config does not say as which OAuth client the gateway calls: name one client in "
            "inbound.allowed_clients, or give --credential-provider with a provider of your own"
        )
    if not config.inbound.discovery_url:
        raise DeployError("inbound.discovery_url: is missing, and --auth oauth needs it")
    return Client(discovery_url=config.inbound.discovery_url, client_id=client, scopes=config.inbound.allowed_scopes)


def secret_of(run: Run, client: Client, reference: str | None, ask: Callable[[str], str] | None) -> ClientSecret:
    """The client's secret: as given, else the proxy's own where it is the same client, else asked for."""
    if reference is None and client.client_id == run.config.cognito_client_id:
        reference = outbound_arn(run)
    return ClientSecret(f"secret of the OAuth client {client.client_id}", reference, ask)
