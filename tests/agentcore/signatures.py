"""Who signed a request, verified for real: the canonical request is rebuilt by botocore from what came off the socket.

The path is percent-encoded once on the wire and a second time in the canonical request, so the target is taken from
the request line as it was sent, never from a URL that something has parsed and put together again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from tests.agentcore.world import REGION, World
from tests.auth.aws_verifier import AUTHORIZATION, SKEW_S, Verifier

SERVICE = "bedrock-agentcore"
DUMPS = partial(json.dumps, ensure_ascii=False)
"""JSON in which the arrow of a boundary can be read."""

_REASONS = {
    "unsigned": ("MissingAuthenticationTokenException", "Missing Authentication Token"),
    "scope": ("InvalidSignatureException", "Credential should be scoped to service {service} in region {region}."),
    "clock": (
        "InvalidSignatureException",
        f"Signature expired or not yet current: {SKEW_S} s are allowed.",
    ),
    "unknown": ("UnrecognizedClientException", "The security token included in the request is invalid."),
    "token": ("UnrecognizedClientException", "The session token included in the request is invalid."),
    "body": ("InvalidSignatureException", "X-Amz-Content-SHA256 is not the hash of the body that came."),
    "headers": ("InvalidSignatureException", "Every x-amz-* header of the request must be signed."),
    "signature": (
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
    ),
}


class RefusedError(Exception):
    """A request that AWS refuses. `kind` is the name of AWS's exception."""

    def __init__(self, kind: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status

    def at(self, boundary: str) -> RefusedError:
        """The same, saying between whom it happened."""
        return RefusedError(self.kind, f"{boundary}: {self.message}", self.status)

    def response(self) -> web.Response:
        """The answer of a REST-JSON service, which boto3 reads."""
        headers = {"x-amzn-ErrorType": self.kind}
        return web.json_response({"message": self.message}, status=self.status, headers=headers, dumps=DUMPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came off the socket. `target` is the request line's, undecoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self) -> dict[str, str]:
        """Headers by lower-case name; those that came more than once are joined as canonical requests join them."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            lower = name.lower()
            found[lower] = f"{found[lower]},{value.strip()}" if lower in found else value.strip()
        return found


def received(request: web.BaseRequest, body: bytes) -> Received:
    """What aiohttp received. Its `raw_path` is the request line's own target, its `path` a decoded part of it."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)
    return Received(method=request.method, target=request.raw_path, headers=headers, body=body)


def signer(
    world: World,
    request: Received,
    *,
    service: str = SERVICE,
    region: str = REGION,
    clock: Callable[[], float] = time.time,
) -> str:
    """The ARN of the principal whose key signed `request`. Raises RefusedError."""
    verdict = _verdict(world, request, service, region, clock)
    if verdict != "ok":
        kind, message = _REASONS[verdict]
        raise RefusedError(kind, message.format(service=service, region=region))
    found = AUTHORIZATION.fullmatch(request.values()["authorization"])
    assert found
    return world.principals.get(found[1]) or f"arn:aws:iam::unknown:user/{found[1]}"


def _verdict(world: World, request: Received, service: str, region: str, clock: Callable[[], float]) -> str:
    headers = request.values()
    judge = Verifier(service, region, world.keys, clock)
    try:
        verdict = judge.judge(f"{request.method} {request.target} HTTP/1.1", headers, request.body)
    except (ValueError, KeyError):
        return "unsigned"
    return verdict if verdict != "ok" else _unsigned_part(headers, request.body)


def _unsigned_part(headers: dict[str, str], body: bytes) -> str:
    """What a sound signature may leave open: a hash that only claims to be the body's, an x-amz header beside it."""
    claimed = headers.get("x-amz-content-sha256")
    if claimed is not None and not hmac.compare_digest(claimed, hashlib.sha256(body).hexdigest()):
        return "body"
    found = AUTHORIZATION.fullmatch(headers["authorization"])
    signed = set(found[5].split(";")) if found else set()
    return "ok" if {name for name in headers if name.startswith("x-amz-")} <= signed else "headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A key pair, with a session token where it is a temporary one."""

    access_key: str
    secret_key: str
    token: str | None = None

    def environment(self) -> dict[str, str]:
        """As the SDKs' variables."""
        named = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return named if self.token is None else {**named, "AWS_SESSION_TOKEN": self.token}


def mint(world: World, role_arn: str, session: str) -> Keys:
    """A temporary key of a role, known to `world` from now on."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    keys = Keys(
        access_key=f"ASIA{secrets.token_hex(8).upper()}", secret_key=secrets.token_hex(20), token=secrets.token_hex(32)
    )
    world.keys[keys.access_key] = (keys.secret_key, keys.token)
    world.principals[keys.access_key] = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    return keys
