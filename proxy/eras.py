"""The two eras of MCP, and how a message of one is said in the other. Pure functions; nothing is mutated.

The handshake era (2024-11-05 … 2025-11-25) negotiates once by `initialize`. The modern era (2026-07-28) carries an
envelope in the `_meta` of every request and requires `resultType`, and `ttlMs` with `cacheScope` on what can be
cached. A caller and the upstream may be of different eras:

    caller      upstream    on the way up                          on the way back
    same era    same era    as received                            as received
    handshake   modern      our envelope, a log level              without resultType, ttlMs, cacheScope
    modern      handshake   without the caller's envelope          with resultType, ttlMs 0, cacheScope private
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policies.model import JsonObject
from proxy.errors import INTERNAL_ERROR, RpcError

MODERN: Final = "2026-07-28"
HANDSHAKE: Final = "2025-11-25"
"""The handshake revision that we offer to an upstream."""
HANDSHAKE_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Every revision that `initialize` can agree on, oldest first."""
UNSUPPORTED_VERSION: Final = -32022

_PREFIX: Final = "io.modelcontextprotocol/"
PROTOCOL_VERSION: Final = _PREFIX + "protocolVersion"
CLIENT_INFO: Final = _PREFIX + "clientInfo"
CLIENT_CAPABILITIES: Final = _PREFIX + "clientCapabilities"
LOG_LEVEL: Final = _PREFIX + "logLevel"
SUBSCRIPTION_ID: Final = _PREFIX + "subscriptionId"
_ENVELOPE: Final = (PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES, LOG_LEVEL)

CACHEABLE: Final = frozenset(
    {
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    }
)
"""Methods whose modern result carries `ttlMs` and `cacheScope` (2026-07-28, CacheableResult)."""

_LOGGING: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
HANDSHAKE_ONLY: Final = frozenset({"logging/setLevel", "resources/subscribe", "resources/unsubscribe"})
"""Methods that a modern server does not have, and that a stateless handshake server answers with `{}`."""


def is_modern(version: str) -> bool:
    """Whether a revision belongs to the modern era. An unknown one does not."""
    return version == MODERN


def upward(
    method: str,
    params: JsonObject,
    *,
    caller_modern: bool,
    modern: bool,
    client: JsonObject,
    progress: int | None = None,
) -> JsonObject:
    """`params` as the upstream's era (`modern`) expects them.

    `client` is our own Implementation object and `progress` our own progress token; without one, none is sent.
    """
    found = params.get("_meta")
    meta: JsonObject = found if isinstance(found, Mapping) else {}
    if modern:
        fresh = _enveloped(method, meta, caller_modern, client)
    elif caller_modern:
        fresh = {key: value for key, value in meta.items() if key not in _ENVELOPE}
    elif progress is None and "progressToken" not in meta:
        return params
    else:
        fresh = dict(meta)
    fresh.pop("progressToken", None)
    if progress is not None:
        fresh["progressToken"] = progress
    if not fresh:
        return {key: value for key, value in params.items() if key != "_meta"}
    return {**params, "_meta": fresh}


def _enveloped(method: str, meta: JsonObject, caller_modern: bool, client: JsonObject) -> dict[str, object]:
    fresh = dict(meta)
    fresh[PROTOCOL_VERSION] = MODERN
    if caller_modern and CLIENT_CAPABILITIES in meta:
        return fresh
    fresh[CLIENT_CAPABILITIES] = {}
    fresh[CLIENT_INFO] = client
    if method in _LOGGING and not caller_modern:
        # Without a level a modern server sends no log message; debug would turn quick answers into streams.
        fresh[LOG_LEVEL] = "info"
    return fresh


def downward(method: str, body: JsonObject, *, caller_modern: bool, modern: bool) -> JsonObject:
    """A result `body` of an upstream of era `modern` as the caller's era expects it.

    Raises RpcError when it cannot be said: a multi-round-trip question to a handshake-era caller.
    """
    if caller_modern == modern:
        return body
    if modern:
        return _to_handshake(method, body)
    fresh = {"resultType": "complete", **body}
    if method in CACHEABLE:
        fresh = {"ttlMs": 0, "cacheScope": "private", **fresh}
    return fresh


def _to_handshake(method: str, body: JsonObject) -> JsonObject:
    kind = body.get("resultType")
    if kind == "input_required":
        message = "the upstream asks for input, which callers of protocol revisions before 2026-07-28 cannot give"
        raise RpcError(INTERNAL_ERROR, message)
    drop = {"ttlMs", "cacheScope"} if method in CACHEABLE else set()
    if kind == "complete":
        drop.add("resultType")
    # structuredContent of another type than object is not in the handshake schemas; it passes unchanged, since
    # clients that do not know it ignore it and the text block says the same.
    return {key: value for key, value in body.items() if key not in drop}


def relabel(
    method: str,
    params: JsonObject,
    *,
    own: int,
    progress_token: str | int | None,
    request_id: str | int | None,
) -> JsonObject | None:
    """An upstream notification's `params` with the caller's own progress token and request id in place of ours.

    None when it is progress that the caller did not ask for.
    """
    if method == "notifications/progress":
        if progress_token is None or params.get("progressToken") != own:
            return None
        return {**params, "progressToken": progress_token}
    return relabelled_subscription(params, request_id)


def relabelled_subscription(body: JsonObject, request_id: str | int | None) -> JsonObject:
    """`body` with the subscription id in its `_meta`, if there is one, replaced by the caller's request id."""
    meta = body.get("_meta")
    if request_id is None or not isinstance(meta, Mapping) or SUBSCRIPTION_ID not in meta:
        return body
    return {**body, "_meta": {**meta, SUBSCRIPTION_ID: request_id}}
