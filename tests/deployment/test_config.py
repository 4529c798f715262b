"""deploy_config.json: the published keys work, and everything that is wrong is said at once, with what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deployment.config import DeployConfig, this_python
from deployment.errors import ConfigError
from deployment.reading import read
from tests.deployment.people import UPSTREAM

FOLDER = Path(__file__).parents[2]
BASE = {"agent_name": "shop", "gateway_endpoint": UPSTREAM, "region": "us-east-1"}
ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:client-AbCdEf"
DISCOVERY = "https://id.example/.well-known/openid-configuration"
JWT = {"auth_mode": "jwt", "cognito_client_id": "c", "token_url": "https://id.example/token"}


def config(folder: Path, flags: Mapping[str, str] | None = None, **keys: Any) -> DeployConfig:
    """What is read from a file with BASE and these keys; a key of None is left out."""
    path = folder / "deploy_config.json"
    path.write_text(json.dumps({key: value for key, value in {**BASE, **keys}.items() if value is not None}))
    return read(path, flags or {}, None, building=False)


def findings(folder: Path, **keys: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        config(folder, **keys)
    return list(error.value.findings)


def test_the_published_file_is_read_with_its_nulls(tmp_path: Path) -> None:
    published = json.loads((FOLDER / "deploy_config.json").read_text())
    assert set(published) == {
        "agent_name",
        "gateway_endpoint",
        "region",
        "iam_role_name",
        "gateway_api_id",
        "auth_mode",
        "cognito_user_pool_id",
        "cognito_client_id",
        "cognito_domain",
    }
    path = tmp_path / "deploy_config.json"
    path.write_text(json.dumps(published))
    found = read(path, {"gateway_endpoint": UPSTREAM, "region": "us-east-1"}, None, building=True)
    assert (found.auth_mode, found.iam_role_name, found.artifact) == ("iam", None, "zip")


def test_flags_win_over_the_file_and_prompts_ask_only_for_what_is_missing(tmp_path: Path) -> None:
    asked: list[str] = []
    path = tmp_path / "deploy_config.json"
    path.write_text(json.dumps({"agent_name": "shop", "region": "eu-west-1"}))
    answers = {"gateway_endpoint": UPSTREAM}

    def ask(prompt: str) -> str:
        asked.append(prompt.partition(" ")[0])
        return answers[asked[-1]]

    found = read(path, {"region": "us-east-1", "agent_name": None}, ask, building=True)
    assert asked == ["gateway_endpoint"]
    assert (found.agent_name, found.region, found.gateway_endpoint) == ("shop", "us-east-1", UPSTREAM)


def test_what_is_missing_names_its_flag(tmp_path: Path) -> None:
    found = findings(tmp_path, agent_name=None, region="")
    assert [line.rpartition("--")[2] for line in found] == ["agent-name", "region"]


def test_paths_are_those_beside_the_config(tmp_path: Path) -> None:
    found = config(tmp_path, policies="p.toml", include=["a", "b.py"], requirements="r.txt")
    assert found.policies == tmp_path / "p.toml"
    assert found.include == (tmp_path / "a", tmp_path / "b.py")
    assert (found.requirements, found.folder) == (tmp_path / "r.txt", tmp_path)


def test_the_python_is_the_one_that_runs_the_deployer() -> None:
    assert this_python() == f"PYTHON_3_{min(sys.version_info.minor, 14)}"


def test_everything_wrong_is_found_at_once(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        agent_name="mcp-proxy",
        region="eu-centrl-1",
        gateway_endpoint="http://example.com/mcp",
        auth_mod="iam",
        auth_mode="IAM",
        inbound={"mode": "jwt", "discovery": "x"},
        lifecycle={"idle_s": 1},
        environment={"COGNITO_CLIENT_SECRET": "s3cret"},
        tags={"aws:x": "1"},
    )
    said = "\n".join(found)
    for part in (
        "write mcp_proxy",
        "did you mean eu-central-1?",
        "gateway_endpoint: must be https://",
        "auth_mod is not a key; did you mean auth_mode?",
        "auth_mode: must be 'none', 'iam', 'jwt' or 'identity'; did you mean iam?",
        "inbound.discovery is not a key; did you mean discovery_url?",
        "inbound.discovery_url: is missing",
        "lifecycle.idle_s: ",
        "environment.COGNITO_CLIENT_SECRET: a secret",
        "tags.aws:x",
    ):
        assert part in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"agent_name": "a" * 49}, f"write {'a' * 48}"),
        ({"agent_name": "1st proxy"}, "write proxy_1st_proxy"),
        ({"agent_name": "été"}, "write t"),
        ({"gateway_endpoint": "https://user:pw@example.com/mcp"}, "user or a password"),
        ({"gateway_endpoint": "example.com"}, "gateway_endpoint: must be an https://"),
        ({"iam_role_name": "a b"}, "iam_role_name: must match"),
        ({"gateway_api_id": "my gateway"}, "gateway_api_id: must be a gateway's id"),
        ({"gateway_api_id": "other-abcdefghij"}, "is not the gateway of gateway_endpoint, tools-abcdefghij"),
        ({"gateway": "tools-abcdefghij"}, "gateway: is the proxy's own upstream"),
        ({"gateway": ARN}, "gateway: is the proxy's own upstream"),
        (
            {"gateway_endpoint": "https://own.example/mcp", "gateway_api_id": ARN, "gateway": "tools-abcdefghij"},
            "gateway: is the proxy's own upstream",
        ),
        ({"auth_mode": "jwt", "token_url": "https://id.example/t"}, "cognito_client_id: is missing"),
        ({"auth_mode": "jwt", "cognito_client_id": "c"}, "token_url: is missing"),
        ({"auth_mode": "identity"}, "credential_provider: is missing"),
        ({"cognito_user_pool_id": "pool"}, "cognito_user_pool_id: must look like"),
        ({"token_url": "http://id.example/token"}, "token_url: must be https://"),
        ({"client_secret_arn": "file:/run/secret"}, "client_secret_arn: must be arn:"),
        ({"client_secret_arn": "s3cret"}, "client_secret_arn: must be arn:"),
        ({"cognito_client_secret": "s3cret"}, "--cognito-client-secret-file"),
        ({"inbound": {"mode": "jwt", "discovery_url": DISCOVERY}}, "allowed_clients"),
        ({"inbound": {"mode": "jwt", "allowed_clients": ["c"]}}, "inbound.discovery_url: is missing"),
        ({"inbound": {"allowed_clients": ["c"]}}, "inbound.mode: is iam"),
        (
            {"inbound": {"mode": "jwt", "discovery_url": "https://id.example/", "allowed_clients": ["c"]}},
            "must end in /.well-known/openid-configuration",
        ),
        (
            {"inbound": {"mode": "jwt", "discovery_url": DISCOVERY.replace("s:", ":"), "allowed_clients": ["c"]}},
            "inbound.discovery_url: must be https",
        ),
        ({"inbound": {"headers": ["Authorization"]}}, "inbound.mode jwt alone"),
        ({"inbound": {"headers": ["X-A", "x-a"]}}, "twice"),
        ({"inbound": {"headers": [f"X-{number}" for number in range(21)]}}, "inbound.headers: "),
        ({"inbound": {"headers": ["not a header"]}}, "inbound.headers[1]: must match"),
        ({"network": {"mode": "VPC", "subnets": ["subnet-12345678"]}}, "needs subnets and security_groups"),
        ({"network": {"subnets": ["subnet-12345678"]}}, "network.mode: is PUBLIC"),
        ({"network": {"mode": "VPC", "subnets": ["s-1"], "security_groups": ["sg-12345678"]}}, "network.subnets[1]"),
        ({"lifecycle": {"max_s": 600}}, "cannot idle for 900 s"),
        ({"lifecycle": {"max_s": 1_209_601}}, "lifecycle.max_s"),
        ({"environment": {"AUTH_MODE": "none"}}, "set by the deployer"),
        ({"environment": {"MCP_PROXY_CLIENT_SECRET": ARN}}, "set by the deployer"),
        ({"environment": {"MCP_PROXY_PORT": "9000"}}, "set by the deployer"),
        ({"environment": {"MCP_PROXY_UPSTREAM": "https://x.example"}}, "set by the deployer"),
        ({"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, "a secret"),
        ({"environment": {"AWS_ACCESS_KEY_ID": "x"}}, "a secret"),
        ({"environment": {"MY_API_KEY": "x"}}, "a secret"),
        ({"environment": {"db_password": "x"}}, "a secret"),
        ({"environment": {"DB_PASSWORD_PROD": "x"}}, "a secret"),
        ({"environment": {"API_TOKEN2": "x"}}, "a secret"),
        ({"environment": {"LOG": f"AKIA{'X' * 16}"}}, "a secret"),
        ({"environment": {"X": f"ghp_{'x' * 36}"}}, "a secret"),
        ({"environment": {"DATABASE": "postgres://user:pw@db.example/x"}}, "a secret"),
        ({"environment": {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Basic x"}}, "a secret"),
        ({"environment": {f"A{number}": "1" for number in range(50)}}, "50 at most"),
        ({"environment": {"not-a-name": "1"}}, "environment.not-a-name: must match"),
        ({"tags": {"mcp-policy-proxy": "x"}}, "marks what this deployer made"),
        ({"tags": {str(number): "" for number in range(50)}}, "49 and ours"),
        ({"endpoint": "DEFAULT"}, "endpoint: DEFAULT follows"),
        ({"endpoint": "pro-d"}, "endpoint: must match"),
        ({"artifact": "docker"}, "artifact: must be 'zip', 'container' or 'codebuild'"),
        ({"runtime": "PYTHON_3_10"}, "runtime: must be 'PYTHON_3_11'"),
        ({"policies": 3}, "policies: "),
        ({"inbound": "jwt"}, "inbound: "),
    ],
)
def test_one_wrong_thing_is_one_finding_that_says_what_to_do(tmp_path: Path, keys: dict[str, Any], part: str) -> None:
    found = findings(tmp_path, **keys)
    assert len(found) == 1
    assert part in found[0]
    assert "s3cret" not in found[0]
    assert found[0].startswith("deploy_config.json: ")


@pytest.mark.parametrize(
    "keys",
    [
        {"gateway_api_id": ARN},
        {"gateway": "front-0123456789", "gateway_api_id": "tools-abcdefghij"},
        {"gateway_endpoint": "http://127.0.0.1:9000/mcp"},
        {**JWT, "client_secret_arn": f"{SECRET}#client"},
        {"auth_mode": "identity", "credential_provider": "idp"},
        {
            "inbound": {
                "mode": "jwt",
                "discovery_url": DISCOVERY,
                "allowed_clients": ["c"],
                "headers": ["Authorization"],
            }
        },
        {"environment": {"GITHUB_TOKEN": SECRET, "DB_PASSWORD": "file:/run/db", "OTEL_TRACES_EXPORTER": "none"}},
        {"environment": {"OTEL_SERVICE_NAME": "other"}},
        {"network": {"mode": "VPC", "subnets": ["subnet-12345678"], "security_groups": ["sg-12345678"]}},
        {"region": "eu-central-1", "lifecycle": {"idle_s": 60, "max_s": 60}},
    ],
)
def test_what_is_right_is_accepted(tmp_path: Path, keys: dict[str, Any]) -> None:
    assert config(tmp_path, **keys).agent_name == "shop"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"agent_name": "a",\n "region": }', "line 2: is not JSON"),
        ("[]", "must be a JSON object"),
        (json.dumps(BASE)[:-1] + ', "region": "us-east-1"}', "region is there twice"),
        ("\ufeff\x00", "is not JSON"),
    ],
)
def test_a_file_that_is_no_config_is_said_to_be_none(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read(path, dict(BASE), None, building=False)
    assert len(error.value.findings) == 1
    assert part in error.value.findings[0]


def test_a_file_that_was_named_and_is_not_there_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read(tmp_path / "mine.json", dict(BASE), None, building=False)
    assert read(tmp_path / "deploy_config.json", dict(BASE), None, building=False).agent_name == "shop"


def building(folder: Path, **keys: Any) -> list[str]:
    """The findings of a deployment to be."""
    path = folder / "deploy_config.json"
    path.write_text(json.dumps({**BASE, **keys}))
    with pytest.raises(ConfigError) as error:
        read(path, {}, None, building=True)
    return list(error.value.findings)


def test_policies_that_do_not_load_are_found_together_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[[policy]]\nuse = "redcat"\n')
    found = building(tmp_path, policies="p.toml", agent_name="a-b")
    assert len(found) == 2
    assert "write a_b" in found[0]
    assert "did you mean 'redact'?" in found[1]


def test_policies_of_the_users_own_are_found_beside_their_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from policies.policy import Policy\n\n\nclass Mine(Policy):\n    pass\n")
    (tmp_path / "p.toml").write_text('[[policy]]\nuse = "mine:Mine"\n')
    path = tmp_path / "deploy_config.json"
    path.write_text(json.dumps({**BASE, "policies": "p.toml", "include": ["mine.py"]}))
    assert read(path, {}, None, building=True).policies == tmp_path / "p.toml"


def test_files_to_ship_that_are_missing_are_found(tmp_path: Path) -> None:
    found = building(tmp_path, policies="p.toml", include=["mine.py"], requirements="r.txt")
    assert [line.split(": ")[1] for line in found] == ["policies", "requirements", "include"]


def test_a_setting_that_the_proxy_would_refuse_is_found_before_anything_is_made(tmp_path: Path) -> None:
    found = building(tmp_path, environment={"MCP_PROXY_PORTT": "1"})
    assert len(found) == 1
    assert "MCP_PROXY_PORTT is not a setting" in found[0]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"auth_mode": "none", "inbound": {"headers": ["X-Tenant"]}},
        {**JWT, "scope": "a/b", "audience": "c"},
        {"auth_mode": "jwt", "cognito_client_id": "c", "cognito_user_pool_id": "us-east-1_AbCdEfGhI"},
        {"auth_mode": "identity", "credential_provider": "idp", "scope": "a"},
    ],
)
def test_the_proxy_starts_with_what_each_mode_sets(tmp_path: Path, keys: dict[str, Any]) -> None:
    path = tmp_path / "deploy_config.json"
    path.write_text(json.dumps({**BASE, **keys}))
    assert read(path, {}, None, building=True).agent_name == "shop"
