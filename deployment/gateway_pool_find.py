"""What there is of a gateway's Cognito user pool, found by names and our tag. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployment import faults
from deployment.account import TAG
from deployment.errors import DeployError
from deployment.gateway_names import GatewayNames
from deployment.run import Run

Json = dict[str, Any]

PAGE = {"PageSize": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Each None where it is not there."""

    pool: str | None = None
    """Its id."""
    server: Json | None = None
    domain: str | None = None
    client: str | None = None
    """Its id."""
    secret: str | None = None
    """ARN of the secret with the client's secret."""


def look(run: Run, named: GatewayNames) -> Found:
    """Raises DeployError where a secret or a domain of our name is somebody else's."""
    secret = _secret(run, named)
    pool = _pool(run, named)
    if pool is None:
        return Found(secret=secret)
    server = faults.found(_cognito(run).describe_resource_server, UserPoolId=pool, Identifier=named.name)
    return Found(
        pool=pool,
        server=server,
        domain=_domain(run, named, pool),
        client=_client(run, named, pool),
        secret=secret,
    )


def issuer(run: Run, pool: str) -> str:
    """What the pool's tokens say of who made them: the service's public host, whatever endpoint is called for it."""
    endpoint = str(_cognito(run).meta.endpoint_url).rstrip("/").replace("//cognito-idp-fips.", "//cognito-idp.")
    return f"{endpoint}/{pool}"


def client_secret(run: Run, pool: str, client: str) -> str:
    """The text that Cognito made."""
    described = _cognito(run).describe_user_pool_client(UserPoolId=pool, ClientId=client)
    return str(described["UserPoolClient"]["ClientSecret"])


def _cognito(run: Run) -> Any:
    return run.account.client("cognito-idp")


def _pool(run: Run, named: GatewayNames) -> str | None:
    """Names of pools are not unique: the tag decides."""
    for page in _cognito(run).get_paginator("list_user_pools").paginate(PaginationConfig=PAGE):
        for each in page["UserPools"]:
            if each["Name"] == named.pool and _is_ours(run, each["Id"]):
                return str(each["Id"])
    return None


def _is_ours(run: Run, pool: str) -> bool:
    found = faults.found(_cognito(run).describe_user_pool, UserPoolId=pool)
    tags = found["UserPool"].get("UserPoolTags") or {} if found else {}
    return bool(tags.get(TAG) == run.config.agent_name)


def _domain(run: Run, named: GatewayNames, pool: str) -> str | None:
    described = faults.found(_cognito(run).describe_user_pool_domain, Domain=named.domain) or {}
    owner = (described.get("DomainDescription") or {}).get("UserPoolId")
    if owner not in (None, pool):
        raise DeployError(f"user pool domain {named.domain} belongs to another pool; give the gateway another --name")
    return named.domain if owner else None


def _client(run: Run, named: GatewayNames, pool: str) -> str | None:
    pages = _cognito(run).get_paginator("list_user_pool_clients").paginate(UserPoolId=pool, PaginationConfig=PAGE)
    found = [each["ClientId"] for page in pages for each in page["UserPoolClients"] if each["ClientName"] == named.name]
    return str(found[0]) if found else None


def _secret(run: Run, named: GatewayNames) -> str | None:
    found = faults.found(run.account.client("secretsmanager").describe_secret, SecretId=named.secret)
    if found is None:
        return None
    tags = {each["Key"]: each["Value"] for each in found.get("Tags") or ()}
    if tags.get(TAG) != run.config.agent_name:
        raise DeployError(f"secret {named.secret} was not made by this deployment; give the gateway another --name")
    if found.get("DeletedDate"):
        raise DeployError(f"secret {named.secret} is scheduled for deletion: restore it, or delete it without recovery")
    return str(found["ARN"])
