"""The differences between the doors that are known, each with its reason. Anything else is a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.differential.seen import Number, Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`excuses` says, of what the lane's side and the door's made of a request, whether this explains `fields`."""

    name: str
    reason: str
    fields: frozenset[str]
    excuses: Callable[[Seen, Seen], bool]


def _framed(lane: Seen, door: Seen) -> bool:
    alone = len(lane.messages) == len(door.messages) == 1
    return alone and (lane.kind, door.kind) == ("application/json", "text/event-stream")


def _accepted(lane: Seen, door: Seen) -> bool:
    return lane.status == door.status == 202 and not lane.messages and not door.messages


def _escaped(lane: Seen, door: Seen) -> bool:
    return lane.whole and not door.whole


def _rounded(lane: Seen, door: Seen) -> bool:
    return all(_doubles(getattr(lane, name)) == _doubles(getattr(door, name)) for name in ("messages", "upstream"))


def _doubles(value: Any) -> Any:
    if isinstance(value, Number):
        return float(value) if set(value) & set(".eE") else value
    if isinstance(value, Mapping):
        return {key: _doubles(child) for key, child in value.items()}
    return [_doubles(child) for child in value] if isinstance(value, list) else value


KNOWN: Final[Sequence[Difference]] = (
    Difference(
        name="framing",
        reason="The door answers the handshake era with an event stream of one event, the lane with JSON. Callers of "
        "that era must take both (Streamable HTTP, Sending Messages).",
        fields=frozenset({"kind", "streaming"}),
        excuses=_framed,
    ),
    Difference(
        name="accepted",
        reason="The door's 202 to a notification names a content type, though it has no body.",
        fields=frozenset({"kind"}),
        excuses=_accepted,
    ),
    Difference(
        name="line ends",
        reason="The lane escapes U+2028, U+2029 and U+0085, at which some readers of event streams cut a line. The SDK "
        "writes them as they are, which is legal.",
        fields=frozenset({"whole"}),
        excuses=_escaped,
    ),
    Difference(
        name="decimals",
        reason="The SDK reads decimals as doubles; the lane keeps the digits that a double cannot.",
        fields=frozenset({"messages", "upstream"}),
        excuses=_rounded,
    ),
)


def unexplained(lane: Seen, door: Seen) -> dict[str, tuple[Any, Any]]:
    """What differs and is not known to, by field."""
    return {
        name: (getattr(lane, name), getattr(door, name))
        for name in _differing(lane, door)
        if not _why(name, lane, door)
    }


def explained(lane: Seen, door: Seen) -> set[str]:
    """The names of the known differences that show."""
    return {why for name in _differing(lane, door) if (why := _why(name, lane, door))}


def _differing(lane: Seen, door: Seen) -> list[str]:
    return [name for name in Seen.__slots__ if getattr(lane, name) != getattr(door, name)]


def _why(field: str, lane: Seen, door: Seen) -> str:
    return next((known.name for known in KNOWN if field in known.fields and known.excuses(lane, door)), "")


def told(differing: Mapping[str, Mapping[str, tuple[Any, Any]]]) -> list[str]:
    """Lines for a reader, of the first dozen requests."""
    return [
        f"{name}: {field}\n    lane {lane!r:.600}\n    door {door!r:.600}"
        for name, fields in list(differing.items())[:12]
        for field, (lane, door) in fields.items()
    ]
