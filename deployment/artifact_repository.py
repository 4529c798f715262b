"""The ECR repository of a deployment's images. A tag is the hash of what is in the image, and never moves."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults, names
from deployment.account import TAG
from deployment.errors import DeployError
from deployment.run import Run
from deployment.steps import Change

_MISSING: Final = frozenset({"RepositoryNotFoundException", "ImageNotFoundException"})


class Repository:
    """Ours, or one that is still to be made."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ecr = run.account.client("ecr")
        self.name = names.repository(run.config)

    @property
    def registry(self) -> str:
        """Host of the account's registry."""
        account = self._run.account
        suffix = "amazonaws.com.cn" if account.partition == "aws-cn" else "amazonaws.com"
        return f"{account.id}.dkr.ecr.{account.region}.{suffix}"

    def uri(self, tag: str) -> str:
        """Known before the repository exists."""
        return f"{self.registry}/{self.name}:{tag}"

    def plan(self) -> Change:
        """Raises DeployError when it is there and not ours."""
        what, found = f"ecr repository {self.name}", self._found()
        if found is None:
            return Change(resource=what, action="create", calls=_calls("CreateRepository"))
        if not self._is_ours(found):
            raise DeployError(f"{what} exists and was not made by this deployment: choose another agent_name")
        return Change(resource=what, action="keep")

    def apply(self) -> None:
        if self._found() is None:
            self._ecr.create_repository(
                repositoryName=self.name,
                tags=[{"Key": key, "Value": value} for key, value in names.tags(self._run.config).items()],
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
            )

    def holds(self, tag: str) -> bool:
        found = self._asked(self._ecr.describe_images, repositoryName=self.name, imageIds=[{"imageTag": tag}])
        return found is not None

    def must_hold(self, tag: str) -> None:
        """Raises DeployError where a push that went well left no image."""
        if not self.holds(tag):
            raise DeployError(f"the image was pushed, but {self.uri(tag)} is not there; run it again")

    def plan_removal(self) -> tuple[Change, ...]:
        what, found = f"ecr repository {self.name}", self._found()
        if found is None:
            return ()
        if not self._is_ours(found):
            return (Change(resource=what, action="keep", details=("was not made by this deployment",)),)
        return (Change(resource=what, action="delete", details=("with its images",), calls=_calls("DeleteRepository")),)

    def remove(self) -> None:
        found = self._found()
        if found and self._is_ours(found):
            self._asked(self._ecr.delete_repository, repositoryName=self.name, force=True)

    def _found(self) -> dict[str, Any] | None:
        answer = self._asked(self._ecr.describe_repositories, repositoryNames=[self.name])
        found: dict[str, Any] | None = answer["repositories"][0] if answer else None
        return found

    def _is_ours(self, found: dict[str, Any]) -> bool:
        tags = self._ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
        return {each["Key"]: each["Value"] for each in tags}.get(TAG) == self._run.config.agent_name

    def _asked(self, call: Any, **given: Any) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = call(**given)
        except ClientError as error:
            if faults.code(error) in _MISSING:
                return None
            raise
        return answer


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"ecr:{operation}" for operation in operations)
