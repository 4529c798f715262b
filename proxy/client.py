"""A small MCP client for the command line: one server, one request at a time, on the standard library.

It asks for 2026-07-28 first (`server/discover`), and shakes hands with a server that does not know it.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json, JsonObject
from proxy.client_answer import ANSWER_BYTES, WHOLE_S, messages, within
from proxy.client_proof import Nothing, Proof
from proxy.client_refusals import ERROR_TYPE, STATUSES, kind_of
from proxy.eras import HANDSHAKE, MODERN
from proxy.errors import ProxyError, RpcError
from proxy.parser import command

WAIT_S: Final = 120.0
"""Longest silence that is waited through."""

_PAGES: Final = 1_000
"""Most pages of a list, empty ones included."""

_SENDABLE: Final = re.compile(r"[\x21-\x7e]{1,1024}")
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

    `always` are headers of every request; `proof` adds those that say who calls. An answer, or a whole list, may take
    `whole_s` seconds.
    """

    def __init__(self, url: str, proof: Proof | None = None, *, whole_s: float = WHOLE_S) -> None:
        parts = _parts(url)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.where = f"{origin}{parts.path}"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(str(parts.hostname), parts.port, timeout=WAIT_S)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._url = f"{origin}{self._path}"
        self._whole_s = whole_s
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
        cursor, seen, size = None, set[str](), 0
        until = time.monotonic() + self._whole_s
        while True:
            page = self.request("tools/list", {} if cursor is None else {"cursor": cursor})
            listed = page.get("tools", [])
            if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
                raise ProxyError(f"{self.where} answered tools/list with something that is no list of tools")
            found += listed
            size += len(dumps(page))
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or cursor in seen:
                return found
            seen.add(cursor)
            if len(seen) >= _PAGES or size > ANSWER_BYTES or time.monotonic() > until:
                raise ProxyError(f"the list of tools at {self.where} does not end")

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
        versions = found.get("supportedVersions")
        self._modern = isinstance(versions, list) and MODERN in versions
        if not self._modern:
            self._shake_hands()

    def _shake_hands(self) -> None:
        self._modern, self._session = False, {}
        offer = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _ME}
        answer = self._ask("initialize", offer, {})
        version = str(answer.get("protocolVersion"))
        self._session["MCP-Protocol-Version"] = version if _SENDABLE.fullmatch(version) else HANDSHAKE
        with self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, self._session):
            pass  # what is answered to a notification says nothing

    def _ask(self, method: str, params: JsonObject, headers: Mapping[str, str]) -> JsonObject:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        with self._post(message, headers) as response:
            if _SENDABLE.fullmatch(session := response.getheader("mcp-session-id", "")):
                self._session["Mcp-Session-Id"] = session
            return self._result(response)

    @contextlib.contextmanager
    def _post(self, message: JsonObject, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        accept = "application/json, text/event-stream"
        sent = {"Content-Type": "application/json", "Accept": accept, **self.always, **headers}
        body = dumps(message)
        sent.update(self.proof.headers(self._url, sent, body))
        try:
            self._connection.connect()
            with within(self._whole_s, self._connection.sock, self.where):
                self._connection.request("POST", self._path, body, sent)
                with self._connection.getresponse() as response:
                    yield response
        except TimeoutError:
            raise ProxyError(f"{self.where} did not answer within {WAIT_S:g} s") from None
        except (ConnectionError, socket.gaierror):
            raise ProxyError(f"nothing answers at {self.where}; {self.absent()}") from None
        except (OSError, http.client.HTTPException) as error:
            raise ProxyError(f"{self.where} cannot be asked ({type(error).__name__})") from None
        finally:
            self._connection.close()

    def _result(self, response: http.client.HTTPResponse) -> JsonObject:
        for text in messages(response, self.where):
            message = _parsed(text)
            if isinstance(message, dict) and isinstance(message.get("error"), dict):
                raise AnsweredError(message["error"], response)
            if isinstance(message, dict) and message.get("id") == self._last_id:
                if isinstance(result := message.get("result"), dict):
                    return result
                break
        error = NotMcpError(f"{self.where} answered {response.status} without an MCP message", response)
        if error.status in STATUSES:
            advice = self.proof.advice(error.status, error.kind)
            error = NotMcpError(f"{self.where} answered {error.status}: {advice}", response)
        raise error


def _parts(url: str) -> SplitResult:
    """Raises ProxyError for what cannot be requested as it stands; it may hold a secret, and is not repeated."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        raise ProxyError("the URL must be an http:// or https:// URL, and this is none") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ProxyError("the URL must be an http:// or https:// URL")
    target = f"{parts.path}?{parts.query}"
    if not target.isascii() or not target.isprintable() or " " in target:
        raise ProxyError("the URL must be percent-encoded: it has a space, or another character that no URL can hold")
    return parts


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
