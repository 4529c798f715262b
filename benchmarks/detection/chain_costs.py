"""What the default chain adds to a call of about 1 KB, in this process: the hooks alone, no door and no network."""

import asyncio
import time

from benchmarks import tools
from benchmarks.detection.tree import Object
from policies.chain import Chain
from policies.lent import services
from policies.loading import load
from policies.model import Call, Result, Step

_CALLS = 200
_ROUNDS = 7


def one_text() -> str:
    """What the benchmark's tool answers."""
    return tools.note("0001")


def added(result: Object) -> float:
    """CPU of on_call and on_result of the default chain less those of an empty one, in ms a call, least of seven."""
    return asyncio.run(_added(result))


async def _added(result: Object) -> float:
    whole, empty = Chain(load(None, services())), Chain([])
    await whole.open()
    try:
        await _milliseconds(whole, result)
        return min([await _milliseconds(whole, result) for _ in range(_ROUNDS)]) - min(
            [await _milliseconds(empty, result) for _ in range(_ROUNDS)]
        )
    finally:
        await whole.close()


async def _milliseconds(chain: Chain, result: Object) -> float:
    steps = list[Step]()
    call = Call(id="", method="tools/call", params={"name": tools.CALLED, "arguments": tools.arguments("0001")})
    began = time.process_time()
    for _ in range(_CALLS):
        await chain.on_call(call, steps)
        await chain.on_result(call, Result(body=result), steps)
        steps.clear()
    return (time.process_time() - began) / _CALLS * 1e3
