"""One bounded HTTP exchange with an identity provider: no redirects, no cookies, no compression, no proxy variables."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Final

from yarl import URL

from policies.model import Json
from proxy.errors import AuthError

ANSWER_BYTES: Final = 1024 * 1024


async def fetch_json(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Json]:
    """GET `url`, or POST `form` to it: the status, and the JSON of the answer (None where it is not JSON).

    The caller bounds the time. Raises AuthError that names the host. Variables such as HTTPS_PROXY do not apply: what
    is sent here holds a client secret.
    """
    import aiohttp

    wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    method = "GET" if form is None else "POST"
    try:
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
            ) as session,
            session.request(method, url, data=form, headers=wanted, allow_redirects=False) as answer,
        ):
            return answer.status, _parse(await _bounded(answer.content, host_of(url)))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise AuthError(f"{host_of(url)}: could not be asked ({type(error).__name__})") from None


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


def is_loopback(host: str) -> bool:
    """True for `localhost` and for addresses of the loopback network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def _bounded(content: object, host: str) -> bytes:
    from aiohttp import StreamReader

    assert isinstance(content, StreamReader)
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise AuthError(f"{host}: answered more than {ANSWER_BYTES} bytes")
    return bytes(body)


def _parse(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
