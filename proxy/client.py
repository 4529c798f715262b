"""A small MCP client for the command line: one server, one request at a time, on the standard library.

It asks for 2026-07-28 first (`server/discover`), and shakes hands with a server that does not know it.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json, JsonObject
from proxy.client_proof import Nothing, Proof
from proxy.client_refusals import ERROR_TYPE, STATUSES, kind_of
from proxy.eras import HANDSHAKE, MODERN
from proxy.errors import ProxyError, RpcError
from proxy.parser import command

WAIT_S: Final = 120.0
"""Longest silence that is waited through."""

_HEADER_MISMATCH: Final = -32020
_META: Final = "io.modelcontextprotocol/"
_ME: Final = {"name": "mcp-policy-proxy-cli", "version": "1"}
_ENVELOPE: Final = {
    f"{_META}protocolVersion": MODERN,
    f"{_META}clientCapabilities": {},
    f"{_META}clientInfo": _ME,
}


class AnsweredError(RpcError):
    """A JSON-RPC error that came with HTTP `status`. `kind` is AWS's name for it, or empty."""

    def __init__(self, error: JsonObject, response: http.client.HTTPResponse) -> None:
        code = error.get("code")
        super().__init__(code if isinstance(code, int) else 0, str(error.get("message", "")), error.get("data"))
        self.status, self.kind = response.status, kind_of(response.headers.get(ERROR_TYPE))


class NotMcpError(ProxyError):
    """The server answered HTTP `status`, and not as MCP. `kind` is AWS's name for the error, or empty."""

    def __init__(self, message: str, response: http.client.HTTPResponse) -> None:
        super().__init__(message)
        self.status, self.kind = response.status, kind_of(response.headers.get(ERROR_TYPE))


class Client:
    """Talks to the MCP server at `url` (http or https). `where` is the URL without credentials and query.

    `always` are headers of every request; `proof` adds those that say who calls.
    """

    def __init__(self, url: str, proof: Proof | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ProxyError("the URL must be an http:// or https:// URL")
        self.where = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=WAIT_S)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self._path}"
        self.proof: Proof = proof or Nothing()
        self.always: dict[str, str] = {}
        self._session: dict[str, str] = {}
        self._modern: bool | None = None
        self._last_id = 0

    def close(self) -> None:
        self._connection.close()

    def absent(self) -> str:
        """What to do where nothing answers."""
        return f"start the proxy with: {command()} serve"

    def call(self, name: str, arguments: JsonObject) -> JsonObject:
        """The CallToolResult. Raises RpcError as the server answered, ProxyError when it did not."""
        params = {"name": name, "arguments": arguments}
        try:
            return self.request("tools/call", params)
        except RpcError as error:
            # Refused unread: the tool wants arguments repeated in headers, which only the modern era asks for.
            if error.code != _HEADER_MISMATCH or not self._modern:
                raise
        self._shake_hands()
        return self.request("tools/call", params)

    def tools(self) -> list[JsonObject]:
        """Every tool listed, all pages. Raises like `call`."""
        found: list[JsonObject] = []
        cursor, seen = None, set[str]()
        while True:
            page = self.request("tools/list", {} if cursor is None else {"cursor": cursor})
            found += page.get("tools") or []
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or cursor in seen:
                return found
            seen.add(cursor)

    def request(self, method: str, params: JsonObject) -> JsonObject:
        """The result object of one request, in the era that the server speaks."""
        if self._modern is None:
            self._find_era()
        if self._modern:
            headers = {"Mcp-Method": method, **({"Mcp-Name": _header(params["name"])} if "name" in params else {})}
            return self._ask(method, {**params, "_meta": _ENVELOPE}, {"MCP-Protocol-Version": MODERN, **headers})
        return self._ask(method, params, self._session)

    def _find_era(self) -> None:
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
        try:
            found = self._ask("server/discover", {"_meta": _ENVELOPE}, headers)
        except (RpcError, NotMcpError):
            found = {}
        self._modern = MODERN in (found.get("supportedVersions") or ())
        if not self._modern:
            self._shake_hands()

    def _shake_hands(self) -> None:
        self._modern, self._session = False, {}
        offer = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _ME}
        answer = self._ask("initialize", offer, {})
        self._session["MCP-Protocol-Version"] = str(answer.get("protocolVersion", HANDSHAKE))
        with self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, self._session) as response:
            response.read()

    def _ask(self, method: str, params: JsonObject, headers: Mapping[str, str]) -> JsonObject:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        with self._post(message, headers) as response:
            if session := response.getheader("mcp-session-id"):
                self._session["Mcp-Session-Id"] = session
            return self._result(response)

    @contextlib.contextmanager
    def _post(self, message: JsonObject, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        accept = "application/json, text/event-stream"
        sent = {"Content-Type": "application/json", "Accept": accept, **self.always, **headers}
        body = dumps(message)
        sent.update(self.proof.headers(self._url, sent, body))
        try:
            self._connection.request("POST", self._path, body, sent)
            yield self._connection.getresponse()
        except TimeoutError:
            raise ProxyError(f"{self.where} did not answer within {WAIT_S:g} s") from None
        except (ConnectionError, socket.gaierror):
            raise ProxyError(f"nothing answers at {self.where}; {self.absent()}") from None
        except (OSError, http.client.HTTPException) as error:
            raise ProxyError(f"{self.where} cannot be asked ({type(error).__name__})") from None
        finally:
            self._connection.close()

    def _result(self, response: http.client.HTTPResponse) -> JsonObject:
        kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
        messages = _events(response) if kind == "text/event-stream" else iter((response.read(),))
        for text in messages:
            message = _parsed(text)
            if isinstance(message, dict) and isinstance(message.get("error"), dict):
                raise AnsweredError(message["error"], response)
            if isinstance(message, dict) and message.get("id") == self._last_id:
                result = message.get("result")
                return result if isinstance(result, dict) else {}
        error = NotMcpError(f"{self.where} answered {response.status} without an MCP message", response)
        if error.status in STATUSES:
            advice = self.proof.advice(error.status, error.kind)
            error = NotMcpError(f"{self.where} answered {error.status}: {advice}", response)
        raise error


def _parsed(text: bytes) -> Json:
    try:
        return loads(text)
    except JsonError:
        return None


def _header(name: str) -> str:
    """A header value for a name; what a header cannot carry goes as base64 (2026-07-28, transports)."""
    if name.isascii() and name.isprintable() and name == name.strip() and not name.startswith("=?base64?"):
        return name
    import base64

    return f"=?base64?{base64.b64encode(name.encode()).decode()}?="


def _events(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The data of each server-sent event. Lines end at \\n or \\r\\n."""
    data: list[bytes] = []
    for line in response:
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []
