"""Cognito on loopback: moto's user pools, in front of it the token endpoint, keys and operations that moto lacks.

Pools, resource servers, domains and clients live in moto, made through this front by boto3. A pool's issuer is
`http://HOST:PORT/POOL`, so its metadata and keys are where clients look for them. Every pool has its tokens from
`/oauth2/token`: the id of a client is unique, so no domain is needed to tell the pool, but a pool must have one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote_plus

import aiohttp
from aiohttp import web

from tests.agentcore.tokens_pools import Client, Pools, plain
from tests.agentcore.tokens_secrets import OPERATIONS, FailedError
from tests.agentcore.world import World

POOLS = web.AppKey("pools", Pools)
_HTTP = web.AppKey("http", aiohttp.ClientSession)
_MOTO = web.AppKey("moto", str)

_TARGET = "AWSCognitoIdentityProviderService."
_BODY_BYTES = 4 * 2**20
_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "accept-encoding"}


def app(world: World, moto: str) -> web.Application:
    """The front of moto's `cognito-idp` at URL `moto`: what AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER points to.

    `Pools` (app[POOLS]) lets a test rotate a pool's keys.
    """
    application = web.Application(client_max_size=_BODY_BYTES)
    application[POOLS] = Pools(moto, world.faults)
    application[_MOTO] = moto
    application.cleanup_ctx.append(_http)
    application.router.add_get("/{pool}/.well-known/openid-configuration", _describe)
    application.router.add_get("/{pool}/.well-known/jwks.json", _keys)
    application.router.add_post("/oauth2/token", _token)
    application.router.add_post("/", _operation)
    return application


async def _http(application: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(auto_decompress=True) as http:
        application[_HTTP] = http
        yield


def _origin(request: web.Request) -> str:
    return f"http://{request.host}"


async def _describe(request: web.Request) -> web.Response:
    """OIDC discovery. The token endpoint is named only where the pool has a domain."""
    pool = request.match_info["pool"]
    pools = request.app[POOLS]
    if not await pools.exists(pool):
        return web.json_response({"message": f"User pool {pool} does not exist."}, status=404)
    origin = _origin(request)
    issuer = f"{origin}/{pool}"
    document = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
    }
    if await pools.domain(pool):
        document |= {
            "token_endpoint": f"{origin}/oauth2/token",
            "authorization_endpoint": f"{origin}/oauth2/authorize",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    return web.json_response(document)


async def _keys(request: web.Request) -> web.Response:
    return web.json_response({"keys": request.app[POOLS].published(request.match_info["pool"])})


async def _token(request: web.Request) -> web.Response:
    """The client credentials grant (RFC 6749, section 4.4), with the errors that Cognito answers."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    pools = request.app[POOLS]
    if "grant_type" not in form:
        return _error("invalid_request")
    if form["grant_type"] != "client_credentials":
        return _error("unsupported_grant_type")
    name, secret = _shown(request, form)
    client = await pools.client(name)
    if client is None or not pools.knows(client, secret):
        return _error("invalid_client")
    if "client_credentials" not in client.flows or not await pools.domain(client.pool):
        return _error("unauthorized_client")
    scopes = _scopes(client, form.get("scope", "").split())
    if scopes is None:
        return _error("invalid_scope")
    token = pools.token(client, f"{_origin(request)}/{client.pool}", scopes)
    return web.json_response({"access_token": token, "expires_in": pools.life_s, "token_type": "Bearer"})


def _scopes(client: Client, asked: list[str]) -> list[str] | None:
    """The scopes to grant: all that the client may have where none is asked for. None where one is not allowed."""
    return None if set(asked) - set(client.scopes) else asked or list(client.scopes)


def _shown(request: web.Request, form: dict[str, str]) -> tuple[str, str]:
    """Id and secret, by Basic authentication (decoded as RFC 6749, section 2.3.1 says) or in the form."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _error(code: str) -> web.Response:
    return web.json_response({"error": code}, status=400)


async def _operation(request: web.Request) -> web.Response:
    """Ours by name; all others are moto's, passed on as they came."""
    body = await request.read()
    name = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
    if name not in OPERATIONS:
        return await _passed_on(request, body)
    try:
        answer = await OPERATIONS[name](request.app[POOLS], _origin(request), json.loads(body))
    except FailedError as error:
        return web.json_response({"__type": error.kind, "message": str(error)}, status=400)
    return web.json_response(answer, content_type="application/x-amz-json-1.1")


async def _passed_on(request: web.Request, body: bytes) -> web.Response:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
    async with request.app[_HTTP].post(request.app[_MOTO] + "/", data=body, headers=headers) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return web.Response(status=answer.status, headers=kept, body=_aws_shaped(await answer.read()))


def _aws_shaped(body: bytes) -> bytes:
    """moto's client secrets have dashes, which the pattern of a ClientSecret rules out: they are left out."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return body
    client = document.get("UserPoolClient") if isinstance(document, dict) else None
    if not isinstance(client, dict) or "ClientSecret" not in client:
        return body
    shaped = {**client, "ClientSecret": plain(client["ClientSecret"])}
    return json.dumps({**document, "UserPoolClient": shaped}).encode()
