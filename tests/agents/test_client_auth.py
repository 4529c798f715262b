"""The auth objects of agents, verified on the other side of a socket."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from aiohttp import web
from botocore.credentials import RefreshableCredentials

from proxy.arns import ENDPOINT_VARIABLE, invocation_url, region_of
from proxy.auth import BearerAuth, SigV4Auth
from proxy.client_tokens import Tokens
from proxy.discovery import Known
from proxy.errors import AuthError
from proxy.references import References
from proxy.tokens import ClientCredentials
from tests.agents.front import ARN, KEYS, TARGET, Asked, Front, running
from tests.auth.identity_provider import Provider
from tests.auth.identity_provider import running as issuing

CANARY = "canary-5b1d"
MESSAGE = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "grüße"}}


@pytest.fixture
async def front(keys: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    async with running(Front()) as front:
        keys.setenv(ENDPOINT_VARIABLE, front.url)
        yield front


async def asynchronous(auth: httpx2.Auth, method: str, url: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(auth=auth, follow_redirects=True, trust_env=False) as client:
        return await client.request(method, url, **options)


async def synchronous(auth: httpx2.Auth, method: str, url: str, **options: Any) -> httpx2.Response:
    def ask() -> httpx2.Response:
        with httpx2.Client(auth=auth, follow_redirects=True, trust_env=False) as client:
            return client.request(method, url, **options)

    return await asyncio.to_thread(ask)


Asks = Callable[..., Any]
both = pytest.mark.parametrize("ask", [asynchronous, synchronous])


@both
async def test_what_is_signed_is_what_is_sent(front: Front, ask: Asks) -> None:
    url = invocation_url(ARN)
    headers = [("Mcp-Name", "two  spaces"), ("X-Twice", "a"), ("x-twice", "b"), ("traceparent", "00-1-2-01")]
    answer = await ask(SigV4Auth(region_of(ARN)), "POST", url, json=MESSAGE, headers=headers)
    assert (answer.status_code, front.asked[0].verdict) == (200, "ok")
    assert front.asked[0].target == f"{TARGET}/invocations?qualifier=DEFAULT"
    assert json.loads(front.asked[0].body) == MESSAGE
    signed = front.asked[0].headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "host", "mcp-name", "x-amz-date", "x-amz-security-token", "x-twice"} <= set(signed)
    assert not {"traceparent", "user-agent", "connection"} & set(signed)


@both
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
@pytest.mark.parametrize("path", ["/a%20b/%E2%82%AC~/x%2Fy?b=2&a=%2F%3D&bare", "/", "/mcp?q=a=b&empty=", "/a:b@c"])
async def test_any_path_and_query_is_signed_as_it_goes_out(front: Front, ask: Asks, method: str, path: str) -> None:
    await ask(SigV4Auth("us-east-1"), method, front.url + path)
    assert front.asked[0].verdict == "ok"


async def test_a_body_that_is_streamed_is_read_and_signed(front: Front) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    def plain() -> Iterator[bytes]:
        yield from (b"one ", b"two")

    await asynchronous(SigV4Auth("us-east-1"), "POST", front.url, content=pieces())
    await synchronous(SigV4Auth("us-east-1"), "POST", front.url, content=plain())
    assert [(each.body, each.verdict) for each in front.asked] == [(b"one two", "ok")] * 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "canary-7f3a"}, "signature"),
        ({"AWS_ACCESS_KEY_ID": "AKIDOTHER"}, "unknown"),
        ({"AWS_SESSION_TOKEN": "canary-7f3a"}, "token"),
    ],
)
@both
async def test_wrong_keys_are_refused_and_said_once_without_a_secret(
    front: Front,
    keys: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ask: Asks,
    change: dict[str, str],
    why: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name, value in change.items():
        keys.setenv(name, value)
    auth = SigV4Auth("us-east-1")
    assert [(await ask(auth, "POST", front.url)).status_code for _ in range(2)] == [403, 403]
    assert front.asked[0].verdict == why
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 1
    assert warned[0].startswith("127.0.0.1 answered 403: the AWS credentials are refused (InvalidSig")
    ours = " ".join(record.getMessage() for record in caplog.records if record.name.startswith(("proxy", "botocore")))
    assert not any(secret in ours for secret in ("right", "canary-7f3a"))


async def test_scope_of_another_region_or_service_is_refused(front: Front) -> None:
    await asynchronous(SigV4Auth("us-west-2"), "POST", front.url)
    await asynchronous(SigV4Auth("us-east-1", service="execute-api"), "POST", front.url)
    assert [each.verdict for each in front.asked] == ["scope", "scope"]


async def test_the_region_of_an_aws_host_needs_no_saying(keys: pytest.MonkeyPatch) -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Authorization"].split("/")[2])
        return httpx2.Response(200)

    auth = SigV4Auth()
    with httpx2.Client(auth=auth, transport=httpx2.MockTransport(answer)) as client:
        client.post(invocation_url(ARN.replace("us-east-1", "eu-west-1")))
        with pytest.raises(AuthError, match=r"example\.com names no AWS region"):
            client.post("https://example.com/mcp")
    assert seen == ["eu-west-1"]


@both
async def test_credentials_that_end_are_renewed_off_the_event_loop(front: Front, ask: Asks) -> None:
    threads: list[threading.Thread] = []

    def fetch(secret: str, seconds: float) -> dict[str, str]:
        threads.append(threading.current_thread())
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        return {"access_key": "AKIDEXAMPLE", "secret_key": secret, "token": "session", "expiry_time": ends}

    ending = RefreshableCredentials.create_from_metadata(
        metadata=fetch("ended", 60), refresh_using=lambda: fetch("right", 3600), method="test"
    )
    session = boto3.Session(region_name="us-east-1")
    session._session._credentials = ending
    auth = SigV4Auth("us-east-1", session=session)
    for _ in range(2):
        await ask(auth, "POST", front.url)
    assert [each.verdict for each in front.asked] == ["ok", "ok"]
    assert len(threads) == 2
    assert threads[1] is not threading.main_thread()


async def test_a_slow_source_of_credentials_stops_no_other_task(front: Front) -> None:
    release = threading.Event()

    class Slow:
        def get_credentials(self) -> Any:
            assert release.wait(5)
            return boto3.Session().get_credentials()

    asking = asyncio.create_task(asynchronous(SigV4Auth("us-east-1", session=Slow()), "POST", front.url))
    await asyncio.sleep(0)
    release.set()  # reached only because the loop runs on
    assert (await asking).status_code == 200


@pytest.mark.parametrize("process", ["/absent/command", f"echo {CANARY}", "echo []"], ids=["absent", "text", "a list"])
async def test_a_credential_process_that_fails_is_an_error_without_what_it_said(
    front: Front, keys: pytest.MonkeyPatch, tmp_path: Path, process: str
) -> None:
    for name in KEYS:
        keys.delenv(name)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {process}\n")
    with pytest.raises(AuthError, match=r"^AWS credentials: [A-Za-z]+; set AWS_PROFILE") as caught:
        await asynchronous(SigV4Auth("us-east-1"), "POST", invocation_url(ARN), json=MESSAGE)
    assert CANARY not in str(caught.value)
    assert front.asked == []


def test_requests_behind_a_source_that_hangs_give_up_instead_of_piling_up_threads(keys: pytest.MonkeyPatch) -> None:
    keys.setattr("proxy.client_tokens.FETCH_S", 0.1)
    hangs = threading.Event()
    before = threading.active_count()
    tokens = Tokens(lambda: str(hangs.wait(30)))

    async def ask() -> None:
        for _ in range(10):
            with pytest.raises(AuthError, match="access token: "):
                await tokens.aget()

    try:
        asyncio.run(ask())
        until = time.monotonic() + 5
        while threading.active_count() > before + 1 and time.monotonic() < until:
            time.sleep(0.02)
        assert threading.active_count() <= before + 1
    finally:
        hangs.set()


@both
async def test_no_credentials_are_an_error_that_says_where_they_are_looked_for(
    front: Front, keys: pytest.MonkeyPatch, ask: Asks
) -> None:
    for name in KEYS:
        keys.delenv(name)
    with pytest.raises(AuthError, match="AWS credentials: none found; set AWS_PROFILE"):
        await ask(SigV4Auth("us-east-1"), "POST", front.url)
    keys.setenv("AWS_PROFILE", "absent")
    with pytest.raises(AuthError, match="ProfileNotFound"):
        await ask(SigV4Auth("us-east-1"), "POST", front.url)
    assert front.asked == []


AUTHS: list[Callable[[], httpx2.Auth]] = [lambda: SigV4Auth("us-east-1"), lambda: BearerAuth("s3cret")]
either = pytest.mark.parametrize("auth", AUTHS, ids=["SigV4Auth", "BearerAuth"])


@both
@either
@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_to_another_origin_is_refused_before_a_byte_is_sent(
    front: Front, ask: Asks, auth: Callable[[], httpx2.Auth], status: int
) -> None:
    front.tokens = {"s3cret"} if isinstance(auth(), BearerAuth) else set()
    with socket.create_server(("127.0.0.1", 0)) as other:
        elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/elsewhere"
        front.answer = lambda _: web.Response(status=status, headers={"Location": elsewhere})
        with pytest.raises(AuthError, match="redirects to another origin"):
            await ask(auth(), "POST", front.url, json=MESSAGE)
        other.settimeout(5)
        with other.accept()[0] as connection:
            connection.settimeout(5)
            assert connection.recv(1) == b""
    assert [each.verdict for each in front.asked] == ["ok"]


@either
async def test_a_request_made_of_a_redirect_is_refused_elsewhere_and_signed_anew_at_home(
    front: Front, auth: Callable[[], httpx2.Auth]
) -> None:
    """What the MCP SDK does: it follows within the origin, by itself, with the copy that httpx2 made."""
    front.tokens = {"s3cret"} if isinstance(auth(), BearerAuth) else set()
    async with (
        running(Front()) as other,
        httpx2.AsyncClient(auth=auth(), trust_env=False) as client,
    ):
        for home, where in ((True, "/mcp/"), (False, f"{other.url}/mcp/")):
            front.answer = _once_to(where)
            response = await client.post(f"{front.url}/mcp", json=MESSAGE)
            assert response.next_request is not None
            if home:
                assert (await client.send(response.next_request)).status_code == 200
            else:
                with pytest.raises(AuthError, match="another origin"):
                    await client.send(response.next_request)
    assert other.asked == []
    assert [(each.target, each.verdict) for each in front.asked] == [("/mcp", "ok"), ("/mcp/", "ok"), ("/mcp", "ok")]


def _once_to(where: str) -> Callable[[Asked], web.Response | None]:
    return lambda asked: web.Response(status=307, headers={"Location": where}) if asked.target == "/mcp" else None


@either
async def test_a_trace_function_of_the_users_own_is_called_too(front: Front, auth: Callable[[], httpx2.Auth]) -> None:
    front.tokens = {"s3cret"} if isinstance(auth(), BearerAuth) else set()
    seen: set[str] = set()

    async def trace(name: str, info: Any) -> None:
        seen.add(name)

    await asynchronous(auth(), "POST", front.url, extensions={"trace": trace})
    await synchronous(auth(), "POST", front.url, extensions={"trace": lambda name, info: seen.add(f"sync {name}")})
    assert {"http11.send_request_headers.started", "sync http11.send_request_headers.started"} <= seen


@both
@either
@pytest.mark.parametrize("url", ["http://example.com/mcp", "http://10.0.0.1/mcp", "http://127.0.0.1.example.com/"])
async def test_nothing_is_sent_in_the_clear_but_to_loopback(
    keys: pytest.MonkeyPatch, ask: Asks, auth: Callable[[], httpx2.Auth], url: str
) -> None:
    with pytest.raises(AuthError, match="https:// alone"):
        await ask(auth(), "POST", url)


@either
async def test_an_answer_is_streamed_as_it_comes(front: Front, auth: Callable[[], httpx2.Auth]) -> None:
    front.tokens = {"s3cret"} if isinstance(auth(), BearerAuth) else set()
    second = asyncio.Event()

    class Stream(web.StreamResponse):
        async def write_eof(self, data: bytes = b"") -> None:
            await self.write(b"data: 1\n\n")
            await asyncio.wait_for(second.wait(), 5)
            await self.write(b"data: 2\n\n")
            await super().write_eof(data)

    front.answer = lambda _: Stream(headers={"Content-Type": "text/event-stream"})
    async with (
        httpx2.AsyncClient(auth=auth(), trust_env=False) as client,
        client.stream("POST", front.url, json=MESSAGE) as response,
    ):
        lines = response.aiter_lines()
        assert await anext(lines) == "data: 1"
        second.set()
        assert [line async for line in lines if line] == ["data: 2"]


class Rotating:
    """Gives `one`, then `two`, and `two` again."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def __call__(self) -> str:
        self.given.append("two" if self.given else "one")
        return self.given[-1]

    async def later(self) -> str:
        await asyncio.sleep(0)
        return self()


@both
async def test_a_token_is_kept_until_it_is_refused_and_then_asked_for_once(front: Front, ask: Asks) -> None:
    front.tokens = {"one"}
    source = Rotating()
    auth = BearerAuth(source)
    for _ in range(2):
        assert (await ask(auth, "POST", front.url, json=MESSAGE)).status_code == 200
    assert source.given == ["one"]
    front.tokens = {"two"}
    assert (await ask(auth, "POST", front.url, json=MESSAGE)).status_code == 200
    assert source.given == ["one", "two"]
    front.tokens = {"three"}
    assert (await ask(auth, "POST", front.url, json=MESSAGE)).status_code == 401
    assert (len(source.given), len(front.asked)) == (3, 5)


async def test_an_async_function_gives_the_token_on_the_agents_own_loop(front: Front) -> None:
    front.tokens = {"two"}
    source = Rotating()
    auth = BearerAuth(source.later)
    assert (await asynchronous(auth, "POST", front.url)).status_code == 200
    assert source.given == ["one", "two"]
    with pytest.raises(AuthError, match="use an AsyncClient"):
        await synchronous(BearerAuth(source.later), "POST", front.url)


async def test_many_requests_at_once_ask_for_one_token(front: Front) -> None:
    front.tokens = {"two"}
    source = Rotating()
    auth = BearerAuth(source)
    async with httpx2.AsyncClient(auth=auth, trust_env=False) as client:
        answers = await asyncio.gather(*(client.post(front.url) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert source.given == ["one", "two"]


@both
async def test_a_fixed_token_that_is_refused_is_not_sent_twice(
    front: Front, ask: Asks, caplog: pytest.LogCaptureFixture
) -> None:
    front.tokens = {"else"}
    assert (await ask(BearerAuth("canary-7f3a"), "POST", front.url)).status_code == 401
    assert len(front.asked) == 1
    assert "127.0.0.1 answered 401: the token is not accepted" in caplog.text
    assert "canary-7f3a" not in caplog.text


@both
async def test_client_credentials_get_a_token_and_the_next_when_it_is_refused_or_ends(
    front: Front, keys: pytest.MonkeyPatch, ask: Asks
) -> None:
    keys.setenv("CLIENT_SECRET", "s3cret")
    async with issuing(Provider()) as provider:
        client = ClientCredentials(
            endpoint=Known(f"{provider.url}/oauth2/token"),
            secrets=References(),
            client_id="client",
            secret="env:CLIENT_SECRET",
        )
        auth = BearerAuth(client)
        front.tokens = {"token-1"}
        assert (await ask(auth, "POST", front.url)).status_code == 200
        front.tokens = {"token-2"}
        provider.answer["expires_in"] = 5
        assert (await ask(auth, "POST", front.url)).status_code == 200
        front.tokens = {"token-3"}
        assert (await ask(auth, "POST", front.url)).status_code == 200
        assert (provider.fetches, len(front.asked)) == (3, 4)
        provider.status = 401
        with pytest.raises(AuthError, match="the token endpoint answered 401"):
            await ask(auth, "POST", front.url)


async def test_a_sync_client_inside_a_running_loop_gets_its_token_too(front: Front, keys: pytest.MonkeyPatch) -> None:
    """As agents do that call sync code from async code."""
    from proxy.lease import Lease

    class Slow:
        async def fetch(self) -> Lease[str]:
            await asyncio.sleep(0)
            return Lease(value="leased", ends=None)

    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Authorization"])
        return httpx2.Response(200)

    with httpx2.Client(auth=BearerAuth(Slow()), transport=httpx2.MockTransport(answer)) as client:
        client.post("https://example.com")
    assert seen == ["Bearer leased"]


@pytest.mark.parametrize("token", ["", "Bearer abc", "a\nb", "grün"])
async def test_what_no_header_can_carry_is_refused_and_not_repeated(keys: pytest.MonkeyPatch, token: str) -> None:
    with pytest.raises(AuthError, match="without `Bearer`") as caught:
        BearerAuth(token)
    assert not token or token not in str(caught.value)
    with pytest.raises(AuthError, match="without `Bearer`"):
        await asynchronous(BearerAuth(lambda: token), "POST", "https://example.com")


def test_nothing_that_is_shown_holds_a_secret(keys: pytest.MonkeyPatch) -> None:
    signer = SigV4Auth("us-east-1")
    with httpx2.Client(auth=signer, transport=httpx2.MockTransport(lambda _: httpx2.Response(200))) as client:
        client.post("https://example.com")
    shown = repr([signer, BearerAuth("s3cret"), signer._found, BearerAuth("s3cret")._token])
    assert repr(signer) == "SigV4Auth(region='us-east-1', service='bedrock-agentcore')"
    assert not any(secret in shown for secret in ("right", "s3cret", "session'"))


def test_a_header_of_an_older_signature_is_not_sent_beside_the_new_one(keys: pytest.MonkeyPatch) -> None:
    keys.delenv("AWS_SESSION_TOKEN")
    seen: list[httpx2.Headers] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers)
        return httpx2.Response(200)

    with httpx2.Client(auth=SigV4Auth("us-east-1"), transport=httpx2.MockTransport(answer)) as client:
        client.post("https://example.com", headers={"X-Amz-Security-Token": "old", "Authorization": "old"})
    assert "x-amz-security-token" not in seen[0]
    assert "x-amz-security-token" not in seen[0]["Authorization"]


def test_httpx_gets_the_same_classes_without_what_the_proxy_needs() -> None:
    script = (
        "import sys, httpx\n"
        "from proxy.arns import invocation_url, region_of\n"
        "from proxy.client_auth_httpx import BearerAuth, SigV4Auth\n"
        "print(issubclass(SigV4Auth, httpx.Auth), issubclass(BearerAuth, httpx.Auth))\n"
        "heavy = {'pydantic', 'orjson', 'httptools', 'uvicorn', 'mcp', 'fastmcp', 'aiohttp', 'httpx2'}\n"
        "print(heavy & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=30
    )
    assert done.stdout == "True True\nset()\n", done.stderr


def test_httpx2_takes_them_and_the_proxys_own_start_does_without_it() -> None:
    assert issubclass(SigV4Auth, httpx2.Auth)
    assert issubclass(BearerAuth, httpx2.Auth)
    script = "import sys, proxy.auth; print({'httpx2', 'anyio'} & set(sys.modules)); proxy.auth.Nothing"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=30
    )
    assert done.stdout == "set()\n"
    assert "AttributeError: module 'proxy.auth' has no attribute 'Nothing'" in done.stderr
