"""Cognito's GetClientToken: the token of a client without a domain, asked for through botocore."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from proxy.auth_client import token_endpoint
from proxy.cognito import api_of, region_of_api
from proxy.discovery import OIDC, Known
from proxy.errors import AuthError
from proxy.settings import Settings
from proxy.tokens import ClientCredentials
from tests.auth.clocks import NOON, Clock
from tests.auth.identity_provider import Given

POOL = "us-east-1_AbC123"
OLD, NEW = "old-secret-of-24-characters", "new-secret-of-24-characters"


@dataclass
class Pools:
    """The user pools API, in front of one pool without a domain. `live` are the secrets of its client."""

    live: set[str] = field(default_factory=lambda: {NEW})
    error: str | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def operation(self, request: web.Request) -> web.Response:
        assert request.headers["X-Amz-Target"] == "AWSCognitoIdentityProviderService.GetClientToken"
        assert "Authorization" not in request.headers, "AWS credentials count for nothing here"
        given = json.loads(await request.read())
        self.asked.append(given)
        error = self.error or (None if given["Secret"] in self.live else "NotAuthorizedException")
        if error:
            return _json({"__type": error, "message": "CANARY"}, 400)
        result = {"AccessToken": f"token-{len(self.asked)}", "ExpiresIn": 3600, "TokenType": "Bearer", **self.answer}
        return _json({"ClientAuthenticationResult": result})

    async def describe(self, request: web.Request) -> web.Response:
        return web.json_response({"issuer": f"{self.url}/{POOL}", "jwks_uri": f"{self.url}/{POOL}/keys"})


def _json(answer: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(answer), status=status, content_type="application/x-amz-json-1.1")


@contextlib.asynccontextmanager
async def serving(pools: Pools) -> AsyncIterator[Pools]:
    app = web.Application()
    app.router.add_post("/", pools.operation)
    app.router.add_get(f"/{POOL}{OIDC}", pools.describe)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    pools.url = f"http://{host}:{port}"
    try:
        yield pools
    finally:
        await runner.cleanup()


@pytest.fixture
async def pools(bare: pytest.MonkeyPatch) -> AsyncIterator[Pools]:
    async with serving(Pools()) as pools:
        bare.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", pools.url)
        yield pools


def client(secret: str = NEW, **settings: Any) -> ClientCredentials:
    return ClientCredentials(
        endpoint=Known(api_of("us-east-1")),
        secrets=Given({"env:SECRET": secret}),
        client_id="client",
        secret="env:SECRET",
        clock=Clock(),
        **settings,
    )


async def test_a_pool_without_a_domain_is_asked_by_its_api(pools: Pools) -> None:
    findings: list[str] = []
    endpoint = token_endpoint(Settings.model_construct(cognito_user_pool_id=POOL), findings)
    assert endpoint is not None
    lease = await ClientCredentials(
        endpoint=endpoint, secrets=Given({"env:S": NEW}), client_id="client", secret="env:S", scope="gw/a gw/b"
    ).fetch()
    assert (lease.value, findings) == ("token-1", [])
    assert pools.asked == [{"ClientId": "client", "Secret": NEW, "Scopes": ["gw/a", "gw/b"]}]


async def test_the_lifetime_is_the_apis(pools: Pools) -> None:
    assert (await client().fetch()).ends == NOON + 3600
    assert pools.asked == [{"ClientId": "client", "Secret": NEW}], "without scopes the client's own count"


async def test_a_secret_that_is_live_no_more_is_read_again_once(pools: Pools) -> None:
    class Rotated(Given):
        async def get(self, reference: str) -> str:
            self.reads += 1
            return OLD if self.reads == 1 else NEW

    credentials = ClientCredentials(
        endpoint=Known(api_of("us-east-1")), secrets=Rotated(), client_id="client", secret="env:SECRET"
    )
    assert (await credentials.fetch()).value == "token-2"
    assert [asked["Secret"] for asked in pools.asked] == [OLD, NEW]
    pools.live = {"another"}
    with pytest.raises(AuthError, match="NotAuthorizedException"):
        await client().fetch()
    assert len(pools.asked) == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [("TooManyRequestsException", "TooManyRequestsException"), ("CANARY", "an error"), ("ForbiddenException", "Forb")],
)
async def test_an_error_is_told_by_a_known_name_only(pools: Pools, error: str, said: str) -> None:
    pools.error = error
    with pytest.raises(AuthError, match=f"Cognito GetClientToken: answered {said}") as raised:
        await client().fetch()
    assert "CANARY" not in str(raised.value)
    assert NEW not in str(raised.value)


async def test_a_secret_goes_to_no_other_machine_in_the_clear(bare: pytest.MonkeyPatch) -> None:
    elsewhere = "http://cognito.example"
    bare.setenv("AWS_ENDPOINT_URL", elsewhere)
    with pytest.raises(AuthError, match="GetClientToken: the endpoint configured for it must be https://"):
        await client().fetch()
    findings: list[str] = []
    given = Settings.model_construct(cognito_user_pool_id=POOL)
    token_endpoint(given, findings, {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": elsewhere})
    assert [finding for finding in findings if "must be https://" in finding] == findings != []


async def test_an_answer_without_a_token_is_an_error(pools: Pools) -> None:
    pools.answer = {"AccessToken": ""}
    with pytest.raises(AuthError, match="answered no access token"):
        await client().fetch()


async def test_a_secret_that_the_api_cannot_take_is_not_shown(pools: Pools) -> None:
    with pytest.raises(AuthError, match=r"could not be asked \(ParamValidationError\)") as raised:
        await client(secret="CANARY").fetch()
    assert "CANARY" not in str(raised.value)


async def test_an_audience_which_the_api_does_not_know_is_not_ignored(pools: Pools) -> None:
    with pytest.raises(AuthError, match="takes no audience"):
        await client(audience="https://api.example").fetch()
    assert pools.asked == []


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://cognito-idp.us-east-1.amazonaws.com/", "us-east-1"),
        ("https://cognito-idp.us-east-1.amazonaws.com", "us-east-1"),
        ("https://cognito-idp-fips.us-gov-west-1.amazonaws.com/", "us-gov-west-1"),
        ("https://cognito-idp.us-east-1.amazonaws.com.evil.example/", None),
        ("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A/token", None),
        ("https://shop.auth.us-east-1.amazoncognito.com/oauth2/token", None),
    ],
)
def test_the_api_itself_may_be_given_as_token_url(url: str, region: str | None) -> None:
    assert region_of_api(url) == region


def test_a_pool_id_that_is_none_is_still_a_finding() -> None:
    findings: list[str] = []
    assert token_endpoint(Settings.model_construct(cognito_user_pool_id="x"), findings) is None
    assert findings == ["setting cognito_user_pool_id: must look like us-east-1_AbCdEfGhI"]
