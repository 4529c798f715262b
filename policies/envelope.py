"""What of a call or a result only the protocol reads: not text, left alone by every walk.

A name, an address, a cursor or a state counts only where the method defines it and only as a string or an integer;
base64 only where the protocol puts it and only when it is base64. Everything else is text, whoever is meant to read it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Final

from policies.model import Json, JsonObject

Fields = frozenset[str]

NONE: Final[Fields] = frozenset()
_STATE: Final = "requestState"
_CALL: Final[Mapping[str, Fields]] = {
    "tools/call": frozenset({"name", _STATE}),
    "prompts/get": frozenset({"name", _STATE}),
    "resources/read": frozenset({"uri", _STATE}),
    "resources/subscribe": frozenset({"uri"}),
    "resources/unsubscribe": frozenset({"uri"}),
    "completion/complete": frozenset({"ref"}),
    "logging/setLevel": frozenset({"level"}),
    "tools/list": frozenset({"cursor"}),
    "prompts/list": frozenset({"cursor"}),
    "resources/list": frozenset({"cursor"}),
    "resources/templates/list": frozenset({"cursor"}),
}
_RESULT: Final[Mapping[str, Fields]] = {
    "tools/call": frozenset({_STATE}),
    "prompts/get": frozenset({_STATE}),
    "resources/read": frozenset({_STATE}),
    "tools/list": frozenset({"nextCursor"}),
    "prompts/list": frozenset({"nextCursor"}),
    "resources/list": frozenset({"nextCursor"}),
    "resources/templates/list": frozenset({"nextCursor"}),
    "notifications/progress": frozenset({"progressToken"}),
    "notifications/cancelled": frozenset({"requestId"}),
}
_ANY_CALL: Final = NONE.union(*_CALL.values())
_ANY_RESULT: Final = NONE.union(*_RESULT.values())
REFERENCE: Final = frozenset({"type", "name", "uri"})
"""Of the `ref` of completion/complete."""

_OURS: Final = "io.modelcontextprotocol/"
META: Final = frozenset(
    {
        "progressToken",
        "traceparent",
        "tracestate",
        "baggage",
        *(f"{_OURS}{name}" for name in ("protocolVersion", "logLevel", "subscriptionId")),
    }
)
"""Of the `_meta` of a call, a result or a notification, not of what is in it."""

USER_DATA: Final = frozenset({"arguments", "structuredContent", "inputSchema", "outputSchema"})
"""Below these the protocol has said nothing."""

_CASES: Final = re.compile(r"(?=[^a-z]*[a-z])[^A-Z]*[A-Z]")
_NUMBER: Final = re.compile(r"[0-9]{7}")
_SHORT, _LONG = 32, 1024


def of_call(method: str) -> Fields:
    """The fields of a call's params; of any method when none is given."""
    return _CALL.get(method, NONE) if method else _ANY_CALL


def of_result(method: str) -> Fields:
    """The fields of what answers a call of that method, or of the notification; of any when none is given."""
    return _RESULT.get(method, NONE) if method else _ANY_RESULT


def is_opaque(value: Json) -> bool:
    return isinstance(value, str | int)


def is_blob(owner: JsonObject, key: str, value: Json, place: str | int | None) -> bool:
    """Whether it is the base64 of an image, a sound or a resource; `place` is the nearest key above `owner`."""
    if key == "blob":
        return place in ("resource", "contents") and isinstance(value, str) and is_base64(value)
    described = key == "data" and place == "content" and owner.get("type") in ("image", "audio")
    return described and isinstance(value, str) and is_base64(value)


def is_base64(text: str) -> bool:
    """Whether it decodes, and does not rather look like a number or a word: short ones are text as well."""
    if len(text) < _SHORT or not text.isascii() or not _CASES.match(text):
        return False
    if len(text) < _LONG and _NUMBER.search(text):
        return False
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return False
    return True
