"""Amazon Cognito's `GetClientToken`: a client's access token from the user pools API, for pools without a domain.

The client's only authentication flow is then ALLOW_CLIENT_TOKEN_AUTH (Cognito, GetClientToken). The request is not
signed: AWS credentials count for nothing in it.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from typing import Any, Final

from policies.model import Json
from proxy.errors import AuthError, ClientRefusedError
from proxy.fetch import problem_of

_API: Final = re.compile(r"https://cognito-idp(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?/?")
_REFUSED: Final = frozenset({"NotAuthorizedException", "ResourceNotFoundException"})
_CODES: Final = _REFUSED | {
    "ForbiddenException",
    "InternalErrorException",
    "InvalidParameterException",
    "OperationNotEnabledException",
    "TooManyRequestsException",
}
"""The only words of the API that an error repeats."""


def api_of(region: str) -> str:
    """The URL of the user pools API in a region."""
    return f"https://cognito-idp.{region}.amazonaws.com/"


def region_of_api(url: str) -> str | None:
    """The region where `url` is the user pools API itself, or None where it is a token endpoint."""
    found = _API.fullmatch(url)
    return found[1] if found else None


async def client_token(
    region: str, client_id: str, secret: str, scope: str | None, audience: str | None
) -> tuple[Json, Json]:
    """An access token, and for how many seconds. Raises AuthError; ClientRefusedError for a secret that is not live."""
    if audience:
        raise AuthError("Cognito GetClientToken: takes no audience; unset MCP_PROXY_AUDIENCE")
    given: dict[str, Any] = {"ClientId": client_id, "Secret": secret, **({"Scopes": scope.split()} if scope else {})}
    return await asyncio.to_thread(_ask, region, given)


def _ask(region: str, given: dict[str, Any]) -> tuple[Json, Json]:
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from proxy.aws import session

    config = Config(signature_version=UNSIGNED, connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        with closing(session().create_client("cognito-idp", region_name=region, config=config)) as client:
            if problem := problem_of(client.meta.endpoint_url):
                raise AuthError(f"Cognito GetClientToken: the endpoint configured for it {problem}")
            answer = client.get_client_token(**given).get("ClientAuthenticationResult") or {}
    except ClientError as error:
        raise _refusal(error.response.get("Error", {}).get("Code")) from None
    except BotoCoreError as error:
        raise AuthError(f"Cognito GetClientToken: could not be asked ({type(error).__name__})") from None
    return answer.get("AccessToken"), answer.get("ExpiresIn")


def _refusal(code: Json) -> AuthError:
    kind = ClientRefusedError if code in _REFUSED else AuthError
    return kind(
        f"Cognito GetClientToken: answered {code if code in _CODES else 'an error'}; check client id, client secret "
        "and scope, and that ALLOW_CLIENT_TOKEN_AUTH is the client's one flow"
    )
