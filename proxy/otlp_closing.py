"""The end of what sends telemetry: everything at once, and not for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

CLOSE_S: Final = 2.0
"""How long the end of a process waits for what is still to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """`flush` sends what is left and may take its time; `give_up` ends that, or it would go on trying for a minute."""

    flush: Callable[[], object]
    give_up: Callable[[], object]


def close(everything: Sequence[Closing]) -> None:
    """Flush all, within CLOSE_S altogether. Blocks."""
    until = time.monotonic() + CLOSE_S
    threads = [threading.Thread(target=each.flush, name="telemetry close", daemon=True) for each in everything]
    for thread in threads:
        thread.start()
    for thread, each in zip(threads, everything, strict=True):
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            each.give_up()
