"""The floor of a Python proxy: uvicorn, one JSON parse, one pooled aiohttp session.

`python -m benchmarks.comparators.passthrough PORT UPSTREAM_URL`. It judges nothing and knows nothing of MCP.
"""

import sys
from typing import Any

import aiohttp
import orjson
import uvicorn
import yarl

FORWARDED = (b"content-type", b"accept", b"mcp-protocol-version", b"mcp-method", b"mcp-name")


class Passthrough:
    """An ASGI app that sends what it reads to the upstream, and the answer back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = yarl.URL(upstream, encoded=True)
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event.get("more_body", False)
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"] if key in FORWARDED}
        data = orjson.dumps(orjson.loads(body))
        async with self._session.post(self._upstream, data=data, headers=headers) as response:
            answer, kind = await response.read(), response.headers["content-type"]
        fields = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(
        Passthrough(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
    )
