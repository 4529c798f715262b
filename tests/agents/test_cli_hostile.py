"""`call` and `tools` against servers that answer too much, too long, or nonsense."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proxy.__main__ import main
from proxy.arns import ENDPOINT_VARIABLE
from proxy.client import Client
from proxy.client_answer import ANSWER_BYTES
from proxy.errors import ProxyError
from tests.agents.front import ARN

MODERN = {"supportedVersions": ["2026-07-28"]}
PIECE = b" " * 2**20
MOST_S = 10.0
Answer = Callable[[socket.socket, dict[str, Any]], None]


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[str]:
    """The URL of a server that reads a request and lets `answer` write whatever it likes."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(MOST_S)
            answer(connection, _request(connection))

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(MOST_S)


def _request(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as stream:
        length = 0
        for line in iter(stream.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return dict(json.loads(stream.read(length)))


def head(kind: str, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Connection: close", *headers, "", ""]).encode()


def answers(**results: Any) -> Answer:
    """JSON-RPC results by method, its `/` written `_`. Without `server_discover` the server is one of the older era."""

    def answer(connection: socket.socket, message: dict[str, Any]) -> None:
        found = results.get(message["method"].replace("/", "_"), {"protocolVersion": "2025-11-25"})
        if callable(found):
            found(connection)
            return
        told = {"result": found} if not isinstance(found, Exception) else {"error": json.loads(str(found))}
        connection.sendall(head("application/json"))
        connection.sendall(json.dumps({"jsonrpc": "2.0", "id": message.get("id"), **told}).encode())

    return answer


def huge(kind: str, begin: bytes = b"") -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        connection.sendall(head(kind) + begin)
        for _ in range(2 * ANSWER_BYTES // len(PIECE)):
            connection.sendall(PIECE)

    return send


def steadily(begin: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)

    return send


@pytest.mark.parametrize(
    ("kind", "begin"),
    [("application/json", b""), ("text/event-stream", b"data:"), ("text/event-stream", b"data: {}\ndata:")],
)
def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    kind: str, begin: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(answers(server_discover=MODERN, tools_list=huge(kind, begin))) as url:
        assert main(["tools", "--url", url]) == 1
    assert capsys.readouterr().err == f"{url} answered more than {ANSWER_BYTES} bytes\n"


@pytest.mark.parametrize(
    "endless",
    [
        steadily(head("text/event-stream"), b": still here\n\n"),
        steadily(head("text/event-stream"), b"data: {}\n\n"),
        steadily(head("application/json", "Content-Length: 1000000"), b" "),
        steadily(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["comments", "events", "bytes", "interim answers"],
)
def test_an_answer_that_never_ends_is_waited_for_so_long_and_no_longer(endless: Any) -> None:
    began = time.monotonic()
    with (
        server(answers(server_discover=MODERN, tools_call=endless)) as url,
        contextlib.closing(Client(url, whole_s=0.4)) as client,
        pytest.raises(ProxyError, match=r"within 0.4 s"),
    ):
        client.call("lookup", {})
    assert 0.4 <= time.monotonic() - began < 5


def test_an_endless_answer_to_a_notification_is_waited_for_by_nobody() -> None:
    endless = steadily(head("text/event-stream"), b": still here\n\n")
    began = time.monotonic()
    with (
        server(answers(tools_list={"tools": []}, notifications_initialized=endless)) as url,
        contextlib.closing(Client(url, whole_s=MOST_S)) as client,
    ):
        assert client.tools() == []
    assert time.monotonic() - began < 5


def test_pages_that_never_end_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[int] = []

    def page(connection: socket.socket) -> None:
        asked.append(len(asked) + 1)
        told = {"jsonrpc": "2.0", "id": asked[-1] + 1, "result": {"tools": [], "nextCursor": str(asked[-1])}}
        connection.sendall(head("application/json") + json.dumps(told).encode())

    with server(answers(server_discover=MODERN, tools_list=page)) as url:
        assert main(["tools", "--url", url]) == 1
    assert capsys.readouterr().err == f"the list of tools at {url} does not end\n"
    assert len(asked) == 1000


@pytest.mark.parametrize("listed", [5, {"a": 1}, [1], [None], "text"])
def test_what_is_no_list_of_tools_is_said_to_be_none(listed: object, capsys: pytest.CaptureFixture[str]) -> None:
    with server(answers(server_discover=MODERN, tools_list={"tools": listed})) as url:
        assert main(["tools", "--url", url]) == 1
    assert capsys.readouterr().err == f"{url} answered tools/list with something that is no list of tools\n"


@pytest.mark.parametrize("result", [[1], None, "done", 7])
def test_a_result_that_is_no_object_is_not_taken_for_success(
    result: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(answers(server_discover=MODERN, tools_call=result)) as url:
        assert main(["call", "lookup", "--url", url]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{url} answered 200 without an MCP message\n")


@pytest.mark.parametrize("version", ["a\r\nX-Added: 1", "a\n b", "€", 7, None, ["x"], "x" * 5000])
def test_a_version_that_no_header_can_carry_is_not_sent_back(version: object) -> None:
    sent = answers(initialize={"protocolVersion": version}, tools_list={"tools": [{"name": "lookup"}]})
    with server(sent) as url, contextlib.closing(Client(url)) as client:
        assert client.tools() == [{"name": "lookup"}]


@pytest.mark.parametrize("versions", [5, {"2026-07-28": 1}, None, "2026-07-28"])
def test_versions_of_the_wrong_type_lead_to_a_handshake(versions: object) -> None:
    sent = answers(server_discover={"supportedVersions": versions}, tools_list={"tools": []})
    with server(sent) as url, contextlib.closing(Client(url)) as client:
        assert client.tools() == []
        assert client._modern is False


def test_a_terminal_is_shown_no_escape_of_the_servers(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError(json.dumps({"code": -1, "message": "\x1b]0;title\x07\x1b[2J"}))
    with server(answers(server_discover=MODERN, tools_list=error)) as url:
        assert main(["tools", "--url", url]) == 1
    said = capsys.readouterr().err
    assert "\\u001b]0;title" in said
    assert said.removesuffix("\n").isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "http://h:99999/mcp",
        "http://h:x/mcp",
        "http://[::1/mcp",
        "http://a..b/mcp",
        f"http://{'a' * 70}.com/",
        "http://127.0.0.1:9/ü",
        "http://127.0.0.1:9/a b",
        "ftp://h/",
        "http:///mcp",
    ],
)
def test_a_url_that_cannot_be_requested_is_one_sentence(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", url]) == 1
    said = capsys.readouterr().err
    assert said.startswith("the URL must be ")
    assert (said.count("\n"), url in said) == (1, False)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:99999", "http://127.0.0.1:9 /x", "http://127.0.0.1:9\n/x"])
def test_an_endpoint_variable_that_cannot_be_requested_is_named(
    endpoint: str, keys: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.setenv(ENDPOINT_VARIABLE, endpoint)
    assert main(["tools", "--arn", ARN]) == 1
    assert capsys.readouterr().err.startswith(f"{ENDPOINT_VARIABLE}: must be")


def test_an_ipv6_address_is_shown_as_it_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", "http://user:canary@[::1]:9/mcp?q=canary"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("nothing answers at http://[::1]:9/mcp;")
    assert "canary" not in said
