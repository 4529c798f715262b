"""Revisions of MCP at a gateway's door: which one a request speaks, whether the gateway takes it, and sessions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request

from tests.agentcore.gateway_plane_errors import INVALID_PARAMS, INVALID_REQUEST, GatewayError
from tests.agentcore.world import Faults, Gateway

Json = dict[str, Any]

MODERN = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
ALL = (MODERN, *HANDSHAKE)
UNSUPPORTED = -32022
UNSAID = "2025-03-26"
"""What a request without MCP-Protocol-Version speaks (MCP 2025-06-18, section Protocol Version Header)."""

SESSION = "Mcp-Session-Id"
SESSION_S = 3600


def settings(gateway: Gateway) -> Json:
    """`protocolConfiguration.mcp`, or nothing."""
    found: Json = (gateway.request.get("protocolConfiguration") or {}).get("mcp", {})
    return found


def supported(gateway: Gateway) -> list[str]:
    """Newest first."""
    listed = settings(gateway).get("supportedVersions") or ALL
    return sorted(listed, reverse=True)


def check_version(gateway: Gateway, headers: Mapping[str, str], message: Json) -> str:
    """The revision of a request. Raises GatewayError for one that the gateway does not take, or a bad envelope.

    `initialize` is not held against the header: it negotiates.
    """
    taken = supported(gateway)
    said = headers.get("mcp-protocol-version")
    version = said or UNSAID
    negotiates = message.get("method") == "initialize" and version != MODERN
    if not negotiates and (version not in taken if said else taken == [MODERN]):
        data = {"supported": taken, "requested": version}
        told = f"Unsupported protocol version {version}: this gateway takes {', '.join(taken)}"
        raise GatewayError(UNSUPPORTED, told, 400, data)
    if version == MODERN and "id" in message:
        found = classify_inbound_request(message, headers=headers, supported_modern_versions=(MODERN,))
        if isinstance(found, InboundLadderRejection):
            raise GatewayError(found.code, found.message, 400, found.data)
    return version


def negotiated(gateway: Gateway, asked: Any) -> str:
    """The answer to `initialize`: what was asked for if the gateway takes it, else its newest handshake revision."""
    taken = [version for version in supported(gateway) if version != MODERN]
    if not taken:
        data = {"supported": supported(gateway), "requested": asked}
        raise GatewayError(INVALID_PARAMS, "Unsupported protocol version", 400, data)
    return asked if asked in taken else taken[0]


@dataclass
class Session:
    """One handshake-era session, and the sessions that the gateway has with its targets on its behalf."""

    caller: str
    ends: float
    targets: dict[str, str | None]


class Sessions:
    """The sessions of gateways that have them, by (gateway's id, session id)."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: dict[tuple[str, str], Session] = {}

    def begin(self, gateway: Gateway, caller: str) -> str:
        own = settings(gateway)["sessionConfiguration"]
        name = str(uuid.uuid4())
        life_s = own.get("sessionTimeoutInSeconds", SESSION_S)
        self._held[gateway.id, name] = Session(caller=caller, ends=time.time() + life_s, targets={})
        return name

    def of(self, gateway: Gateway, name: str | None, caller: str) -> Session:
        """Raises GatewayError: 400 without an id, 404 for one that is unknown, over, or somebody else's."""
        if name is None:
            raise GatewayError(INVALID_REQUEST, f"{SESSION} is missing: this gateway needs a session", 400)
        if self._faults.gateway_lost_sessions > 0:
            self._faults.gateway_lost_sessions -= 1
            self._held.pop((gateway.id, name), None)
        session = self._held.get((gateway.id, name))
        if session is None or session.ends <= time.time() or session.caller != caller:
            raise GatewayError(INVALID_REQUEST, "The session is not known or has expired: initialize again", 404)
        return session

    def end(self, gateway: Gateway, name: str) -> None:
        self._held.pop((gateway.id, name), None)


def has_sessions(gateway: Gateway) -> bool:
    return "sessionConfiguration" in settings(gateway)
