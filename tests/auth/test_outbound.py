"""Each auth mode, from its settings to the headers it adds and what it does when refused."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from policies.policy import Secrets
from proxy.auth import Auth, outbound
from proxy.auth_client import token_endpoint
from proxy.auth_modes import Iam
from proxy.connect import connect
from proxy.errors import AuthError, ConfigError, UpstreamError
from proxy.lease import REFUSED_S
from proxy.references import References
from proxy.settings import Settings, load
from proxy.upstream import Origin
from tests.auth import aws_verifier, identity_provider
from tests.auth.aws_verifier import Verifier
from tests.auth.clocks import Clock
from tests.auth.identity_provider import Given, Provider
from tests.auth.secrets_manager import Aws

UPSTREAM = "https://gw-1.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
URL_ = URL(UPSTREAM, encoded=True)
JSON = {"Content-Type": "application/json"}


def chosen(
    secrets: Secrets | None = None, environ: Mapping[str, str] | None = None, clock: Clock | None = None, **given: Any
) -> Auth:
    settings = Settings.model_construct(**{**Settings.model_construct().model_dump(), "upstream": UPSTREAM, **given})
    return outbound(settings, secrets or Given(), environ=environ or {}, clock=clock or Clock())


async def added(auth: Auth, authorization: str | None = None) -> dict[str, str]:
    return dict(await auth.sign("POST", URL_, JSON, b"{}", authorization))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with identity_provider.running(Provider()) as provider:
        yield provider


async def test_none_adds_nothing_even_when_the_caller_brings_a_token() -> None:
    auth = chosen(auth_mode="none")
    assert await added(auth, "Bearer of-the-caller") == {}
    assert not await auth.refused(401)


async def test_passthrough_gives_the_callers_own_value_and_nothing_without_one() -> None:
    auth = chosen(auth_mode="passthrough")
    assert await added(auth, "Bearer of-the-caller") == {"Authorization": "Bearer of-the-caller"}
    assert await added(auth) == {}
    assert not await auth.refused(401)


async def test_jwt_never_uses_the_callers_token(provider: Provider) -> None:
    auth = chosen(
        auth_mode="jwt", token_url=f"{provider.url}/oauth2/token", client_id="client", client_secret="env:SECRET"
    )
    assert await added(auth, "Bearer of-the-caller") == {"Authorization": "Bearer token-1"}
    await auth.close()


async def test_jwt_fetches_a_new_token_when_the_old_one_is_refused_with_401_and_not_with_403(
    provider: Provider,
) -> None:
    clock = Clock()
    auth = chosen(
        auth_mode="jwt",
        token_url=f"{provider.url}/oauth2/token",
        client_id="client",
        client_secret="env:SECRET",
        clock=clock,
    )
    assert await added(auth) == {"Authorization": "Bearer token-1"}
    assert not await auth.refused(403)
    assert await auth.refused(401)
    assert await added(auth) == {"Authorization": "Bearer token-2"}
    clock.now += REFUSED_S
    provider.status = 503
    assert not await auth.refused(401)
    assert await added(auth) == {"Authorization": "Bearer token-2"}


async def test_jwt_finds_the_token_endpoint_of_an_issuer(provider: Provider) -> None:
    auth = chosen(auth_mode="jwt", issuer=f"{provider.url}/pool", client_id="client", client_secret="env:SECRET")
    assert await added(auth) == {"Authorization": "Bearer token-1"}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"token_url": "https://a.example/t", "cognito_domain": "shop", "region": "us-east-1"}, "https://a.example/t"),
        (
            {"cognito_domain": "shop", "region": "us-east-1", "cognito_user_pool_id": "eu-west-1_A"},
            "https://shop.auth.eu-west-1.amazoncognito.com/oauth2/token",
        ),
        (
            {"cognito_domain": "shop", "region": "us-east-1"},
            "https://shop.auth.us-east-1.amazoncognito.com/oauth2/token",
        ),
    ],
)
async def test_the_token_endpoint_given_wins_then_the_domain(given: dict[str, str], url: str) -> None:
    found = token_endpoint(Settings.model_construct(**given), [])
    assert found is not None
    assert await found.url() == url


async def test_the_published_samples_secret_variable_works_with_one_warning(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"COGNITO_CLIENT_SECRET": "s3cret"}
    auth = chosen(
        References(environ),
        environ,
        auth_mode="jwt",
        token_url=f"{provider.url}/oauth2/token",
        client_id="client",
        upstream="https://mcp.example/mcp",
    )
    for _ in range(3):
        assert await added(auth) == {"Authorization": "Bearer token-1"}
    assert len(caplog.records) == 1
    assert "COGNITO_CLIENT_SECRET holds a secret in the environment" in caplog.text
    assert "s3cret" not in caplog.text


async def test_an_explicit_reference_wins_over_the_samples_variable(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    auth = chosen(
        environ={"COGNITO_CLIENT_SECRET": "other"},
        auth_mode="jwt",
        token_url=f"{provider.url}/oauth2/token",
        client_id="client",
        client_secret="env:SECRET",
    )
    assert await added(auth) == {"Authorization": "Bearer token-1"}
    assert caplog.records == []


async def test_an_api_key_is_read_once_and_again_when_refused() -> None:
    secrets = Given({"file:/key": "key-1"})
    auth = chosen(secrets, auth_mode="api_key", api_key="file:/key", api_key_header="X-Shop-Key")
    for _ in range(3):
        assert await added(auth) == {"X-Shop-Key": "key-1"}
    assert secrets.reads == 1
    secrets.values["file:/key"] = "key-2"
    assert await auth.refused(403)
    assert await added(auth) == {"X-Shop-Key": "key-2"}
    await auth.close()


@pytest.mark.parametrize("key", ["CANARY\r\nX-Evil: 1", "CANARY\x00", "CANARYü"])
async def test_an_api_key_that_does_not_fit_into_a_header_is_not_sent(key: str) -> None:
    auth = chosen(Given({"file:/key": key}), auth_mode="api_key", api_key="file:/key")
    with pytest.raises(AuthError, match="API key: file:/key holds characters that a header cannot carry") as raised:
        await added(auth)
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({"region": "eu-west-1"}, ("bedrock-agentcore", "us-east-1")),
        ({"upstream": "https://x.execute-api.eu-west-2.amazonaws.com/mcp"}, ("execute-api", "eu-west-2")),
        ({"upstream": "https://mcp.example/mcp", "region": "eu-west-1"}, ("bedrock-agentcore", "eu-west-1")),
        (
            {"upstream": "https://mcp.example/", "region": "eu-west-1", "service": "vpc-lattice-svcs"},
            ("vpc-lattice-svcs", "eu-west-1"),
        ),
        ({"service": "execute-api"}, ("execute-api", "us-east-1")),
    ],
)
def test_the_upstreams_host_names_service_and_region_and_settings_fill_in(
    given: dict[str, str], scope: tuple[str, str]
) -> None:
    auth = chosen(auth_mode="iam", **given)
    assert isinstance(auth, Iam)
    assert (auth.signer.service, auth.signer.region) == scope


async def test_iam_signs_with_fresh_keys_when_the_old_ones_are_refused(aws: Aws) -> None:
    verifier = Verifier("bedrock-agentcore", "eu-west-1", {"ASIA-2": ("CANARY-secret", "CANARY-token")})
    async with aws_verifier.running(verifier), aiohttp.ClientSession() as client:
        url = URL(f"http://127.0.0.1:{verifier.port}/runtimes/a%3Ab%2Fc/invocations", encoded=True)
        auth = outbound(Settings(upstream=str(url), auth_mode="iam", region="eu-west-1"), Given())
        statuses = []
        for _ in range(2):
            signed = await auth.sign("POST", url, JSON, b"{}", None)
            async with client.post(url, data=b"{}", headers={**JSON, **signed}) as answer:
                statuses.append(answer.status)
                if answer.status == 403:
                    assert await auth.refused(403)
        assert statuses == [403, 200]
        aws.down = True
        assert await auth.refused(403), "one refused the old keys late may still try with the new"
        assert aws.loads == 2
        await auth.close()


async def test_iam_does_not_try_again_with_the_same_keys(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("AWS_ACCESS_KEY_ID", "AKID")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    auth = chosen(auth_mode="iam")
    assert "Authorization" in await added(auth)
    assert not await auth.refused(403)


@pytest.mark.parametrize(
    ("given", "findings"),
    [
        (
            {"auth_mode": "jwt"},
            ["setting token_url: auth_mode=jwt needs", "setting client_secret: auth_mode=jwt", "setting client_id:"],
        ),
        (
            {"auth_mode": "jwt", "client_id": "c", "client_secret": "CANARY", "token_url": "http://auth.example/t"},
            ["setting token_url: must be https://", "setting client_secret: is not a reference"],
        ),
        (
            {"auth_mode": "jwt", "client_id": "c", "client_secret": "env:S", "cognito_domain": "shop"},
            ["setting cognito_domain: give a prefix (and MCP_PROXY_REGION)"],
        ),
        (
            {"auth_mode": "jwt", "client_id": "c", "client_secret": "env:S", "cognito_user_pool_id": "shop"},
            ["setting cognito_user_pool_id: must look like"],
        ),
        (
            {"auth_mode": "jwt", "client_id": "c", "client_secret": "env:S", "issuer": "https://a:CANARY@b.example"},
            ["setting issuer: must not hold"],
        ),
        ({"auth_mode": "iam", "upstream": None}, ["setting upstream: auth_mode=iam needs"]),
        ({"auth_mode": "iam", "upstream": "https://mcp.example/mcp"}, ["setting region: the upstream's host names no"]),
        ({"auth_mode": "api_key"}, ["setting api_key: auth_mode=api_key needs it; set MCP_PROXY_API_KEY"]),
        (
            {"auth_mode": "api_key", "api_key": "CANARY", "api_key_header": "Content-Length"},
            ["setting api_key: is not a reference", "setting api_key_header:"],
        ),
        ({"auth_mode": "api_key", "api_key": "env:K", "api_key_header": "a b"}, ["setting api_key_header:"]),
    ],
)
def test_all_that_is_wrong_is_found_at_once_and_no_value_repeated(given: dict[str, Any], findings: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        chosen(**given)
    assert len(raised.value.findings) == len(findings)
    for found, expected in zip(raised.value.findings, findings, strict=True):
        assert found.startswith(expected)
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("upstream", "warned"), [("http://mcp.example/mcp", 1), ("http://127.0.0.1:1/mcp", 0), (UPSTREAM, 0)]
)
def test_credentials_in_the_clear_are_warned_of(upstream: str, warned: int, caplog: pytest.LogCaptureFixture) -> None:
    chosen(auth_mode="passthrough", upstream=upstream)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * warned


async def test_a_secret_from_a_file_reaches_the_token_endpoint(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    auth = chosen(
        References({}),
        auth_mode="jwt",
        token_url=f"{provider.url}/oauth2/token",
        client_id="client",
        client_secret=f"file:{tmp_path}/secret",
    )
    assert await added(auth) == {"Authorization": "Bearer token-1"}


@pytest.mark.parametrize("mode", ["none", "iam", "jwt", "passthrough"])
@pytest.mark.parametrize("upstream", ["http://h:99999/", "http://[x", "http://[x]/", "http://h:port/", "http:///x"])
def test_a_url_that_is_none_is_a_finding_and_no_traceback(upstream: str, mode: str) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen(upstream=upstream, auth_mode=mode)
    assert caught.value.findings[0].startswith("setting upstream: ")
    with pytest.raises(ConfigError):
        connect(load({}, upstream=upstream), chosen(auth_mode="none"))


@pytest.mark.parametrize("command", ["   ", "'unbalanced"])
def test_a_command_that_is_none_is_a_finding_and_no_traceback(command: str) -> None:
    with pytest.raises(ConfigError):
        connect(load({}, stdio=command), chosen(auth_mode="none"))


@pytest.mark.parametrize(
    "reference", ["file:/srv/secret-place/key", "arn:aws:secretsmanager:us-east-1:123456789012:secret:secret-place"]
)
async def test_the_caller_learns_that_a_credential_is_missing_and_the_log_says_where_it_should_be(
    reference: str, aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    auth = chosen(References(), auth_mode="api_key", api_key=reference)
    upstream = connect(load({}, upstream="http://127.0.0.1:9/mcp"), auth)
    await upstream.open()
    try:
        with pytest.raises(UpstreamError) as caught:
            await upstream.request("tools/call", {"name": "t"}, Origin(version="2026-07-28"))
    finally:
        await upstream.close()
        await auth.close()
    assert caught.value.kind == "auth"
    assert "secret" not in f"{caught.value} {caught.value.data}"
    assert reference in caplog.text
