"""One bounded HTTP exchange with an identity provider: no redirects, no cookies, no compression, no proxy variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from yarl import URL

from policies.model import Json
from proxy import VERSION
from proxy.errors import AuthError
from proxy.http1 import Client
from proxy.http1_errors import ConnectError, HttpError
from proxy.http1_response import Response
from proxy.loopback import is_loopback

ANSWER_BYTES: Final = 1024 * 1024
_AGENT: Final = f"mcp-policy-proxy/{VERSION}"
_CONNECT_S: Final = 10.0


async def fetch_json(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Json]:
    """GET `url`, or POST `form` to it: the status, and the JSON of the answer (None where it is not JSON).

    The caller bounds the time. Raises AuthError that names the host. Variables such as HTTPS_PROXY do not apply: what
    is sent here holds a client secret.
    """
    wanted = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _AGENT, **(headers or {})}
    if form is not None:
        wanted["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        client = Client(URL(url), limit=1, connect_s=_CONNECT_S)
    except ValueError as error:
        raise AuthError(f"{host_of(url)}: could not be asked ({type(error).__name__})") from None
    try:
        method, body = ("GET", b"") if form is None else ("POST", urlencode(form).encode())
        answer = await client.request(method, wanted, body)
        return answer.status, _parse(await _bounded(answer, host_of(url)))
    except (HttpError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        told = f"{type(error).__name__}: {error.reason}" if isinstance(error, ConnectError) else type(error).__name__
        raise AuthError(f"{host_of(url)}: could not be asked ({told})") from None
    finally:
        await client.close()


def host_of(url: str) -> str:
    """Host, and port where it is not the scheme's own: what an error may say of a URL."""
    return URL(url).host_port_subcomponent or ""


def problem_of(url: str, *, loopback: bool = True) -> str | None:
    """Why no secret may be sent to `url`, or None. Plain http is for loopback alone."""
    try:
        parsed = URL(url)
        host = parsed.host
    except ValueError:
        return "is not a URL"
    if not host or parsed.scheme not in ("http", "https"):
        return "must be an https:// URL"
    if parsed.user or parsed.password:
        return "must not hold a user or a password"
    if parsed.scheme == "http" and not (loopback and is_loopback(host)):
        return "must be https:// (http:// is for loopback alone)"
    return None


async def _bounded(answer: Response, host: str) -> bytes:
    body = bytearray()
    while piece := await answer.read():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise AuthError(f"{host}: answered more than {ANSWER_BYTES} bytes")
    return bytes(body)


def _parse(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
