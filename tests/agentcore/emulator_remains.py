"""What a deployment has left behind, in the emulator or in moto."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.agentcore.signatures_iam import moto_client
from tests.agentcore.world import World

TAG = "mcp-policy-proxy"

Tags = dict[str, str]
Found = tuple[str, str, Tags]
"""Kind, name and tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remain:
    """A resource that is still there, and why it counts as left over."""

    kind: str
    name: str
    why: str


def remains(world: World, moto: str, names: Sequence[str] = ()) -> list[Remain]:
    """Everything with our tag, or with our tag's word or one of `names` in its own name."""
    words = (TAG, *names)
    found = []
    for kind, name, tags in (*_ours(world), *_theirs(moto)):
        word = next((word for word in words if word in name), None)
        if TAG in tags or word:
            found.append(Remain(kind=kind, name=name, why="tag" if TAG in tags else f"name: {word}"))
    return found


def _ours(world: World) -> Iterator[Found]:
    """What is being deleted goes by itself."""
    for runtime in world.runtimes.values():
        if runtime.status != "DELETING":
            yield "runtime", runtime.name, runtime.tags
            yield from ((f"endpoint of {runtime.name}", e.name, e.tags) for e in runtime.endpoints.values())
    for gateway in world.gateways.values():
        if gateway.status != "DELETING":
            yield "gateway", gateway.name, gateway.tags
            yield from (
                (f"target of {gateway.name}", t.name, {}) for t in gateway.targets.values() if t.status != "DELETING"
            )
    yield from (("credential provider", each.name, each.tags) for each in world.providers.values())
    for name, identity in world.identities.items():
        if not identity["managedBy"]:
            yield "workload identity", name, identity["tags"]


def _theirs(moto: str) -> Iterator[Found]:
    yield from _iam(moto_client("iam", moto))
    yield from _s3(moto_client("s3", moto))
    yield from _secrets(moto_client("secretsmanager", moto))
    yield from _ecr(moto_client("ecr", moto))
    yield from _codebuild(moto_client("codebuild", moto))
    yield from _cognito(moto_client("cognito-idp", moto))
    yield from _logs(moto_client("logs", moto))


def _iam(iam: Any) -> Iterator[Found]:
    for role in _pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        yield "role", name, _pairs(iam.list_role_tags(RoleName=name)["Tags"])
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        yield from ((f"inline policy of {name}", policy, {}) for policy in policies)
    for policy in _pages(iam, "list_policies", "Policies", Scope="Local"):
        yield "policy", policy["PolicyName"], _pairs(iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"])


def _s3(s3: Any) -> Iterator[Found]:
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        try:
            tags = _pairs(s3.get_bucket_tagging(Bucket=name)["TagSet"])
        except s3.exceptions.ClientError:
            tags = {}
        yield "bucket", name, tags
        for item in _pages(s3, "list_object_versions", "Versions", Bucket=name):
            yield f"object in {name}", item["Key"], tags


def _secrets(secrets: Any) -> Iterator[Found]:
    for secret in _pages(secrets, "list_secrets", "SecretList"):
        yield "secret", secret["Name"], _pairs(secret.get("Tags", []))


def _ecr(ecr: Any) -> Iterator[Found]:
    for repository in _pages(ecr, "describe_repositories", "repositories"):
        tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        yield "repository", repository["repositoryName"], _pairs(tags)


def _codebuild(codebuild: Any) -> Iterator[Found]:
    names = _pages(codebuild, "list_projects", "projects")
    if found := list(names):
        for project in codebuild.batch_get_projects(names=found)["projects"]:
            yield "build project", project["name"], _pairs(project.get("tags", []))


def _cognito(cognito: Any) -> Iterator[Found]:
    for pool in _pages(cognito, "list_user_pools", "UserPools", MaxResults=60):
        tags = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"].get("UserPoolTags", {})
        yield "user pool", pool["Name"], dict(tags)


def _logs(logs: Any) -> Iterator[Found]:
    for group in _pages(logs, "describe_log_groups", "logGroups"):
        arn = group["arn"].removesuffix(":*")
        yield "log group", group["logGroupName"], dict(logs.list_tags_for_resource(resourceArn=arn)["tags"])


def _pages(aws: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in aws.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def _pairs(tags: list[dict[str, str]]) -> Tags:
    """Tags as a mapping; services name the members Key and Value, or key and value."""
    lower = [{name.lower(): value for name, value in tag.items()} for tag in tags]
    return {tag["key"]: tag.get("value", "") for tag in lower}
