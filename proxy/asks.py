"""One request as it came from the caller, through all its tries."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from policies.model import JsonObject
from proxy.eras import relabel
from proxy.retry import Tries
from proxy.wire import Notify, Origin

_LOG: Final = logging.getLogger("proxy.upstream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`gap_s` bounds the wait between reads of the answer, `deadline` (loop time) the whole of it."""

    method: str
    params: JsonObject
    origin: Origin
    notify: Notify | None
    progress_token: str | int | None
    request_id: str | int | None
    definition: JsonObject | None
    tries: Tries
    gap_s: float
    deadline: float | None


def heard(ask: Ask, notify: Notify, own_id: int) -> Notify:
    """What takes the notifications of the try numbered `own_id`, and hands them to the caller as its own."""

    async def hear(method: str, params: JsonObject) -> None:
        ask.tries.heard = True  # it runs, and the caller has seen a part of it: once more would tell it twice
        relabelled = relabel(method, params, own=own_id, progress_token=ask.progress_token, request_id=ask.request_id)
        if relabelled is None:
            return
        try:
            await notify(method, relabelled)
        except Exception as error:  # noqa: BLE001
            # Whoever listens may fail in any way, and it is no failure of the upstream's.
            _LOG.warning("a notification of the upstream could not be handed on: %s", type(error).__name__)

    return hear
