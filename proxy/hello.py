"""The first answer a client gets: the upstream's own hello, said in the caller's era.

Without a hello (the upstream is away, and no snapshot knows it) the proxy promises tools and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Final

from policies.model import Json, JsonObject
from proxy.eras import MODERN
from proxy.upstream import Hello
from proxy.wire import implementation

SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
TASKS: Final = "io.modelcontextprotocol/tasks"

_MODERN_ONLY: Final = frozenset({"supportedVersions", "resultType", "ttlMs", "cacheScope", "_meta", "serverInfo"})
_HANDSHAKE_ONLY: Final = frozenset({"protocolVersion", "serverInfo", "capabilities"})


def initialized(answer: JsonObject, hello: Hello | None) -> JsonObject:
    """The `initialize` result: the door's negotiated version, and of the upstream everything else."""
    negotiated = {"protocolVersion": answer.get("protocolVersion")}
    if hello is None:
        return {**negotiated, "capabilities": {"tools": {}}, "serverInfo": implementation()}
    hello = _copied(hello)
    if hello.era == "handshake":
        return {**hello.body, **negotiated, "capabilities": _capabilities(hello)}
    rest = {key: value for key, value in hello.body.items() if key not in _MODERN_ONLY}
    capabilities = {**_capabilities(hello), "logging": {}}
    return {**rest, **negotiated, "capabilities": capabilities, "serverInfo": _info(hello)}


def discovered(hello: Hello | None) -> JsonObject:
    """The `server/discover` result, 2026-07-28."""
    versions = {"supportedVersions": [MODERN]}
    hello = _copied(hello) if hello else None
    if hello is not None and hello.era == "modern":
        return {**hello.body, **versions, "capabilities": _capabilities(hello)}
    envelope = {"resultType": "complete", **versions, "ttlMs": 0, "cacheScope": "private"}
    if hello is None:
        return {**envelope, "capabilities": {"tools": {}}, "_meta": {SERVER_INFO: implementation()}}
    rest = {key: value for key, value in hello.body.items() if key not in _HANDSHAKE_ONLY}
    meta = {**_object(rest.get("_meta")), SERVER_INFO: _info(hello)}
    return {**rest, **envelope, "capabilities": _without_push(hello), "_meta": meta}


def _copied(hello: Hello) -> Hello:
    """What is remembered is shared by every caller, and no policy's to change."""
    return replace(hello, body=deepcopy(hello.body))


def _without_push(hello: Hello) -> JsonObject:
    """A handshake upstream's changes cannot reach a caller that has no session with it."""
    push = {"listChanged", "subscribe"}
    return {
        name: {key: value for key, value in settings.items() if key not in push}
        if isinstance(settings, Mapping)
        else settings
        for name, settings in _capabilities(hello).items()
    }


def _capabilities(hello: Hello) -> JsonObject:
    """The upstream's capabilities but for tasks: what a task brings would reach the caller past every policy."""
    found = _object(hello.body.get("capabilities"))
    extensions = found.get("extensions")
    if isinstance(extensions, Mapping) and TASKS in extensions:
        found = {**found, "extensions": {name: value for name, value in extensions.items() if name != TASKS}}
    return {name: value for name, value in found.items() if name != "tasks"}


def _info(hello: Hello) -> Json:
    stamped = _object(hello.body.get("_meta")).get(SERVER_INFO)
    return hello.body.get("serverInfo") or stamped or implementation()


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
