"""Looking up gateways, targets and credential providers. Only reads; lists are paged to their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults
from deployment.account import TAG
from deployment.errors import DeployError, FailedError
from deployment.iam import Place
from deployment.run import Run

Json = dict[str, Any]

CONTROL: Final = "bedrock-agentcore-control"


def place(run: Run) -> Place:
    account = run.account
    return Place(partition=account.partition, region=account.region, account=account.id)


def gateway(run: Run, identifier: str) -> Json | None:
    """The answer of GetGateway, or None."""
    return faults.found(run.account.client(CONTROL).get_gateway, gatewayIdentifier=identifier)


def needed_gateway(run: Run, identifier: str) -> Json:
    """The same; raises DeployError where there is none."""
    found = gateway(run, identifier)
    if found is None:
        raise DeployError(f"gateway {identifier}: there is none in {run.account.region} in this account")
    return found


def gateways(run: Run) -> Iterator[Json]:
    """The summaries of ListGateways."""
    yield from _listed(run, "list_gateways", "items")


def targets(run: Run, identifier: str) -> Iterator[Json]:
    """The summaries of ListGatewayTargets; none where the gateway is gone."""
    try:
        yield from _listed(run, "list_gateway_targets", "items", gatewayIdentifier=identifier)
    except ClientError as error:
        if faults.code(error) != "ResourceNotFoundException":
            raise


def target(run: Run, identifier: str, name: str) -> Json | None:
    """The answer of GetGatewayTarget for the target called `name`, or None."""
    for summary in targets(run, identifier):
        if summary["name"] == name:
            return target_by_id(run, identifier, summary["targetId"])
    return None


def target_by_id(run: Run, identifier: str, target_id: str) -> Json | None:
    """The answer of GetGatewayTarget, or None."""
    look = run.account.client(CONTROL).get_gateway_target
    return faults.found(look, gatewayIdentifier=identifier, targetId=target_id)


def providers(run: Run) -> Iterator[str]:
    """The names of every OAuth2 credential provider."""
    for found in _listed(run, "list_oauth2_credential_providers", "credentialProviders"):
        yield found["name"]


def provider(run: Run, name: str) -> Json | None:
    """The answer of GetOauth2CredentialProvider, or None."""
    return faults.found(run.account.client(CONTROL).get_oauth2_credential_provider, name=name)


def ours(run: Run, arn: str) -> bool:
    """Whether the AgentCore resource carries our tag for this deployment."""
    tags = run.account.client(CONTROL).list_tags_for_resource(resourceArn=arn).get("tags") or {}
    return bool(tags.get(TAG) == run.config.agent_name)


def not_disowned(run: Run, arn: str) -> bool:
    """The same, where the name says already that it is ours, and the tags may not be readable.

    The pattern that botocore's model gives for the ARN of a tagged resource leaves credential providers out.
    """
    try:
        return ours(run, arn)
    except ClientError as error:
        if faults.code(error) in ("ValidationException", "ResourceNotFoundException"):
            return True
        raise


def reasons(found: Json) -> str:
    """Why something is in a failed state, in AWS's words."""
    told = [str(reason) for reason in found.get("statusReasons") or () if reason]
    return "; ".join(told) or str(found.get("failureReason") or "AWS gives no reason")


def failed(what: str, found: Json) -> FailedError:
    return FailedError(f"{what} is {found.get('status')}: {reasons(found)}")


def _listed(run: Run, operation: str, key: str, **asked: str) -> Iterator[Json]:
    for page in run.account.client(CONTROL).get_paginator(operation).paginate(**asked):
        yield from page.get(key) or ()
