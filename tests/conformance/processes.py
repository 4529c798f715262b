"""The fixture server and the proxy as processes of their own, stopped by their own pid."""

import select
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from .suite import OUT, ROOT

POLICIES: Final = Path(__file__).resolve().parent / "policies.toml"
START_SECONDS: Final = 30
STOP_SECONDS: Final = 15


class NotStartedError(Exception):
    """A process ended or stayed silent instead of serving. The text holds the end of its log."""


@contextmanager
def fixture() -> Iterator[str]:
    """Run the fixture server on a free port; gives its URL."""
    command = [sys.executable, "-m", "tests.conformance.fixture_server", "--port", "0"]
    with running(command, OUT / "fixture.log", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        line = process.stdout.readline().decode().strip() if ready else ""
        if not line:
            raise NotStartedError(f"the fixture server did not start: {tail(OUT / 'fixture.log')}")
        yield line


@contextmanager
def proxy(upstream: str, log: Path) -> Iterator[str]:
    """Run the proxy in front of `upstream` with sanitize and audit on; gives its URL once it is ready."""
    port = free_port()
    flags = ["--host", "127.0.0.1", "--port", str(port), "--upstream", upstream, "--policies", str(POLICIES)]
    with running([sys.executable, "-m", "proxy", "serve", *flags], log) as process:
        wait_ready(process, f"http://127.0.0.1:{port}/readyz", log)
        yield f"http://127.0.0.1:{port}/mcp"


@contextmanager
def running(command: Sequence[str], log: Path, stdout: int | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = start(command, sink, stdout)
        try:
            yield process
        finally:
            stop(process)


def start(command: Sequence[str], sink: IO[bytes], stdout: int | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink if stdout is None else stdout, stderr=sink
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def wait_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NotStartedError(f"{url} did not answer 200: {tail(log)}")


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
