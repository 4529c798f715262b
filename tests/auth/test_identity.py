"""auth_mode=identity: the proxy's own token from AgentCore Identity, let out by a call's workload token or its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from yarl import URL

from proxy.auth import Auth, outbound
from proxy.errors import AuthError, ConfigError
from proxy.lease import REFUSED_S
from proxy.settings import Settings, load
from tests.auth import agentcore_identity, identity_provider
from tests.auth.agentcore_identity import AgentCoreIdentity
from tests.auth.clocks import NOON, Clock
from tests.auth.identity_provider import Given, Provider
from tests.running import until

UPSTREAM = "https://mcp.example/mcp"
NAMED: dict[str, Any] = {"credential_provider": "gateway-client", "region": "us-east-1", "scope": "gateway/invoke a"}
CALLER = "wat-of-alice"


@pytest.fixture
async def service(bare: pytest.MonkeyPatch) -> AsyncIterator[AgentCoreIdentity]:
    async with agentcore_identity.serving(AgentCoreIdentity(NOON, workloads={CALLER}), bare) as service:
        yield service


@pytest.fixture
async def mode() -> AsyncIterator[Callable[..., Auth]]:
    """`mode(clock, **settings)`: the way, closed after the test."""
    async with contextlib.AsyncExitStack() as stack:

        def chosen(clock: Clock | None = None, **given: Any) -> Auth:
            settings = {"upstream": UPSTREAM, "inbound": "platform", "auth_mode": "identity", **NAMED, **given}
            whole = Settings.model_construct(**{**Settings.model_construct().model_dump(), **settings})
            auth = outbound(whole, Given(), environ={}, clock=clock or Clock())
            stack.push_async_callback(auth.close)
            return auth

        yield chosen


async def sent(auth: Auth, workload: str | None = None) -> str:
    """The Authorization value of a request on behalf of a call with this workload access token."""
    return (await auth.sign("POST", URL(UPSTREAM), {}, b"{}", "Bearer of-the-caller", workload))["Authorization"]


async def test_the_workload_token_of_the_call_gets_the_proxys_token(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    assert await sent(mode(audience="https://mcp.example"), CALLER) == f"Bearer {service.token(1)}"
    assert service.asked == [
        {
            "workloadIdentityToken": CALLER,
            "resourceCredentialProviderName": "gateway-client",
            "scopes": ["gateway/invoke", "a"],
            "oauth2Flow": "M2M",
            "audiences": ["https://mcp.example"],
        }
    ]


async def test_the_token_is_the_proxys_own_so_every_caller_shares_it(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    service.workloads.add("wat-of-bob")
    auth = mode()
    given = [await sent(auth, workload) for workload in (CALLER, "wat-of-bob", "wat-nobody-knows", None)]
    assert len(set(given)) == len(service.asked) == 1


async def test_fifty_calls_at_once_ask_once(service: AgentCoreIdentity, mode: Callable[..., Auth]) -> None:
    auth = mode()
    assert len(set(await asyncio.gather(*(sent(auth, CALLER) for _ in range(50))))) == 1
    assert len(service.asked) == 1


async def test_a_call_without_a_workload_token_fails_and_says_what_it_lacks(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    with pytest.raises(AuthError, match="brought no workload access token") as raised:
        await sent(mode())
    assert raised.value.told is not None
    assert "Runtime-User-Id" in raised.value.told
    assert service.asked == []


async def test_it_lasts_as_long_as_the_token_says_and_is_replaced_before(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    clock = Clock()
    auth = mode(clock)
    first = await sent(auth, CALLER)
    clock.now += service.lasts * 0.95
    service.now = clock.now
    assert await sent(auth, CALLER) == first, "the old one holds, and the next is fetched behind it"
    for _ in range(500):
        if await sent(auth, CALLER) != first:
            break
        await asyncio.sleep(0.01)
    clock.now += service.lasts
    with pytest.raises(AuthError):
        await sent(auth)
    assert [asked["workloadIdentityToken"] for asked in service.asked] == [CALLER] * 2


async def test_an_opaque_token_is_kept_for_minutes(service: AgentCoreIdentity, mode: Callable[..., Auth]) -> None:
    service.opaque = True
    clock = Clock()
    auth = mode(clock)
    await sent(auth, CALLER)
    clock.now += 200
    assert await sent(auth) == "Bearer CANARY-opaque"
    clock.now += 100
    with pytest.raises(AuthError):
        await sent(auth)


async def test_an_own_identity_serves_whoever_brings_nothing(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    service.identities.add("proxy-own")
    auth = mode(inbound="none", workload_identity="proxy-own")
    await asyncio.wait_for(auth.ready(), 1)
    assert await sent(auth) == f"Bearer {service.token(1)}"
    assert service.owned == ["proxy-own"]
    assert service.asked[0]["workloadIdentityToken"] == "own-proxy-own"


async def test_a_call_that_brings_one_goes_before_the_own_identity_and_falls_back_to_it(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    service.identities.add("proxy-own")
    assert await sent(mode(workload_identity="proxy-own"), CALLER)
    assert service.owned == []
    assert await sent(mode(workload_identity="proxy-own"), "wat-nobody-knows")
    assert service.owned == ["proxy-own"]


async def test_a_client_secret_serves_where_there_is_no_workload_token(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    async with identity_provider.running(Provider()) as provider:
        auth = mode(token_url=f"{provider.url}/oauth2/token", client_id="client", client_secret="env:SECRET")
        assert await sent(auth) == "Bearer token-1"
        assert provider.forms == [{"grant_type": "client_credentials", "scope": "gateway/invoke a"}]
    assert service.asked == []


async def test_discovery_waits_for_the_first_token_and_again_when_it_has_ended(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    clock = Clock()
    auth = mode(clock)
    waiting = asyncio.create_task(auth.ready())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await sent(auth, CALLER)
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(auth.ready(), 1)
    clock.now += service.lasts
    waiting = asyncio.create_task(auth.ready())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()


async def test_refused_with_401_a_new_token_is_forced_once(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    auth = mode()
    first = await sent(auth, CALLER)
    assert not await auth.refused(403, CALLER)
    assert not await auth.refused(401, None), "without a workload token there is no way to another"
    assert await auth.refused(401, CALLER)
    assert await sent(auth, CALLER) != first
    assert [asked.get("forceAuthentication") for asked in service.asked] == [None, True]
    await auth.refused(401, CALLER)
    assert len(service.asked) == 2, f"at most once in {REFUSED_S:g} s"


async def test_a_refused_workload_token_is_no_answer_for_the_next_call(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    auth = mode()
    with pytest.raises(AuthError, match=r"GetResourceOauth2Token answered UnauthorizedException"):
        await sent(auth, "wat-nobody-knows")
    assert await sent(auth, CALLER)


async def test_who_waited_for_a_fetch_that_another_calls_token_failed_tries_its_own(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    service.gate.clear()
    auth = mode()
    bad, good = (asyncio.create_task(sent(auth, workload)) for workload in ("wat-nobody-knows", CALLER))
    await until(lambda: bool(service.asked))
    service.gate.set()
    with pytest.raises(AuthError):
        await bad
    assert await good
    assert [asked["workloadIdentityToken"] for asked in service.asked] == ["wat-nobody-knows", CALLER]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ((429, "ThrottlingException"), "ThrottlingException"),
        ((500, "InternalServerException"), "InternalServerException"),
        ((404, "ResourceNotFoundException"), "ResourceNotFoundException"),
        ((418, "CANARY"), "an error"),
    ],
)
async def test_a_failing_service_is_the_answer_for_everyone_for_a_moment(
    service: AgentCoreIdentity, mode: Callable[..., Auth], error: tuple[int, str], said: str
) -> None:
    service.error = error
    service.workloads.add("wat-of-bob")
    auth = mode()
    with pytest.raises(AuthError, match=f"answered {said}; does the role have") as raised:
        await sent(auth, CALLER)
    asked = len(service.asked)
    with pytest.raises(AuthError, match=said):
        await sent(auth, "wat-of-bob")
    assert len(service.asked) == asked, "and nobody asks it meanwhile"
    assert "CANARY" not in str(raised.value)
    assert CALLER not in str(raised.value)


async def test_a_provider_that_wants_a_user_to_consent_is_named_as_such(
    service: AgentCoreIdentity, mode: Callable[..., Auth]
) -> None:
    service.consent = True
    with pytest.raises(AuthError, match="asks for a user's consent; it must grant M2M") as raised:
        await sent(mode(), CALLER)
    assert "CANARY" not in str(raised.value)


async def test_a_token_of_a_call_goes_to_no_other_machine_in_the_clear(
    bare: pytest.MonkeyPatch, mode: Callable[..., Auth]
) -> None:
    bare.setenv("AWS_ENDPOINT_URL", "http://agentcore.example")
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-secret")
    with pytest.raises(AuthError, match="AgentCore Identity: the endpoint configured for it must be https://"):
        await sent(mode(), CALLER)


async def test_a_service_that_is_not_there_is_named(bare: pytest.MonkeyPatch, mode: Callable[..., Auth]) -> None:
    bare.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://127.0.0.1:9")
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-secret")
    with pytest.raises(AuthError, match=r"AgentCore Identity: could not be asked \(EndpointConnectionError\)"):
        await sent(mode(), CALLER)


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({"credential_provider": None}, "setting credential_provider: auth_mode=identity needs it"),
        ({"credential_provider": "arn:aws:x"}, "setting credential_provider: must be the provider's name"),
        ({"workload_identity": "arn:aws:x/y"}, "setting workload_identity: must be the name"),
        ({"region": None}, "setting region: auth_mode=identity needs that of the credential provider"),
        ({"inbound": "none"}, "setting workload_identity: auth_mode=identity needs it where no AgentCore Runtime"),
        ({"client_id": "c", "token_url": "https://a.example/t"}, "setting client_secret: "),
    ],
)
def test_what_is_missing_is_a_finding(mode: Callable[..., Auth], given: dict[str, Any], finding: str) -> None:
    with pytest.raises(ConfigError) as raised:
        mode(**given)
    assert [found for found in raised.value.findings if found.startswith(finding)] == list(raised.value.findings)


def test_the_region_of_the_upstreams_host_serves_where_none_is_configured(mode: Callable[..., Auth]) -> None:
    assert mode(region=None, upstream="https://g.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp")


@pytest.mark.parametrize(
    "name",
    [
        "WorkloadAccessToken",
        "X-Amz-Bedrock-AgentCore-Identity-WAT",
        "x-amzn-bedrock-agentcore-runtime-workload-accesstoken",
    ],
)
def test_no_configuration_forwards_a_workload_access_token(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be forwarded"):
        load({}, forward_headers=(name,))
