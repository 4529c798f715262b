"""How an agent's HTTP client proves who it is: auth flows that httpx2 and httpx share.

Both libraries drive the same two generators and differ in the base class alone, which each demands of its own.
`proxy.client_auth` has the classes for httpx2 (fastmcp 4, mcp 2), `proxy.client_auth_httpx` those for httpx (mcp 1).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncGenerator, Generator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from yarl import URL

from proxy import aws
from proxy.client_origin import bind
from proxy.client_refusals import ERROR_TYPE, STATUSES, kind_of, of_signature, of_token
from proxy.client_tokens import Tokens, TokenSource, in_thread, in_turn
from proxy.errors import AuthError
from proxy.sigv4 import Credentials, Signer

if TYPE_CHECKING:
    from httpx2 import Request, Response

_ADDED: Final = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")

_ADVICE: Final = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a session"

_log = logging.getLogger(__name__)


class Session(Protocol):
    """A session of boto3 or botocore."""

    def get_credentials(self) -> Any: ...


class _Flow:
    """What the flows share: they read the whole body, and say once, in the log, what a refusal may come from."""

    requires_request_body = True

    def __init__(self) -> None:
        self._told: set[int] = set()

    def _advice(self, status: int, kind: str) -> str:
        raise NotImplementedError

    def _tell(self, response: Response) -> None:
        status = response.status_code
        if status in STATUSES and status not in self._told:
            self._told.add(status)
            advice = self._advice(status, kind_of(response.headers.get(ERROR_TYPE)))
            _log.warning("%s answered %d: %s", response.request.url.host, status, advice)


class SigV4Flow(_Flow):
    """Signs each request, body and headers as they are sent, with AWS Signature Version 4.

    `region`: without one it is the region that the host names. `session`: a boto3 or botocore session whose credentials
    are used; without one they are found as the AWS CLI finds them. Either way botocore renews those that end. They are
    read off the event loop, and neither logged nor shown.

    A request raises AuthError, unsent, where there are no credentials, over http:// to anything but loopback, and
    where a redirect leads to another origin.
    """

    def __init__(
        self, region: str | None = None, *, service: str = aws.SERVICE, session: Session | None = None
    ) -> None:
        super().__init__()
        self.region = region
        self.service = service
        self._session = session
        self._found: Any = None
        self._finding = threading.Lock()
        self._signer = lru_cache(maxsize=8)(self._signer_of)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self.region!r}, service={self.service!r})"

    def _advice(self, status: int, kind: str) -> str:
        return of_signature(status, kind)

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        body = request.read()
        bind(request, is_async=False)
        self._sign(request, body, self._keys())
        self._tell((yield request))

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        body = await request.aread()
        bind(request, is_async=True)
        self._sign(request, body, await in_thread("AWS credentials", self._keys))
        self._tell((yield request))

    def _sign(self, request: Request, body: bytes, keys: Credentials) -> None:
        headers = request.headers
        for name in _ADDED:  # of the request that was redirected here
            headers.pop(name, None)
        if len(headers.raw) > len(headers.keys()):
            for name in list(headers):  # a header given twice is sent once, its values joined as AWS joins them
                headers[name] = headers[name]
        # Exactly what goes onto the wire: yarl would tidy up an encoded ARN.
        line = request.url.raw_path.decode("ascii")
        url = URL(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{line}", encoded=True)
        headers.update(self._signer(request.url.host).sign(keys, request.method, url, headers, body))

    def _signer_of(self, host: str) -> Signer:
        named = aws.named_by(host)
        region = self.region or (named[1] if named else None)
        if region is None:
            raise AuthError(f"{host} names no AWS region to sign for: give one, SigV4Auth(region=...)")
        return Signer(service=self.service, region=region)

    def _keys(self) -> Credentials:
        """Blocks while botocore asks the metadata service, a role or a command for new ones."""
        try:
            with in_turn(self._finding, "AWS credentials"):
                if self._found is None:
                    self._found = (self._session or aws.session()).get_credentials()
            keys = self._found.get_frozen_credentials() if self._found else None
        except AuthError:
            raise
        except Exception as error:  # noqa: BLE001 - of a credential process or a file; its words may be secret
            raise AuthError(f"AWS credentials: {type(error).__name__}; {_ADVICE}") from None
        if keys is None or not keys.access_key:
            raise AuthError(f"AWS credentials: none found; {_ADVICE}")
        return Credentials(access_key=keys.access_key, secret_key=keys.secret_key, token=keys.token)


class BearerFlow(_Flow):
    """Sends `Authorization: Bearer TOKEN`, and after a 401 a new token, once.

    `token`: the token itself; a function, plain or async, that gives one; or something with an async `fetch()` that
    leases one, such as `proxy.tokens.ClientCredentials`. A token is kept until it ends or is refused.
    """

    def __init__(self, token: TokenSource) -> None:
        super().__init__()
        self._token = Tokens(token)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def _advice(self, status: int, kind: str) -> str:
        return of_token(status)

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.read()
        bind(request, is_async=False)
        token = self._token.get()
        response = yield _with(request, token)
        if response.status_code == 401:
            fresh = self._token.get(refused=token)
            if fresh != token:
                response = yield _with(request, fresh)
        self._tell(response)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        await request.aread()
        bind(request, is_async=True)
        token = await self._token.aget()
        response = yield _with(request, token)
        if response.status_code == 401:
            fresh = await self._token.aget(refused=token)
            if fresh != token:
                response = yield _with(request, fresh)
        self._tell(response)


def _with(request: Request, token: str) -> Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request
