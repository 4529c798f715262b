"""How the command line's client proves who calls, and what to look at when that is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final, Protocol

from proxy.client_refusals import of_signature, of_token
from proxy.errors import ProxyError

_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


class Proof(Protocol):
    """One way of proving who calls."""

    def headers(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """What to send beside `headers` with this POST. Raises ProxyError where there is no credential."""
        ...

    def advice(self, status: int, kind: str) -> str:
        """What to look at after a 401 or 403. `kind` is AWS's name of the error, or empty."""
        ...


class Nothing:
    """No credential."""

    def headers(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        return {}

    def advice(self, status: int, kind: str) -> str:
        return "it wants an access token, and none is sent: give --token REF"


class BearerToken:
    """The token that `reference` holds, read at once. Raises ProxyError; `url` is where the token will go."""

    def __init__(self, reference: str, url: str) -> None:
        _refuse_plain(url)
        self._reference = reference
        self._token = _read(reference)

    def headers(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def advice(self, status: int, kind: str) -> str:
        return of_token(status, f"the token of {self._reference}")


class Signature:
    """An AWS signature for AgentCore in `region`, with the credentials that botocore finds."""

    def __init__(self, region: str, url: str) -> None:
        from proxy.aws import SERVICE, load
        from proxy.sigv4 import Signer

        _refuse_plain(url)
        self._keys = load().value
        self._signer = Signer(service=SERVICE, region=region)

    def headers(self, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        from yarl import URL

        return self._signer.sign(self._keys, "POST", URL(url, encoded=True), headers, body)

    def advice(self, status: int, kind: str) -> str:
        return of_signature(status, kind)


def _refuse_plain(url: str) -> None:
    from proxy.fetch import problem_of

    if problem := problem_of(url):
        raise ProxyError(f"no credential is sent to the URL: it {problem}")


def _read(reference: str) -> str:
    from proxy.references import References

    try:
        token = asyncio.run(References().get(reference))
    except LookupError as error:
        raise ProxyError(f"token: {error}") from None
    if not _SENDABLE.fullmatch(token):
        raise ProxyError(f"token: {reference} does not hold one word that a header can carry (leave out `Bearer`)")
    return token
