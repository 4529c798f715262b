"""The operations of `cognito-idp` that moto lacks: a token without a domain, and two live secrets of a client.

Shapes and names of the errors are those of botocore's model.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.agentcore.tokens_pools import LIVE_SECRETS, Client, Pools, Secret

Json = dict[str, Any]

ONLY_FLOW = "ALLOW_CLIENT_TOKEN_AUTH"
"""The one flow of a client that may call GetClientToken; it excludes all others."""

_SECRET = re.compile(r"[\w+]{24,64}")


class FailedError(Exception):
    """An error of the service; `kind` is its name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def get_client_token(pools: Pools, origin: str, given: Json) -> Json:
    client = await pools.client(str(given.get("ClientId")))
    if client is None:
        raise FailedError("ResourceNotFoundException", "The app client does not exist.")
    if client.auth_flows != (ONLY_FLOW,):
        raise FailedError("OperationNotEnabledException", f"{ONLY_FLOW} must be the only flow of the app client.")
    secret = str(given.get("Secret"))
    if not _SECRET.fullmatch(secret):
        raise FailedError("InvalidParameterException", "Secret must be 24 to 64 letters, digits, _ and +.")
    if not pools.knows(client, secret):
        raise FailedError("NotAuthorizedException", "Unable to verify the client's secret.")
    asked = list(given.get("Scopes") or client.scopes)
    if set(asked) - set(client.scopes):
        raise FailedError("InvalidParameterException", "A scope is not allowed for the app client.")
    token = pools.token(client, f"{origin}/{client.pool}", asked)
    return {"ClientAuthenticationResult": {"AccessToken": token, "ExpiresIn": pools.life_s, "TokenType": "Bearer"}}


async def add_secret(pools: Pools, _: str, given: Json) -> Json:
    client = await _client(pools, given)
    if len(pools.secrets(client)) >= LIVE_SECRETS:
        raise FailedError("LimitExceededException", f"An app client has at most {LIVE_SECRETS} secrets.")
    value = given.get("ClientSecret")
    if value is not None and not _SECRET.fullmatch(value):
        raise FailedError("InvalidParameterException", "ClientSecret must be 24 to 64 letters, digits, _ and +.")
    secret = pools.add_secret(client, value)
    return {"ClientSecretDescriptor": {**_described(secret), "ClientSecretValue": secret.value}}


async def list_secrets(pools: Pools, _: str, given: Json) -> Json:
    """Never the values."""
    client = await _client(pools, given)
    return {"ClientSecrets": [_described(secret) for secret in pools.secrets(client)]}


async def delete_secret(pools: Pools, _: str, given: Json) -> Json:
    live = pools.secrets(await _client(pools, given))
    found = next((secret for secret in live if secret.id == given.get("ClientSecretId")), None)
    if found is None:
        raise FailedError("ResourceNotFoundException", "The client secret does not exist.")
    if len(live) == 1:
        raise FailedError("InvalidParameterException", "The last secret of an app client cannot be deleted.")
    live.remove(found)
    return {}


def _described(secret: Secret) -> Json:
    return {"ClientSecretId": secret.id, "ClientSecretCreateDate": secret.made}


async def _client(pools: Pools, given: Json) -> Client:
    client = await pools.client(str(given.get("ClientId")))
    if client is None or client.pool != given.get("UserPoolId"):
        raise FailedError("ResourceNotFoundException", "The app client does not exist.")
    return client


OPERATIONS: dict[str, Callable[[Pools, str, Json], Awaitable[Json]]] = {
    "GetClientToken": get_client_token,
    "AddUserPoolClientSecret": add_secret,
    "ListUserPoolClientSecrets": list_secrets,
    "DeleteUserPoolClientSecret": delete_secret,
}
