"""The loop that must not be: the proxy's upstream is a gateway, and the proxy is a target of that same gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from deployment.config import DeployConfig
from deployment.errors import DeployError


def refuse_loop(config: DeployConfig, gateway: Mapping[str, Any]) -> None:
    """`gateway` is the answer of GetGateway. Raises DeployError where every call would come back to the proxy."""
    if not (_is_named(config.gateway_api_id, gateway) or _is_at(config.gateway_endpoint, gateway)):
        return
    raise DeployError(
        f"gateway {gateway['gatewayId']} is the proxy's own upstream (gateway_endpoint, gateway_api_id): as its "
        "target the proxy would call itself for ever; register it with another gateway"
    )


def _is_named(given: str | None, gateway: Mapping[str, Any]) -> bool:
    return given is not None and given.rpartition("gateway/")[2] == gateway["gatewayId"]


def _is_at(endpoint: str, gateway: Mapping[str, Any]) -> bool:
    upstream, own = urlsplit(endpoint), urlsplit(str(gateway.get("gatewayUrl") or ""))
    host = (upstream.hostname or "").lower()
    override = gateway.get("domainOverride") or {}
    domains = [override.get("defaultDomain"), *(override.get("alternateDomains") or ())]
    return (
        host.split(".")[0] == gateway["gatewayId"]
        or host in [str(domain).lower() for domain in domains if domain]
        or (bool(own.hostname) and _address(upstream) == _address(own))
    )


def _address(url: SplitResult) -> tuple[str, str]:
    return url.netloc.lower(), url.path.rstrip("/")
