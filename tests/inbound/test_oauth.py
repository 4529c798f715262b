"""Logging in: a client that knows nothing but the URL ends with a token that opens both doors; no other does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastmcp import Client as SdkClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.inbound.front import front
from tests.inbound.issuer import serving
from tests.inbound.login import CALLBACK, Client, Provider
from tests.mcp_wire import MODERN, rpc
from tests.rich_upstream import RichUpstream

OIDC = {"oauth_provider": "oidc"}
COGNITO = {"oauth_provider": "cognito", "oauth_user_pool_id": "us-east-1_AbCdEfGhI"}
WHO = """
from policies.model import Respond, Result
from policies.policy import Policy

class Who(Policy):
    per_caller = True

    async def on_call(self, call):
        who = call.caller
        text = f"{who.subject} {who.issuer} {who.claims.get('scope')} {dict(who.asserted)}"
        return Respond(Result(body={"content": [{"type": "text", "text": text}]}))
"""
ECHO = {"name": "echo", "arguments": {}}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with serving(Provider()) as running:
        assert isinstance(running, Provider)
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=30)) as running:
        yield running


@contextlib.asynccontextmanager
async def logging_in(
    provider: Provider, tmp_path: Path, port: int | None = None, **flags: Any
) -> AsyncIterator[tuple[str, RichUpstream]]:
    (tmp_path / "secret").write_text("a-secret-of-this-proxy-at-the-issuer")
    asked = {
        "inbound": "oauth",
        "oauth_issuer": provider.name,
        "oauth_client_id": "proxy",
        "oauth_client_secret": f"file:{tmp_path / 'secret'}",
        **flags,
    }
    port = port or free_port()
    async with RichUpstream(MODERN).running() as upstream, front(upstream.url, tmp_path, port, **asked) as url:
        yield url, upstream


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize("kind", [OIDC, COGNITO], ids=["oidc", "cognito"])
async def test_a_client_that_knows_only_the_url_logs_in_and_calls(
    provider: Provider,
    session: aiohttp.ClientSession,
    tmp_path: Path,
    kind: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with logging_in(provider, tmp_path, **kind, inbound_scopes="openid", log_level="debug") as (url, upstream):
        answer = await Client(session, url).login()
        assert answer["status"] == 200, answer
        headers = {"authorization": f"Bearer {answer['access_token']}"}
        for method, params in (("tools/call", ECHO), ("prompts/list", None)):
            for _ in range(2):
                assert (await rpc(url, method, params, headers=headers)).status == 200
        seen = str(upstream.received)
    assert answer["access_token"] not in seen
    assert provider.given[0] not in seen
    logged = "".join([caplog.text, *capfd.readouterr()])
    assert "fastmcp" in logged
    for secret in (answer["access_token"], provider.given[0], *provider.forms[0].values()):
        if secret not in ("authorization_code", "proxy", provider.forms[0]["redirect_uri"]):
            assert secret not in logged
    assert provider.authorized[0]["code_challenge_method"] == "S256"
    assert "openid" in provider.authorized[0]["scope"]


class Kept:
    """Where the SDK's client keeps what it got."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def test_the_sdks_own_client_logs_in_and_calls(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    brought: list[dict[str, str]] = []

    async def redirect(url: str) -> None:
        brought.append(await Client(session, "").browse(url))

    async def called_back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**brought[-1])

    async with logging_in(provider, tmp_path, **OIDC) as (url, _):
        wanted = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="sdk")
        auth = OAuthClientProvider(url, wanted, Kept(), redirect, called_back)
        async with SdkClient(StreamableHttpTransport(url, auth=auth)) as client:
            result = await client.call_tool("untitled", {})
    assert result.content[0].text == "u"


async def test_policies_see_who_logged_in(provider: Provider, session: aiohttp.ClientSession, tmp_path: Path) -> None:
    (tmp_path / "who_logged_in.py").write_text(WHO)
    async with logging_in(provider, tmp_path, **OIDC, chain='[[policy]]\nuse = "who_logged_in:Who"\n') as (url, _):
        token = (await Client(session, url).login())["access_token"]
        headers = {"authorization": f"Bearer {token}", "x-amzn-bedrock-agentcore-runtime-user-id": "bob"}
        replies = [await rpc(url, "tools/call", ECHO, headers=headers) for _ in range(2)]
    for reply in replies:
        assert reply.result["content"][0]["text"] == f"alice {provider.name} openid read {{'user': 'bob'}}"


@pytest.mark.parametrize("scope", ["openid", None])
async def test_a_login_without_a_needed_scope_is_403(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path, scope: str | None
) -> None:
    provider.tokens["scope"] = scope
    async with logging_in(provider, tmp_path, **OIDC, inbound_scopes="openid read") as (url, _):
        token = (await Client(session, url).login())["access_token"]
        reply = await rpc(url, "tools/call", ECHO, headers={"authorization": f"Bearer {token}"})
    assert (reply.status, reply.messages[0]["error"]) == (403, "insufficient_scope")
    assert 'scope="openid read"' in reply.headers["WWW-Authenticate"]


async def test_a_wrong_verifier_gets_no_token_and_a_code_works_once(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with logging_in(provider, tmp_path, **OIDC) as (url, _):
        client = Client(session, url)
        await client.discover()
        await client.register()
        code = await client.authorize()
        assert (await client.exchange(code, code_verifier="x" * 50))["error"] == "invalid_grant"
        code = await client.authorize()
        assert (await client.exchange(code))["status"] == 200
        assert (await client.exchange(code))["error"] == "invalid_grant"


async def test_neither_the_issuers_token_nor_garbage_opens_a_door(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with logging_in(provider, tmp_path, **OIDC) as (url, upstream):
        token = (await Client(session, url).login())["access_token"]
        head, claims, signature = token.split(".")
        wrong = f"{head}.{claims}.{signature[::-1]}"
        for unfit in (provider.given[0], provider.token(), wrong, "garbage", "a.b.c"):
            reply = await rpc(url, "tools/call", ECHO, headers={"authorization": f"Bearer {unfit}"})
            assert (reply.status, reply.messages[0]["error"]) == (401, "invalid_token")
        assert not any(body["method"] == "tools/call" for _, body in upstream.received)


@pytest.mark.parametrize("tokens", [{"iss": "https://else.example"}, {"exp": 1}, {"client_id": "another"}])
async def test_an_issuers_token_that_is_unfit_for_this_proxy_does_not_log_in(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path, tokens: dict[str, Any]
) -> None:
    provider.tokens |= tokens
    async with logging_in(provider, tmp_path, **COGNITO) as (url, _):
        token = (await Client(session, url).login()).get("access_token", "a.b.c")
        reply = await rpc(url, "tools/call", ECHO, headers={"authorization": f"Bearer {token}"})
    assert reply.status == 401


async def test_the_proxy_starts_without_its_issuer_and_answers_503(provider: Provider, tmp_path: Path) -> None:
    provider.away = True
    async with logging_in(provider, tmp_path, **OIDC) as (url, _), aiohttp.ClientSession() as session:
        root = url.removesuffix("/mcp")
        for path in ("/authorize", "/.well-known/oauth-authorization-server"):
            async with session.get(root + path) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        reply = await rpc(url, "tools/call", ECHO, headers={"authorization": "Bearer a.b.c"})
        assert reply.status == 503
        async with session.get(root + "/.well-known/oauth-protected-resource") as answer:
            assert answer.status == 200


async def test_a_login_in_memory_ends_with_the_process_and_one_in_a_folder_does_not(
    provider: Provider, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    folder = tmp_path / "logins"
    folder.mkdir()
    statuses = []
    for flags in ({}, {"oauth_storage": folder}):
        port = free_port()
        async with logging_in(provider, tmp_path, port, **OIDC, **flags) as (url, _):
            headers = {"authorization": f"Bearer {(await Client(session, url).login())['access_token']}"}
        async with logging_in(provider, tmp_path, port, **OIDC, **flags) as (url, _):
            statuses.append((await rpc(url, "tools/call", ECHO, headers=headers)).status)
    assert statuses == [401, 200]
    kept = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert kept
    assert not any(token in kept for token in provider.given)


async def test_a_body_that_is_too_large_is_refused(provider: Provider, tmp_path: Path) -> None:
    async with (
        logging_in(provider, tmp_path, **OIDC) as (url, _),
        aiohttp.ClientSession() as session,
        session.post(url.removesuffix("/mcp") + "/register", data=b"x" * 100_000) as answer,
    ):
        assert answer.status == 413
