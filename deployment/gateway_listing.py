"""The proof of a registration: `tools/list` through the gateway, as any client of it would ask, page by page."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Final

from deployment import gateway_find as find
from deployment.errors import DeployError, FailedError, WaitedError
from deployment.gateway_form import At
from deployment.gateway_token import bearer
from deployment.run import Run
from deployment.steps import Change
from proxy import client_proof
from proxy.client import Client
from proxy.errors import ProxyError, RpcError

Json = dict[str, Any]

LISTED_S: Final = 60.0
"""A gateway may serve a list from before the synchronisation for a moment."""

_AGAIN: Final = (-32003, -32005)
"""The platform's own codes: throttled, and busy."""

SEPARATOR: Final = "___"
"""Between the target's name and the tool's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proxy's tools by the gateway's names; None where the gateway does not let us ask, and `why` not."""

    tools: tuple[str, ...] | None = None
    why: str | None = None

    def document(self) -> dict[str, Any]:
        if self.tools is None:
            return {"verified": False, "why": self.why}
        return {"verified": True, "tool_count": len(self.tools)}


class Proving:
    """Step, after the target's and before old credentials go."""

    def __init__(self, run: Run, at: At) -> None:
        self._run, self._at = run, at
        self._proof: Proof | None = None

    def proof(self) -> Proof:
        """What `apply` has found."""
        return self._proof or Proof(why="it was not asked")

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        self._proof = prove(self._run, self._at)

    def plan_removal(self) -> tuple[Change, ...]:
        return ()

    def remove(self) -> None:
        pass


def prove(run: Run, at: At) -> Proof:
    """Raises FailedError where the gateway lists none of the proxy's tools, DeployError where it cannot be asked."""
    gateway = find.needed_gateway(run, at.gateway)
    who = _who(run, gateway)
    if who is None:
        why = f"gateway {at.gateway} lets in clients of its own identity provider alone; ask it with one of those"
        return Proof(why=why)

    def look() -> tuple[str, ...] | None:
        return tools_of(at, gateway, who) or None

    what = f"gateway {at.gateway} to list tools of {at.target}"
    try:
        return Proof(tools=run.waits.until(what, look, within_s=LISTED_S))
    except WaitedError:
        told = f"gateway {at.gateway} lists no tool named {at.target}{SEPARATOR}…"
        raise FailedError(f"{told}: does the proxy publish any? `verify` asks it directly") from None


def tools_of(at: At, gateway: Json, who: client_proof.Proof) -> tuple[str, ...]:
    """The names of the target's tools, as the gateway lists them; none while it is too busy. Raises DeployError."""
    try:
        with contextlib.closing(Client(gateway["gatewayUrl"], who)) as client:
            names = [str(tool.get("name", "")) for tool in client.tools()]
    except ProxyError as error:
        if isinstance(error, RpcError) and error.code in _AGAIN:
            return ()
        raise DeployError(f"gateway {at.gateway} cannot be asked for its tools: {error}") from None
    return tuple(name for name in names if name.startswith(f"{at.target}{SEPARATOR}"))


def _who(run: Run, gateway: Json) -> client_proof.Proof | None:
    kind = gateway["authorizerType"]
    if kind == "NONE":
        return client_proof.Nothing()
    if kind == "CUSTOM_JWT":
        return bearer(run, gateway)
    try:
        return client_proof.Signature(run.account.region, gateway["gatewayUrl"])
    except ProxyError as error:
        raise DeployError(f"gateway {gateway['gatewayId']}: {error}") from None
