"""Slow imports behind the calls: one thread that does them one after another, so that the process listens at once.

Two threads that import fight over the interpreter with the event loop and with each other; one in line does not. While
it works, the interpreter changes threads ten times as often, so that a call waits half a millisecond for it, not five.
A piece of work that does not come to its end is left behind: another thread goes on with the others.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

_T = TypeVar("_T")

log = logging.getLogger(__name__)

SWITCH_S: Final = 0.0005
_USUAL_S: Final = 0.005
"""CPython's own switch interval."""

HELD_S: Final = 1.0
"""The longest that anything is held: a policy's `open` may wait for what it has started."""

LATE_S: Final = 30.0
"""How long the others wait for a piece of work."""

END_S: Final = 10.0
"""How long the end of a process waits for an import under way."""


class Behind:
    """Implements `policies.policy.Behind`. The end of the process waits for its thread, but not for ever."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[str, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._begin = threading.Event()
        self._begin.set()
        self._thread: threading.Thread | None = None
        self._left: list[threading.Thread] = []
        self._work_now: Callable[[], None] | None = None

    def hold(self) -> None:
        """Begin nothing until `go`."""
        self._begin.clear()

    def go(self) -> None:
        self._begin.set()

    def start(self, work: Callable[[], _T]) -> Future[_T]:
        """Call `work` in the thread once everything started before it is done; the future has what comes of it."""
        future: Future[_T] = Future()
        with self._lock:
            self._pieces.append((_module(work), lambda: _done(work, future)))
            if self._thread is None:
                self._start_thread()
        return future

    def end(self, within_s: float) -> bool:
        """Begin nothing more; whether what is under way came to its end. No interpreter may end in mid-import."""
        with self._lock:
            self._pieces.clear()
            threads = [*self._left, *([self._thread] if self._thread else [])]
        atexit.unregister(self.end)
        self.go()
        until = time.monotonic() + within_s
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._work, name="behind", daemon=True)
        self._thread.start()
        atexit.unregister(self.end)
        atexit.register(self.end, END_S)

    def _work(self) -> None:
        self._begin.wait(HELD_S)
        sys.setswitchinterval(SWITCH_S)
        while (piece := self._next()) is not None:
            module, work = piece
            late = threading.Timer(LATE_S, self._go_past, (threading.current_thread(), work, module))
            late.daemon = True
            late.start()
            work()
            late.cancel()

    def _next(self) -> tuple[str, Callable[[], None]] | None:
        """The next piece for the running thread; None when there is none, or another thread has taken over."""
        with self._lock:
            if self._thread is not threading.current_thread():
                return None
            if self._pieces:
                piece = self._pieces.popleft()
                self._work_now = piece[1]
                return piece
            self._thread = self._work_now = None
            sys.setswitchinterval(_USUAL_S)
            return None

    def _go_past(self, thread: threading.Thread, work: Callable[[], None], module: str) -> None:
        with self._lock:
            if self._thread is thread and self._work_now is work:
                self._left.append(thread)
                log.warning("what %s started behind the calls takes more than %g s; the rest goes on", module, LATE_S)
                self._start_thread()


def _module(work: Callable[[], object]) -> str:
    """Where a piece of work comes from: all that is said of it."""
    return str(getattr(getattr(work, "func", work), "__module__", "") or type(work).__module__)


def _done(work: Callable[[], _T], future: Future[_T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
        future.set_exception(error)
