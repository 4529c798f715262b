"""AWS Signature Version 4 for the shape the proxy sends: a complete body, header authentication, any service but S3.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

What stays the same from one call to the next is worked out once: the canonical path and query of a URL, the order of
a set of header names, and the key derived for a day.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from yarl import URL

UNSIGNED: Final = frozenset(
    {
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    }
)
"""Headers that intermediaries may change or add. The same as botocore's list."""

_KEPT: Final = 32
"""URLs, and sets of header names, remembered by a signer. An upstream has one URL and a handful of sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An AWS access key. `token` is the session token of temporary credentials, or None."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Signer:
    """Signs for one service in one region. `clock` gives seconds since the epoch."""

    def __init__(self, *, service: str, region: str, clock: Callable[[], float] = time.time) -> None:
        self.service = service
        self.region = region
        self._clock = clock
        self._url = lru_cache(maxsize=_KEPT)(_canonical_url)
        self._names = lru_cache(maxsize=_KEPT)(_order)
        self._day = lru_cache(maxsize=2)(self._derive)
        self._second, self._stamp = -1, ""

    def sign(
        self, credentials: Credentials, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """The headers to add: X-Amz-Date, Authorization, and X-Amz-Security-Token for temporary credentials.

        Every one of `headers` is signed but for UNSIGNED: send each as given, once. A value given for a header that is
        returned here is ignored, and must not be sent beside ours. The request line must carry `url.raw_path_qs` (for
        a path that holds an encoded ARN: `URL(…, encoded=True)`).
        """
        target, host = self._url(url)
        stamp = self._now()
        added = {"X-Amz-Date": stamp}
        if credentials.token:
            added["X-Amz-Security-Token"] = credentials.token
        values = (*headers.values(), *added.values(), host)
        lines, signed = self._names((*headers, *added, "Host"))
        block = [f"{start}{' '.join(values[at].split())}" for start, at in lines]
        canonical = "\n".join([method.upper(), target, *block, "", signed, _hex(body)])
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{_hex(canonical.encode())}"
        mac = self._day(credentials.secret_key, stamp[:8]).copy()
        mac.update(text.encode())
        added["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={mac.hexdigest()}"
        )
        return added

    def _now(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            self._second = second
        return self._stamp

    def _derive(self, secret_key: str, day: str) -> hmac.HMAC:
        key = f"AWS4{secret_key}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, digestmod="sha256")


def _hex(data: bytes) -> str:
    return sha256(data).hexdigest()


def _canonical_url(url: URL) -> tuple[str, str]:
    """Canonical path and query of `url`, and its Host header as `http1` sends it.

    The path is encoded once more than on the wire, as every service but S3 wants it. Query pairs are sorted by name,
    then value, and are otherwise taken as they are on the wire, where they must be percent-encoded.
    """
    pairs = sorted(pair.partition("=")[::2] for pair in url.raw_query_string.split("&")) if url.raw_query_string else []
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{quote(_normal(url.raw_path), safe='/~')}\n{query}", url.host_port_subcomponent or ""


def _normal(path: str) -> str:
    """`path` without empty and dot segments (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    last = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + last


def _order(names: tuple[str, ...]) -> tuple[list[tuple[str, int]], str]:
    """For each signed header, in order, the start of its canonical line and the place of its value; all their names.

    `names` ends with those of the signer's own headers and `Host`; a `Host` that was given comes before and counts.
    """
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        lower = name.lower()
        if lower not in UNSIGNED and lower != "authorization":
            places[lower] = places.get(lower, index) if lower == "host" else index
    ordered = sorted(places)
    return [(f"{name}:", places[name]) for name in ordered], ";".join(ordered)
