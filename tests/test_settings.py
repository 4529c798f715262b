"""Settings: everything wrong at once, and nothing read from anywhere but the environment that was given."""

from __future__ import annotations

import pytest

from proxy.errors import ConfigError
from proxy.settings import load


def test_header_names_are_given_separated_by_commas() -> None:
    assert load({"MCP_PROXY_FORWARD_HEADERS": "x-a, x-b"}).forward_headers == ("x-a", "x-b")


@pytest.mark.parametrize("value", ['["x-a"]', "not a header!", "x-a,authorization", "cookie", "mcp-name", "x-amz-date"])
def test_what_is_no_header_or_may_not_be_forwarded_is_a_finding(value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load({"MCP_PROXY_FORWARD_HEADERS": value})
    assert "forward_headers" in str(error.value)


def test_all_findings_come_at_once_and_each_names_its_variable() -> None:
    given = {
        "MCP_PROXY_PRT": "1",
        "MCP_PROXY_PORT": "x",
        "MCP_PROXY_BOUNDS__CALL_S": "0",
        "MCP_PROXY_BOUNDS__CAL_S": "1",
    }
    with pytest.raises(ConfigError) as error:
        load(given)
    said = "\n".join(error.value.findings)
    assert len(error.value.findings) == 4
    for part in ("MCP_PROXY_PRT", "MCP_PROXY_PORT?", "bounds.call_s", "MCP_PROXY_BOUNDS__CAL_S", "port"):
        assert part in said


def test_the_published_samples_names_are_accepted_and_flags_win() -> None:
    given = {"GATEWAY_ENDPOINT": "https://a.example/mcp", "AUTH_MODE": "jwt", "COGNITO_CLIENT_ID": "c"}
    settings = load(given, auth_mode="none")
    assert (settings.upstream, settings.auth_mode, settings.client_id) == ("https://a.example/mcp", "none", "c")


def test_the_processs_own_environment_is_not_read_when_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_PROXY_PORT", "1234")
    assert load({}).port == 8000
    assert load().port == 1234


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        ({"upstream": "https://a.example", "stdio": "x"}, "exclude each other"),
        ({"upstream": "ftp://a.example"}, "http"),
        ({"auth_mode": "passthrough", "snapshot": "x.json"}, "snapshot"),
    ],
)
def test_settings_that_contradict_each_other_are_findings(flags: dict[str, str], part: str) -> None:
    with pytest.raises(ConfigError) as error:
        load({}, **flags)
    assert part in str(error.value)
