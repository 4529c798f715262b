"""What the kernel knows of a process: CPU time and resident memory, its children included. Linux only."""

import os
import time
from collections.abc import Callable
from pathlib import Path

_SCHEDULER_CLOCK = 2


def family(pid: int) -> list[int]:
    """The process and everything that descends from it."""
    members = [pid]
    for member in members:
        for listing in Path(f"/proc/{member}/task").glob("*/children"):
            members += [int(child) for child in listing.read_text().split()]
    return members


def cpu_seconds(pids: list[int]) -> float:
    """User and system CPU time of these processes, all threads, in seconds.

    /proc/PID/stat counts in ticks of 10 ms, too coarse for a fast server; the same sum is readable in nanoseconds
    as the process's CPU clock, whose id is made from the pid as clock_getcpuclockid(3) does.
    """
    try:
        return sum(time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK) for pid in pids)
    except OSError:
        return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident_bytes(pids: list[int]) -> int:
    """Resident memory of these processes; pages they share are counted once for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def foreign_load() -> Callable[[], float]:
    """Starts a watch; calling it gives the cores that other work than ours took on average since then.

    Ours is this process and every child that has ended, so the watch is read when they all have. Whoever reads a
    figure can then tell a slow server from a busy machine.
    """
    start, busy, own = time.monotonic(), _busy_seconds(), sum(os.times()[:4])

    def cores() -> float:
        others = _busy_seconds() - busy - (sum(os.times()[:4]) - own)
        return max(0.0, others / (time.monotonic() - start))

    return cores


def _busy_seconds() -> float:
    """Seconds that the machine's cores worked since it started, or that its host kept from it (proc(5), cpu)."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
