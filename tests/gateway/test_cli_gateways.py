"""Variables that the `agentcore` CLI gives to a project's runtimes: its gateway as upstream where nothing names one."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.settings import load

ONE = {"AGENTCORE_GATEWAY_MY_GW_URL": "https://g1.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"}
URL = ONE["AGENTCORE_GATEWAY_MY_GW_URL"]
KIND = "AGENTCORE_GATEWAY_MY_GW_AUTH_TYPE"
OTHER = {"AGENTCORE_GATEWAY_OTHER_URL": "https://g2.example/mcp"}


@pytest.mark.parametrize(
    ("environ", "flags", "expected"),
    [
        (ONE, {}, (URL, "none")),
        ({**ONE, KIND: "NONE"}, {}, (URL, "none")),
        ({**ONE, KIND: "AWS_IAM"}, {}, (URL, "iam")),
        ({**ONE, KIND: "CUSTOM_JWT"}, {}, (URL, "jwt")),
        ({**ONE, KIND: "CUSTOM_JWT", "MCP_PROXY_CREDENTIAL_PROVIDER": "p"}, {}, (URL, "identity")),
        ({**ONE, KIND: "CUSTOM_JWT", "AUTH_MODE": "api_key"}, {}, (URL, "api_key")),
        ({**ONE, KIND: "AWS_IAM", "MCP_PROXY_AUTH_MODE": "none"}, {}, (URL, "none")),
        ({**ONE, KIND: "CUSTOM_JWT"}, {"auth_mode": "passthrough"}, (URL, "passthrough")),
        ({**ONE, KIND: "AWS_IAM", "GATEWAY_ENDPOINT": "https://a.example/mcp"}, {}, ("https://a.example/mcp", "none")),
        ({**ONE, KIND: "AWS_IAM"}, {"upstream": "https://a.example/mcp"}, ("https://a.example/mcp", "none")),
        ({**ONE, **OTHER}, {"upstream": "https://a.example/mcp"}, ("https://a.example/mcp", "none")),
        ({**ONE, KIND: "AWS_IAM"}, {"stdio": "server"}, (None, "none")),
        ({**ONE, "AGENTCORE_GATEWAY_OTHER_URL": ""}, {}, (URL, "none")),
        ({"AGENTCORE_GATEWAY_URL": "https://a.example/mcp"}, {}, (None, "none")),
        ({KIND: "AWS_IAM"}, {}, (None, "none")),
    ],
)
def test_a_projects_gateway_is_the_upstream_where_nothing_else_is(
    environ: dict[str, str], flags: dict[str, Any], expected: tuple[str | None, str]
) -> None:
    settings = load(environ, **flags)
    assert (settings.upstream, settings.auth_mode) == expected


@pytest.mark.parametrize(
    ("environ", "finding"),
    [
        (
            {**OTHER, **ONE},
            "environment: AGENTCORE_GATEWAY_MY_GW_URL, AGENTCORE_GATEWAY_OTHER_URL name 2 gateways; set MCP_PROXY_UP",
        ),
        ({**ONE, KIND: "AUTHENTICATE_ONLY"}, f"environment: {KIND} is none of NONE, AWS_IAM, CUSTOM_JWT; set"),
        ({"AGENTCORE_GATEWAY_A_URL": "ftp://a.example"}, "setting upstream: must be an http:// or https:// URL"),
    ],
)
def test_what_cannot_be_chosen_is_a_finding_among_the_others(environ: dict[str, str], finding: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load({**environ, "MCP_PROXY_PRT": "1"})
    unknown, found = raised.value.findings
    assert unknown.startswith("environment: MCP_PROXY_PRT is not a setting")
    assert found.startswith(finding)
