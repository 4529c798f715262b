"""The client credentials grant against a token endpoint that checks what it gets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from proxy import fetch, lease
from proxy.discovery import Known
from proxy.errors import AuthError
from proxy.lease import Leased
from proxy.tokens import LONGEST_S, UNSAID_S, ClientCredentials
from tests.auth.clocks import NOON, Clock
from tests.auth.identity_provider import Given, Provider, jwt, running

ODD = "p@ss:w/o+r%d é&="


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running(Provider()) as provider:
        yield provider


def client(provider: Provider, secrets: Given | None = None, **settings: Any) -> ClientCredentials:
    return ClientCredentials(
        endpoint=Known(f"{provider.url}/oauth2/token"),
        secrets=secrets or Given(),
        client_id=provider.client[0],
        secret="env:SECRET",
        clock=Clock(),
        **settings,
    )


async def test_the_grant_is_form_encoded_with_basic_client_authentication(provider: Provider) -> None:
    lease = await client(provider).fetch()
    assert (lease.value, lease.ends) == ("token-1", NOON + 3600)
    assert provider.forms == [{"grant_type": "client_credentials"}]
    sent = {name.lower(): value for name, value in provider.headers[0].items()}
    assert sent["content-type"] == "application/x-www-form-urlencoded"
    assert sent["authorization"] == "Basic " + base64.b64encode(b"client:s3cret").decode()


async def test_scope_and_audience_are_sent_where_configured(provider: Provider) -> None:
    await client(provider, scope="tools/read tools/write", audience="https://api.example/&x").fetch()
    assert provider.forms == [
        {
            "grant_type": "client_credentials",
            "scope": "tools/read tools/write",
            "audience": "https://api.example/&x",
        }
    ]


async def test_an_id_and_a_secret_with_odd_characters_arrive_as_they_are(provider: Provider) -> None:
    provider.client = ("cl:ient é", ODD)
    assert (await client(provider, Given({"env:SECRET": ODD})).fetch()).value == "token-1"


async def test_the_secret_is_read_for_every_token_so_that_a_rotated_one_is_found(provider: Provider) -> None:
    secrets = Given()
    granted = client(provider, secrets)
    await granted.fetch()
    provider.client = ("client", "rotated")
    with pytest.raises(AuthError, match="invalid_client"):
        await granted.fetch()
    secrets.values["env:SECRET"] = "rotated"
    assert (await granted.fetch()).value == "token-3"


@dataclass
class Rotating(Given):
    """Gives `values[0]` first, and the later ones at the later readings."""

    given: tuple[str, ...] = ()

    async def get(self, reference: str) -> str:
        self.reads += 1
        return self.given[min(self.reads, len(self.given)) - 1]


@pytest.mark.parametrize(
    ("live", "given", "reads", "fetches", "token"),
    [
        (("old", "new"), ("old",), 1, 1, "token-1"),
        (("old", "new"), ("new",), 1, 1, "token-1"),
        (("new", None), ("old", "new"), 2, 2, "token-2"),
        (("new", None), ("old", "old"), 2, 1, None),
        (("newest", None), ("old", "new", "newest"), 2, 2, None),
    ],
)
async def test_a_refused_secret_is_read_once_more_and_tried_once_more_where_it_has_changed(
    provider: Provider,
    live: tuple[str, str | None],
    given: tuple[str, ...],
    reads: int,
    fetches: int,
    token: str | None,
) -> None:
    provider.client, provider.also = ("client", live[0]), live[1]
    secrets = Rotating(given=given)
    with contextlib.nullcontext() if token else pytest.raises(AuthError, match="invalid_client"):
        assert (await client(provider, secrets).fetch()).value == token
    assert (secrets.reads, provider.fetches) == (reads, fetches)


async def test_another_refusal_than_that_of_the_client_does_not_read_the_secret_again(provider: Provider) -> None:
    provider.status, provider.answer = 400, {"error": "invalid_scope"}
    secrets = Rotating(given=("s3cret", "other"))
    with pytest.raises(AuthError):
        await client(provider, secrets).fetch()
    assert (secrets.reads, provider.fetches) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ({"expires_in": 60}, NOON + 60),
        ({"expires_in": "60"}, NOON + 60),
        ({"expires_in": 60.5}, NOON + 60.5),
        ({"expires_in": 0}, NOON),
        ({"expires_in": -5}, NOON),
        ({"expires_in": 10**12}, NOON + LONGEST_S),
        ({"expires_in": 60, "access_token": jwt({"exp": NOON + 5})}, NOON + 60),
        ({"expires_in": None, "access_token": jwt({"exp": NOON + 900})}, NOON + 900),
        ({"expires_in": "soon", "access_token": jwt({"exp": NOON + 900})}, NOON + 900),
        ({"expires_in": True, "access_token": jwt({"exp": NOON + 900})}, NOON + 900),
        ({"expires_in": None, "access_token": jwt({"exp": 1e30})}, NOON + LONGEST_S),
        ({"expires_in": None, "access_token": jwt({"sub": "x"})}, NOON + UNSAID_S),
        ({"expires_in": None, "access_token": "a.%%%.c"}, NOON + UNSAID_S),
        ({"expires_in": None, "access_token": "a.WzFd.c"}, NOON + UNSAID_S),
        ({"expires_in": None}, NOON + UNSAID_S),
        ({"expires_in": [1]}, NOON + UNSAID_S),
    ],
)
async def test_when_it_ends(provider: Provider, answer: dict[str, Any], ends: float) -> None:
    provider.answer = answer
    found = (await client(provider).fetch()).ends
    assert found is not None
    assert math.isclose(found, ends)


@pytest.mark.parametrize(
    ("misbehaviour", "problem"),
    [
        (
            {"status": 400, "answer": {"error": "invalid_scope", "error_description": "CANARY"}},
            r"400 \(invalid_scope\)",
        ),
        ({"status": 401, "answer": {"error": "CANARY"}}, "401; check client id"),
        ({"status": 400, "answer": {"error": ["CANARY"]}}, "400; check client id"),
        ({"status": 500, "raw": b"<h1>CANARY</h1>"}, "500; check"),
        ({"status": 204, "raw": b""}, "204; check"),
        ({"raw": b"CANARY"}, "did not answer a JSON object"),
        ({"raw": b'["CANARY"]'}, "did not answer a JSON object"),
        ({"raw": b"\xff\xfe\x00"}, "did not answer a JSON object"),
        ({"raw": b"[" * 100_000}, "did not answer a JSON object"),
        ({"raw": b'{"access_token": "CANARY"'}, "did not answer a JSON object"),
        ({"answer": {"access_token": None}}, "no access token"),
        ({"answer": {"access_token": 7}}, "no access token"),
        ({"answer": {"access_token": ""}}, "no access token"),
        ({"answer": {"access_token": "CANARY\r\nX-Evil: 1"}}, "no access token"),
        ({"answer": {"token_type": "DPoP"}}, "not a bearer token"),
        ({"redirect": "https://elsewhere.example/CANARY"}, "307; redirects are not followed"),
        ({"endless": True}, "answered more than 1048576 bytes"),
    ],
)
async def test_a_misbehaving_endpoint_is_named_by_its_host_and_a_known_error_code_only(
    provider: Provider, misbehaviour: dict[str, Any], problem: str
) -> None:
    for name, value in misbehaviour.items():
        setattr(provider, name, value)
    with pytest.raises(AuthError, match=problem) as raised:
        await client(provider).fetch()
    assert str(raised.value).startswith(provider.url.removeprefix("http://"))
    assert "CANARY" not in str(raised.value)
    assert provider.fetches == 1


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    with pytest.raises(AuthError, match=r"^127\.0\.0\.1:9: could not be asked \(ConnectError: refused\)$"):
        await client(Provider(url="http://127.0.0.1:9")).fetch()


async def test_a_slow_endpoint_is_given_up_within_the_bound(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "FETCH_S", 0.1)
    provider.slow_s = 5
    started = time.monotonic()
    with pytest.raises(AuthError, match=r"access token: no answer within 0\.1 s"):
        await Leased("access token", client(provider).fetch).get()
    assert time.monotonic() - started < 1


async def test_a_secret_that_cannot_be_read_is_named(provider: Provider) -> None:
    with pytest.raises(AuthError, match="client secret: env:SECRET: is not there"):
        await client(provider, Given({})).fetch()
    assert provider.fetches == 0


async def test_proxy_variables_do_not_redirect_the_client_secret(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Provider()) as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        await client(provider).fetch()
        assert (provider.fetches, other.fetches) == (1, 0)


async def test_fifty_callers_share_one_token(provider: Provider) -> None:
    provider.slow_s = 0.05
    leased = Leased("access token", client(provider).fetch, clock=Clock())
    assert set(await asyncio.gather(*(leased.get() for _ in range(50)))) == {"token-1"}
    assert provider.fetches == 1


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://auth.example/token", None),
        ("http://127.0.0.1:1/token", None),
        ("http://[::1]/token", None),
        ("http://localhost/token", None),
        ("http://auth.example/token", "must be https://"),
        ("http://127.0.0.1.example/token", "must be https://"),
        ("https://user:pw@auth.example/token", "must not hold"),
        ("ftp://auth.example", "must be an https"),
        ("auth.example/token", "must be an https"),
        ("https://", "must be an https"),
        ("https://[::1", "is not a URL"),
    ],
)
def test_where_a_secret_may_be_sent(url: str, problem: str | None) -> None:
    found = fetch.problem_of(url)
    assert found == problem if problem is None else found is not None and problem in found
