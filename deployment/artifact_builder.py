"""The CodeBuild project that builds a deployment's images, and the role it does that with."""

from __future__ import annotations

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import artifact_image, faults, names
from deployment.account import TAG
from deployment.artifact_bucket import Bucket
from deployment.artifact_repository import Repository
from deployment.errors import DeployError
from deployment.iam import Document, Place
from deployment.run import Run
from deployment.steps import Change

POLICY: Final = "mcp-policy-proxy"
_MACHINE: Final = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
_MINUTES: Final = 60
_ASSUME_S: Final = 60.0
_CONTEXT: Final = "/tmp/image"
"""On the machine that builds."""
_VALUE: Final = {"Key": "Value", "key": "value"}
"""Tags are written one way in IAM, another in CodeBuild."""


class Builder:
    """Project and role: made together, gone together."""

    def __init__(self, run: Run, bucket: Bucket, repository: Repository) -> None:
        self._run = run
        self._bucket = bucket
        self._repository = repository
        self._codebuild = run.account.client("codebuild")
        self._iam = run.account.client("iam")
        self.name = f"{run.config.agent_name}-image-build"

    def plan(self) -> tuple[Change, ...]:
        """Raises DeployError for what has the name and is not ours."""
        return (self._planned_role(), self._planned_project())

    def apply(self) -> None:
        if self._role() is None:
            self._iam.create_role(
                RoleName=self.name, AssumeRolePolicyDocument=json.dumps(self._trust()), Tags=_pairs(self._tags, "Key")
            )
        if self._policy() != self._permissions():
            document = json.dumps(self._permissions())
            self._iam.put_role_policy(RoleName=self.name, PolicyName=POLICY, PolicyDocument=document)
        project = self._project()
        if project is None:
            self._run.waits.until("the build's role to be assumable", self._created, within_s=_ASSUME_S)
        elif _differs(project, self._wanted()):
            self._codebuild.update_project(**self._wanted())

    def plan_removal(self) -> tuple[Change, ...]:
        changes = []
        if (role := self._role()) is not None and self._is_elsewhere(role):
            kept = ("serves builds elsewhere, by its trust policy",)
            changes.append(Change(resource=f"iam role {self.name}", action="keep", details=kept))
        elif role is not None and _owner(role["Tags"], "Key") == self._tags[TAG]:
            calls = frozenset({"iam:DeleteRolePolicy", "iam:DeleteRole"})
            changes.append(Change(resource=f"iam role {self.name}", action="delete", calls=calls))
        if (project := self._project()) is not None and _owner(project["tags"], "key") == self._tags[TAG]:
            calls = frozenset({"codebuild:DeleteProject"})
            changes.append(Change(resource=f"codebuild project {self.name}", action="delete", calls=calls))
        return tuple(changes)

    def remove(self) -> None:
        project, role = self._project(), self._role()
        if project and _owner(project["tags"], "key") == self._tags[TAG]:
            self._codebuild.delete_project(name=self.name)
        if role and _owner(role["Tags"], "Key") == self._tags[TAG] and not self._is_elsewhere(role):
            faults.gone(self._iam.delete_role_policy, RoleName=self.name, PolicyName=POLICY)
            faults.gone(self._iam.delete_role, RoleName=self.name)

    def _planned_role(self) -> Change:
        what, role = f"iam role {self.name}", self._role()
        if role is None:
            calls = frozenset({"iam:CreateRole", "iam:PutRolePolicy"})
            return Change(resource=what, action="create", details=("for the builds alone",), calls=calls)
        _must_be_ours(what, role["Tags"], "Key", self._tags[TAG])
        if self._is_elsewhere(role):
            raise DeployError(
                f"{what} serves builds elsewhere, by its trust policy: IAM knows no regions, so a deployment of this "
                "name in another region needs another agent_name"
            )
        if self._policy() == self._permissions():
            return Change(resource=what, action="keep")
        details = (f"inline policy {POLICY} differs",)
        return Change(resource=what, action="update", details=details, calls=frozenset({"iam:PutRolePolicy"}))

    def _planned_project(self) -> Change:
        what, project = f"codebuild project {self.name}", self._project()
        if project is None:
            return Change(resource=what, action="create", calls=frozenset({"codebuild:CreateProject"}))
        _must_be_ours(what, project["tags"], "key", self._tags[TAG])
        differs = _differs(project, self._wanted())
        calls = frozenset({"codebuild:UpdateProject"} if differs else ())
        return Change(resource=what, action="update" if differs else "keep", details=differs, calls=calls)

    def _created(self) -> bool | None:
        """None while IAM has not told CodeBuild of the role yet."""
        try:
            self._codebuild.create_project(**self._wanted(), tags=_pairs(self._tags, "key"))
        except ClientError as error:
            if "AssumeRole" in faults.message(error):
                return None
            raise
        return True

    def _wanted(self) -> dict[str, Any]:
        account = self._run.account
        return {
            "name": self.name,
            "source": {
                "type": "S3",
                "location": f"{self._bucket.name}/{self._bucket.prefix}",
                "buildspec": buildspec(self._run.config.python),
            },
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "ARM_CONTAINER",
                "image": _MACHINE,
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
            },
            "serviceRole": f"arn:{account.partition}:iam::{account.id}:role/{self.name}",
            "timeoutInMinutes": _MINUTES,
        }

    def _trust(self) -> Document:
        return trust(self._place(), self.name)

    def _permissions(self) -> Document:
        objects = f"{self._bucket.name}/{self._bucket.prefix}*"
        return permissions(self._place(), self.name, self._bucket.name, objects, self._repository.name)

    def _place(self) -> Place:
        account = self._run.account
        return Place(partition=account.partition, region=account.region, account=account.id)

    @property
    def _tags(self) -> dict[str, str]:
        return names.tags(self._run.config)

    def _role(self) -> dict[str, Any] | None:
        answer = faults.found(self._iam.get_role, RoleName=self.name)
        return {"Tags": [], **answer["Role"]} if answer else None

    def _is_elsewhere(self, role: dict[str, Any]) -> bool:
        return self._place().arn("codebuild", f"project/{self.name}") not in json.dumps(
            role["AssumeRolePolicyDocument"]
        )

    def _policy(self) -> Document | None:
        answer = faults.found(self._iam.get_role_policy, RoleName=self.name, PolicyName=POLICY)
        return answer["PolicyDocument"] if answer else None

    def _project(self) -> dict[str, Any] | None:
        found = self._codebuild.batch_get_projects(names=[self.name])["projects"]
        return {"tags": [], **found[0]} if found else None


def trust(place: Place, project: str) -> Document:
    """CodeBuild, for this one project."""
    arn = place.arn("codebuild", f"project/{project}")
    condition = {"StringEquals": {"aws:SourceAccount": place.account, "aws:SourceArn": arn}}
    service = {"Service": "codebuild.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def permissions(place: Place, project: str, bucket: str, objects: str, repository: str) -> Document:
    """Its own log, this deployment's objects, and pushing to the one repository."""
    group = place.arn("logs", f"log-group:/aws/codebuild/{project}")
    s3 = f"arn:{place.partition}:s3:::"
    push = ("BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart")
    every = (
        ("Log", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [group, f"{group}:*"]),
        ("Source", ["s3:GetObject", "s3:GetObjectVersion"], [f"{s3}{objects}"]),
        ("SourceBucket", ["s3:GetBucketAcl", "s3:GetBucketLocation"], [f"{s3}{bucket}"]),
        ("Push", [f"ecr:{each}" for each in push], [place.arn("ecr", f"repository/{repository}")]),
        ("PushToken", ["ecr:GetAuthorizationToken"], ["*"]),
    )
    allowed = [{"Sid": s, "Effect": "Allow", "Action": actions, "Resource": on} for s, actions, on in every]
    return {"Version": "2012-10-17", "Statement": allowed}


def buildspec(python: str) -> str:
    """What a build runs; JSON is YAML. `$IMAGE` and `$REGISTRY` come with each build."""
    command = " ".join(artifact_image.command('"$IMAGE"', python, _CONTEXT))
    log_in = 'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"'
    settle = f"mkdir {_CONTEXT} && mv Dockerfile {_CONTEXT} && cp -r . {_CONTEXT}/app && chmod -R a+rX {_CONTEXT}"
    phases = {"pre_build": {"commands": [log_in, settle]}, "build": {"commands": [command]}}
    return json.dumps({"version": 0.2, "phases": phases}, indent=1)


def _differs(project: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, ...]:
    """Keys in which the project is not what is wanted; what AWS adds of its own does not count."""
    return tuple(f"{key} differs" for key, value in wanted.items() if not _within(value, project.get(key)))


def _within(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_within(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)


def _must_be_ours(what: str, tags: list[dict[str, str]], key: str, owner: str) -> None:
    if _owner(tags, key) != owner:
        raise DeployError(f"{what} exists and was not made by this deployment: choose another agent_name")


def _owner(tags: list[dict[str, str]], key: str) -> str | None:
    """Value of our tag; `key` is `Key` in IAM and `key` in CodeBuild."""
    return next((each[_VALUE[key]] for each in tags if each[key] == TAG), None)


def _pairs(tags: dict[str, str], key: str) -> list[dict[str, str]]:
    return [{key: name, _VALUE[key]: text} for name, text in tags.items()]
