"""The issuer: what boto3 and the proxy's own token client get of it, what it refuses, and how a token is checked."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from proxy.discovery import of_issuer
from proxy.tokens import ClientCredentials
from tests.agentcore import tokens
from tests.agentcore.runtime_plane_serving import agentcore, allow, role, serving, user_keys
from tests.agentcore.signatures import mint
from tests.agentcore.signatures_iam import DIRECTORY, VAULT, Permissions, moto_client, session
from tests.agentcore.tokens_check import BadBearerError, claims_of
from tests.agentcore.tokens_identity import Identity, add_routes
from tests.agentcore.tokens_pools import Pools, new_key
from tests.agentcore.world import Provider, Runtime, World
from tests.auth.identity_provider import Given

SCOPES = ["shop/read", "shop/write"]


@dataclass
class Front:
    """The issuer with one pool and one client in it."""

    url: str
    moto: str
    world: World
    pools: Pools
    pool: str
    client: str
    secret: str
    http: aiohttp.ClientSession

    @property
    def issuer(self) -> str:
        return f"{self.url}/{self.pool}"

    def cognito(self) -> Any:
        return moto_client("cognito-idp", self.url)

    def authorizer(self, **rules: Any) -> dict[str, Any]:
        return {"discoveryUrl": f"{self.issuer}/.well-known/openid-configuration", **rules}

    async def ask(self, form: dict[str, str], pair: tuple[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        name, secret = pair or (self.client, self.secret)
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
        async with self.http.post(
            f"{self.url}/oauth2/token", data=form, headers={"Authorization": f"Basic {basic}"}
        ) as answer:
            return answer.status, await answer.json()

    async def token(self, scope: str = "shop/read") -> str:
        status, answer = await self.ask({"grant_type": "client_credentials", "scope": scope})
        assert status == 200
        return str(answer["access_token"])


def furnish(cognito: Any, **client: Any) -> tuple[str, str, str]:
    """A pool with a domain, a resource server and a client: their ids and the client's secret."""
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=pool,
        Identifier="shop",
        Name="shop",
        Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")],
    )
    cognito.create_user_pool_domain(Domain=f"shop-{pool[-9:].lower()}", UserPoolId=pool)
    given = {
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": SCOPES,
        "AllowedOAuthFlowsUserPoolClient": True,
        **client,
    }
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="m2m", GenerateSecret=True, **given)
    return pool, made["UserPoolClient"]["ClientId"], made["UserPoolClient"]["ClientSecret"]


@pytest.fixture
async def front(moto: str) -> AsyncIterator[Front]:
    world = World()
    application = tokens.app(world, moto)
    async with serving(application) as url, aiohttp.ClientSession() as http:
        pool, client, secret = await asyncio.to_thread(furnish, moto_client("cognito-idp", url))
        yield Front(url, moto, world, application[tokens.POOLS], pool, client, secret, http)


async def test_the_proxys_own_client_gets_a_token_from_the_pools_metadata(front: Front) -> None:
    known = ClientCredentials(
        endpoint=of_issuer(front.issuer),
        secrets=Given(values={"env:SECRET": front.secret}),
        client_id=front.client,
        secret="env:SECRET",
        scope="shop/write",
    )
    lease = await known.fetch()
    claims = await claims_of(front.http, front.authorizer(), f"Bearer {lease.value}")
    assert {key: claims[key] for key in ("client_id", "scope", "token_use", "iss")} == {
        "client_id": front.client,
        "scope": "shop/write",
        "token_use": "access",
        "iss": front.issuer,
    }
    assert "aud" not in claims


async def test_without_a_scope_a_token_has_all_that_the_client_may_have(front: Front) -> None:
    _, answer = await front.ask({"grant_type": "client_credentials"})
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    claims = await claims_of(front.http, front.authorizer(), f"Bearer {answer['access_token']}")
    assert claims["scope"].split() == SCOPES


@pytest.mark.parametrize(
    ("form", "pair", "error"),
    [
        ({}, None, "invalid_request"),
        ({"grant_type": "password"}, None, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, ("nobody", "x"), "invalid_client"),
        ({"grant_type": "client_credentials"}, (None, "wrong"), "invalid_client"),
        ({"grant_type": "client_credentials", "scope": "shop/delete"}, None, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": "shop/read openid"}, None, "invalid_scope"),
    ],
)
async def test_a_bad_question_to_the_token_endpoint_has_its_error(
    front: Front, form: dict[str, str], pair: tuple[str | None, str] | None, error: str
) -> None:
    shown = None if pair is None else (pair[0] or front.client, pair[1])
    assert await front.ask(form, shown) == (400, {"error": error})


async def test_a_client_without_the_flow_and_a_pool_without_a_domain_have_no_token_endpoint(front: Front) -> None:
    def furnished() -> tuple[tuple[str, str], tuple[str, str], str]:
        cognito = front.cognito()
        _, name, secret = furnish(cognito, AllowedOAuthFlows=["code"])
        pool, lonely, its = furnish(cognito)
        domain = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["Domain"]
        cognito.delete_user_pool_domain(Domain=domain, UserPoolId=pool)
        return (name, secret), (lonely, its), pool

    flowless, lonely, pool = await asyncio.to_thread(furnished)
    for pair in (flowless, lonely):
        assert await front.ask({"grant_type": "client_credentials"}, pair) == (400, {"error": "unauthorized_client"})
    async with front.http.get(f"{front.url}/{pool}/.well-known/openid-configuration") as answer:
        assert "token_endpoint" not in await answer.json()


async def test_two_secrets_of_a_client_live_and_a_deleted_one_does_not(front: Front) -> None:
    cognito, which = front.cognito(), {"UserPoolId": front.pool, "ClientId": front.client}

    def turn() -> tuple[str, list[dict[str, Any]]]:
        added = cognito.add_user_pool_client_secret(**which)["ClientSecretDescriptor"]
        with pytest.raises(cognito.exceptions.LimitExceededException):
            cognito.add_user_pool_client_secret(**which)
        return added["ClientSecretValue"], cognito.list_user_pool_client_secrets(**which)["ClientSecrets"]

    fresh, listed = await asyncio.to_thread(turn)
    assert not any("ClientSecretValue" in each for each in listed)
    form = {"grant_type": "client_credentials"}
    assert [(await front.ask(form, (front.client, each)))[0] for each in (front.secret, fresh)] == [200, 200]

    first, second = (each["ClientSecretId"] for each in listed)
    await asyncio.to_thread(cognito.delete_user_pool_client_secret, **which, ClientSecretId=first)
    assert [(await front.ask(form, (front.client, each)))[0] for each in (front.secret, fresh)] == [400, 200]
    with pytest.raises(cognito.exceptions.InvalidParameterException):
        await asyncio.to_thread(cognito.delete_user_pool_client_secret, **which, ClientSecretId=second)


async def test_a_client_made_for_it_gets_its_token_without_any_domain(front: Front) -> None:
    cognito = session().client(
        "cognito-idp", region_name="us-east-1", endpoint_url=front.url, config=Config(signature_version=UNSIGNED)
    )

    def ask() -> dict[str, Any]:
        _, name, secret = furnish(front.cognito(), ExplicitAuthFlows=["ALLOW_CLIENT_TOKEN_AUTH"])
        with pytest.raises(cognito.exceptions.NotAuthorizedException):
            cognito.get_client_token(ClientId=name, Secret="x" * 24)
        with pytest.raises(cognito.exceptions.ResourceNotFoundException):
            cognito.get_client_token(ClientId="nobody", Secret=secret)
        with pytest.raises(cognito.exceptions.InvalidParameterException):
            cognito.get_client_token(ClientId=name, Secret=secret, Scopes=["shop/delete"])
        answer = cognito.get_client_token(ClientId=name, Secret=secret, Scopes=["shop/read"])
        found: dict[str, Any] = answer["ClientAuthenticationResult"]
        return found

    found = await asyncio.to_thread(ask)
    assert (found["ExpiresIn"], found["TokenType"], found["AccessToken"].count(".")) == (3600, "Bearer", 2)


@pytest.mark.parametrize("flows", [[], ["ALLOW_CLIENT_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]])
async def test_a_client_with_another_flow_gets_no_client_token(front: Front, flows: list[str]) -> None:
    def ask() -> None:
        cognito = front.cognito()
        _, name, secret = furnish(cognito, ExplicitAuthFlows=flows)
        with pytest.raises(cognito.exceptions.OperationNotEnabledException):
            cognito.get_client_token(ClientId=name, Secret=secret)

    await asyncio.to_thread(ask)


def parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def joined(header: dict[str, Any], claims: dict[str, Any], signature: str) -> str:
    texts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (header, claims)]
    return ".".join([*texts, signature])


def turned(token: str) -> str:
    """Another signature: its first character, all of whose bits count."""
    head, claims, signature = token.split(".")
    return f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


Spoil = Callable[[Front, str], str]


def resigned(**claims: Any) -> Spoil:
    def spoil(front: Front, token: str) -> str:
        changed = {**parts(token)[1], **claims}
        return front.pools.sign(front.pool, {key: value for key, value in changed.items() if value is not None})

    return spoil


WRONG: dict[str, tuple[Spoil, str]] = {
    "nothing": (lambda front, token: "", "not a Bearer token"),
    "no JWT": (lambda front, token: "abc", "Invalid"),
    "signature": (lambda front, token: turned(token), "Invalid"),
    "signature, gone": (lambda front, token: token.rsplit(".", 1)[0] + ".", "Invalid"),
    "algorithm none": (lambda front, token: joined({"alg": "none"}, parts(token)[1], ""), "Invalid"),
    "header": (
        lambda front, token: joined({**parts(token)[0], "x": 1}, parts(token)[1], token.split(".")[2]),
        "Invalid",
    ),
    "claims": (
        lambda front, token: joined(parts(token)[0], {**parts(token)[1], "scope": "all"}, token.split(".")[2]),
        "Invalid",
    ),
    "another pool's key": (lambda front, token: front.pools.sign("us-east-1_other", parts(token)[1]), "Invalid"),
    "issuer": (resigned(iss="http://127.0.0.1:1/other"), "'iss'"),
    "issuer, gone": (resigned(iss=None), "'iss'"),
    "end": (resigned(exp=1), "expired"),
    "end, gone": (resigned(exp=None), "'exp'"),
    "begin": (resigned(nbf=9_999_999_999), "not yet"),
    "client": (resigned(client_id="another"), "'client_id'"),
    "client, gone": (resigned(client_id=None), "'client_id'"),
    "audience": (resigned(aud=["another"]), "'aud'"),
    "audience, gone": (resigned(aud=None), "'aud'"),
    "custom claim": (resigned(tenant="another"), "'tenant'"),
}


def tenant_rule(value: str) -> dict[str, Any]:
    """One of an authorizer's `customClaims`."""
    match = {"claimMatchValue": {"matchValueString": value}, "claimMatchOperator": "EQUALS"}
    named = {"inboundTokenClaimName": "tenant", "inboundTokenClaimValueType": "STRING"}
    return {**named, "authorizingClaimMatchValue": match}


async def test_a_token_that_is_wrong_in_any_part_is_refused(front: Front) -> None:
    authorizer = front.authorizer(
        allowedClients=[front.client],
        allowedAudience=["proxy", "shop"],
        allowedScopes=["shop/read"],
        customClaims=[tenant_rule("a")],
    )
    token = resigned(aud="proxy", tenant="a")(front, await front.token())
    await claims_of(front.http, authorizer, f"Bearer {token}")
    for part, (spoil, told) in WRONG.items():
        with pytest.raises(BadBearerError, match=told) as caught:
            await claims_of(front.http, authorizer, f"Bearer {spoil(front, token)}")
        assert (part, caught.value.status) == (part, 401)


async def test_a_token_without_an_allowed_scope_is_known_and_refused(front: Front) -> None:
    with pytest.raises(BadBearerError) as caught:
        await claims_of(front.http, front.authorizer(allowedScopes=["shop/write"]), f"Bearer {await front.token()}")
    assert (caught.value.status, caught.value.error) == (403, "insufficient_scope")


async def test_tokens_of_keys_that_were_rotated_away_and_tokens_that_are_over_are_refused(front: Front) -> None:
    old = await front.token()
    front.pools.rotate(front.pool)
    with pytest.raises(BadBearerError, match="Invalid"):
        await claims_of(front.http, front.authorizer(), f"Bearer {old}")
    await claims_of(front.http, front.authorizer(), f"Bearer {await front.token()}")
    front.world.faults.token_life_s = -1
    with pytest.raises(BadBearerError, match="expired"):
        await claims_of(front.http, front.authorizer(), f"Bearer {await front.token()}")


class TestIdentity:
    """The data plane of AgentCore Identity, asked by boto3."""

    @pytest.fixture
    async def plane(self, front: Front) -> AsyncIterator[str]:
        identity = Identity(front.world, Permissions(front.moto))
        application = web.Application()
        add_routes(application.router, front.world, identity, lambda: front.http)
        front.world.identities["own"] = {"name": "own"}
        front.world.identities["shop-0123456789"] = {"name": "shop-0123456789"}
        runtime = Runtime(
            id="shop-0123456789", arn="arn", name="shop", workload_identity=f"{DIRECTORY}/x/shop-0123456789"
        )
        front.world.runtimes[runtime.id] = runtime
        custom = {"clientId": front.client, "oauthDiscovery": {"discoveryUrl": front.authorizer()["discoveryUrl"]}}
        front.world.providers["up"] = Provider(
            name="up",
            arn="arn",
            request={"oauth2ProviderConfigInput": {"customOauth2ProviderConfig": custom}},
            client_secret=front.secret,
        )
        async with serving(application) as url:
            yield url

    async def test_a_workload_of_its_own_gets_an_upstream_token_that_is_good(self, front: Front, plane: str) -> None:
        identity = agentcore(plane, user_keys(front.world))

        def ask() -> str:
            workload = identity.get_workload_access_token(workloadName="own")["workloadAccessToken"]
            answer = identity.get_resource_oauth2_token(
                workloadIdentityToken=workload,
                resourceCredentialProviderName="up",
                scopes=["shop/read"],
                oauth2Flow="M2M",
            )
            assert {key for key in answer if key != "ResponseMetadata"} == {"accessToken"}
            return str(answer["accessToken"])

        claims = await claims_of(front.http, front.authorizer(), f"Bearer {await asyncio.to_thread(ask)}")
        assert (claims["client_id"], claims["scope"]) == (front.client, "shop/read")

    @pytest.mark.parametrize(
        ("operation", "given", "kind"),
        [
            ("get_workload_access_token", {"workloadName": "none"}, "ResourceNotFoundException"),
            ("get_workload_access_token", {"workloadName": "shop-0123456789"}, "AccessDeniedException"),
            (
                "get_workload_access_token_for_user_id",
                {"workloadName": "shop-0123456789", "userId": "u"},
                "AccessDeniedException",
            ),
            ("get_resource_oauth2_token", {"workloadIdentityToken": "a.b.c"}, "UnauthorizedException"),
            ("get_resource_oauth2_token", {"resourceCredentialProviderName": "none"}, "ResourceNotFoundException"),
            ("get_resource_oauth2_token", {"oauth2Flow": "USER_FEDERATION"}, "ValidationException"),
            ("get_resource_oauth2_token", {"scopes": ["shop/delete"]}, "ValidationException"),
        ],
    )
    async def test_what_identity_refuses_has_its_error(
        self, front: Front, plane: str, operation: str, given: dict[str, Any], kind: str
    ) -> None:
        identity = agentcore(plane, user_keys(front.world))

        def ask() -> None:
            base: dict[str, Any] = {}
            if operation == "get_resource_oauth2_token":
                token = identity.get_workload_access_token(workloadName="own")["workloadAccessToken"]
                base = {"workloadIdentityToken": token, "resourceCredentialProviderName": "up", "scopes": []}
                base["oauth2Flow"] = "M2M"
            getattr(identity, operation)(**{**base, **given})

        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(ask)
        assert caught.value.response["Error"]["Code"] == kind

    async def test_a_role_gets_a_token_only_with_every_resource_allowed(self, front: Front, plane: str) -> None:
        resources = [
            DIRECTORY,
            f"{DIRECTORY}/workload-identity/own",
            VAULT,
            f"{VAULT}/oauth2credentialprovider/up",
        ]
        actions = ["bedrock-agentcore:GetWorkloadAccessToken", "bedrock-agentcore:GetResourceOauth2Token"]

        def ask(given: list[str]) -> None:
            arn = role(front.moto, "workload", [allow(actions, given)])
            identity = agentcore(plane, mint(front.world, arn, "i"))
            identity.get_resource_oauth2_token(
                workloadIdentityToken=identity.get_workload_access_token(workloadName="own")["workloadAccessToken"],
                resourceCredentialProviderName="up",
                scopes=[],
                oauth2Flow="M2M",
            )

        await asyncio.to_thread(ask, resources)
        for missing in resources:
            with pytest.raises(ClientError, match=f"AgentCore Identity: .*not authorized.*{missing}$"):
                await asyncio.to_thread(ask, [each for each in resources if each != missing])


def test_keys_have_names_of_their_own() -> None:
    assert new_key().kid != new_key().kid
