"""A child process that speaks newline-delimited JSON on its pipes (MCP stdio transport), with bounded lines.

Own framing rather than the SDK's, whose models turn long decimals into floats and 1e400 into null, log lines that do
not parse, and read lines without a cap.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from typing import Final

from proxy.wire import WireError

_GRACE_S: Final = 2.0
"""After its stdin is closed, and again after SIGTERM (MCP 2025-11-25, lifecycle: shutdown)."""
_OURS: Final = "MCP_PROXY_"


class Child:
    """One process, started. `heard` gets each line; `gone` is called once, when its output ends."""

    def __init__(self, process: asyncio.subprocess.Process, heard: Callable[[bytes], None], gone: Callable[[], None]):
        self._process = process
        self._writing = asyncio.Lock()
        self._reading = asyncio.create_task(self._read(heard, gone))
        self.running = True

    @classmethod
    async def start(
        cls, command: Sequence[str], *, line_bytes: int, heard: Callable[[bytes], None], gone: Callable[[], None]
    ) -> Child:
        """Raises WireError. Its stderr is ours; of our environment it gets all but our own settings."""
        program = shutil.which(command[0]) or command[0]
        environ = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *command[1:],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=line_bytes,
                env=environ,
                start_new_session=True,
            )
        except (OSError, ValueError):
            raise WireError("unreachable", "the upstream's command cannot be started", sent=False) from None
        return cls(process, heard, gone)

    async def write(self, line: bytes) -> None:
        """Wait until the process has read what came before, then hand it this line. Cancelled, nothing was written.

        Raises OSError when the process reads no more.
        """
        stdin = self._process.stdin
        async with self._writing:
            if stdin is None or not self.running:
                raise BrokenPipeError
            await stdin.drain()
            stdin.write(line + b"\n")

    async def stop(self) -> None:
        """Close its stdin, then end the process and what it started; within about 4 s."""
        self.running = False
        if self._process.stdin is not None:
            self._process.stdin.close()
        if not await self._exited():
            self._signal(signal.SIGTERM)
            if not await self._exited():
                self._signal(signal.SIGKILL)
                await self._exited()
        self._signal(signal.SIGKILL)  # what it started and left behind, if anything
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _exited(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await self._process.wait()
        return self._process.returncode is not None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _read(self, heard: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        stdout = self._process.stdout
        try:
            while stdout is not None and (line := await stdout.readline()):
                heard(line)
        except (ValueError, OSError):  # a line over the cap, or a broken pipe
            pass
        finally:
            self.running = False
            gone()
