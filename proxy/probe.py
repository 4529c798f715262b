"""Finding out which era the upstream speaks: `server/discover` first, `initialize` when that is not understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from policies.model import Json, JsonObject
from proxy.eras import HANDSHAKE, MODERN, UNSUPPORTED_VERSION
from proxy.retry import BUSY
from proxy.wire import AnswerError, Hello, WireError, implementation

_NO_ERA: Final = frozenset({400, 404, 405, 406, 410, 415, 422, 501})
"""Statuses by which a handshake server turns the modern probe away."""


@dataclass(frozen=True, slots=True)
class Told:
    """A result, and the session id that came with it."""

    body: JsonObject
    session: str | None = None


Ask = Callable[[str, JsonObject, str], Awaitable[Told]]
"""Takes method, params and revision; sends it without a session. Raises AnswerError or WireError."""


async def probe(ask: Ask, *, discover_may_hang: bool = False) -> tuple[Hello, str | None]:
    """What the upstream is, and the session it opened with `initialize`, if any.

    Raises WireError when it cannot be reached or does not answer as MCP, AnswerError when it refuses both.
    `discover_may_hang` takes a timeout of the probe for a no.
    """
    hello = await _discover(ask, discover_may_hang)
    if hello is not None:
        return hello, None
    try:
        return await initialize(ask)
    except AnswerError as error:
        # A slow starter may have taken the timed-out probe after all, and be modern from then on.
        hello = await _discover(ask, discover_may_hang) if names_modern(error) else None
        if hello is None:
            raise
        return hello, None


async def _discover(ask: Ask, may_hang: bool) -> Hello | None:
    """None when the upstream is of the handshake era."""
    for last in (False, True):
        try:
            told = await ask("server/discover", {}, MODERN)
        except AnswerError as error:
            if error.code in BUSY:
                raise
            if last or not names_modern(error):
                return None
        except WireError as failed:
            if failed.status in _NO_ERA or (may_hang and failed.kind == "timeout"):
                return None
            raise
        else:
            return Hello(era="modern", version=MODERN, body=told.body) if _supports(told.body) else None
    return None


def names_modern(error: AnswerError) -> bool:
    """Whether an error says that the upstream does speak the modern revision."""
    data: Json = error.data
    supported = data.get("supported") if isinstance(data, Mapping) else None
    return error.code == UNSUPPORTED_VERSION and isinstance(supported, list) and MODERN in supported


def _supports(body: JsonObject) -> bool:
    versions = body.get("supportedVersions")
    return isinstance(versions, list) and MODERN in versions


async def initialize(ask: Ask) -> tuple[Hello, str | None]:
    """The handshake: its result, at the revision that the upstream chose. Raises AnswerError or WireError."""
    params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": implementation()}
    told = await ask("initialize", params, HANDSHAKE)
    version = told.body.get("protocolVersion")
    if not isinstance(version, str) or not version.isascii() or not version.isprintable() or len(version) > 64:
        raise WireError("malformed", "the upstream's answer to initialize names no protocol revision")
    hello = Hello(era="handshake", version=version, body=told.body, sessions=told.session is not None)
    return hello, told.session
