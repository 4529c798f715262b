"""A request as it stands on the wire, and the plain one that every odd one differs from in one respect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.mcp_wire import ERAS, HANDSHAKE, request

Header = tuple[str | bytes, str | bytes]
ECHO: Final = {"name": "echo", "arguments": {"a": 1}}
INITIALIZE: Final = {
    "protocolVersion": HANDSHAKE,
    "capabilities": {"roots": {"listChanged": True}, "sampling": {}},
    "clientInfo": {"name": "tests", "version": "1"},
}
PLAIN: Final[Mapping[str, Mapping[str, Any]]] = {"tools/call": ECHO, "initialize": INITIALIZE}
LEFT_OUT: Final = object()
"""As the value of a member: the member is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request. `name` is unique; `headers` are sent in order and as they are, host and length are added."""

    name: str
    headers: Sequence[Header]
    body: bytes
    verb: str = "POST"
    path: str = "/mcp"
    chunked: bool = False

    def head(self, port: int) -> list[bytes]:
        names = {_bytes(name).lower() for name, _ in self.headers}
        lines = [f"{self.verb} {self.path} HTTP/1.1".encode()]
        lines += [] if b"host" in names else [b"host: 127.0.0.1:%d" % port]
        framed = self.chunked or b"content-length" in names
        lines += [b"transfer-encoding: chunked"] if self.chunked else []
        lines += [] if framed or self.verb != "POST" else [b"content-length: %d" % len(self.body)]
        return [*lines, *(_bytes(name) + b": " + _bytes(value) for name, value in self.headers)]

    def sent_body(self) -> bytes:
        if not self.chunked:
            return self.body
        half = len(self.body) // 2
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (self.body[:half], self.body[half:], b""))


def case(
    name: str,
    method: str = "tools/call",
    params: Any = None,
    era: str = HANDSHAKE,
    *,
    headers: Sequence[Header] = (),
    instead: Sequence[Header] = (),
    without: Sequence[str] = (),
    meta: Mapping[str, Any] | None = None,
    members: Mapping[str, Any] | None = None,
    raw: bytes | None = None,
    verb: str = "POST",
    path: str = "/mcp",
    chunked: bool = False,
) -> Case:
    """A plain request, but for what is given.

    `headers` come on top, `instead` replace those of their name, `without` are left out. `meta` changes `_meta`,
    `members` the message itself. `raw` is sent for a body.
    """
    params = PLAIN.get(method, {}) if params is None else params
    body, own = _plain(method, params, era)
    if meta is not None:
        body["params"] = {**body.get("params", {}), "_meta": _changed(body.get("params", {}).get("_meta", {}), meta)}
    replaced = {_bytes(header).lower().decode() for header, _ in instead} | set(without)
    kept = [(header, value) for header, value in own.items() if header not in replaced]
    text = json.dumps(_changed(body, members or {})).encode() if raw is None else raw
    return Case(
        name=f"{name} [{era}]", headers=[*kept, *instead, *headers], body=text, verb=verb, path=path, chunked=chunked
    )


def both(name: str, method: str = "tools/call", params: Any = None, **more: Any) -> list[Case]:
    """The case in either era of the caller."""
    return [case(name, method, params, era, **more) for era in ERAS]


def _plain(method: str, params: Any, era: str) -> tuple[dict[str, Any], dict[str, str]]:
    given = params if isinstance(params, Mapping) else {}
    body, headers = request(method, given, era, request_id=7)
    if method.startswith("notifications/"):
        del body["id"]
    if given is not params:
        body["params"] = params
    return body, {"content-type": "application/json", **headers}


def _changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not LEFT_OUT}


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
