"""The emulator as a process: what it starts it ends, its environment is enough, what is left over it finds."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest

from tests.agentcore import emulator, emulator_moto
from tests.agentcore.account import ARN, BUCKET, RUNTIME_URL, Aws, artifact, boto_client, role
from tests.agentcore.emulator import Emulator
from tests.agentcore.model import CONTROL
from tests.agentcore.runtime_plane_serving import code_in

ROOT = Path(__file__).parents[2]


def ports(running: Emulator) -> set[int]:
    return {int(url.rpartition(":")[2]) for key, url in running.environment.items() if key.startswith("AWS_ENDPOINT")}


def closed(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_plain_boto3_needs_nothing_but_the_environment(deployer: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.session.Session()
    assert session.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/deployer"
    assert session.client(CONTROL).list_agent_runtimes()["agentRuntimes"] == []
    assert session.client("s3").list_buckets()["Buckets"] == []
    assert session.client("cognito-idp").list_user_pools(MaxResults=1)["UserPools"] == []
    assert {name for name in os.environ if name.startswith("AWS_")} == set(deployer.environment)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Exception, match="deployer → control plane"):
        boto3.session.Session().client(CONTROL).list_agent_runtimes()


def test_one_emulator_after_another_starts_in_half_a_second_and_knows_nothing_of_the_one_before(moto: str) -> None:
    took = []
    for _ in range(3):
        began = time.process_time()  # Of all threads, moto's too, and whatever else the machine is at.
        emulator_moto.reset(moto)
        running = Emulator(moto=moto)
        running.start()
        took.append(time.process_time() - began)
        assert Aws(running).runtime()["status"] == "CREATING"
        running.close()
    assert min(took) < 0.5


def test_closing_ends_the_thread_and_frees_the_ports_and_a_second_time_does_nothing(moto: str) -> None:
    before = set(threading.enumerate())
    running = Emulator(moto=moto)
    running.start()
    own = ports(running) - {int(moto.rpartition(":")[2])}
    own.add(int(running.url("gateway").rpartition(":")[2]))
    assert len(own) == 5
    assert not any(closed(port) for port in own)
    began = time.perf_counter()
    running.close()
    running.close()
    assert time.perf_counter() - began < 5
    assert all(closed(port) for port in own)
    assert {each.name for each in set(threading.enumerate()) - before if each.name == "agentcore"} == set()


async def test_as_a_context_manager_it_serves_while_the_loop_of_its_user_goes_on(moto: str) -> None:
    async with Emulator(moto=moto) as running:
        assert not any(closed(port) for port in ports(running))
    assert closed(int(running.environment["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"].rpartition(":")[2]))


def test_an_emulator_that_does_not_start_leaves_nothing_running(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("no such plane")

    monkeypatch.setattr(emulator.tokens, "app", broken)
    running = Emulator(moto=moto)
    with pytest.raises(OSError, match="no such plane"):
        running.start()
    assert [each for each in threading.enumerate() if each.name == "agentcore"] == []
    with pytest.raises(OSError, match="Bad file"):
        running.url("control")


def test_what_is_left_over_is_found_by_tag_and_by_name_in_the_emulator_and_in_moto(aws: Aws) -> None:
    environment, tags = aws.emulator.environment, {"mcp-policy-proxy": "shop"}
    pairs = [{"Key": "mcp-policy-proxy", "Value": "shop"}]
    assert aws.emulator.left_over("shop") == []  # Neither the role nor the bucket of this account is ours.
    aws.ready_runtime("tagged", tags=tags)
    aws.ready_runtime("shop")
    aws.ready_runtime("foreign")
    gateway = aws.ready_gateway()
    aws.target(gateway, "shop-target")
    aws.provider("shop-provider")
    aws.control.create_workload_identity(name="identity", tags=tags)
    boto_client("iam", environment).tag_role(RoleName="execution", Tags=pairs)
    statement = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role(environment, "gateway-role")
    boto_client("iam", environment).put_role_policy(
        RoleName="gateway-role", PolicyName="mcp-policy-proxy-invoke", PolicyDocument=policy
    )
    boto_client("s3", environment).put_object(Bucket=BUCKET, Key="shop/other.zip", Body=b"")
    boto_client("secretsmanager", environment).create_secret(Name="client", SecretString="x", Tags=pairs)
    boto_client("ecr", environment).create_repository(repositoryName="repository", tags=pairs)
    boto_client("cognito-idp", environment).create_user_pool(PoolName="pool", UserPoolTags=tags)
    boto_client("logs", environment).create_log_group(logGroupName="/aws/bedrock-agentcore/runtimes/shop-1-DEFAULT")
    boto_client("logs", environment).create_log_group(logGroupName="others")
    boto_client("codebuild", environment).create_project(
        name="project",
        source={"type": "S3", "location": "bucket/key"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "ARM_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=aws.role,
        tags=[{"key": "mcp-policy-proxy", "value": "shop"}],
    )
    found = {(each.kind, each.name) for each in aws.emulator.left_over("shop")}
    assert found == {
        ("runtime", "tagged"),
        ("runtime", "shop"),
        ("target of gate", "shop-target"),
        ("credential provider", "shop-provider"),
        ("secret", "bedrock-agentcore-identity!default/oauth2/shop-provider"),
        ("workload identity", "identity"),
        ("role", "execution"),
        ("inline policy of gateway-role", "mcp-policy-proxy-invoke"),
        ("object in artifacts", "shop/other.zip"),
        ("secret", "client"),
        ("repository", "repository"),
        ("build project", "project"),
        ("user pool", "pool"),
        ("log group", "/aws/bedrock-agentcore/runtimes/shop-1-DEFAULT"),
    }
    assert "shop" not in {each.name for each in aws.emulator.left_over()}
    assert ("runtime", "tagged") in {(each.kind, each.name) for each in aws.emulator.left_over()}


def test_a_provider_whose_secret_is_managed_leaves_nothing_when_it_is_gone(aws: Aws) -> None:
    aws.provider("shop-provider")
    aws.control.delete_oauth2_credential_provider(name="shop-provider")
    assert [each for each in aws.emulator.left_over("shop") if each.kind in ("secret", "credential provider")] == []


SERVER = """
import http.server, json, os

class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "shop", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "quote", "inputSchema": {"type": "object"}}]},
        }
        found = asked["method"] in results
        answer = {"result": results[asked["method"]]} if found else {"error": {"code": -32601, "message": "no"}}
        body = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), **answer}).encode() if "id" in asked else b""
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["MCP_PROXY_PORT"])), Server).serve_forever()
"""


def test_a_gateway_lists_the_tools_of_a_deployed_runtime_as_far_as_its_role_lets_it(deployer: Emulator) -> None:
    aws = Aws(deployer)
    aws.artifact = code_in(deployer.environment["AWS_ENDPOINT_URL"], "server.zip", SERVER)
    runtime = aws.ready_runtime(protocolConfiguration={"serverProtocol": "MCP"})
    aws.update(runtime, protocolConfiguration={"serverProtocol": "MCP"}, metadataConfiguration={"requireMMDSV2": True})
    assert aws.runtime_status(runtime)[-1] == "READY"
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"
    arn, gateway = f"{ARN}:runtime/{runtime}", aws.ready_gateway()
    endpoint = RUNTIME_URL.format(quote(arn, safe=""))
    refused = aws.target(gateway, "refused", endpoint=endpoint)["targetId"]
    assert aws.target_status(gateway, refused)[-1] == "FAILED"
    (reason,) = aws.control.get_gateway_target(gatewayIdentifier=gateway, targetId=refused)["statusReasons"]
    assert "gateway → runtime" in reason
    grant = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": [arn, f"{arn}/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    iam = boto_client("iam", deployer.environment)
    iam.put_role_policy(RoleName="execution", PolicyName="invoke", PolicyDocument=policy)
    target = aws.target(gateway, endpoint=endpoint)["targetId"]
    assert aws.target_status(gateway, target)[-1] == "READY"
    assert [tool["name"] for tool in deployer.world.gateways[gateway].targets[target].tools] == ["quote"]
    (started,) = running_below(os.getpid())
    began = time.perf_counter()
    deployer.close()
    assert time.perf_counter() - began < 10
    assert not Path(f"/proc/{started}").exists()


def running_below(process: int) -> list[int]:
    """Ids of the processes that `process` has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == process and state != "Z":
                found.append(int(stat.parent.name))
    return found


@contextlib.contextmanager
def process() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`python -m tests.agentcore`, and the environment that it printed."""
    command = [sys.executable, "-m", "tests.agentcore"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            environment = {}
            while "AWS_SECRET_ACCESS_KEY" not in environment:
                word, assignment = shlex.split(running.stdout.readline())
                assert word == "export"
                name, _, value = assignment.partition("=")
                environment[name] = value
            yield running, environment
        finally:
            if running.poll() is None:
                running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_command_it_prints_what_a_shell_needs_and_ends_when_it_is_told_to(number: int) -> None:
    with process() as (running, environment):
        made = Aws.__new__(Aws)
        made.role, made.artifact = role(environment), artifact(environment)
        made.control = boto_client(CONTROL, environment)
        assert made.runtime()["status"] == "CREATING"
        running.send_signal(number)
        _, errors = running.communicate(timeout=20)
        assert (running.returncode, errors) == (0, "")
    assert closed(int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2]))
