"""`export registry`: every field of the published entry with its type, made from the tools that are published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.export import check, entry, project
from proxy.settings import load
from tests.mcp_wire import MODERN
from tests.neighbours.registry_rules import rewritten, shape_of
from tests.rich_upstream import RichUpstream
from tests.running import AUDIT_ONLY, proxy_before

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:bedrock-agentcore:eu-central-1:123456789012:runtime/policy_proxy-AbCdEf1234"
INVOKED = (
    "https://bedrock-agentcore.eu-central-1.amazonaws.com/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-central-1"
    "%3A123456789012%3Aruntime%2Fpolicy_proxy-AbCdEf1234/invocations"
)
TOOLS = [
    {
        "name": "lookup",
        "description": "Look up a customer.\n\nArgs:\n    id: Its id.\n\nReturns:\n    The profile.",
        "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "$defs": {"x": {}}},
        "outputSchema": {"type": "object"},
        "_meta": {"k": 1},
    },
    {"name": "untold", "title": "Has a title", "inputSchema": {"type": "object"}},
]


def given(**more: Any) -> Namespace:
    options = {"what": "registry", "name": None, "path": None, "url": None, "arn": None, "qualifier": None}
    return Namespace(**{**options, "token": None, **more})


def made(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    document = entry(given(**more), load({}, **(settings or {})), TOOLS).document()
    shape_of(document)
    return document


def test_an_entry_has_every_field_of_the_published_one_with_its_type() -> None:
    document = made(url="https://mcp.example.com/mcp")
    assert document["tool_list"][0] == {
        "name": "lookup",
        "parsed_description": {
            "main": "Look up a customer.",
            "args": "id: Its id.",
            "returns": "The profile.",
            "raises": None,
        },
        "schema": TOOLS[0]["inputSchema"],
    }
    assert document["tool_list"][1]["parsed_description"]["main"] == "Has a title"
    assert (document["server_name"], document["path"]) == ("mcp-policy-proxy", "/mcp-policy-proxy")
    assert (document["num_tools"], document["supported_transports"]) == (2, ["streamable-http"])


def test_a_deployed_proxy_is_at_its_invocation_url_and_wants_a_token() -> None:
    document = made(arn=ARN, name="Customer Tools", path="/tools")
    assert document["proxy_pass_url"] == INVOKED
    assert (document["auth_provider"], document["auth_type"]) == ("bedrock-agentcore", "oauth")
    assert document["headers"] == [{"Authorization": "Bearer $CUSTOMER_TOOLS_AUTH_TOKEN"}]
    assert {"bedrock", "agentcore"} <= set(document["tags"])
    assert (document["server_name"], document["path"]) == ("Customer Tools", "/tools")


JWT = {"inbound": "jwt", "inbound_issuer": "https://issuer.example", "inbound_audience": "proxy"}


@pytest.mark.parametrize(
    ("settings", "options", "kind", "headers"),
    [
        ({}, {}, "none", []),
        ({}, {"token": "env:TOKEN"}, "oauth", [{"Authorization": "Bearer $P_AUTH_TOKEN"}]),
        (JWT, {}, "oauth", [{"Authorization": "Bearer $P_AUTH_TOKEN"}]),
        (
            {**JWT, "inbound_header": "X-Authorization", "auth_mode": "passthrough"},
            {},
            "oauth",
            [{"X-Authorization": "Bearer $P_AUTH_TOKEN"}, {"Authorization": "Bearer $P_UPSTREAM_TOKEN"}],
        ),
    ],
    ids=["open", "asked with a token", "jwt", "two tokens"],
)
def test_a_proxy_of_ones_own_names_the_headers_that_its_callers_need(
    settings: dict[str, Any], options: dict[str, Any], kind: str, headers: list[dict[str, str]]
) -> None:
    document = made(settings, url="http://127.0.0.1:8000/mcp/", name="p", **options)
    assert (document["auth_type"], document["headers"]) == (kind, headers)


@pytest.mark.parametrize(
    ("options", "path", "url"),
    [
        ({"url": "http://h:8000/mcp"}, "/mcp-policy-proxy/", "http://h:8000/"),
        ({"url": "http://h:8000/mcp/", "path": "/a/b"}, "/a/b/", "http://h:8000/"),
        ({"url": "https://h/base/mcp/", "path": "/a/"}, "/a/", "https://h/base/"),
        ({"arn": ARN}, "/mcp-policy-proxy/", f"{INVOKED}/"),
    ],
    ids=["/mcp", "/mcp/", "below a base", "a Runtime"],
)
def test_what_the_registry_makes_of_an_entry_still_leads_to_the_proxy(
    options: dict[str, str], path: str, url: str
) -> None:
    assert rewritten(made(**options)) == (path, url)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "ftp://h/mcp"}, "--url"),
        ({"url": "https://user:secret@h/mcp"}, "--url"),
        ({"url": "https://h/mcp?token=secret"}, "--url"),
        ({"url": "https://h/m cp"}, "--url"),
        ({"url": "https://h/mcp\n"}, "--url"),
        ({"url": "https://[h/mcp"}, "--url"),
        ({"url": "https://h/mcp", "path": "tools"}, "--path"),
        ({"url": "https://h/mcp", "path": "/"}, "--path"),
        ({"url": "https://h/mcp", "path": "/a;}"}, "--path"),
        ({"url": "https://h/mcp", "name": " "}, "--name"),
        ({"url": "https://h/mcp", "name": "a\nb"}, "--name"),
        ({"url": "https://h/mcp", "name": "1shop", "token": "env:X"}, "--name"),
        ({"url": "https://h/mcp", "name": "日本", "path": "/x", "token": "env:X"}, "--name"),
        ({"arn": "arn:aws:secret"}, "ARN"),
    ],
)
def test_what_the_registry_would_refuse_is_refused_without_repeating_it(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        made(**options)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "--arn for a deployed proxy or --url"),
        ({"url": "https://h/mcp", "arn": ARN}, "not both"),
        ({"arn": ARN, "qualifier": "prod"}, "--qualifier"),
        ({"what": "agentcore", "url": "https://h/mcp"}, "--url"),
        ({"what": "agentcore", "path": "/x", "token": "env:X"}, "--path.*\n.*--token"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(given(**options))


def test_the_agentcore_project_takes_no_address_of_ones_own() -> None:
    check(given(what="agentcore", arn=ARN, qualifier="prod"))
    assert project(given(what="agentcore"), load({})).document()["runtimes"]


def cli(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MCP_PROXY_", "AWS_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-m", "proxy", "export", *arguments],
        cwd=cwd,
        env=clean | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_the_command_asks_the_running_proxy_and_writes_the_same_twice(tmp_path: Path) -> None:
    import asyncio

    hides = tmp_path / "hides.py"
    hides.write_text(
        "from policies.model import ALLOW, Deny\nfrom policies.policy import Policy\n\n\n"
        "class Hides(Policy):\n    def on_tool(self, tool, caller):\n"
        "        return Deny('hidden') if tool.name == 'echo' else ALLOW\n"
    )
    policies = AUDIT_ONLY + '[[policy]]\nuse = "hides:Hides"\n'
    async with RichUpstream(MODERN).running() as upstream, proxy_before(upstream.url, tmp_path, policies) as running:
        first, second = [await asyncio.to_thread(cli, "registry", "--url", running.url) for _ in range(2)]
        chain = str(tmp_path / "policies.toml")
        flags = ("--url", "https://mcp.example.com/mcp", "--upstream", upstream.url, "--policies", chain)
        by_settings = await asyncio.to_thread(cli, "registry", *flags)
    assert first.returncode == by_settings.returncode == 0, first.stderr + by_settings.stderr
    assert first.stdout == second.stdout
    document, other = json.loads(first.stdout), json.loads(by_settings.stdout)
    shape_of(document)
    names = {tool["name"] for tool in document["tool_list"]}
    assert "echo" not in names
    assert len(names) > 3
    assert other["tool_list"] == document["tool_list"]
    assert other["proxy_pass_url"] == "https://mcp.example.com/mcp"
    assert f"{len(names)} tools of {running.url}" in first.stderr


def test_the_command_says_what_is_wrong_and_how_it_is_used() -> None:
    wrong = cli("registry", "--url", "https://user:hunter2@mcp.example.com/mcp", "--arn", ARN)
    assert wrong.returncode == 1
    assert "not both" in wrong.stderr
    assert "hunter2" not in wrong.stdout + wrong.stderr
    assert cli("elsewhere").returncode == 2
    secret = cli("registry", "--client-secret", "hunter2")
    assert "hunter2" not in secret.stdout + secret.stderr
    assert "not accepted" in secret.stderr
