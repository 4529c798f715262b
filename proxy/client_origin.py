"""Keeps a request that carries credentials on the origin it was made for, whatever redirects its HTTP client follows.

httpx takes `Authorization` off a request that a redirect leads elsewhere, and nothing else: the session token and the
message would still go there. So the request carries a `trace` extension, which httpcore calls before it writes a
request's first byte, and which redirected copies of the request inherit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from proxy.errors import AuthError
from proxy.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from typing import Any

    from httpx2 import URL, Request

_TRACE: Final = "trace"
_WRITES: Final = ".send_request_headers.started"


class _Sent(Protocol):
    """httpcore's request, as far as it counts here."""

    method: bytes
    headers: list[tuple[bytes, bytes]]

    @property
    def url(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """`before` is the trace function that the request had of its user, or None."""

    scheme: str
    host: bytes
    before: Callable[[str, Mapping[str, Any]], Any] | None

    def check(self, name: str, info: Mapping[str, Any]) -> None:
        """Raises AuthError where the request about to be written goes elsewhere.

        A forward proxy gets it under the proxy's own URL, so the Host header counts. CONNECT carries nothing of ours.
        """
        sent: _Sent | None = info.get("request") if name.endswith(_WRITES) else None
        if sent is None or sent.method == b"CONNECT":
            return
        hosts = [value for key, value in sent.headers if key.lower() == b"host"]
        if hosts != [self.host] or (self.scheme == "https" and sent.url.scheme != b"https"):
            raise _elsewhere(self.host)


class _BoundSync(_Bound):
    __slots__ = ()

    def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        self.check(name, info)
        if self.before is not None:
            self.before(name, info)


class _BoundAsync(_Bound):
    __slots__ = ()

    async def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        self.check(name, info)
        if self.before is not None:
            waiting: Coroutine[Any, Any, None] = self.before(name, info)
            await waiting


def bind(request: Request, *, is_async: bool) -> None:
    """Ties `request` to its origin. Raises AuthError where no credential may be sent to that."""
    url, host = request.url, request.headers.get("Host", "").encode()
    _refuse_plain(url)
    before = request.extensions.get(_TRACE)
    if isinstance(before, _Bound):  # the copy of a bound request, made for a redirect
        if (before.scheme, before.host) != (url.scheme, host):
            raise _elsewhere(before.host)
        before = before.before
    kind = _BoundAsync if is_async else _BoundSync
    request.extensions[_TRACE] = kind(scheme=url.scheme, host=host, before=before)


def _refuse_plain(url: URL) -> None:
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise AuthError(f"{url.host}: credentials are sent over https:// alone (http:// is for loopback)")


def _elsewhere(host: bytes) -> AuthError:
    return AuthError(
        f"{host.decode('latin-1')} redirects to another origin; credentials and message are not sent there"
    )
