"""W3C trace context: what a caller sent of it, if it is well-formed, to be sent on.

Sources: W3C Trace Context level 2 (traceparent 3.2, tracestate 3.3), W3C Baggage, and MCP 2026-07-28, which carries
the same three in `_meta` (there they win over the HTTP headers). What is malformed or too long is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policies.model import Json, JsonObject

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x21-\x7e]*)?\Z")
_MEMBER: Final = re.compile(
    r"[ \t]*[a-z0-9][a-z0-9_\-*/@]{0,255}="
    r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e][ \t]*\Z"
)
_BAGGAGE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e \t]{3,4096}\Z")

MAX_MEMBERS: Final = 32
MAX_PARENT: Final = 512
MAX_STATE: Final = 512
MAX_BAGGAGE: Final = 8192
MAX_ENTRIES: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """A trace context to go on from; empty strings where there is none. `flags` is two hex digits."""

    trace_id: str = ""
    span_id: str = ""
    flags: str = "00"
    state: str = ""
    baggage: str = ""

    def headers(self) -> dict[str, str]:
        """The HTTP headers (equally the `_meta` keys) that say the same."""
        if self is NO_TRACE:
            return {}
        parent = f"00-{self.trace_id}-{self.span_id}-{self.flags}" if self.trace_id else ""
        found = {"traceparent": parent, "tracestate": self.state, "baggage": self.baggage}
        return {name: value for name, value in found.items() if value}


NO_TRACE: Final = TraceContext()


def incoming(headers: Mapping[str, str], meta: JsonObject) -> TraceContext:
    """What a message brings along: of `meta` (its `_meta`) first, else of its HTTP `headers` (names in lower case)."""
    if not ("traceparent" in headers or "traceparent" in meta or "baggage" in headers or "baggage" in meta):
        return NO_TRACE
    baggage = _baggage(meta.get("baggage")) or _baggage(headers.get("baggage"))
    for source in (meta, headers):
        found = _parent(source.get("traceparent"))
        if found:
            trace_id, span_id, flags = found
            state = _state(source.get("tracestate"))
            return TraceContext(trace_id=trace_id, span_id=span_id, flags=flags, state=state, baggage=baggage)
    return TraceContext(baggage=baggage)


def _parent(value: Json) -> tuple[str, str, str] | None:
    match = _PARENT.match(value.strip(" \t")) if isinstance(value, str) and len(value) <= MAX_PARENT else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return trace_id, span_id, flags


def _state(value: Json) -> str:
    if not isinstance(value, str) or len(value) > MAX_STATE:
        return ""
    members = [member for member in value.split(",") if member.strip(" \t")]
    keys = [member.partition("=")[0].strip(" \t") for member in members]
    fine = len(members) <= MAX_MEMBERS and len(set(keys)) == len(keys) and all(map(_MEMBER.match, members))
    return ",".join(member.strip(" \t") for member in members) if fine else ""


def _baggage(value: Json) -> str:
    if not isinstance(value, str) or not value.isascii() or len(value) > MAX_BAGGAGE:
        return ""
    entries = value.split(",")
    fine = len(entries) <= MAX_ENTRIES and all(_BAGGAGE.match(entry) and _is_pair(entry) for entry in entries)
    return value.strip(" \t") if fine else ""


def _is_pair(entry: str) -> bool:
    key, equals, _ = entry.partition("=")
    key = key.strip(" \t")
    return bool(equals and key) and not set(key) & set(' \t"(),/:;<=>?@[\\]{}')
