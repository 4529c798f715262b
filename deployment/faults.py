"""What AWS answers when it refuses, in words; and the two refusals that pass by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)

_T = TypeVar("_T")

_MISSING: Final = frozenset(
    {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "NoSuchBucket", "404", "NotFoundException"}
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})


def code(error: ClientError) -> str:
    """`ConflictException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def found(look: Callable[..., dict[str, Any]], **asked: Any) -> dict[str, Any] | None:
    """What a Get or Describe answers, or None where there is no such thing."""
    try:
        return look(**asked)
    except ClientError as error:
        if code(error) in _MISSING:
            return None
        raise


def gone(delete: Callable[..., object], **asked: Any) -> None:
    """A Delete; what is not there any more is as well."""
    try:
        delete(**asked)
    except ClientError as error:
        if code(error) not in _MISSING:
            raise


def unless_busy(call: Callable[[], object]) -> Callable[[], bool | None]:
    """For a wait: the call made, or None while AWS says that something else is under way."""

    def look() -> bool | None:
        try:
            call()
        except ClientError as error:
            if code(error) == "ConflictException":
                return None
            raise
        return True

    return look


def told(error: BotoCoreError | ClientError) -> str:
    """One sentence for whoever runs the deployer. Answers of Secrets Manager are named by their code alone."""
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "there are no AWS credentials: run `aws configure`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and its secret"
        )
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ReadTimeoutError):
        return f"AWS cannot be reached: {error}; is the region right?"
    return f"the AWS SDK says: {error}"


def _refused(error: ClientError) -> str:
    name = code(error)
    if name in _EXPIRED:
        return "the AWS credentials have expired: sign in again, then run the same verb again"
    if name in _UNKNOWN:
        return "AWS does not know these credentials: sign in again, or look at AWS_PROFILE"
    # A refusal by the model may repeat the value that it refuses.
    held = "credentialprovider" in error.operation_name.lower() and name == "ValidationException"
    said = "" if held or "secret" in error.operation_name.lower() else f": {message(error)}"
    return f"AWS refused {error.operation_name} with {name or 'no code'}{said}"
