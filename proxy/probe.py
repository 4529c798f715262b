"""Finding out which era the upstream speaks: `server/discover` first, `initialize` when that is not understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies.model import Json, JsonObject
from proxy.eras import HANDSHAKE, HANDSHAKE_VERSIONS, MODERN, UNSUPPORTED_VERSION
from proxy.errors import INVALID_PARAMS
from proxy.retry import BUSY
from proxy.wire import AnswerError, Hello, WireError, implementation

_NO_ERA: Final = frozenset({400, 404, 405, 406, 410, 415, 422, 501})
"""Statuses by which a handshake server turns the modern probe away."""

_OF_VERSION: Final = frozenset({INVALID_PARAMS, UNSUPPORTED_VERSION})
"""Codes by which a server refuses the revision of `initialize` (2025-11-25, Lifecycle, Error Handling; 2026-07-28)."""


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


async def initialize(ask: Ask, wished: str = HANDSHAKE) -> tuple[Hello, str | None]:
    """The handshake: its result, at the revision that the upstream chose. Raises AnswerError or WireError.

    A server should answer a revision that it does not support with one that it does. One that refuses instead, as a
    gateway does outside its `supportedVersions`, is asked for the others, the newest first.
    """
    left = [wished, *(version for version in reversed(HANDSHAKE_VERSIONS) if version != wished)]
    while True:
        version = left.pop(0)
        try:
            return await _initialized(ask, version)
        except AnswerError as error:
            left = _others(error, left)
            if not left:
                raise


def _others(error: AnswerError, left: Sequence[str]) -> list[str]:
    """The revisions worth asking for after a refusal: those that it names, or all when it may be one of a revision."""
    data: Json = error.data
    supported = data.get("supported") if isinstance(data, Mapping) else None
    if isinstance(supported, list):
        return [version for version in left if version in supported]
    return list(left) if error.code in _OF_VERSION or error.status == 400 else []


async def _initialized(ask: Ask, version: str) -> tuple[Hello, str | None]:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": implementation()}
    told = await ask("initialize", params, version)
    chosen = told.body.get("protocolVersion")
    if not isinstance(chosen, str) or not chosen.isascii() or not chosen.isprintable() or len(chosen) > 64:
        raise WireError("malformed", "the upstream's answer to initialize names no protocol revision")
    hello = Hello(era="handshake", version=chosen, body=told.body, sessions=told.session is not None)
    return hello, told.session
