"""What IAM must say so that a gateway may call the proxy: pure functions, no call.

https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployment.iam import Document, Place

_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """What a gateway needs beside its own name to fetch tokens for a target."""

    identity: str
    """ARN of the gateway's workload identity."""
    providers: tuple[str, ...]
    """ARNs of credential providers, `*` at the end allowed."""
    secrets: tuple[str, ...]
    """ARNs of the secrets in which AgentCore keeps the providers' client secrets, `*` at the end allowed."""


def trust(place: Place, gateway: str) -> Document:
    """Who may assume the role: AgentCore for the gateway of this name, whose id begins with it in small letters."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": place.arn("bedrock-agentcore", f"gateway/{gateway.lower()}-*")},
        },
    }
    return _document([statement])


def invoke(runtime_arn: str) -> Document:
    """Calls signed by the gateway's role: to the runtime, and to any of its endpoints, which AWS checks as well."""
    return _document([_allow("InvokeProxy", ["bedrock-agentcore:InvokeAgentRuntime"], _runtime(runtime_arn))])


def tokens(oauth: OAuth, place: Place) -> Document:
    """Calls with a token that the gateway fetches from a credential provider.

    The runtime takes the token and no signature, so InvokeAgentRuntime is not among these.
    """
    directory = oauth.identity.partition("/workload-identity/")[0]
    identity = [directory, oauth.identity]
    vault = place.arn("bedrock-agentcore", "token-vault/default")
    return _document(
        [
            # A gateway whose callers bring a JWT asks for its own token in their name: another action.
            _allow(
                "WorkloadToken",
                ["bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetWorkloadAccessTokenForJWT"],
                identity,
            ),
            _allow("ProviderToken", ["bedrock-agentcore:GetResourceOauth2Token"], [vault, *oauth.providers, *identity]),
            _allow("ProviderSecret", ["secretsmanager:GetSecretValue"], oauth.secrets),
        ]
    )


def provider_arns(stem: str, place: Place) -> tuple[str, str]:
    """ARN patterns of every provider whose name begins with `stem`, and of their secrets.

    A rotation makes a provider with the next number: a policy with these patterns covers it before it is there.
    """
    return (
        place.arn("bedrock-agentcore", f"token-vault/default/oauth2credentialprovider/{stem}*"),
        place.arn("secretsmanager", f"secret:bedrock-agentcore-identity!default/oauth2/{stem}*"),
    )


def _runtime(arn: str) -> list[str]:
    return [arn, f"{arn}/runtime-endpoint/*"]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _document(statements: Sequence[Document]) -> Document:
    return {"Version": _VERSION, "Statement": list(statements)}
