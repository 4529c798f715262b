"""The image that CodeBuild builds: S3, IAM and ECR are moto's, CodeBuild is a server here that builds as it is told."""

from __future__ import annotations

import http.server
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployment import artifact_builder
from deployment.account import TAG
from deployment.artifact_codebuild import CodebuildArtifact
from deployment.errors import DeployError, FailedError
from deployment.iam import Place
from deployment.run import Run, carry_out, take_down
from tests.agentcore.emulator import Emulator
from tests.deployment.shipping import REGION, building, folder, run_of

pytestmark = pytest.mark.interop

__all__ = ["folder"]

Json = dict[str, Any]
PLACE = Place(partition="aws", region=REGION, account="123456789012")


@dataclass
class Codebuild:
    """Builds that are IN_PROGRESS for `polls` looks and then end as `ends`; a build that SUCCEEDED has pushed."""

    pushed: Callable[[str], None] = lambda _: None
    ends: str = "SUCCEEDED"
    polls: int = 2
    unready: int = 0
    """Times that the role cannot be assumed yet."""
    projects: dict[str, Json] = field(default_factory=dict)
    builds: list[Json] = field(default_factory=list)
    started: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def answer(self, operation: str, asked: Json) -> Json:
        self.calls.append(operation)
        found: Json = getattr(self, f"_{operation}")(asked)
        return found

    def _BatchGetProjects(self, asked: Json) -> Json:  # noqa: N802 - AWS's names
        return {"projects": [self.projects[name] for name in asked["names"] if name in self.projects]}

    def _CreateProject(self, asked: Json) -> Json:  # noqa: N802
        if self.unready:
            self.unready -= 1
            message = "CodeBuild is not authorized to perform: sts:AssumeRole on service role"
            return {"__type": "InvalidInputException", "message": message}
        self.projects[asked["name"]] = {**asked, "arn": "arn:x"}
        return {"project": asked}

    def _UpdateProject(self, asked: Json) -> Json:  # noqa: N802
        self.projects[asked["name"]] |= asked
        return {"project": asked}

    def _DeleteProject(self, asked: Json) -> Json:  # noqa: N802
        del self.projects[asked["name"]]
        return {}

    def _StartBuild(self, asked: Json) -> Json:  # noqa: N802
        self.started.append(asked)
        variables = {"environmentVariables": asked["environmentVariablesOverride"]}
        build = {"id": f"b:{len(self.builds)}", "buildStatus": "IN_PROGRESS", "environment": variables, "looks": 0}
        self.builds.append(build)
        return {"build": {"id": build["id"]}}

    def _ListBuildsForProject(self, asked: Json) -> Json:  # noqa: N802
        return {"ids": [build["id"] for build in reversed(self.builds)]}

    def _BatchGetBuilds(self, asked: Json) -> Json:  # noqa: N802
        builds = [build for build in self.builds if build["id"] in asked["ids"]]
        for build in builds:
            build["looks"] += 1
            if build["looks"] > self.polls and build["buildStatus"] == "IN_PROGRESS":
                self._end(build)
        return {"builds": builds}

    def _end(self, build: Json) -> None:
        build["buildStatus"] = self.ends
        if self.ends == "SUCCEEDED":
            variables = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
            self.pushed(variables["IMAGE"])
            return
        contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "docker: exit status 1"}]
        build["phases"] = [
            {"phaseType": "PRE_BUILD", "phaseStatus": "SUCCEEDED"},
            {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": contexts},
            {"phaseType": "COMPLETED"},
        ]
        build["logs"] = {"groupName": "/aws/codebuild/x", "streamName": "one", "deepLink": "https://console.example"}


@pytest.fixture
def run(deployer: Emulator, folder: Path) -> Run:
    return run_of(folder, artifact="codebuild")


@pytest.fixture
def codebuild(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Codebuild]:
    known = Codebuild(pushed=lambda uri: _push(run, uri))

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found = known.answer(self.headers["x-amz-target"].partition(".")[2], asked)
            body = json.dumps(found).encode()
            self.send_response(400 if "__type" in found else 200)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_CODEBUILD", f"http://127.0.0.1:{server.server_port}")
        yield known
        server.shutdown()


def _push(run: Run, uri: str) -> None:
    name, _, tag = uri.partition("/")[2].partition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{'0' * 64}", "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    with run.account.may({"ecr:PutImage"}):
        run.account.client("ecr").put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))


def deploy(run: Run) -> dict[str, str]:
    """Kind of resource → what was done."""
    with building():
        changes = carry_out(run, [CodebuildArtifact(run)])
    return {change.resource.rpartition(" ")[0]: change.action for change in changes}


NEW = {"s3 bucket": "create", "ecr repository": "create", "iam role": "create", "codebuild project": "create"}


def test_the_image_is_built_on_arm64_from_the_tree_that_was_checked(codebuild: Codebuild, run: Run) -> None:
    assert deploy(run) == {**NEW, "image": "create"}
    (project,), (started,) = codebuild.projects.values(), codebuild.started
    assert project["environment"]["type"] == "ARM_CONTAINER"
    assert project["environment"]["privilegedMode"] is True
    assert project["serviceRole"].endswith(":role/shop_proxy-image-build")
    bucket, _, key = started["sourceLocationOverride"].partition("/")
    body = run.account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = set(archive.namelist())
    assert {"Dockerfile", "main.py", "lib/proxy/__main__.py", "policies.toml", "shouting.py"} <= names
    assert {each["key"]: each["value"] for each in project["tags"]} == {TAG: "shop_proxy"}


def test_what_the_runtime_is_told_is_known_before_anything_is_built(codebuild: Codebuild, run: Run) -> None:
    with building():
        known = CodebuildArtifact(run).value()["containerConfiguration"]["containerUri"]
    assert codebuild.calls == []
    deploy(run)
    variables = {each["name"]: each["value"] for each in codebuild.started[0]["environmentVariablesOverride"]}
    assert variables == {"IMAGE": known, "REGISTRY": known.partition("/")[0]}


def test_a_second_run_builds_nothing(codebuild: Codebuild, run: Run) -> None:
    deploy(run)
    assert set(deploy(run).values()) == {"keep"}
    assert len(codebuild.started) == 1


def test_a_role_that_cannot_be_assumed_yet_is_waited_for(codebuild: Codebuild, run: Run) -> None:
    codebuild.unready = 3
    deploy(run)
    assert codebuild.calls.count("CreateProject") == 4


def test_a_build_that_an_interrupted_run_has_started_is_waited_for(codebuild: Codebuild, run: Run) -> None:
    class CutError(Exception):
        pass

    def ended(**_: Any) -> None:
        raise CutError

    run.account.client("codebuild").meta.events.register("after-call.codebuild.StartBuild", ended)
    with pytest.raises(CutError):
        deploy(run)
    deploy(run_of(run.config.folder, artifact="codebuild"))
    assert len(codebuild.started) == 1


def test_a_build_that_failed_names_the_phase_and_ends_with_the_log(codebuild: Codebuild, run: Run) -> None:
    codebuild.ends = "FAILED"
    logs = run.account.client("logs")
    with run.account.may({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}):
        logs.create_log_group(logGroupName="/aws/codebuild/x")
        logs.create_log_stream(logGroupName="/aws/codebuild/x", logStreamName="one")
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": f"line {number}\n"} for number in range(40)]
        logs.put_log_events(logGroupName="/aws/codebuild/x", logStreamName="one", logEvents=events)
    with pytest.raises(FailedError, match=r"ended as FAILED in BUILD \(docker: exit status 1\)") as caught:
        deploy(run)
    lines = str(caught.value).splitlines()
    assert lines[-1] == "  line 39"
    assert len(lines) == 16
    codebuild.ends = "SUCCEEDED"
    assert deploy(run_of(run.config.folder, artifact="codebuild"))["image"] == "create"
    assert len(codebuild.started) == 2


def test_a_project_that_was_changed_is_brought_back(codebuild: Codebuild, run: Run) -> None:
    deploy(run)
    codebuild.projects["shop_proxy-image-build"]["environment"]["privilegedMode"] = False
    assert deploy(run)["codebuild project"] == "update"
    assert codebuild.projects["shop_proxy-image-build"]["environment"]["privilegedMode"] is True


def test_a_role_of_somebody_elses_is_neither_used_nor_removed(codebuild: Codebuild, run: Run) -> None:
    with run.account.may({"iam:CreateRole"}):
        run.account.client("iam").create_role(RoleName="shop_proxy-image-build", AssumeRolePolicyDocument="{}")
    with pytest.raises(DeployError, match="was not made by this deployment"):
        deploy(run)
    take_down(run, [CodebuildArtifact(run)])
    assert run.account.client("iam").get_role(RoleName="shop_proxy-image-build")


def test_removal_leaves_nothing(codebuild: Codebuild, run: Run) -> None:
    deploy(run)
    take_down(run, [CodebuildArtifact(run)])
    assert codebuild.projects == {}
    assert run.account.client("s3").list_buckets()["Buckets"] == []
    assert run.account.client("ecr").describe_repositories()["repositories"] == []
    assert run.account.client("iam").list_roles()["Roles"] == []
    assert CodebuildArtifact(run).plan_removal() == ()


def test_the_builds_role_may_do_nothing_but_build_this_image() -> None:
    found = artifact_builder.permissions(PLACE, "shop-image-build", "bucket", "bucket/shop/*", "mcp-policy-proxy/shop")
    allowed = {statement["Sid"]: (statement["Action"], statement["Resource"]) for statement in found["Statement"]}
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/codebuild/shop-image-build"
    repository = "arn:aws:ecr:us-east-1:123456789012:repository/mcp-policy-proxy/shop"
    push = ["BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart"]
    assert allowed == {
        "Log": (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [group, f"{group}:*"]),
        "Source": (["s3:GetObject", "s3:GetObjectVersion"], ["arn:aws:s3:::bucket/shop/*"]),
        "SourceBucket": (["s3:GetBucketAcl", "s3:GetBucketLocation"], ["arn:aws:s3:::bucket"]),
        "Push": ([f"ecr:{each}" for each in push], [repository]),
        "PushToken": (["ecr:GetAuthorizationToken"], ["*"]),
    }


def test_only_this_project_may_assume_the_builds_role() -> None:
    (statement,) = artifact_builder.trust(PLACE, "shop-image-build")["Statement"]
    assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
    arn = "arn:aws:codebuild:us-east-1:123456789012:project/shop-image-build"
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012", "aws:SourceArn": arn}}


def test_a_build_logs_in_over_standard_input_and_overrides_the_first_stage() -> None:
    phases = json.loads(artifact_builder.buildspec("3.13"))["phases"]
    log_in, settle = phases["pre_build"]["commands"]
    (build,) = phases["build"]["commands"]
    assert log_in.endswith('docker login --username AWS --password-stdin "$REGISTRY"')
    assert "mv Dockerfile" in settle
    assert "--platform linux/arm64" in build
    assert "--build-context build=/tmp/image" in build
    assert "--build-arg PYTHON=3.13" in build
    assert '--tag "$IMAGE"' in build
