"""One conversation with a server before it is measured, so that a failing server is not taken for a fast one."""

import secrets
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
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
class Answer:
    """An HTTP answer: status, response mode (`json`, `sse` or the raw content type), session id, JSON-RPC message."""

    status: int
    mode: str
    session: str
    message: Json


def check(port: int, form: Form, *, timeout: float = 15.0) -> str:
    """Greets, lists and calls as a client does. Returns the session id, or "" where the server issues none.

    Raises UnfitError when the list is not the 50 tools, the call's text is not the note that was sent, or the answer
    comes in another response mode than the form's.
    """
    session = _greet(port, form, timeout)
    listed: list[str] = []
    page: Json = {}
    while True:
        result = _result(_post(port, form, "tools/list", page, session=session, timeout=timeout))
        listed += [tool["name"] for tool in result["tools"]]
        if result.get("nextCursor") is None or len(listed) > len(NAMES):
            break
        page = {"cursor": result["nextCursor"]}
    if sorted(listed) != sorted(NAMES):
        raise UnfitError(f"publishes {len(listed)} tools, not the {len(NAMES)} of the upstream")
    _call(port, form, session, timeout)
    return session


def _greet(port: int, form: Form, timeout: float) -> str:
    if form.modern:
        _result(_post(port, form, "server/discover", {}, timeout=timeout))
        return ""
    hello: Json = {"protocolVersion": form.version, "capabilities": {}, "clientInfo": CLIENT}
    answer = _post(port, form, "initialize", hello, timeout=timeout)
    if (version := _result(answer)["protocolVersion"]) != form.version:
        raise UnfitError(f"initialize chose {version}")
    _post(port, form, "notifications/initialized", {}, session=answer.session, number=None, timeout=timeout)
    return answer.session


def _call(port: int, form: Form, session: str, timeout: float) -> None:
    mark = secrets.token_hex(8)
    params = {"name": CALLED, "arguments": arguments(mark)}
    answer = _post(port, form, "tools/call", params, session=session, timeout=timeout)
    result = _result(answer)
    texts = [block.get("text") for block in result.get("content", ())]
    if texts != [note(mark)] or result.get("isError"):
        raise UnfitError("tools/call does not answer with the note that it was given")
    if answer.mode != form.answers:
        raise OtherModeError(f"answers {answer.mode.upper()}")


def _post(
    port: int, form: Form, method: str, params: Json, *, timeout: float, session: str = "", number: int | None = 1
) -> Answer:
    body = orjson.dumps(message(form, method, params, number=number))
    fields = headers(form, method, name=params.get("name", ""), session=session)
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", PATH, body, fields)
        response = connection.getresponse()
        kind = (response.getheader("Content-Type") or "none").split(";")[0].strip()
        mode = _KINDS.get(kind, kind)
        received = _decode(response.read(), mode) if number is not None else {}
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


def _decode(body: bytes, mode: str) -> Json:
    if mode != "sse":
        return _object(orjson.loads(body))
    events = (line[5:] for line in body.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"data:"))
    messages = [_object(orjson.loads(data)) for data in events if data.strip()]
    answers = [received for received in messages if "id" in received]
    if not answers:
        raise ValueError("no answer in the stream")
    return answers[-1]


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _result(answer: Answer) -> Json:
    if "result" not in answer.message:
        error = answer.message.get("error", {})
        raise UnfitError(f"HTTP {answer.status}, error {error.get('code')}: {error.get('message')}")
    return _object(answer.message["result"])
