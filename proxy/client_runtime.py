"""The client of one AgentCore Runtime, by its ARN: the platform's own errors become sentences, or another try.

The platform answers some errors as HTTP statuses and some as JSON-RPC errors in a 200.
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-mcp-protocol-contract.html
"""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from policies.model import JsonObject
from proxy.arns import ENDPOINT_VARIABLE, invocation_url
from proxy.client import AnsweredError, Client, NotMcpError
from proxy.client_proof import Proof
from proxy.client_refusals import STATUSES
from proxy.errors import ProxyError

SESSION: Final = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
"""Names the microVM that serves. A new one pays for a start; its value has 33 characters or more."""

PATIENCE_S: Final = 30.0
"""All waits between the tries of one request."""

_FIRST_S: Final = 0.5
_THROTTLED, _NOT_FOUND, _BUSY, _FAILED = -32003, -32004, -32005, -32010
_FIRST_CONTACT: Final = ("server/discover", "initialize")


class _AgainError(ProxyError):
    """Nothing was done; the same request may succeed after `after` seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class _LostError(ProxyError):
    """The session is gone, or never was: the Runtime or its endpoint may be missing too."""


class RuntimeClient(Client):
    """Talks to the endpoint `qualifier` of the Runtime `arn`, in a session of its own. `pause` waits for seconds."""

    def __init__(
        self, arn: str, qualifier: str, proof: Proof, *, pause: Callable[[float], object] = time.sleep
    ) -> None:
        super().__init__(invocation_url(arn, qualifier), proof)
        self.where = arn
        self._group = f"/aws/bedrock-agentcore/runtimes/{arn.rpartition('/')[2]}-{qualifier}"
        self._pause = pause
        self._begin()

    def _begin(self) -> None:
        self.always = {SESSION: f"mcp-policy-proxy-{uuid.uuid4()}"}
        self._modern, self._session = None, {}

    def absent(self) -> str:
        overridden = f", and at {ENDPOINT_VARIABLE}, which is set" if os.environ.get(ENDPOINT_VARIABLE) else ""
        return f"look at its region{overridden}"

    def request(self, method: str, params: JsonObject) -> JsonObject:
        """As in any server, and once more in a new session where this one is gone."""
        try:
            return super().request(method, params)
        except _LostError:
            self._begin()
            return super().request(method, params)

    def _ask(self, method: str, params: JsonObject, headers: Mapping[str, str]) -> JsonObject:
        waited, wait = 0.0, _FIRST_S
        while True:
            try:
                return super()._ask(method, params, headers)
            except (AnsweredError, NotMcpError) as error:
                told = self._told(method, error)
            pause = max(wait * random.uniform(0.8, 1.2), told.after) if isinstance(told, _AgainError) else 0
            if not pause or waited + pause > PATIENCE_S:
                raise told from None
            self._pause(pause)
            waited, wait = waited + pause, wait * 2

    def _told(self, method: str, error: AnsweredError | NotMcpError) -> ProxyError:
        """What `error` means where the platform may have given it; `error` itself where the server did."""
        status, code = error.status, error.code if isinstance(error, AnsweredError) else None
        shown = f"{self.where} answered {status}{f' ({code})' if code is not None else ''}"
        if code in (_THROTTLED, _BUSY) or (code is None and status in (409, 429)):
            what = "too many calls" if code == _THROTTLED or status == 429 else "the session is busy with another call"
            after = _after(error)
            asked = f"it asks to be called again in {after:g} s" if after else "trying again did not help"
            return _AgainError(f"{shown}: {what}; {asked}", after)
        if code == _NOT_FOUND or (code is None and status == 404):
            return self._missing(method, error, shown)
        if status in STATUSES:
            return ProxyError(f"{shown}: {self.proof.advice(status, error.kind)}")
        if sentence := self._sentence(status, code):
            return ProxyError(f"{shown}: {sentence}")
        return error

    def _missing(self, method: str, error: ProxyError, shown: str) -> ProxyError:
        if method == "server/discover":
            return error  # a server that speaks the older era alone may say so
        text = f"{shown}: there is no such Runtime or endpoint; look at account, region and ID of the ARN, and at the "
        return (ProxyError if method in _FIRST_CONTACT else _LostError)(f"{text}qualifier")

    def _sentence(self, status: int, code: int | None) -> str | None:
        if status == 424:
            return (
                f"the Runtime did not start within its 30 s, or failed while starting; see the log group {self._group}"
            )
        if code == _FAILED:
            return f"the Runtime's own process failed or did not answer; see the log group {self._group}"
        if status == 402:
            return "a service quota of the account is used up"
        if status >= 500 and code is None:
            return "AWS failed; try again"
        return None


def _after(error: ProxyError) -> float:
    """Seconds that a throttling error asks to wait (`data.retryAfter`), at least 0."""
    data = error.data if isinstance(error, AnsweredError) else None
    after = data.get("retryAfter") if isinstance(data, dict) else None
    return float(after) if isinstance(after, int | float) and 0 <= after < PATIENCE_S * 10 else 0.0
