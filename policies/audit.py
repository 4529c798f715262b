"""`audit`: one line of JSON per exchange, with what was decided and where, and with no value of it.

The keys are a public surface; docs/builtin-policies.md lists them. Not in a line: arguments, results, claims, what
headers merely assert, and names that the caller made up (an unknown tool's or prompt's name, a resource's address).
It sees the exchange after every policy, wherever it stands in the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson

from policies.model import Call, Exchange, Step
from policies.policy import Policy

MAX_CHANGES: Final = 100
"""Changes written out per step; `changes_left_off` counts the others."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,31}):")


class Audit(Policy):
    """Writes a line through `services.sinks`. Has no configuration."""

    def on_done(self, exchange: Exchange) -> None:
        self.services.sinks.write(_line(record(exchange)))


def record(exchange: Exchange) -> dict[str, Any]:
    """The line as an object. Absent is what is unknown; times are UTC, durations milliseconds, `us` microseconds."""
    fields: dict[str, Any] = {
        "time": _time(exchange.started),
        "exchange": exchange.call.id,
        "method": exchange.call.method,
        "name": _name(exchange),
        "uri_scheme": _scheme(exchange.call),
        "outcome": exchange.outcome,
        "reason": exchange.reason,
        "policies": _steps(exchange.steps),
        **_caller(exchange.call),
        "upstream": exchange.upstream,
        "protocol": exchange.protocol,
        "door": exchange.door,
        "trace_id": exchange.trace_id,
        "duration_ms": round(exchange.duration_ms, 3),
        "upstream_ms": None if exchange.upstream_ms is None else round(exchange.upstream_ms, 3),
        **_answer(exchange),
    }
    return {key: value for key, value in fields.items() if value not in (None, "")}


def _line(fields: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(fields).decode()
    except TypeError:  # a lone surrogate in some policy's detail: the line must be written all the same
        return json.dumps(fields, separators=(",", ":"), default=lambda _: None)


def _time(seconds: float) -> str:
    whole, millis = divmod(int(seconds * 1000), 1000)
    return f"{_second(whole)}.{millis:03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _name(exchange: Exchange) -> str | None:
    """A name that the upstream publishes; a prompt's only once the upstream answered for it."""
    call = exchange.call
    if call.tool is not None:
        return call.tool.name
    known = exchange.outcome == "completed" and exchange.result is not None and not exchange.result.error
    return call.name if call.method == "prompts/get" and known else None


def _scheme(call: Call) -> str | None:
    found = _SCHEME.match(call.name.lower()) if call.method.startswith("resources/") else None
    return found[1] if found else None


def _caller(call: Call) -> dict[str, Any]:
    """Verified identity; of the session that a header names only a digest, since the id itself lets one in."""
    session = call.caller.asserted.get("session")
    return {
        "subject": call.caller.subject,
        "issuer": call.caller.issuer,
        "session": sha256(session.encode("utf-8", "replace")).hexdigest()[:16] if session else None,
    }


def _answer(exchange: Exchange) -> dict[str, Any]:
    result = exchange.result
    if result is None:
        return {}
    code = result.body.get("code") if result.error else None
    return {"is_error": result.is_error, "error_code": code if isinstance(code, int) else None}


def _steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """In the order of time; those that only allowed are summed per policy, hook and mode, where the first one stood."""
    told: list[dict[str, Any]] = []
    summed: dict[tuple[str, str, str], dict[str, Any]] = {}
    for step in steps:
        if step.action != "allow" or step.changes or step.detail:
            told.append(_step(step))
            continue
        key = (step.policy, step.hook, step.mode)
        if key not in summed:
            summed[key] = _step(step) | {"count": 0, "us": 0}
            told.append(summed[key])
        summed[key]["count"] += 1
        summed[key]["us"] += step.micros
    return told


def _step(step: Step) -> dict[str, Any]:
    fields: dict[str, Any] = {"policy": step.policy, "hook": step.hook, "action": step.action, "mode": step.mode}
    if step.reason:
        fields["reason"] = step.reason
    if step.detail:
        fields["detail"] = step.detail
    if step.changes:
        fields["changes"] = [{"path": change.path, "kind": change.kind} for change in step.changes[:MAX_CHANGES]]
    if len(step.changes) > MAX_CHANGES:
        fields["changes_left_off"] = len(step.changes) - MAX_CHANGES
    return fields | {"us": step.micros}
