"""The image that docker builds and pushes: with a docker that is a script, and an ECR that is moto's."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from deployment.account import TAG
from deployment.artifact_container import ContainerArtifact
from deployment.errors import ConfigError, DeployError, FailedError
from deployment.run import Run, carry_out, take_down
from tests.agentcore.emulator import Emulator
from tests.deployment.shipping import REGION, building, folder, run_of

pytestmark = pytest.mark.interop

__all__ = ["folder"]

DOCKER = """#!{python}
import json, os, pathlib, subprocess, sys
told = {{"argv": sys.argv[1:], "stdin": sys.stdin.read()}}
context = pathlib.Path(sys.argv[-1])
if "--push" in sys.argv:
    app = context / "app"
    told["context"] = sorted(path.name for path in context.iterdir())
    told["app"] = sorted(path.name for path in app.iterdir())
    told["modes"] = sorted({{oct(path.stat().st_mode & 0o777) for path in app.rglob("*")}})
with open({log!r}, "a") as file:
    file.write(json.dumps(told) + "\\n")
if sys.argv[1:3] == {fails!r}:
    sys.exit("docker: " + "line\\n" * 30 + "what went wrong")
if "--push" in sys.argv and {pushes!r}:
    import boto3
    uri = sys.argv[sys.argv.index("--tag") + 1]
    name, _, tag = uri.partition("/")[2].partition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    config = {{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 1}}
    manifest = {{"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}}
    client = boto3.client("ecr", region_name={region!r})
    client.put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))
"""


class Docker:
    """What was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.works()

    def works(self, *, fails: tuple[str, ...] = (), pushes: bool = True) -> None:
        script = self.folder / "docker"
        script.write_text(
            DOCKER.format(python=sys.executable, log=str(self.log), fails=list(fails), pushes=pushes, region=REGION)
        )
        script.chmod(0o755)

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def verbs(self) -> list[str]:
        return [" ".join(each["argv"][:2]) for each in self.asked]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    return Docker(tmp_path)


@pytest.fixture
def run(deployer: Emulator, folder: Path) -> Run:
    return run_of(folder, artifact="container")


def deploy(run: Run) -> tuple[str, ...]:
    with building():
        return tuple(change.action for change in carry_out(run, [ContainerArtifact(run)]))


def test_the_image_is_pushed_under_the_hash_that_the_plan_has_named(docker: Docker, run: Run) -> None:
    with building():
        known = ContainerArtifact(run).value()["containerConfiguration"]["containerUri"]
    assert deploy(run) == ("create", "create")
    registry, _, rest = known.partition("/")
    name, _, tag = rest.partition(":")
    assert registry == f"{run.account.id}.dkr.ecr.{REGION}.amazonaws.com"
    assert len(tag) == 32
    assert docker.verbs() == ["buildx version", "login --username", "buildx build"]
    argv = docker.asked[-1]["argv"]
    assert argv[argv.index("--platform") + 1] == "linux/arm64"
    assert argv[argv.index("--tag") + 1] == known
    assert f"PYTHON={run.config.python}" in argv
    assert "--provenance=false" in argv
    assert f"build={argv[-1]}" in argv
    assert argv[argv.index("--file") + 1] == f"{argv[-1]}/Dockerfile"
    found = run.account.client("ecr").describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    assert found["imageDetails"]


def test_what_is_copied_into_the_image_is_the_tree_that_was_checked(docker: Docker, run: Run) -> None:
    deploy(run)
    told = docker.asked[-1]
    assert told["context"] == ["Dockerfile", "app"]
    root = {"LICENSE", "__pycache__", "bundle.json", "lib", "main.py", "policies.toml", "shouting.py"}
    assert set(told["app"]) == root
    assert set(told["modes"]) <= {"0o644", "0o755"}
    assert not Path(told["argv"][-1]).exists()


def test_the_password_goes_over_standard_input_alone(docker: Docker, run: Run) -> None:
    deploy(run)
    login = docker.asked[1]
    (data,) = run.account.client("ecr").get_authorization_token()["authorizationData"]
    assert f"AWS:{login['stdin']}" == base64.b64decode(data["authorizationToken"]).decode()
    assert login["argv"][:3] == ["login", "--username", "AWS"]
    assert "--password-stdin" in login["argv"]
    assert not any(login["stdin"] in word for each in docker.asked for word in each["argv"])


def test_the_repository_is_tagged_scanned_and_its_tags_never_move(docker: Docker, run: Run) -> None:
    deploy(run)
    (found,) = run.account.client("ecr").describe_repositories()["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    tags = run.account.client("ecr").list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {TAG: "shop_proxy"}


def test_a_second_run_builds_nothing_and_needs_no_docker(
    docker: Docker, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(run)
    monkeypatch.setenv("PATH", os.devnull)
    assert deploy(run) == ("keep", "keep")


def test_a_build_that_failed_is_told_with_its_last_lines_and_done_again_by_the_next_run(
    docker: Docker, run: Run
) -> None:
    docker.works(fails=("buildx", "build"))
    with pytest.raises(FailedError, match="docker buildx build failed with code 1") as caught:
        deploy(run)
    assert str(caught.value).endswith("what went wrong")
    assert len(str(caught.value).splitlines()) <= 16
    docker.works()
    assert deploy(run) == ("keep", "create")


def test_a_login_that_failed_is_told(docker: Docker, run: Run) -> None:
    docker.works(fails=("login", "--username"))
    with pytest.raises(FailedError, match=r"docker login to \d+\.dkr\.ecr"):
        deploy(run)


def test_a_push_that_left_nothing_is_told(docker: Docker, run: Run) -> None:
    docker.works(pushes=False)
    with pytest.raises(DeployError, match="is not there; run it again"):
        deploy(run)


def test_without_docker_nothing_is_created_and_the_other_artifacts_are_named(
    docker: Docker, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(ConfigError, match=r'needs docker, which is not on the PATH.*"codebuild".*"zip"'):
        deploy(run)
    assert run.account.client("ecr").describe_repositories()["repositories"] == []


def test_without_buildx_nothing_is_created_and_the_plugin_is_named(docker: Docker, run: Run) -> None:
    docker.works(fails=("buildx", "version"))
    with pytest.raises(ConfigError, match="docker-buildx"):
        deploy(run)
    assert run.account.client("ecr").describe_repositories()["repositories"] == []


def test_a_repository_of_somebody_elses_is_neither_used_nor_removed(docker: Docker, run: Run) -> None:
    with run.account.may({"ecr:CreateRepository"}):
        run.account.client("ecr").create_repository(repositoryName="mcp-policy-proxy/shop_proxy")
    with pytest.raises(DeployError, match="was not made by this deployment"):
        deploy(run)
    take_down(run, [ContainerArtifact(run)])
    assert len(run.account.client("ecr").describe_repositories()["repositories"]) == 1


def test_removal_takes_the_repository_with_its_images(docker: Docker, run: Run) -> None:
    deploy(run)
    (change,) = take_down(run, [ContainerArtifact(run)])
    assert change.action == "delete"
    assert run.account.client("ecr").describe_repositories()["repositories"] == []
    assert ContainerArtifact(run).plan_removal() == ()
