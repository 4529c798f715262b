"""The execution role's two documents, built by pure functions: least privilege, as AWS's guide to permissions of
AgentCore Runtime lists it, without `bedrock:InvokeModel` and without anything that the config does not call for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from deployment import names
from deployment.chain_references import Needed
from deployment.config import DeployConfig

Document: TypeAlias = dict[str, Any]

SID: Final = "McpPolicyProxy"
"""Id of our statement in a trust policy."""

IDENTITY: Final = "MCP_PROXY_WORKLOAD_IDENTITY"

_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}\Z")
_METRICS: Final[Document] = {"StringEquals": {"cloudwatch:namespace": "bedrock-agentcore"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the role's resources are."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        return f"arn:{self.partition}:{service}:{region or self.region}:{self.account}:{resource}"


def trust(place: Place) -> Document:
    """Who may assume the role: AgentCore, for resources of this account and region alone."""
    condition = {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("bedrock-agentcore", "*")},
    }
    statement = {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def joined(existing: Document, ours: Document) -> Document:
    """Somebody's trust policy with our statement in it; theirs stay as they are."""
    theirs = existing.get("Statement", [])
    kept = [each for each in (theirs if isinstance(theirs, list) else [theirs]) if each.get("Sid") != SID]
    (own,), (statement,) = sources(ours), ours["Statement"]
    # IAM knows no regions: the role may serve a deployment in another one as well.
    others = {each for each in sources(existing) if _but_region(each) == _but_region(own)}
    if others - {own}:
        both = {"ArnLike": {"aws:SourceArn": sorted({own, *others})}}
        statement = {**statement, "Condition": {**statement["Condition"], **both}}
    return {**existing, "Statement": [*kept, statement]}


def sources(document: Document) -> tuple[str, ...]:
    """Where our statement in a trust policy lets the role be assumed for: one pattern of ARNs a region."""
    statements = document.get("Statement", [])
    ours = [each for each in (statements if isinstance(statements, list) else [statements]) if each.get("Sid") == SID]
    found = [each.get("Condition", {}).get("ArnLike", {}).get("aws:SourceArn", []) for each in ours]
    return tuple(arn for each in found for arn in ([each] if isinstance(each, str) else each))


def region_of(source: str) -> str:
    """Of a pattern of `sources`; empty where it names none."""
    region = (source.split(":") + [""] * 4)[3]
    return region if names.REGION.fullmatch(region) else ""


def _but_region(source: str) -> list[str] | None:
    parts = source.split(":")
    return [*parts[:3], *parts[4:]] if region_of(source) else None


def permissions(config: DeployConfig, place: Place, needed: Needed) -> Document:
    """What the running proxy may do. `needed` is what its chain reads."""
    statements = [
        *_logs(place),
        _allow(
            "Traces",
            ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"],
            ["*"],
        ),
        {**_allow("Metrics", ["cloudwatch:PutMetricData"], ["*"]), "Condition": _METRICS},
        *_image(config, place),
        *_outbound(config, place),
        *of_chain(needed),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def of_chain(needed: Needed) -> list[Document]:
    """Statements for the keys that the chain names.

    An alias in Resource means no key: it is a condition on all keys of its account and region
    (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
    """
    statements = []
    if needed.secrets:
        arns = [arn for each in needed.secrets for arn in _patterns(each)]
        statements.append(_allow("ChainSecrets", ["secretsmanager:GetSecretValue"], arns))
    named = {arn: arn.rpartition(":")[2] for arn in needed.keys}
    if keys := [arn for arn, name in named.items() if name.startswith("key/")]:
        statements.append(_allow("ChainKeys", ["kms:Decrypt"], keys))
    aliases = [(arn.removesuffix(name), name) for arn, name in named.items() if name.startswith("alias/")]
    for number, (base, name) in enumerate(aliases, 1):
        condition = {"StringEquals": {"kms:RequestAlias": name}}
        statements.append({**_allow(f"ChainAlias{number}", ["kms:Decrypt"], [f"{base}key/*"]), "Condition": condition})
    return statements


def warnings(config: DeployConfig) -> tuple[str, ...]:
    """What is wider than it need be, in a sentence each."""
    found = names.upstream(config.gateway_endpoint)
    if config.auth_mode != "iam" or config.gateway_api_id or found.runtime:
        return ()
    advice = f'"{found.gateway}"' if found.gateway else "its id or ARN"
    return (
        f"the role may call every gateway of the account in this region: set gateway_api_id to {advice} to narrow it",
    )


def _logs(place: Place) -> list[Document]:
    groups = place.arn("logs", "log-group:/aws/bedrock-agentcore/runtimes/*")
    return [
        _allow("LogGroups", ["logs:CreateLogGroup", "logs:DescribeLogStreams"], [groups]),
        _allow("LogGroupsList", ["logs:DescribeLogGroups"], [place.arn("logs", "log-group:*")]),
        _allow("LogStreams", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{groups}:log-stream:*"]),
    ]


def _image(config: DeployConfig, place: Place) -> list[Document]:
    """A zip is read by the service itself, an image by the role."""
    if config.artifact == "zip":
        return []
    repository = place.arn("ecr", f"repository/{names.repository(config)}")
    return [
        _allow("Image", ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [repository]),
        _allow("ImageToken", ["ecr:GetAuthorizationToken"], ["*"]),
    ]


def _outbound(config: DeployConfig, place: Place) -> list[Document]:
    statements = [_upstream(config, place)] if config.auth_mode == "iam" else []
    if config.auth_mode == "identity":
        statements += _identity(config, place)
    if config.has_client:
        statements.append(_allow("ClientSecret", ["secretsmanager:GetSecretValue"], _secret(config, place)))
    return statements


def _upstream(config: DeployConfig, place: Place) -> Document:
    found = names.upstream(config.gateway_endpoint)
    if found.runtime:
        arns = [found.runtime, f"{found.runtime}/runtime-endpoint/*"]
        return _allow("UpstreamRuntime", ["bedrock-agentcore:InvokeAgentRuntime"], arns)
    given = config.gateway_api_id or "*"
    arn = given if given.startswith("arn:") else place.arn("bedrock-agentcore", f"gateway/{given}", region=found.region)
    return _allow("UpstreamGateway", ["bedrock-agentcore:InvokeGateway"], [arn])


def _secret(config: DeployConfig, place: Place) -> list[str]:
    given = config.client_secret_arn or place.arn("secretsmanager", f"secret:{names.secret(config)}")
    return _patterns(given.partition("#")[0])


def _patterns(arn: str) -> list[str]:
    """One secret's ARN, with AWS's own six characters as a pattern where they are not known.

    A name may end like them (`client-secret`): what is all small letters is taken for either.
    """
    if not _SUFFIX.search(arn):
        return [f"{arn}-??????"]
    return [arn, f"{arn}-??????"] if arn[-6:].islower() and arn[-6:].isalpha() else [arn]


def _identity(config: DeployConfig, place: Place) -> list[Document]:
    """The runtime's own workload identity is called NAME-ID, and its id is not known before it exists.

    Another one, for discovery and for callers whom the platform gives no token, is named in the environment.
    """
    directory = place.arn("bedrock-agentcore", "workload-identity-directory/default")
    known = [f"{config.agent_name}-*", config.environment.get(IDENTITY)]
    workloads = [directory, *(f"{directory}/workload-identity/{name}" for name in known if name)]
    vault = place.arn("bedrock-agentcore", "token-vault/default")
    providers = [vault, f"{vault}/oauth2credentialprovider/{config.credential_provider}"]
    return [
        _allow("ProviderToken", ["bedrock-agentcore:GetResourceOauth2Token"], [*providers, *workloads]),
        _allow("WorkloadToken", ["bedrock-agentcore:GetWorkloadAccessToken"], workloads),
    ]


def _allow(sid: str, actions: list[str], resources: list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
