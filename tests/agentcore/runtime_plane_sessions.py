"""Sessions of runtimes: an id of at least 33 characters, and the version of the code that it keeps for its life."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from tests.agentcore.runtime_plane_errors import PlatformError
from tests.agentcore.runtime_plane_headers import MCP_SESSION, SESSION
from tests.agentcore.world import Endpoint, Runtime, World

SHORTEST, LONGEST = 33, 256
KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: str
    version: int


class Sessions:
    def __init__(self, world: World) -> None:
        self._world = world
        self._versions: dict[tuple[str, str, str], int] = {}

    def of(self, runtime: Runtime, endpoint: Endpoint, headers: Mapping[str, str]) -> Session:
        """The session that a request names, or a new one. Raises PlatformError: a bad id, or a session that is lost.

        A client names its session by the platform's header or, after the first answer, by Mcp-Session-Id. An id that
        the platform does not know begins a session of that id, at the endpoint's live version; one that it knows
        stays at the version that it began with.
        """
        named = headers.get(SESSION)
        if named is not None and not SHORTEST <= len(named) <= LONGEST:
            raise PlatformError(-32006, f"{SESSION} must have {SHORTEST} to {LONGEST} characters", status=400)
        named = named or headers.get(MCP_SESSION)
        chosen = named or str(uuid.uuid4())
        key = (runtime.id, endpoint.name, chosen)
        if named and self._world.faults.lost_sessions > 0:
            self._world.faults.lost_sessions -= 1
            self._versions.pop(key, None)
            raise PlatformError(-32004, "The session has ended: start a new one", status=404)
        version = self._versions.pop(key, int(endpoint.live_version))
        self._versions[key] = version
        while len(self._versions) > KEPT:
            del self._versions[next(iter(self._versions))]
        return Session(id=chosen, version=version)

    def end(self, runtime: Runtime, endpoint: str, session: str) -> bool:
        """Whether there was such a session."""
        return self._versions.pop((runtime.id, endpoint, session), None) is not None
