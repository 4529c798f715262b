"""What aiohttp sends of a signed request, verified on the other side of a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from yarl import URL

from proxy.auth import outbound
from proxy.references import References
from proxy.settings import Settings
from proxy.sigv4 import Credentials, Signer
from proxy.wire import Origin
from proxy.wire_http import HttpWire
from tests.auth.aws_verifier import SKEW_S, Verifier, running
from tests.auth.clocks import Clock

ARN_PATH = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fproxy-AbC/invocations"
KEYS = Credentials(access_key="AKIDEXAMPLE", secret_key="right", token="session")
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Mcp-Session-Id": "s-1",
    "Mcp-Name": "two  spaces",
    "traceparent": "00-1-2-01",
}
FORWARDED = {
    "x-shop": "a  b",
    "traceparent": "00-1-2-01",
    "accept": "replaced",
    "authorization": "replaced",
    "x-amz-date": "replaced",
    "x-amz-security-token": "replaced",
}
BODY = '{"q":"Grüße"}'.encode()


@pytest.fixture
async def aws() -> AsyncIterator[Verifier]:
    verifier = Verifier("bedrock-agentcore", "us-east-1", {"AKIDEXAMPLE": ("right", "session")}, clock=Clock())
    async with running(verifier):
        yield verifier


async def verdict(
    aws: Verifier,
    target: str = ARN_PATH + "?qualifier=DEFAULT",
    *,
    method: str = "POST",
    keys: Credentials = KEYS,
    sent: Mapping[str, str] | None = None,
    body: bytes = BODY,
    late: float = 0,
    **scope: str,
) -> str:
    """Signs HEADERS and BODY, sends them with `sent` over them and `body` in place, and gives the other side's word."""
    signer = Signer(**{"service": "bedrock-agentcore", "region": "us-east-1", **scope}, clock=Clock(Clock().now + late))
    url = URL(f"http://127.0.0.1:{aws.port}{target}", encoded=True)
    signed = BODY if method == "POST" else b""
    headers = {**HEADERS, **signer.sign(keys, method, url, HEADERS, signed), **(sent or {})}
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, url, headers=headers, data=(body if signed else None)) as answer,
    ):
        return str((await answer.json())["verdict"])


async def test_a_signed_request_is_accepted_and_its_line_is_the_one_written(aws: Verifier) -> None:
    assert await verdict(aws) == "ok"
    assert aws.lines == [f"POST {ARN_PATH}?qualifier=DEFAULT HTTP/1.1"]


@pytest.mark.parametrize(
    "target", ["/mcp", "/mcp/", "/a%20b/%E2%82%AC~/x%2Fy?b=2&a=%2F%3D&bare", "/", "/mcp?q=a=b&empty=", "/a:b@c"]
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_paths_and_queries_are_accepted_and_sent_as_written(aws: Verifier, target: str, method: str) -> None:
    assert await verdict(aws, target, method=method) == "ok"
    assert aws.lines == [f"{method} {target} HTTP/1.1"]


async def test_unsigned_headers_may_change_on_the_way(aws: Verifier) -> None:
    assert await verdict(aws, sent={"traceparent": "00-9-9-01", "User-Agent": "else"}) == "ok"


async def test_a_clock_within_the_allowed_skew_is_accepted(aws: Verifier) -> None:
    assert await verdict(aws, late=SKEW_S) == "ok"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"body": BODY.replace(b"G", b"g")}, "signature"),
        ({"body": b""}, "signature"),
        ({"sent": {"Mcp-Session-Id": "s-2"}}, "signature"),
        ({"sent": {"Content-Type": "text/plain"}}, "signature"),
        ({"sent": {"X-Amz-Security-Token": "other"}}, "token"),
        ({"sent": {"Host": "elsewhere.example"}}, "signature"),
        ({"keys": Credentials(access_key="AKIDEXAMPLE", secret_key="wrong", token="session")}, "signature"),
        ({"keys": Credentials(access_key="AKIDOTHER", secret_key="right", token="session")}, "unknown"),
        ({"keys": Credentials(access_key="AKIDEXAMPLE", secret_key="right")}, "token"),
        ({"late": SKEW_S + 1}, "clock"),
        ({"late": -SKEW_S - 1}, "clock"),
        ({"service": "execute-api"}, "scope"),
        ({"region": "us-west-2"}, "scope"),
    ],
)
async def test_a_changed_request_is_rejected(aws: Verifier, change: dict[str, object], why: str) -> None:
    assert await verdict(aws, **change) == why  # type: ignore[arg-type]


async def test_what_the_upstream_client_sends_is_accepted(aws: Verifier, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "right")
    bare.setenv("AWS_SESSION_TOKEN", "session")
    settings = Settings(
        upstream=f"http://127.0.0.1:{aws.port}{ARN_PATH}?qualifier=DEFAULT", auth_mode="iam", region="us-east-1"
    )
    wire = HttpWire(
        str(settings.upstream),
        outbound(settings, References({}), clock=Clock()),
        answer_bytes=1024,
        depth=9,
        connect_s=5,
        in_flight=1,
    )
    await wire.open()
    try:
        origin = Origin(version="2025-11-25", headers=FORWARDED)
        message = {"jsonrpc": "2.0", "method": "notifications/ü"}
        await wire.tell(message, version="2025-11-25", session="s-1", origin=origin)
        await wire.end("s-1", version="2025-11-25", origin=origin)
    finally:
        await wire.close()
    assert aws.verdicts == ["ok", "ok"]
    assert aws.lines == [f"{method} {ARN_PATH}?qualifier=DEFAULT HTTP/1.1" for method in ("POST", "DELETE")]
