"""`python -m tests.agentcore`: the emulator for a shell. Its environment as `export` lines, then it serves until it
is told to end by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import shlex
import signal

from tests.agentcore.emulator import Emulator


async def serve() -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with Emulator() as emulator:
        print(
            "\n".join(f"export {key}={shlex.quote(value)}" for key, value in emulator.environment.items()), flush=True
        )
        await over.wait()


if __name__ == "__main__":
    asyncio.run(serve())
