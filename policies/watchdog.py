"""Ends a process whose event loop is blocked by a policy, and names the policy; the platform starts another.

Nothing inside the loop can stop a hook that does not give control back. A thread sends the loop a heartbeat; when it
stays unanswered, the thread looks for a policy among the frames of the loop's thread. C code such as `re` may keep the
interpreter's lock, so that this thread stands still as well: then a timer of `faulthandler`, which needs no lock and
prints file names and lines but no values, ends the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import math
import os
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Final, cast

from policies.line import Entry
from policies.policy import Policy

EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h. The timer of faulthandler exits with 1."""

_STDERR: Final = 2
_LOG: Final = logging.getLogger(__name__)


class Watchdog:
    """Watches one running event loop. Start it after the policies are open: opening may take its time.

    `blocked_s` is how long a heartbeat may stay unanswered, in beats of `beat_s` that this thread has really slept,
    so that a process that was frozen as a whole is not taken for a blocked one. Policies are named as in `entries`,
    others by their class.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        entries: Sequence[Entry] = (),
        blocked_s: float = 10.0,
        beat_s: float = 0.5,
    ) -> None:
        self._loop = loop
        self._names = {id(entry.policy): entry.name for entry in entries}
        self._blocked_s = blocked_s
        self._beat_s = beat_s
        self._patience = max(1, math.ceil(blocked_s / beat_s))
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._loop_thread: int | None = None
        self._thread = threading.Thread(target=self._watch, name="policy-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch. Once per watchdog."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and wait for the thread to end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        try:
            missed = 0
            while self._beat(missed == 0) and not self._stop.wait(self._beat_s):
                missed = 0 if self._answered.is_set() else missed + 1
                if missed == self._patience:
                    self._judge()
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _beat(self, send: bool) -> bool:
        """Put off the last resort; with `send`, ask the loop for a sign of life. False when the loop is closed."""
        faulthandler.dump_traceback_later(2 * self._blocked_s, exit=True, file=_STDERR)
        if send:
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answer)
            except RuntimeError:
                return False
        return True

    def _answer(self) -> None:
        self._loop_thread = threading.get_ident()
        self._answered.set()

    def _judge(self) -> None:
        policy = _policy_in(sys._current_frames().get(self._loop_thread or -1))
        if policy is None:
            _LOG.error("the event loop is blocked for %g s, not by a policy", self._blocked_s)
            return
        name = self._names.get(id(policy), type(policy).__name__)
        text = f"policy {name} blocks the event loop for {self._blocked_s:g} s: the process ends"
        os.write(_STDERR, f"{text}\n".encode())  # past the logging module: the loop may hold a lock of it
        os._exit(EXIT_CODE)


def _policy_in(frame: FrameType | None) -> Policy | None:
    """The policy in the innermost frame that runs a policy's method."""
    while frame is not None:
        owner = frame.f_locals.get("self")
        if issubclass(type(owner), Policy):  # isinstance would run code of an object that only claims to be one
            return cast(Policy, owner)
        frame = frame.f_back
    return None
