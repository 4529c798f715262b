"""One conversation with a server before it is measured, so that a failing server is not taken for a fast one."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import orjson

from benchmarks.tools import CALLED, NAMES, arguments, note
from benchmarks.wire import CLIENT, PATH, Form, Json, headers, message

_KINDS = {"application/json": "json", "text/event-stream": "sse"}


class UnfitError(Exception):
    """The server does not give the right answer in this form; the message says what it gave."""


class OtherModeError(UnfitError):
    """The answer is right, but comes in the other response mode; waiting does not change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is talked to and how: the port on loopback, the form, and headers that every message carries besides."""

    port: int
    form: Form
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer: status, response mode (`json`, `sse` or the raw content type), session id, JSON-RPC message."""

    status: int
    mode: str
    session: str
    message: Json


def check(peer: Peer) -> str:
    """Greets, lists and calls as a client does. Returns the session id, or "" where the server issues none.

    Raises UnfitError when the list is not the 50 tools, the call's text is not the note that was sent, or the answer
    comes in another response mode than the form's.
    """
    session = _greet(peer)
    listed: list[str] = []
    page: Json = {}
    while True:
        result = _result(_post(peer, "tools/list", page, session=session))
        listed += [tool["name"] for tool in result["tools"]]
        if result.get("nextCursor") is None or len(listed) > len(NAMES):
            break
        page = {"cursor": result["nextCursor"]}
    if sorted(listed) != sorted(NAMES):
        raise UnfitError(f"publishes {len(listed)} tools, not the {len(NAMES)} of the upstream")
    _call(peer, session)
    return session


def _greet(peer: Peer) -> str:
    if peer.form.modern:
        _result(_post(peer, "server/discover", {}))
        return ""
    hello: Json = {"protocolVersion": peer.form.version, "capabilities": {}, "clientInfo": CLIENT}
    answer = _post(peer, "initialize", hello)
    if (version := _result(answer)["protocolVersion"]) != peer.form.version:
        raise UnfitError(f"initialize chose {version}")
    _post(peer, "notifications/initialized", {}, session=answer.session, number=None)
    return answer.session


def _call(peer: Peer, session: str) -> None:
    mark = secrets.token_hex(8)
    params = {"name": CALLED, "arguments": arguments(mark)}
    answer = _post(peer, "tools/call", params, session=session)
    result = _result(answer)
    texts = [block.get("text") for block in result.get("content", ())]
    if texts != [note(mark)] or result.get("isError"):
        raise UnfitError("tools/call does not answer with the note that it was given")
    if answer.mode != peer.form.answers:
        raise OtherModeError(f"answers {answer.mode.upper()}")


def _post(peer: Peer, method: str, params: Json, *, session: str = "", number: int | None = 1) -> Answer:
    body = orjson.dumps(message(peer.form, method, params, number=number))
    fields = headers(peer.form, method, name=params.get("name", ""), session=session) | dict(peer.headers)
    connection = HTTPConnection("127.0.0.1", peer.port, timeout=peer.timeout)
    try:
        connection.request("POST", PATH, body, fields)
        response = connection.getresponse()
        mode = mode_of(response)
        received = decode(response.read(), mode) if number is not None else {}
        return Answer(
            status=response.status,
            mode=mode,
            session=response.getheader("Mcp-Session-Id") or "",
            message=received,
        )
    except (OSError, HTTPException, ValueError) as error:
        raise UnfitError(f"{method}: {type(error).__name__}") from error
    finally:
        connection.close()


def decode(body: bytes, mode: str) -> Json:
    """The JSON-RPC answer in this body. Raises ValueError when there is none."""
    if mode != "sse":
        return _object(orjson.loads(body))
    events = (line[5:] for line in body.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"data:"))
    messages = [_object(orjson.loads(data)) for data in events if data.strip()]
    answers = [received for received in messages if "id" in received]
    if not answers:
        raise ValueError("no answer in the stream")
    return answers[-1]


def mode_of(response: HTTPResponse) -> str:
    """`json`, `sse`, or the content type of anything else."""
    kind = (response.getheader("Content-Type") or "none").split(";")[0].strip()
    return _KINDS.get(kind, kind)


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _result(answer: Answer) -> Json:
    if "result" not in answer.message:
        error = answer.message.get("error", {})
        raise UnfitError(f"HTTP {answer.status}, error {error.get('code')}: {error.get('message')}")
    return _object(answer.message["result"])
