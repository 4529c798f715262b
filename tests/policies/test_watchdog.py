"""A blocked event loop ends the process and names the policy. Each case is a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from policies.watchdog import EXIT_CODE

ROOT = Path(__file__).parents[2]
CANARY = "canary-77d0"

PROGRAM = """
import asyncio, logging, re, sys, time
from policies.model import ALLOW
from policies.policy import Policy
from policies.chain import Chain, Entry
from policies.testing import build, call
from policies.watchdog import Watchdog

logging.basicConfig(stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")

class Sleeps(Policy):
    def on_call(self, call):
        return self.nap(call)
    def nap(self, call):
        time.sleep(20)
        return ALLOW

class SleepsLater(Policy):
    async def on_call(self, call):
        await asyncio.sleep(0.05)
        (lambda: time.sleep(20))()
        return ALLOW

class Matches(Policy):
    def on_call(self, call):
        re.match("(a+)+$", "a" * 60 + call.arguments["q"])
        return ALLOW

class Idles(Policy):
    async def on_call(self, call):
        await asyncio.sleep(1)
        return ALLOW

async def main(policy, outside, known):
    entries = [Entry(name="one", policy=build(policy), timeout_ms=60000)]
    named = entries if known else ()
    watchdog = Watchdog(asyncio.get_running_loop(), entries=named, blocked_s=0.5, beat_s=0.05)
    watchdog.start()
    chain = Chain(entries)
    await asyncio.sleep(0.1)
    time.sleep(outside)
    await asyncio.sleep(0.1)
    await chain.on_call(call("search", {"q": "canary-77d0"}), [])
    watchdog.stop()
    time.sleep(1.3)
    print("reached the end")

asyncio.run(main(globals()[sys.argv[1]], float(sys.argv[2]), sys.argv[3] == "known"))
"""


def ran(policy: str, outside: float = 0.0, known: str = "known") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, policy, str(outside), known]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=15, check=False)


@pytest.mark.parametrize(
    ("policy", "known", "name"),
    [("Sleeps", "known", "one"), ("SleepsLater", "known", "one"), ("Sleeps", "unknown", "Sleeps")],
)
def test_a_policy_that_blocks_the_loop_is_named_once_and_ends_the_process(policy: str, known: str, name: str) -> None:
    ended = ran(policy, known=known)
    assert ended.returncode == EXIT_CODE == 70
    assert ended.stderr == f"policy {name} blocks the event loop for 0.5 s: the process ends\n"


def test_a_policy_that_keeps_the_interpreters_lock_ends_the_process_without_values() -> None:
    ended = ran("Matches")
    assert ended.returncode == 1
    assert "Timeout (0:00:01)!" in ended.stderr
    assert "in on_call" in ended.stderr
    assert CANARY not in ended.stderr


def test_a_policy_that_waits_blocks_nothing_and_a_stopped_watchdog_sleeps() -> None:
    ended = ran("Idles")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "reached the end\n", "")


def test_a_loop_blocked_by_something_else_is_logged_once() -> None:
    ended = ran("Idles", outside=1.4)
    assert ended.returncode == 0
    assert ended.stderr == "policies.watchdog ERROR the event loop is blocked for 0.5 s, not by a policy\n"
