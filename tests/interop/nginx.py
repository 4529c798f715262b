"""A real nginx with a configuration of the test's, and where it is missing, Debian's package of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .running import end

LONGEST_INSTALL = 300.0
LONGEST_START = 10.0
"""Seconds."""


def nginx() -> str:
    """The program. Installs it as root where apt is; skips, or fails where CI is true, where neither helps."""
    program = _found() or _installed()
    if program is None:
        message = "nginx is not on the path: install nginx (with its auth_request module) to run this"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


def _found() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _installed() -> str | None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "nginx-light")):
        subprocess.run([apt, *words], env=environ, capture_output=True, timeout=LONGEST_INSTALL, check=False)
    return _found()


@contextmanager
def serving(program: str, folder: Path, port: int) -> Iterator[None]:
    """nginx with `folder`/nginx.conf, listening on `port`."""
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30)
    assert tested.returncode == 0, tested.stderr
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _until_listening(port)
        yield
    finally:
        end(process)


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")
