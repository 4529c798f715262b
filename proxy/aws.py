"""What the proxy takes from botocore, imported on first use: sessions and credentials. And which service a host is."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, Final

from proxy.errors import AuthError
from proxy.lease import Lease
from proxy.sigv4 import Credentials

SERVICE: Final = "bedrock-agentcore"
"""The service a request is signed for when the host does not tell: a custom domain in front of a gateway."""

_REGION: Final = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+"
_API: Final = re.compile(
    rf"(?:.+\.)?(bedrock-agentcore|execute-api)(?:-fips)?\.({_REGION})\.(?:vpce\.)?"
    r"(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws)"
)
_LAMBDA: Final = re.compile(rf"[^.]+\.(lambda)-url\.({_REGION})\.on\.aws")

_ADVICE: Final = (
    "give the process a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
    "(`aws sts get-caller-identity` shows what is found)"
)


def named_by(host: str) -> tuple[str, str] | None:
    """Signing name and region of an AWS endpoint, or None where the host is not one that tells."""
    found = _API.fullmatch(host.lower()) or _LAMBDA.fullmatch(host.lower())
    return (found[1], found[2]) if found else None


def session() -> Any:
    """A new botocore session: the environment, profile and metadata as they are now. Blocks: call it in a thread.

    Below ERROR botocore's own logging shows canonical requests, answers with secrets in them, and what a credential
    process printed.
    """
    import botocore.session

    logging.getLogger("botocore").setLevel(logging.ERROR)
    return botocore.session.Session()


async def credentials() -> Lease[Credentials]:
    """Credentials by botocore's chain: environment, profile, container, instance. Raises AuthError."""
    return await asyncio.to_thread(load)


def load() -> Lease[Credentials]:
    """The same in the caller's own thread, which waits. Raises AuthError."""
    try:
        found = session().get_credentials()
        keys = found.get_frozen_credentials() if found else None
    except Exception as error:  # noqa: BLE001 - a credential process of the user's own fails in its own ways
        raise AuthError(f"AWS credentials: {type(error).__name__}; {_ADVICE}") from None
    if keys is None:
        raise AuthError(f"AWS credentials: none found; {_ADVICE}")
    ends = getattr(found, "_expiry_time", None)
    value = Credentials(access_key=keys.access_key, secret_key=keys.secret_key, token=keys.token)
    return Lease(value=value, ends=ends.timestamp() if ends else None)
