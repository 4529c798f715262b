"""One run: every server started and checked, then measured in turns, so that a drift of the machine hits all alike."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.check import OtherModeError, Peer, UnfitError
from benchmarks.load import Job, Round
from benchmarks.process import family, resident_bytes
from benchmarks.servers import START_SECONDS, Place, Server, free_port, last_words, missing, ready, running
from benchmarks.wire import MODERN_JSON, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: a round ends after `calls` calls or `seconds` seconds, whichever comes first."""

    rounds: int = 5
    calls: int = 4000
    seconds: float = 2.0
    warmup: int = 100
    concurrency: tuple[int, ...] = (1, 16)


@dataclass(slots=True, kw_only=True)
class Cell:
    """A server in one form, with the rounds measured so far and the resident bytes after each; `note` says why there
    are none."""

    server: Server
    form: Form
    port: int = 0
    session: str = ""
    pids: list[int] = field(default_factory=list)
    note: str = ""
    resident: list[int] = field(default_factory=list)
    rounds: dict[int, list[Round]] = field(default_factory=dict)


class Load:
    """The load process; one job at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout

    def measure(self, job: Job) -> Round | None:
        """The round, or None when the server could not be reached."""
        self._to.write(orjson.dumps(job) + b"\n")
        self._to.flush()
        outcome = orjson.loads(self._from.readline())
        return None if outcome is None else Round(**outcome)


def bench(servers: Sequence[Server], plan: Plan, tell: Callable[[str], None]) -> list[Cell]:
    """Starts, checks and measures the servers. Every process is ended when it returns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        load = stack.enter_context(_load())
        cells = _start(servers, folder, stack, tell)
        for number in range(1, plan.rounds + 1):
            tell(f"round {number} of {plan.rounds}")
            for concurrency in plan.concurrency:
                for cell in cells:
                    _measure(load, cell, plan, concurrency)
            for cell in cells:
                if not cell.note:
                    cell.resident.append(resident_bytes(cell.pids))
    return cells


@contextmanager
def _load() -> Iterator[Load]:
    command = [sys.executable, "-m", "benchmarks.load"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Load(process)
        finally:
            process.terminate()


def _start(servers: Sequence[Server], folder: Path, stack: ExitStack, tell: Callable[[str], None]) -> list[Cell]:
    port = free_port()
    upstream = _spawn([sys.executable, "-m", "benchmarks.upstream", str(port)], folder / "upstream", stack)
    ready(upstream, Peer(port=port, form=MODERN_JSON), until=time.monotonic() + START_SECONDS)
    cells: list[Cell] = []
    for number, server in enumerate(servers):
        started = _start_one(server, folder / str(number), port, upstream, stack)
        cells += started
        for cell in started:
            tell(f"{server.name}, {cell.form}: {cell.note or 'answers right'}")
        if any(cell.note.startswith("NOT MEASURED") for cell in started):
            tell(last_words(folder / str(number)))
    return cells


def _start_one(
    server: Server, folder: Path, upstream_port: int, upstream: subprocess.Popen[bytes], stack: ExitStack
) -> list[Cell]:
    cells = [Cell(server=server, form=form) for form in server.forms]
    if missing(server):
        for cell in cells:
            cell.note = f"NOT INSTALLED: no {server.needs} on this machine"
        return cells
    process, port = upstream, upstream_port
    if server.command is not None:
        port = free_port()
        folder.mkdir()
        command = server.command(Place(folder=folder, port=port, upstream=upstream_port))
        process = _spawn(command, folder, stack)
    until = time.monotonic() + START_SECONDS
    for cell in cells:
        try:
            peer = Peer(port=port, form=cell.form, headers=server.headers)
            cell.session = ready(process, peer, until=until)
            cell.port, cell.pids = port, family(process.pid)
        except OtherModeError as reason:
            cell.note = f"not offered: {reason}"
        except UnfitError as reason:
            cell.note = f"NOT MEASURED: {reason}"
    return cells


def _spawn(command: list[str], folder: Path, stack: ExitStack) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    return stack.enter_context(running(command, folder))


def _measure(load: Load, cell: Cell, plan: Plan, concurrency: int) -> None:
    if cell.note:
        return
    job = Job(
        port=cell.port,
        version=cell.form.version,
        answers=cell.form.answers,
        session=cell.session,
        headers=dict(cell.server.headers),
        pids=cell.pids,
        concurrency=concurrency,
        calls=plan.calls,
        seconds=plan.seconds,
        warmup=plan.warmup,
    )
    outcome = load.measure(job)
    if outcome is None:
        cell.note = "NOT MEASURED TO THE END: it stopped listening"
    else:
        cell.rounds.setdefault(concurrency, []).append(outcome)
