"""What one door made of one request, in a form that can be compared: everything that another reader could tell apart.

Taken out is what differs from one exchange to the next: ids, times, ports. Numbers are compared as they are written.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan

from tests.differential.upstream import Asked
from tests.differential.wire import Answer

_EXCHANGE: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_PLACE: Final = re.compile(r"at character \d+")
"""In an answer of the upstream's, where the length of our own id counts."""
_MARK: Final = re.compile(r"\(upstream [0-9a-f]{16}\)")
"""What the proxy marks its own requests with: it follows from the upstream's URL, and each side has one of its own."""
_TOLD: Final = ("www-authenticate", "allow", "retry-after", "location", "set-cookie", "access-control-allow-origin")
_STREAMED: Final = ("cache-control", "x-accel-buffering")
_LINE_ENDS: Final = ("\u2028".encode(), "\u2029".encode(), "\u0085".encode())
_PASSING: Final = frozenset({"exchange", "time", "duration_ms", "upstream_ms", "door", "trace_id", "upstream"})
_OWN: Final = frozenset({"mcp_policy_proxy.exchange.id", "server.port", "policy.duration_us"})
_HOPS: Final = frozenset({"host", "content-length", "traceparent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request through one door. `messages` are the JSON-RPC messages of the answer, or its text."""

    status: int
    kind: str
    headers: Mapping[str, str]
    streaming: Mapping[str, str]
    whole: bool
    messages: Sequence[Any]
    audit: Sequence[Any]
    spans: Sequence[Any]
    upstream: Sequence[Any]


def messages(answer: Answer) -> list[Any]:
    text = _EXCHANGE.sub("EXCHANGE", answer.body.decode("utf-8", "backslashreplace"))
    text = _PLACE.sub("at character N", text)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return [exact(data) for data in _frames(text) if data]
    return [exact(text)] if text else []


def exact(text: str) -> Any:
    """JSON with its numbers as text and its keys in order of appearance; the text itself where it is no JSON."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except ValueError:
        return text


class Number(str):
    """A number as it was written. Equal is what is equal to the last digit and of the same kind, whole or decimal."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self._value() == other._value()

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return f"<{self}>"

    def _value(self) -> tuple[Decimal, bool, bool]:
        value = Decimal(self)
        return value, value.is_signed(), self.lstrip("-").isdigit()


def _frames(text: str) -> Iterable[str]:
    for frame in re.split(r"\r\n\r\n|\n\n", text):
        # Lines end at \r\n, \n and \r only (HTML, 9.2.6).
        lines = re.split(r"\r\n|\n|\r", frame)
        yield "\n".join(line[5:].removeprefix(" ") for line in lines if line.startswith("data:"))


def streaming(answer: Answer) -> dict[str, str]:
    """What keeps intermediaries from holding an event stream back."""
    return {name: answer.headers[name] for name in _STREAMED if name in answer.headers}


def whole(answer: Answer) -> bool:
    """Whether a reader that takes any Unicode line end for one (`str.splitlines`) reads the same events."""
    return kind_of(answer) != "text/event-stream" or not any(end in answer.body for end in _LINE_ENDS)


def kind_of(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0]


def headers_of(answer: Answer) -> dict[str, str]:
    told = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
    return {**told, **({"mcp-session-id": "SOME"} if "mcp-session-id" in answer.headers else {})}


def line(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def audited(line: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in line.items() if name not in _PASSING}
    steps = [{name: value for name, value in step.items() if name != "us"} for step in fields.get("policies", ())]
    return {**fields, "policies": steps}


def by_exchange(spans: Sequence[ReadableSpan]) -> dict[str, list[Any]]:
    """For each exchange its spans, the upper one first and those below it in the order in which they began."""
    below: dict[int, list[ReadableSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        below[span.parent.span_id if span.parent else 0].append(span)
    roots = {str((span.attributes or {}).get("mcp_policy_proxy.exchange.id", "")): span for span in spans}
    return {
        name: [_span(span) for span in (root, *below[root.context.span_id])] for name, root in roots.items() if name
    }


def _span(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "status": span.status.status_code.name,
        "attributes": _without(span.attributes or {}),
        "events": [(event.name, _without(event.attributes or {})) for event in span.events],
        "parent": _parent(span),
    }


def _parent(span: ReadableSpan) -> str:
    """The caller's own span; of one of ours only that there is one."""
    if span.parent is None:
        return ""
    return f"{span.parent.trace_id:032x}-{span.parent.span_id:016x}" if span.parent.is_remote else "ours"


def _without(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in _OWN}


def asked(request: Asked) -> dict[str, Any]:
    headers = {name: value for name, value in request.headers.items() if name not in _HOPS}
    if "mcp-session-id" in headers:
        headers["mcp-session-id"] = "SOME"
    if "user-agent" in headers:
        headers["user-agent"] = _MARK.sub("(upstream OWN)", headers["user-agent"])
    return {"method": request.method, "path": request.path, "headers": headers, "body": _own_ids(exact(request.body))}


def _own_ids(body: Any) -> Any:
    """The body with the proxy's own request id, progress token and span taken out."""
    if not isinstance(body, dict):
        return body
    masked = {**body, **({"id": "OWN"} if "id" in body else {})}
    params = body.get("params")
    if not isinstance(params, dict) or not isinstance(meta := params.get("_meta"), dict):
        return masked
    own = {name: "OWN" for name in ("progressToken", "traceparent") if name in meta}
    return {**masked, "params": {**params, "_meta": {**meta, **own}}}
