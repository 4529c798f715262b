"""Every case through both sides, and what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.differential.case import Case
from tests.differential.cases_bodies import bodies
from tests.differential.cases_calls import calls, initializes
from tests.differential.cases_headers import headers
from tests.differential.cases_messages import messages
from tests.differential.seen import Seen
from tests.differential.sides import Around, Asking, Side, sides, told
from tests.mcp_wire import HANDSHAKE, MODERN
from tests.running import until


def _chosen(beginnings: tuple[str, ...]) -> Sequence[Case]:
    return [case for case in CASES if case.name.startswith(beginnings)]


CASES: Final[Sequence[Case]] = (*headers(), *messages(), *bodies(), *calls(), *initializes())
_OF_UPSTREAMS: Final = (
    *("initialize", "call:", "list:", "answer", "annotated", "read:", "policy of", "token", "_meta", "id:", "body:"),
    *("method:", "version:"),
)
_OF_SESSIONS: Final = ("initialize", "session", "empty session", "DELETE", "runtime session", "two kinds", "call: arg")
_OF_TOKENS: Final = ("authorization", "list:", "policy of", "call: unknown", "session", "id of initialize", "read:")
AROUND: Final[Mapping[Around, Sequence[Case]]] = {
    Around(name="handshake upstream", era=HANDSHAKE): _chosen(_OF_UPSTREAMS),
    Around(name="modern upstream", era=MODERN): CASES,
    Around(name="upstream with sessions", era=HANDSHAKE, sessions=True): _chosen(_OF_SESSIONS),
    Around(name="callers' own tokens", era=MODERN, auth_mode="passthrough"): _chosen(_OF_TOKENS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One case as each side answered it. `lane` is the side with both doors; `by_lane` whether the lane took it."""

    case: Case
    lane: Seen
    door: Seen
    by_lane: bool


async def compared(around: Around, cases: Sequence[Case], tmp_path: Path) -> Sequence[Compared]:
    """The cases one after the other, the sides beside each other."""
    async with sides(around, tmp_path) as (lane, door):
        went = await asyncio.gather(_asked(lane, cases), _asked(door, cases))
        await until(lambda: lane.ended == door.ended)
    by_lane, by_door = lane.traces(), door.traces()
    return [
        Compared(case=case, lane=told(ours, by_lane), door=told(theirs, by_door), by_lane=_took(ours))
        for case, ours, theirs in zip(cases, *went, strict=True)
    ]


async def _asked(side: Side, cases: Sequence[Case]) -> list[Asking]:
    return [await side.ask(case) for case in cases]


def _took(asking: Asking) -> bool:
    return any(line["door"] == "lane" for line in asking.lines)
