"""What must not start: every finding at once, each with what to set."""

from __future__ import annotations

from typing import Any

import pytest

from policies.chain import Entry
from policies.policy import Policy
from policies.testing import services
from proxy.announcement import who_may_call
from proxy.callers import allowed, callers, refusals
from proxy.errors import ConfigError
from proxy.settings import load
from tests.inbound.conftest import Given

JWT = {"inbound": "jwt", "inbound_issuer": "https://issuer.example", "inbound_audience": "proxy"}
OAUTH = {
    "inbound": "oauth",
    "oauth_provider": "oidc",
    "oauth_issuer": "https://issuer.example",
    "oauth_client_id": "proxy",
    "oauth_client_secret": "env:SECRET",
}
COGNITO = {**OAUTH, "oauth_provider": "cognito", "oauth_issuer": None, "oauth_user_pool_id": "us-east-1_AbC"}


def found(flags: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        callers(load({}, **flags), Given())
    return "\n".join(error.value.findings)


@pytest.mark.parametrize("flags", [{}, JWT, OAUTH, COGNITO, {"inbound": "platform"}])
def test_a_complete_configuration_has_no_finding(flags: dict[str, Any]) -> None:
    callers(load({}, **flags), Given())


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"inbound": "jwt"}, ["inbound_issuer", "INBOUND_AUDIENCE", "INBOUND_CLIENT_IDS"]),
        ({**JWT, "inbound_issuer": "http://issuer.example"}, ["inbound_issuer: must be https"]),
        ({**JWT, "inbound_jwks_url": "http://issuer.example/keys"}, ["inbound_jwks_url: must be https"]),
        ({**JWT, "host": "0.0.0.0"}, ["public_url: inbound=jwt on 0.0.0.0"]),
        ({**JWT, "public_url": "http://mcp.example.com/mcp"}, ["public_url: must be https"]),
        ({**JWT, "public_url": "https://mcp.example.com/mcp?x=1"}, ["public_url: must be a plain URL"]),
        ({**JWT, "public_url": 'https://mcp.example.com/"mcp'}, ["public_url: must be a plain URL"]),
        ({**JWT, "allowed_hosts": "https://a.example"}, ["allowed_hosts"]),
        ({**JWT, "allowed_origins": "a.example"}, ["allowed_origins"]),
        ({"inbound": "oauth"}, ["oauth_provider", "oauth_client_id", "oauth_client_secret"]),
        ({**OAUTH, "oauth_issuer": None}, ["OAUTH_ISSUER"]),
        ({**OAUTH, "oauth_client_secret": "the secret itself"}, ["oauth_client_secret: is not a reference"]),
        ({**OAUTH, "oauth_signing_key": "the key itself"}, ["oauth_signing_key: is not a reference"]),
        ({**OAUTH, "oauth_storage": "/nowhere/at/all"}, ["oauth_storage"]),
        ({**OAUTH, "port": 0}, ["public_url"]),
        ({**OAUTH, "public_url": "https://example.com/team/mcp"}, ["public_url"]),
        ({**OAUTH, "inbound_audience": "a,b"}, ["inbound_audience"]),
        ({**OAUTH, "oauth_user_pool_id": "us-east-1_AbC"}, ["oauth_user_pool_id"]),
        ({**COGNITO, "oauth_user_pool_id": "nonsense"}, ["oauth_user_pool_id"]),
        ({"inbound_issuer": "https://issuer.example"}, ["inbound_issuer: inbound=none does not look at it"]),
        ({**JWT, "oauth_client_id": "x"}, ["oauth_client_id: inbound=jwt does not look at it"]),
        ({**JWT, "auth_mode": "passthrough"}, ["INBOUND_HEADER=X-Authorization"]),
        ({"inbound": "platform", "auth_mode": "passthrough"}, ["INBOUND_HEADER=X-Authorization"]),
        ({**JWT, "inbound_header": "X-Authorization", "forward_headers": "x-authorization"}, ["forward_headers"]),
        ({**JWT, "inbound_header": "Host"}, ["inbound_header"]),
        ({**JWT, "inbound_header": "a b"}, ["inbound_header"]),
        ({**JWT, "inbound_scopes": 'a"b'}, ["inbound_scopes"]),
        ({**JWT, "transport": "stdio"}, ["transport=stdio"]),
    ],
)
def test_what_is_missing_or_wrong_is_said(flags: dict[str, Any], parts: list[str]) -> None:
    said = found(flags)
    assert [part for part in parts if part not in said] == []


def test_the_two_token_scheme_is_the_way_out_of_passing_a_token_on() -> None:
    callers(load({}, **JWT, inbound_header="X-Authorization", auth_mode="passthrough"), Given())


class PerCaller(Policy):
    per_caller = True


def entries() -> list[Entry]:
    return [Entry(name="mine", policy=PerCaller(PerCaller.Config(), services()))]


def test_strangers_and_policies_by_caller_need_inbound_authentication() -> None:
    host, policy = refusals(load({}, host="0.0.0.0"), []), refusals(load({}), entries())
    assert len(host) == len(policy) == 1
    assert "0.0.0.0 is not loopback" in host[0]
    assert "MCP_PROXY_INBOUND" in host[0]
    assert "policy mine" in policy[0]


@pytest.mark.parametrize("flags", [JWT, OAUTH, {"inbound": "platform"}])
def test_with_inbound_authentication_both_are_possible(flags: dict[str, Any]) -> None:
    assert refusals(load({}, host="0.0.0.0", **flags), entries()) == []


def test_the_public_url_allows_its_own_name_and_origin() -> None:
    public = {"public_url": "https://mcp.example.com:8443/mcp", "allowed_hosts": "Internal.example"}
    names = allowed(load({}, **JWT, **public, allowed_origins="https://app.example"))
    assert names.hosts == {"mcp.example.com", "internal.example"}
    assert names.origins == {"https://mcp.example.com:8443", "https://app.example"}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mcp.example.com:443/mcp", "https://mcp.example.com"),
        ("https://MCP.Example.com/mcp", "https://mcp.example.com"),
        ("http://127.0.0.1:80/mcp", "http://127.0.0.1"),
        ("http://127.0.0.1:443/mcp", "http://127.0.0.1:443"),
        ("http://[::1]:8000/mcp", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_known_as_browsers_write_it(url: str, origin: str) -> None:
    assert allowed(load({}, **JWT, public_url=url)).origins == {origin}
    assert allowed(load({}, **JWT, allowed_origins=url.removesuffix("/mcp"))).origins == {origin}


def test_behind_the_platform_any_host_name_will_do() -> None:
    assert allowed(load({}, inbound="platform")).hosts is None


@pytest.mark.parametrize("issuer", ["https://user:CANARY@idp.example.com/t", "https://idp.example.com/t?x=CANARY"])
def test_who_may_call_is_told_without_what_may_be_a_secret_in_the_issuers_url(issuer: str) -> None:
    told = who_may_call(load({}, inbound="platform", inbound_issuer=issuer))
    assert "tokens of https://idp.example.com/t" in told
    assert "CANARY" not in told
