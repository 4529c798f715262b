"""The floor of a start: uvicorn, and the benchmark upstream's answers. `python -m benchmarks.comparators.bare PORT`."""

import sys
from typing import Any

import orjson
import uvicorn

from benchmarks.upstream import Answers
from benchmarks.wire import LABEL


class Bare:
    """An ASGI app that answers a whole JSON-RPC message, as long as it has a result for it."""

    def __init__(self) -> None:
        self._answers = Answers()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event.get("more_body", False)
        sent = orjson.loads(body)
        modern = f"{LABEL}protocolVersion" in sent["params"].get("_meta", {})
        result = self._answers.result(sent["method"], sent["params"], modern=modern)
        answer = orjson.dumps({"jsonrpc": "2.0", "id": sent["id"], "result": result})
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(Bare(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")
