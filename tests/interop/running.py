"""Starts the proxy and HTTP servers as processes of their own, waits until they answer, and ends them by their pid."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

REPOSITORY = Path(__file__).parents[2]
LONGEST_START = 20.0
LONGEST_END = 12.0
"""Seconds; the proxy drains for at most 10."""
AUDIT_ONLY = '[[policy]]\nuse = "audit"\n'
"""A policies file under which nothing that crosses is changed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environ() -> dict[str, str]:
    """This process's environment without any setting of the proxy's own."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MCP_PROXY_")}


def proxy_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "proxy", "serve", *arguments]


@contextmanager
def proxy(
    folder: Path, *arguments: str, policies: str | None = None, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The URL of a proxy that is ready; its output and policies file are kept in `folder`."""
    port = free_port()
    command = proxy_command("--host", "127.0.0.1", "--port", str(port), *arguments)
    if policies is not None:
        path = folder / "policies.toml"
        path.write_text(policies)
        command += ["--policies", str(path)]
    ready = f"http://127.0.0.1:{port}/readyz"
    with serving(command, folder / "proxy.log", ready=ready, env=env or environ()):
        yield f"http://127.0.0.1:{port}/mcp"


@contextmanager
def serving(command: Sequence[str], log: Path, *, ready: str, env: Mapping[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(process, ready, log)
            yield
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            state = "ended early" if process.poll() is not None else f"not ready within {LONGEST_START} s"
            raise AssertionError(f"{process.args!r} {state}:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    """Any HTTP status below 500 counts: a plain MCP server knows no readiness, but a 404 says that it is there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except HTTPError as error:
        return error.code < 500
    except OSError:
        return False
