"""The whole story against the emulator: plan, deploy, verify, invoke, change, promote, destroy; nothing is left."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from deployment.artifact_zip import ZipArtifact
from deployment.bundle import Bundle
from tests.agentcore.emulator import Emulator
from tests.agentcore.test_tokens import furnish
from tests.deployment.artifact import SmallArtifact
from tests.deployment.built import built, wheel
from tests.deployment.people import Person
from tests.deployment.served import archive, upstream


@pytest.fixture
def shop(person: Person, small: type[SmallArtifact]) -> Person:
    """Somebody whose artifact serves three tools, on two pages."""
    small.body = archive()
    person.config["auth_mode"] = "none"
    return person


def test_deploy_verify_invoke_and_destroy(shop: Person, deployer: Emulator) -> None:
    shop.run("deploy")
    verified = shop.run("verify").document
    assert (verified["verified"], verified["tool_count"]) == (True, 3)
    assert set(verified) == {"verified", "tool_count", "verified_at"}
    result = shop.run("invoke", "echo", '{"a": 1}').document
    assert result["content"][0]["text"] == '{"a": 1}'
    assert shop.run("invoke", "fail", code=1).document["isError"] is True
    shop.run("destroy", "--yes", "--logs")
    assert deployer.left_over("shop") == []


def test_the_code_is_started_with_only_what_the_deployer_set(shop: Person, deployer: Emulator) -> None:
    shop.config["environment"] = {"MCP_PROXY_LOG_LEVEL": "debug"}
    shop.run("deploy")
    there = json.loads(shop.run("invoke", "variables").document["content"][0]["text"])
    platforms = {name for name in there if name.startswith("AWS_") or name in ("PATH", "MCP_PROXY_PORT", "LC_CTYPE")}
    assert set(there) - platforms == {
        "MCP_PROXY_HOST",
        "MCP_PROXY_INBOUND",
        "MCP_PROXY_REGION",
        "MCP_PROXY_LOG_LEVEL",
        "GATEWAY_ENDPOINT",
        "AUTH_MODE",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
    }


@pytest.mark.parametrize("codes", [[-32003], [-32005, -32003]])
def test_a_busy_platform_is_asked_again(shop: Person, deployer: Emulator, codes: list[int]) -> None:
    shop.run("deploy")
    deployer.world.faults.invocation_errors.extend(codes)
    assert shop.run("verify").document["verified"] is True


def test_a_lost_session_is_begun_anew(shop: Person, deployer: Emulator) -> None:
    shop.run("deploy")
    deployer.world.faults.lost_sessions = 1
    assert shop.run("verify").document["verified"] is True


def test_code_that_does_not_start_is_not_verified_and_the_reason_is_a_sentence(
    shop: Person, small: type[SmallArtifact]
) -> None:
    small.body = b"not a zip"
    shop.run("deploy")
    outcome = shop.run("verify", code=1).document
    assert (outcome["verified"], outcome["tool_count"]) == (False, None)
    assert "its log group shows why" in outcome["error"]


def test_there_is_nothing_to_verify_before_it_is_deployed(shop: Person, deployer: Emulator) -> None:
    assert "deploy it first" in shop.run("verify", code=1).document["error"]


def test_a_caller_without_the_permission_is_refused_at_the_runtimes_door(shop: Person, deployer: Emulator) -> None:
    shop.run("deploy")
    deployer.world.principals[deployer.environment["AWS_ACCESS_KEY_ID"]] = "arn:aws:iam::123456789012:user/visitor"
    error = shop.run("verify", code=1).document["error"]
    assert "the caller may not invoke it: InvokeAgentRuntime is needed on ARN" in error
    assert "user/visitor is not authorized" in error


@pytest.fixture
def with_tokens(shop: Person, deployer: Emulator) -> Iterator[str]:
    """The runtime wants tokens of a Cognito client: such a token."""
    pool, client, secret = furnish(boto3.client("cognito-idp"))
    front = deployer.url("cognito")
    shop.config["inbound"] = {
        "mode": "jwt",
        "discovery_url": f"{front}/{pool}/.well-known/openid-configuration",
        "allowed_clients": [client],
        "headers": ["Authorization"],
    }
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    asked = urllib.request.Request(f"{front}/oauth2/token", b"grant_type=client_credentials&scope=shop/read")
    asked.add_header("Authorization", f"Basic {basic}")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        yield json.loads(answer.read())["access_token"]


def test_a_runtime_that_wants_tokens_is_verified_with_one(shop: Person, with_tokens: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(with_tokens)
    shop.run("deploy")
    assert shop.run("verify", "--token", f"file:{file}").document["tool_count"] == 3
    file.write_text(with_tokens[:-8] + "AAAAAAAA")
    error = shop.run("verify", "--token", f"file:{file}", code=1).document["error"]
    assert "did not accept the caller's credentials" in error
    assert "give the caller's token" in shop.run("verify", code=2).document["findings"][0]
    assert with_tokens not in shop.said


MODULE = """
from loud import loudly
from policies.model import ALLOW, Modify, Result
from policies.policy import Policy


class Shout(Policy):
    async def on_result(self, call, result):
        if call.method != "tools/call":
            return ALLOW
        return Modify(Result(body={**result.body, "content": [{"type": "text", "text": loudly(call.name)}]}))
"""


def of_a_user(folder: Path) -> dict[str, Any]:
    """A policies.toml with a module beside it, and requirements for a wheel that no index has."""
    folder.mkdir()
    (folder / "policies.toml").write_text('[[policy]]\nuse = "shouting:Shout"\n')
    (folder / "shouting.py").write_text(MODULE)
    (folder / "requirements.txt").write_text("--no-index\n--find-links wheels\nloud>=1\n")
    wheel(folder / "wheels", "loud", "1.2", {"loud/__init__.py": "def loudly(text):\n    return text.upper() + '!'\n"})
    return {
        "policies": folder / "policies.toml",
        "include": (folder / "shouting.py",),
        "requirements": folder / "requirements.txt",
    }


@pytest.fixture
def host_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zip is built for this machine's platform, which is the one that the emulated Runtime has."""

    class HostArtifact(ZipArtifact):
        @cached_property
        def _bundle(self) -> Bundle:
            config = self._run.config
            return built(
                config.folder,
                "host",
                policies=config.policies,
                include=config.include,
                requirements=config.requirements,
            )

    monkeypatch.setitem(sys.modules, "deployment.artifact_zip", SimpleNamespace(ZipArtifact=HostArtifact))


@pytest.mark.interop
def test_the_real_artifact_runs_with_a_policy_of_the_users_and_its_dependency(
    person: Person, deployer: Emulator, host_artifact: None, tmp_path: Path
) -> None:
    shipped = of_a_user(tmp_path / "users")
    person.config |= {
        "auth_mode": "none",
        "policies": str(shipped["policies"]),
        "include": [str(shipped["include"][0])],
    }
    person.config |= {"requirements": str(shipped["requirements"]), "environment": {"OTEL_SDK_DISABLED": "true"}}
    with upstream() as url:
        person.config["gateway_endpoint"] = url
        person.run("deploy")
        assert person.run("verify").document["tool_count"] == 3
        assert person.run("invoke", "echo").document["content"][0]["text"] == "ECHO!"
        assert person.run("deploy").document["changed"] == []
        person.run("destroy", "--yes", "--logs")
    assert deployer.left_over("shop") == []
