"""Finding the token endpoint: RFC 8414 and OIDC metadata, Cognito pools and domains."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.discovery import OAUTH, OIDC, of_domain, of_issuer, of_pool
from proxy.errors import AuthError
from proxy.tokens import ClientCredentials
from tests.auth.identity_provider import POOL, Given, Provider, running

RFC_8414, APPENDED, INSERTED = f"{OAUTH}/pool", f"/pool{OIDC}", f"{OIDC}/pool"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running(Provider()) as provider:
        yield provider


@pytest.mark.parametrize(
    ("hidden", "asked"),
    [
        (set(), [RFC_8414]),
        ({RFC_8414}, [RFC_8414, APPENDED]),
        ({RFC_8414, APPENDED}, [RFC_8414, APPENDED, INSERTED]),
    ],
)
async def test_each_place_of_an_issuers_metadata_is_tried(
    provider: Provider, hidden: set[str], asked: list[str]
) -> None:
    provider.hidden = hidden
    found = of_issuer(f"{provider.url}/pool")
    assert await found.url() == f"{provider.url}/oauth2/token"
    assert await found.url() == f"{provider.url}/oauth2/token"
    assert provider.asked == asked, "what was found is remembered"


@pytest.mark.parametrize("form", ["/pool", "/pool/", f"/pool{OIDC}"])
async def test_the_issuer_may_be_given_with_a_slash_or_as_its_documents_url(provider: Provider, form: str) -> None:
    assert await of_issuer(provider.url + form).url() == f"{provider.url}/oauth2/token"


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"issuer": "https://other.example/pool"}, "is of another issuer"),
        ({"issuer": None}, "is of another issuer"),
        ({"token_endpoint": None}, "names no token endpoint"),
        ({"token_endpoint": 7}, "names no token endpoint"),
        ({"token_endpoint": "http://auth.example/token"}, "must be https://"),
        ({"token_endpoint": "https://user:CANARY@auth.example/token"}, "must not hold"),
        ({"token_endpoint": "/oauth2/token"}, "must be an https"),
    ],
)
async def test_metadata_that_cannot_be_used_is_not(provider: Provider, metadata: dict[str, Any], problem: str) -> None:
    provider.metadata = metadata
    with pytest.raises(AuthError, match=problem) as raised:
        await of_issuer(f"{provider.url}/pool").url()
    assert "MCP_PROXY_TOKEN_URL" in str(raised.value)
    assert "CANARY" not in str(raised.value)


async def test_an_issuer_that_is_not_there_is_named() -> None:
    with pytest.raises(AuthError, match=r"^127\.0\.0\.1:9: no token endpoint found"):
        await of_issuer("http://127.0.0.1:9/pool").url()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://cognito-idp.us-east-1.amazonaws.com/"),
        ("https://shop.auth.example/oauth2/token", "https://shop.auth.example/oauth2/token"),
    ],
)
async def test_a_pool_without_a_domain_gives_tokens_by_its_api(
    provider: Provider, endpoint: str | None, url: str
) -> None:
    provider.metadata = {"issuer": f"{provider.url}/{POOL}", "token_endpoint": endpoint}
    pool = of_pool(POOL, {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": provider.url})
    assert pool is not None
    assert await pool.url() == url


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({}, "https://cognito-idp.us-east-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "http://[::1]:2/"},
            "http://[::1]:2",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://cognito-idp.us-east-1.amazonaws.com",
        ),
    ],
)
def test_a_pools_metadata_is_where_the_sdks_own_variables_say(environ: dict[str, str], host: str) -> None:
    found = of_pool("us-east-1_A", environ)
    assert found is not None
    assert (found.issuer, found.locations) == (f"{host}/us-east-1_A", (f"{host}/us-east-1_A{OIDC}",))


async def test_a_token_endpoint_that_fails_is_found_anew(provider: Provider) -> None:
    client = ClientCredentials(
        endpoint=of_issuer(f"{provider.url}/pool"), secrets=Given(), client_id="client", secret="env:SECRET"
    )
    provider.metadata = {"token_endpoint": f"{provider.url}/gone"}
    with pytest.raises(AuthError, match="404"):
        await client.fetch()
    provider.metadata = {}
    assert (await client.fetch()).value == "token-1"
    await client.fetch()
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("pool", "document"),
    [
        ("us-east-1_AbC123", f"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbC123{OIDC}"),
        ("us-gov-west-1_x", f"https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_x{OIDC}"),
        ("AbC123", None),
        ("us-east-1_", None),
        ("evil.example/us-east-1_AbC", None),
        ("us-east-1_Ab/../C", None),
    ],
)
def test_a_pools_metadata_is_where_its_id_says(pool: str, document: str | None) -> None:
    found = of_pool(pool, {})
    assert (found.locations if found else None) == ((document,) if document else None)


@pytest.mark.parametrize(
    ("domain", "region", "url"),
    [
        ("shop", "eu-west-1", "https://shop.auth.eu-west-1.amazoncognito.com/oauth2/token"),
        ("shop", None, None),
        ("auth.shop.example", None, "https://auth.shop.example/oauth2/token"),
        ("https://auth.shop.example", None, "https://auth.shop.example/oauth2/token"),
        ("https://auth.shop.example/", None, "https://auth.shop.example/oauth2/token"),
        ("https://auth.shop.example/oauth2/token", None, "https://auth.shop.example/oauth2/token"),
        ("http://auth.shop.example", None, None),
        ("https://u:p@auth.shop.example", None, None),
    ],
)
def test_a_domain_is_a_prefix_a_host_or_a_url(domain: str, region: str | None, url: str | None) -> None:
    assert of_domain(domain, region) == url
