"""Signs what an exporter sends to an OTLP endpoint of AWS, with the process's own credentials.

Runs in the exporter's thread, which may wait. Imported only where an endpoint is AWS's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import requests
from yarl import URL

from proxy import aws
from proxy.errors import AuthError
from proxy.lease import RETRY_S, Lease
from proxy.otlp import GROUP, STREAM, Signal
from proxy.sigv4 import Credentials, Signer

_SIGNED: Final = ("Content-Type", "Content-Encoding", GROUP, STREAM)
"""Headers that are signed beside Host and the signer's own; whatever else is sent may be changed on the way."""

_REFUSED: Final = frozenset({401, 403})
_NEVER: Final = float("-inf")

log = logging.getLogger(__name__)


class Keys:
    """Credentials for one thread: loaded on first use, again before they end, and after they were refused."""

    def __init__(self, load: Callable[[], Lease[Credentials]], clock: Callable[[], float]) -> None:
        self._load = load
        self._clock = clock
        self._lease: Lease[Credentials] | None = None
        self._due = _NEVER

    def get(self) -> Credentials:
        """Raises AuthError where there are none that still hold."""
        now = self._clock()
        if self._lease is None or now >= self._due:
            self._lease = self._renewed(now)
        return self._lease.value

    def forget(self) -> None:
        self._lease = None

    def _renewed(self, now: float) -> Lease[Credentials]:
        try:
            lease = self._load()
        except AuthError:
            if self._lease is None or self._lease.ends is None or now >= self._lease.ends:
                raise
            self._due = now + RETRY_S
            return self._lease
        self._due = now + max(RETRY_S, 0.8 * (lease.ends - now)) if lease.ends is not None else float("inf")
        return lease


class Sigv4:
    """An authentication of `requests`. Every attempt is signed anew, for its own second."""

    def __init__(
        self,
        signal: Signal,
        region: str,
        *,
        load: Callable[[], Lease[Credentials]] = aws.load,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kind = signal.variable.lower()
        self._signer = Signer(service=signal.service, region=region, clock=clock)
        self._keys = Keys(load, clock)
        self._told = ""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            keys = self._keys.get()
        except AuthError as error:
            self._tell(f"{self._kind} are not sent: {error}")
            raise
        signed = {name: str(request.headers[name]) for name in _SIGNED if name in request.headers}
        body = request.body if isinstance(request.body, bytes) else b""
        url = URL(str(request.url), encoded=True)
        request.headers.update(self._signer.sign(keys, str(request.method), url, signed, body))
        request.register_hook("response", self._answered)
        return request

    def _answered(self, response: requests.Response, *_: object, **__: object) -> None:
        status = response.status_code
        if status in _REFUSED:
            self._keys.forget()
        self._tell("" if status == 200 else f"{self._kind} were not taken: the endpoint answered {status}")

    def _tell(self, problem: str) -> None:
        """Once for every problem in a row: an exporter tries every few seconds."""
        if problem and problem != self._told:
            log.warning("%s", problem)
        self._told = problem


def session(signal: Signal, region: str) -> requests.Session:
    """A session whose requests are signed for AWS's endpoint of `signal` in `region`."""
    found = requests.Session()
    found.auth = Sigv4(signal, region)
    found.max_redirects = 0  # a session token goes nowhere but to AWS
    return found
