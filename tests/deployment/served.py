"""What the emulated Runtime may start: a small MCP server as an artifact, and an upstream for a real one."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "fail", "variables")]


class Mcp(BaseHTTPRequestHandler):
    """Three tools, two of them on the first page."""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = _answer(message["method"], message.get("params") or {})
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        answer |= {"error": {"code": -32601, "message": "no such method"}} if result is None else {"result": result}
        body = json.dumps(answer).encode()
        self.send_response(200 if "id" in message else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        server = {"name": "upstream", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS[2:]} if params.get("cursor") else {"tools": TOOLS[:2], "nextCursor": "2"}
    if method != "tools/call":
        return None
    if params["name"] == "variables":
        import os

        text = json.dumps(dict(os.environ))
    else:
        text = json.dumps(params.get("arguments"))
    return {"content": [{"type": "text", "text": text}], "isError": params["name"] == "fail"}


@contextlib.contextmanager
def upstream() -> Iterator[str]:
    """The same, on loopback: its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mcp)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def archive(comment: bytes = b"") -> bytes:
    """This file as an artifact that serves; another comment makes another artifact."""
    with open(__file__) as own:
        source = own.read()
    start = 'import os\nThreadingHTTPServer(("127.0.0.1", int(os.environ["MCP_PROXY_PORT"])), Mcp).serve_forever()\n'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.comment = comment
        made.writestr("main.py", f"{source}\n\n{start}")
    return packed.getvalue()
