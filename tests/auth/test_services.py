"""The services lent to policies: the store, the clock, and the sink."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from proxy.services import MemoryStore, StdoutSink, SystemClock, services
from proxy.settings import Settings


class Moved(SystemClock):
    at = 100.0

    def monotonic(self) -> float:
        return self.at


def test_the_store_forgets_what_has_ended() -> None:
    clock = Moved()
    store = MemoryStore(clock)
    store.put("k", "v", 10)
    assert store.get("k") == "v"
    clock.at += 10
    assert store.get("k") is None
    assert len(store) == 0


def test_the_store_forgets_what_was_used_longest_ago() -> None:
    store = MemoryStore(Moved(), limit=3)
    for key in "abc":
        store.put(key, key, 10)
    store.get("a")
    store.put("d", "d", 10)
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]
    assert len(store) == 3


def test_putting_again_replaces_value_and_end() -> None:
    clock = Moved()
    store = MemoryStore(clock)
    store.put("k", 1, 10)
    store.put("k", 2, 20)
    clock.at += 15
    assert store.get("k") == 2


def test_the_clocks_are_the_machines() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 1
    assert abs(clock.monotonic() - time.monotonic()) < 1


@pytest.mark.parametrize(("transport", "stream"), [("http", 0), ("stdio", 1)])
def test_records_go_to_standard_output_unless_it_speaks_mcp(
    transport: str, stream: int, capfd: pytest.CaptureFixture[str]
) -> None:
    services(Settings.model_construct(transport=transport)).sinks.write('{"q":"Grüße \ud800"}')
    captured = capfd.readouterr()
    assert (captured.out, captured.err)[stream] == '{"q":"Grüße \\ud800"}\n'
    assert (captured.out, captured.err)[1 - stream] == ""


def test_a_long_line_arrives_whole_through_a_full_pipe() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    reader = subprocess.Popen(["wc", "-c"], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)
    sink = StdoutSink(writing)
    sink.write("x" * 2**20)
    os.close(writing)
    out, _ = reader.communicate(timeout=10)
    assert (int(out), sink.lost) == (2**20 + 1, 0)


def test_a_reader_that_has_gone_raises_nothing_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    sink = StdoutSink(writing)
    for _ in range(3):
        sink.write("x")
    os.close(writing)
    sink.write("x")
    assert sink.lost == 4
    assert [record.getMessage() for record in caplog.records] == [
        f"records cannot be written to descriptor {writing} (BrokenPipeError): they are lost"
    ]


def test_a_process_whose_output_is_closed_ends_well() -> None:
    code = "import time; from proxy.services import StdoutSink; time.sleep(0.1); StdoutSink().write('x'); print(end='')"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    problems = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    assert "Traceback" not in problems
