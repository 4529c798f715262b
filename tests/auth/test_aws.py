"""Credentials by botocore's chain, and what an AWS host says of its service and region."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.credentials import RefreshableCredentials

from proxy.aws import credentials, named_by
from proxy.errors import AuthError
from proxy.lease import Leased
from tests.auth.secrets_manager import Aws


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("bedrock-agentcore.us-east-1.amazonaws.com", ("bedrock-agentcore", "us-east-1")),
        ("gw-ab12.gateway.bedrock-agentcore.eu-central-1.amazonaws.com", ("bedrock-agentcore", "eu-central-1")),
        ("GW.gateway.bedrock-agentcore.us-gov-west-1.AMAZONAWS.com", ("bedrock-agentcore", "us-gov-west-1")),
        ("bedrock-agentcore-fips.us-east-1.amazonaws.com", ("bedrock-agentcore", "us-east-1")),
        ("bedrock-agentcore.us-east-1.api.aws", ("bedrock-agentcore", "us-east-1")),
        ("vpce-1.gateway.bedrock-agentcore.us-east-1.vpce.amazonaws.com", ("bedrock-agentcore", "us-east-1")),
        ("a1b2.execute-api.ap-southeast-2.amazonaws.com", ("execute-api", "ap-southeast-2")),
        ("a1b2.execute-api.cn-north-1.amazonaws.com.cn", ("execute-api", "cn-north-1")),
        ("abc.lambda-url.eu-west-1.on.aws", ("lambda", "eu-west-1")),
        ("mcp.shop.example", None),
        ("127.0.0.1", None),
        ("bedrock-agentcore.us-east-1.amazonaws.com.evil.example", None),
        ("xbedrock-agentcore.us-east-1.amazonaws.com", None),
        ("", None),
    ],
)
def test_a_host_names_its_service_and_region(host: str, named: tuple[str, str] | None) -> None:
    assert named_by(host) == named


async def test_the_environments_keys_have_no_end(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("AWS_ACCESS_KEY_ID", "AKID")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bare.setenv("AWS_SESSION_TOKEN", "token")
    lease = await credentials()
    assert (lease.value.access_key, lease.value.secret_key, lease.value.token, lease.ends) == (
        "AKID",
        "secret",
        "token",
        None,
    )


async def test_a_profiles_keys_are_found_anew_when_it_changes(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("AWS_PROFILE", "shop")
    for key in ("AKIDOLD", "AKIDNEW"):
        (tmp_path / "credentials").write_text(f"[shop]\naws_access_key_id={key}\naws_secret_access_key=s\n")
        assert (await credentials()).value.access_key == key


async def test_a_containers_keys_end_when_it_says(aws: Aws) -> None:
    lease = await credentials()
    assert lease.value.access_key == "ASIA-1"
    assert lease.ends is not None
    assert abs(lease.ends - time.time() - aws.lasts) < 5


def test_botocore_still_keeps_the_end_where_it_is_read() -> None:
    assert "_expiry_time" in RefreshableCredentials.__init__.__code__.co_names


async def test_fifty_callers_share_one_load_that_does_not_block_the_loop(aws: Aws) -> None:
    await credentials()
    aws.loads, aws.slow_s = 0, 0.3
    leased = Leased("AWS credentials", credentials)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    found = await asyncio.gather(*(leased.get() for _ in range(50)))
    ticking.cancel()
    assert {keys.access_key for keys in found} == {"ASIA-1"}
    assert aws.loads == 1
    assert ticks > 10


async def test_none_found_says_what_to_do(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthError, match=r"AWS credentials: none found; give the process a role, or set AWS_PROFILE"):
        await credentials()


async def test_a_source_that_fails_is_named_without_its_text(
    bare: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    script = f"{sys.executable} -c \"import sys; sys.stderr.write('CANARY'); sys.exit(1)\""
    (tmp_path / "config").write_text(f"[profile broken]\ncredential_process = {script}\n")
    bare.setenv("AWS_PROFILE", "broken")
    with pytest.raises(AuthError, match=r"AWS credentials: CredentialRetrievalError; give") as raised:
        await credentials()
    bare.setenv("AWS_PROFILE", "missing")
    with pytest.raises(AuthError, match="ProfileNotFound"):
        await credentials()
    assert "CANARY" not in str(raised.value) + caplog.text


def test_botocore_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, proxy.auth, proxy.services; print([m for m in sys.modules if m.split('.')[0] == 'botocore'])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
