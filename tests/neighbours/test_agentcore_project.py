"""`export agentcore`: what the project holds. Whether the CLI takes it is for tests/interop/test_neighbours.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.export_agentcore import Project
from proxy.settings import load
from tests.neighbours.test_registry import ARN, INVOKED, cli

UPSTREAM = "https://gw-1.gateway.bedrock-agentcore.eu-central-1.amazonaws.com/mcp"
ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf"
JWT = {
    "MCP_PROXY_INBOUND": "platform",
    "MCP_PROXY_INBOUND_ISSUER": ISSUER,
    "MCP_PROXY_INBOUND_CLIENT_IDS": "one,two",
    "MCP_PROXY_INBOUND_SCOPES": "gateway/invoke",
}
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:upstream-AbCdEf"


def made(environ: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    facts = {"name": "shop-proxy", "settings": load(environ or {}), **more}
    document = Project(**facts).document()
    assert json.loads(json.dumps(document)) == document
    return document


def variables(document: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in document["runtimes"][0]["envVars"]}


def test_each_resource_has_the_name_in_its_own_alphabet() -> None:
    document = made({"MCP_PROXY_UPSTREAM": UPSTREAM, **JWT}, name="a-shop-proxy-with-a-long-name", arn=ARN)
    (runtime,), (gateway,), (credential,) = (
        document[kind] for kind in ("runtimes", "agentCoreGateways", "credentials")
    )
    assert document["name"] == "ashopproxywithalongname"
    assert runtime["name"] == "a_shop_proxy_with_a_long_name"
    assert gateway["name"] == "a-shop-proxy-with-a-long-name-gateway"
    assert gateway["targets"][0]["name"] == "a-shop-proxy-with-a-long-name"
    assert credential["name"] == gateway["targets"][0]["outboundAuth"]["credentialName"]


def test_the_runtime_has_the_settings_that_were_given_and_secrets_by_their_arn() -> None:
    environ = {
        "GATEWAY_ENDPOINT": UPSTREAM,
        "AUTH_MODE": "jwt",
        "COGNITO_DOMAIN": "shop",
        "COGNITO_CLIENT_ID": "one",
        "MCP_PROXY_CLIENT_SECRET": SECRET,
        "MCP_PROXY_REGION": "eu-central-1",
        "MCP_PROXY_SCOPE": "a b",
        "MCP_PROXY_FORWARD_HEADERS": "x-a, x-b",
        "MCP_PROXY_SHOW_POLICY_NAMES": "true",
        "MCP_PROXY_POLICIES": "/somewhere/policies.toml",
        "MCP_PROXY_BOUNDS__CALL_S": "30",
        "MCP_PROXY_PORT": "9000",
        "MCP_PROXY_SNAPSHOT": "/tmp/snapshot.json",
    }
    told = variables(made(environ))
    assert told == {
        "MCP_PROXY_HOST": "0.0.0.0",
        "MCP_PROXY_INBOUND": "platform",
        "MCP_PROXY_AUTH_MODE": "jwt",
        "MCP_PROXY_BOUNDS__CALL_S": "30",
        "MCP_PROXY_CLIENT_ID": "one",
        "MCP_PROXY_CLIENT_SECRET": SECRET,
        "MCP_PROXY_COGNITO_DOMAIN": "shop",
        "MCP_PROXY_FORWARD_HEADERS": "x-a,x-b",
        "MCP_PROXY_POLICIES": "policies.toml",
        "MCP_PROXY_REGION": "eu-central-1",
        "MCP_PROXY_SCOPE": "a b",
        "MCP_PROXY_SHOW_POLICY_NAMES": "true",
        "MCP_PROXY_UPSTREAM": UPSTREAM,
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
    }
    again = load({name: value for name, value in told.items() if name != "MCP_PROXY_POLICIES"})
    assert (again.upstream, again.forward_headers, again.bounds.call_s) == (UPSTREAM, ("x-a", "x-b"), 30)


def test_callers_with_tokens_are_checked_by_the_runtime_and_the_target_gets_one() -> None:
    document = made({"MCP_PROXY_UPSTREAM": UPSTREAM, **JWT}, arn=ARN, qualifier="prod")
    runtime, gateway = document["runtimes"][0], document["agentCoreGateways"][0]
    assert runtime["authorizerConfiguration"]["customJwtAuthorizer"] == {
        "discoveryUrl": f"{ISSUER}/.well-known/openid-configuration",
        "allowedClients": ["one", "two"],
        "allowedScopes": ["gateway/invoke"],
    }
    assert (runtime["authorizerType"], runtime["requestHeaderAllowlist"]) == ("CUSTOM_JWT", ["Authorization"])
    (target,) = gateway["targets"]
    assert target["endpoint"] == f"{INVOKED}?qualifier=prod"
    assert target["outboundAuth"]["type"] == "OAUTH"
    assert gateway["authorizerType"] == "AWS_IAM"
    told = variables(document)
    assert told["MCP_PROXY_INBOUND_ISSUER"] == ISSUER
    load(told)


def test_without_tokens_the_runtime_checks_iam_and_the_notes_say_what_cannot_call_it() -> None:
    project = Project(name="p", settings=load({"MCP_PROXY_UPSTREAM": UPSTREAM}), arn=ARN)
    document = project.document()
    assert "authorizerType" not in document["runtimes"][0]
    assert document["credentials"] == []
    assert document["agentCoreGateways"][0]["targets"][0]["outboundAuth"] == {"type": "NONE"}
    assert any("setup_and_deploy.py" in note for note in project.notes())


def test_before_there_is_an_arn_there_is_no_gateway_and_the_notes_say_so() -> None:
    project = Project(name="p", settings=load({}))
    assert project.document()["agentCoreGateways"] == []
    assert ["--arn" in note for note in project.notes()] == [True]


def test_a_query_of_the_upstream_is_in_the_file_and_the_notes_say_so() -> None:
    project = Project(name="p", settings=load({"MCP_PROXY_UPSTREAM": f"{UPSTREAM}?key=hunter2"}))
    (note,) = [note for note in project.notes() if "query" in note]
    assert "must hold no secret" in note
    assert "hunter2" not in note


@pytest.mark.parametrize(
    ("environ", "more", "said"),
    [
        ({"MCP_PROXY_STDIO": "npx server"}, {}, "setting stdio"),
        ({"MCP_PROXY_UPSTREAM": "https://user:hunter2@h/mcp"}, {}, "setting upstream"),
        ({"MCP_PROXY_CLIENT_SECRET": "env:hunter2"}, {}, "setting client_secret"),
        ({"MCP_PROXY_API_KEY": "file:/hunter2"}, {}, "setting api_key"),
        ({"MCP_PROXY_API_KEY": "arn:hunter2"}, {}, "setting api_key"),
        ({}, {"arn": ARN}, "the gateway that calls it"),
        ({}, {"name": "1-proxy"}, "--name"),
        ({}, {"name": "a_proxy"}, "--name"),
        ({}, {"name": "proxy-"}, "--name"),
        ({}, {"name": "p" * 42}, "--name"),
        ({**JWT, "MCP_PROXY_INBOUND_ISSUER": "http://issuer.example"}, {}, "setting inbound_issuer"),
    ],
)
def test_what_cannot_be_there_is_refused_without_repeating_it(
    environ: dict[str, str], more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        made(environ, **more)
    assert "hunter2" not in str(caught.value)


def test_the_command_writes_the_project_and_notes_beside_it(tmp_path: Path) -> None:
    ran = cli("agentcore", "--upstream", UPSTREAM, "--name", "shop-proxy", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == made({"MCP_PROXY_UPSTREAM": UPSTREAM})
    assert ran.stderr.startswith("note: the gateway's target needs the Runtime's ARN")
