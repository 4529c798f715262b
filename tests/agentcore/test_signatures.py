"""Who signed: boto3's and our own signatures are good, and none that is wrong in any part."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from proxy.sigv4 import Credentials as OurCredentials
from proxy.sigv4 import Signer
from tests.agentcore.runtime_plane_serving import serving, user_keys
from tests.agentcore.signatures import Keys, Received, RefusedError, mint, received, signer
from tests.agentcore.signatures_iam import DEPLOYER, allowed, role_of
from tests.agentcore.world import ACCOUNT, World

PATH = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fshop-0123456789/invocations"
BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agent"


def signed(keys: Keys, *, service: str = "bedrock-agentcore", region: str = "us-east-1", **headers: str) -> Received:
    """A request that botocore has signed."""
    return signed_for(keys, f"http://127.0.0.1:1{PATH}?qualifier=DEFAULT", BODY, headers, service, region)


def signed_for(
    keys: Keys,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    service: str = "bedrock-agentcore",
    region: str = "us-east-1",
) -> Received:
    """A POST to `url` that botocore has signed."""
    request = AWSRequest("POST", url, data=body, headers=dict(headers))
    SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), service, region).add_auth(request)
    parts = urlsplit(url)
    sent = (("Host", parts.netloc), *((name, str(value)) for name, value in request.headers.items()))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Received(method="POST", target=target, headers=sent, body=body)


def with_header(request: Received, name: str, change: Callable[[str], str]) -> Received:
    changed = tuple((key, change(value) if key.lower() == name else value) for key, value in request.headers)
    assert changed != request.headers
    return replace(request, headers=changed)


def without(request: Received, name: str) -> Received:
    return replace(request, headers=tuple(item for item in request.headers if item[0].lower() != name))


def plus(request: Received, name: str, value: str) -> Received:
    return replace(request, headers=(*request.headers, (name, value)))


@pytest.fixture
def world() -> World:
    return World()


def test_a_signature_names_the_principal_whose_key_made_it(world: World) -> None:
    assert signer(world, signed(user_keys(world))) == DEPLOYER
    principal = signer(world, signed(mint(world, ROLE, "i-1")))
    assert (principal, role_of(principal)) == (f"arn:aws:sts::{ACCOUNT}:assumed-role/agent/i-1", "agent")


def test_a_hash_of_the_body_that_is_signed_beside_it_is_held_against_the_body(world: World) -> None:
    request = signed(user_keys(world), **{"X-Amz-Content-SHA256": hashlib.sha256(BODY).hexdigest()})
    assert signer(world, request) == DEPLOYER


def test_a_header_that_is_not_signed_may_change_on_the_way(world: World) -> None:
    assert signer(world, plus(signed(user_keys(world)), "X-Amzn-Trace-Id", "Root=1-2-3")) == DEPLOYER


WRONG: dict[str, tuple[Callable[[Received], Received], str]] = {
    "no signature": (lambda r: without(r, "authorization"), "MissingAuthenticationTokenException"),
    "another scheme": (
        lambda r: with_header(r, "authorization", lambda _: "Bearer abc"),
        "MissingAuthenticationTokenException",
    ),
    "two signatures": (lambda r: plus(r, "Authorization", "AWS4-HMAC-SHA256 x"), "MissingAuthenticationTokenException"),
    "a date that is none": (
        lambda r: with_header(r, "x-amz-date", lambda d: d[:8] + "TnoonZ"),
        "MissingAuthenticationTokenException",
    ),
    "method": (lambda r: replace(r, method="PUT"), "InvalidSignatureException"),
    "path": (lambda r: replace(r, target=r.target.replace("shop", "shoq")), "InvalidSignatureException"),
    "path, decoded": (
        lambda r: replace(r, target=r.target.replace("%3A", ":").replace("%2F", "/")),
        "InvalidSignatureException",
    ),
    "path, encoded otherwise": (
        lambda r: replace(r, target=r.target.replace("%3A", "%3a")),
        "InvalidSignatureException",
    ),
    "query": (lambda r: replace(r, target=r.target.replace("DEFAULT", "prod")), "InvalidSignatureException"),
    "query, one more": (lambda r: replace(r, target=r.target + "&accountId=1"), "InvalidSignatureException"),
    "body": (lambda r: replace(r, body=r.body + b" "), "InvalidSignatureException"),
    "host": (lambda r: with_header(r, "host", lambda _: "127.0.0.1:2"), "InvalidSignatureException"),
    "a signed header": (lambda r: with_header(r, "x-shop", lambda _: "b"), "InvalidSignatureException"),
    "a signed header, gone": (lambda r: without(r, "x-shop"), "InvalidSignatureException"),
    "a signed header, twice": (lambda r: plus(r, "X-Shop", "b"), "InvalidSignatureException"),
    "an x-amz header beside": (lambda r: plus(r, "X-Amz-Target", "x"), "InvalidSignatureException"),
    "time": (
        lambda r: with_header(r, "x-amz-date", lambda d: d[:-2] + ("1Z" if d[-2] == "0" else "0Z")),
        "InvalidSignatureException",
    ),
    "signature": (
        lambda r: with_header(r, "authorization", lambda a: a[:-1] + ("0" if a[-1] != "0" else "1")),
        "InvalidSignatureException",
    ),
    "access key": (
        lambda r: with_header(r, "authorization", lambda a: a.replace("Credential=A", "Credential=B")),
        "UnrecognizedClientException",
    ),
    "session token": (
        lambda r: with_header(r, "x-amz-security-token", lambda t: t[:-1] + ("0" if t[-1] != "0" else "1")),
        "UnrecognizedClientException",
    ),
    "session token, gone": (lambda r: without(r, "x-amz-security-token"), "UnrecognizedClientException"),
    "session token, unsigned": (
        lambda r: with_header(r, "authorization", lambda a: a.replace(";x-amz-security-token", "")),
        "UnrecognizedClientException",
    ),
}


@pytest.mark.parametrize("part", WRONG)
def test_a_signature_that_is_wrong_in_any_part_is_refused(world: World, part: str) -> None:
    spoil, kind = WRONG[part]
    request = signed(mint(world, ROLE, "i-1"), **{"X-Shop": "a", "Content-Type": "application/json"})
    signer(world, request)
    with pytest.raises(RefusedError) as caught:
        signer(world, spoil(request))
    assert (caught.value.kind, caught.value.status) == (kind, 403)


@pytest.mark.parametrize(
    ("service", "region", "off_s", "secret"),
    [
        ("execute-api", "us-east-1", 0, None),
        ("bedrock-agentcore", "eu-west-1", 0, None),
        ("bedrock-agentcore", "us-east-1", 301, None),
        ("bedrock-agentcore", "us-east-1", -301, None),
        ("bedrock-agentcore", "us-east-1", 0, "another"),
    ],
)
def test_a_signature_for_something_else_is_refused(
    world: World, service: str, region: str, off_s: float, secret: str | None
) -> None:
    keys = user_keys(world)
    request = signed(replace(keys, secret_key=secret or keys.secret_key), service=service, region=region)
    with pytest.raises(RefusedError, match=r"scoped to service|expired|does not match"):
        signer(world, request, clock=lambda: time.time() + off_s)


def test_a_hash_that_only_claims_to_be_the_bodys_is_refused(world: World) -> None:
    for claimed in ("UNSIGNED-PAYLOAD", hashlib.sha256(b"other").hexdigest()):
        with pytest.raises(RefusedError, match="not the hash"):
            signer(world, signed(user_keys(world), **{"X-Amz-Content-SHA256": claimed}))


async def test_the_target_is_verified_as_it_was_on_the_wire(world: World) -> None:
    """Our own signer over a real socket, into aiohttp, which parses and rewrites URLs elsewhere."""
    seen: list[Received] = []

    async def keep(request: web.Request) -> web.Response:
        seen.append(received(request, await request.read()))
        return web.Response(text=signer(world, seen[-1]))

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", keep)
    keys = mint(world, ROLE, "i-1")
    ours = OurCredentials(access_key=keys.access_key, secret_key=keys.secret_key, token=keys.token)
    async with serving(application) as url, aiohttp.ClientSession() as http:
        target = URL(f"{url}{PATH}?qualifier=DEFAULT", encoded=True)
        headers = {"Content-Type": "application/json", "X-Shop": "a  b"}
        headers |= Signer(service="bedrock-agentcore", region="us-east-1").sign(ours, "POST", target, headers, BODY)
        async with http.post(target, data=BODY, headers=headers) as answer:
            assert (answer.status, await answer.text()) == (200, f"arn:aws:sts::{ACCOUNT}:assumed-role/agent/i-1")
    assert seen[0].target == f"{PATH}?qualifier=DEFAULT"


ALLOW = {"Effect": "Allow", "Action": "a:Get*", "Resource": ["r/1", "r/2/*"]}


@pytest.mark.parametrize(
    ("statements", "action", "resource", "may"),
    [
        ([ALLOW], "a:GetIt", "r/1", True),
        ([ALLOW], "A:getit", "r/2/x/y", True),
        ([ALLOW], "a:PutIt", "r/1", False),
        ([ALLOW], "a:GetIt", "r/2", False),
        ([ALLOW], "a:GetIt", "R/1", False),
        ([ALLOW, {**ALLOW, "Effect": "Deny"}], "a:GetIt", "r/1", False),
        ([{**ALLOW, "Condition": {"Bool": {"x": "true"}}}], "a:GetIt", "r/1", False),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Condition": {"Bool": {"x": "true"}}}], "a:GetIt", "r/1", False),
        ([{"Effect": "Allow", "Action": "*", "Resource": "*"}], "a:GetIt", "r.1", True),
        ([], "a:GetIt", "r/1", False),
    ],
)
def test_statements_allow_what_they_name_and_no_more(
    statements: list[dict[str, object]], action: str, resource: str, may: bool
) -> None:
    assert allowed(statements, action, resource) is may
