"""What a 401 or 403 says of the credential that was sent, in words for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATUSES: Final = (401, 403)
ERROR_TYPE: Final = "x-amzn-errortype"
"""Header of an answer."""

_KINDS: Final[Mapping[str, str]] = {
    "AccessDeniedException": "they lack bedrock-agentcore:InvokeAgentRuntime on the Runtime and on its endpoint, or "
    "the Runtime wants a token of its JWT authorizer instead",
    "ExpiredTokenException": "they have ended",
    "InvalidSignatureException": "the secret key is not the access key's, the clock of this machine is wrong, or "
    "something changed the request on its way",
    "MissingAuthenticationTokenException": "the signature was lost on the way",
    "UnrecognizedClientException": "AWS does not know the access key or the session token",
}
"""AWS's name of a refusal → what it says of the credentials. No other word of a refusal is repeated."""


def kind_of(error_type: str | None) -> str:
    """AWS's name of an error, of the header ERROR_TYPE (which may add a namespace behind a colon); empty without."""
    return (error_type or "").partition(":")[0]


def of_signature(status: int, kind: str) -> str:
    """After a signed request was answered `status`, 401 or 403."""
    if status == 401:
        return "it wants a bearer token of its JWT authorizer, not AWS credentials"
    named = f" ({kind})" if kind in _KINDS else ""
    told = _KINDS.get(kind, "they are wrong, have ended, or may not call the Runtime")
    return f"the AWS credentials are refused{named}: {told}; `aws sts get-caller-identity` shows whose they are"


def of_token(status: int, named: str = "the token") -> str:
    """After a bearer token was answered `status`, 401 or 403."""
    if status == 401:
        return f"{named} is not accepted: it has ended, or its issuer, client or audience is not one that is let in"
    return f"{named} lacks the scope or claim that is asked for, or AWS credentials are wanted instead"
