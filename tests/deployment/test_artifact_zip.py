"""The archive in S3: uploaded once, carried on after a cut, removed with what is ours alone."""

from __future__ import annotations

import hashlib
import http.server
import threading
from pathlib import Path
from typing import Any

import pytest

from deployment.account import TAG
from deployment.artifact_zip import ZipArtifact
from deployment.errors import ConfigError, DeployError
from deployment.run import Run, carry_out, take_down
from tests.agentcore.emulator import Emulator
from tests.deployment.built import project, users
from tests.deployment.shipping import REGION, building, folder, run_of

pytestmark = pytest.mark.interop

__all__ = ["folder"]


def objects(run: Run, bucket: str) -> set[str]:
    return {each["Key"] for each in run.account.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def buckets(run: Run) -> list[str]:
    return [each["Name"] for each in run.account.client("s3").list_buckets()["Buckets"]]


def test_the_archive_is_uploaded_under_its_hash_and_is_what_the_runtime_is_told(
    deployer: Emulator, folder: Path
) -> None:
    run = run_of(folder)
    step = ZipArtifact(run)
    with building():
        known = step.value()
        changes = carry_out(run, [step])
    where = known["codeConfiguration"]["code"]["s3"]
    assert known["codeConfiguration"]["runtime"] == run.config.runtime
    assert known["codeConfiguration"]["entryPoint"] == ["main.py"]
    assert where["bucket"] == f"mcp-policy-proxy-{run.account.id}-{REGION}"
    body = run.account.client("s3").get_object(Bucket=where["bucket"], Key=where["prefix"])["Body"].read()
    assert where["prefix"] == f"shop_proxy/{hashlib.sha256(body).hexdigest()}.zip"
    assert [(change.resource.split()[1], change.action) for change in changes] == [
        ("bucket", "create"),
        ("object", "create"),
    ]
    assert "of 250.0 MB zipped" in changes[1].details[0]
    assert "of 750.0 MB unpacked" in changes[1].details[0]


def test_the_bucket_is_closed_encrypted_and_tagged(deployer: Emulator, folder: Path) -> None:
    run = run_of(folder, tags={"team": "shop"})
    with building():
        carry_out(run, [ZipArtifact(run)])
    s3, (bucket,) = run.account.client("s3"), buckets(run)
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    tags = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags == {"team": "shop", TAG: "shop_proxy"}


def test_a_second_run_changes_nothing_and_announces_no_call(deployer: Emulator, folder: Path) -> None:
    run = run_of(folder)
    with building():
        carry_out(run, [ZipArtifact(run)])
        changes = carry_out(run, [ZipArtifact(run)])
    assert {change.action for change in changes} == {"keep"}
    assert not any(change.calls for change in changes)


@pytest.mark.parametrize(
    "cut", ["CreateBucket", "PutPublicAccessBlock", "PutBucketEncryption", "PutBucketTagging", "PutObject"]
)
def test_a_run_cut_off_after_any_call_is_carried_on_by_the_next(cut: str, deployer: Emulator, folder: Path) -> None:
    class CutError(Exception):
        pass

    def ended(**_: Any) -> None:
        raise CutError

    first = run_of(folder)
    first.account.client("s3").meta.events.register(f"after-call.s3.{cut}", ended)
    with building():
        with pytest.raises(CutError):
            carry_out(first, [ZipArtifact(first)])
        second = run_of(folder)
        carry_out(second, [ZipArtifact(second)])
        assert {change.action for change in ZipArtifact(second).plan()} == {"keep"}
    (bucket,) = buckets(second)
    assert len(objects(second, bucket)) == 1


def test_a_region_that_needs_to_be_named_is(deployer: Emulator, folder: Path) -> None:
    endpoint = "https://shop-0123456789.gateway.bedrock-agentcore.eu-west-1.amazonaws.com/mcp"
    run = run_of(folder, region="eu-west-1", gateway_endpoint=endpoint)
    with building():
        carry_out(run, [ZipArtifact(run)])
    (bucket,) = buckets(run)
    assert run.account.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"


def test_removal_takes_this_deployments_objects_and_the_bucket_with_the_last_of_them(
    deployer: Emulator, folder: Path
) -> None:
    run = run_of(folder)
    with building():
        carry_out(run, [ZipArtifact(run)])
    (bucket,) = buckets(run)
    with run.account.may({"s3:PutObject"}):
        run.account.client("s3").put_object(Bucket=bucket, Key="shop_proxy_two/x.zip", Body=b"")
    take_down(run, [ZipArtifact(run)])
    assert objects(run, bucket) == {"shop_proxy_two/x.zip"}
    other = run_of(folder, agent_name="shop_proxy_two")
    take_down(other, [ZipArtifact(other)])
    assert buckets(run) == []
    assert ZipArtifact(run).plan_removal() == ()


def test_a_bucket_without_our_tag_is_not_removed(deployer: Emulator, folder: Path) -> None:
    run = run_of(folder)
    with building():
        carry_out(run, [ZipArtifact(run)])
    (bucket,) = buckets(run)
    with run.account.may({"s3:DeleteBucketTagging"}):
        run.account.client("s3").delete_bucket_tagging(Bucket=bucket)
    take_down(run, [ZipArtifact(run)])
    assert buckets(run) == [bucket]
    assert objects(run, bucket) == set()


def test_a_policy_that_would_not_load_ends_the_plan_and_nothing_is_created(deployer: Emulator, tmp_path: Path) -> None:
    users(project(tmp_path))
    run = run_of(tmp_path)
    (tmp_path / "shouting.py").write_text("class Shout:\n    pass\n")
    with building(), pytest.raises(ConfigError, match="not a subclass"):
        carry_out(run, [ZipArtifact(run)])
    assert buckets(run) == []


def test_a_bucket_that_another_account_has_taken_is_one_sentence(
    deployer: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forbidden(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forbidden) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        with building(), pytest.raises(DeployError, match="another account has taken the name"):
            ZipArtifact(run_of(folder)).plan()
        server.shutdown()
