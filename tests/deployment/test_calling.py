"""Calling the deployed proxy: pages, events, and what the platform answers in place of the proxy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deployment.calling import Conversation, RefusedError, RpcAnswerError
from deployment.errors import ConfigError, DeployError
from deployment.transports import Answer, Sent, WithToken, token

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/shop-0123456789"


class Platform:
    """Answers from a list, the last of them again and again; keeps what was sent. Its clock goes by sleeping."""

    def __init__(self, *answers: Callable[[Any], Answer]) -> None:
        self._answers = list(answers)
        self.sent: list[Sent] = []
        self.now = 0.0

    def send(self, sent: Sent) -> Answer:
        self.sent.append(sent)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(json.loads(sent.body)["id"])

    def conversation(self) -> Conversation:
        return Conversation(self, clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def result(**body: Any) -> Callable[[Any], Answer]:
    return lambda number: _json({"jsonrpc": "2.0", "id": number, "result": body})


def error(code: int, message: str = "no", *, status: int = 200) -> Callable[[Any], Answer]:
    return lambda _: _json({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}, status)


def bare(status: int, said: str = "") -> Callable[[Any], Answer]:
    return lambda _: Answer(status=status, kind="text/html", body=b"<html>", said=said)


def _json(document: Any, status: int = 200) -> Answer:
    return Answer(status=status, kind="application/json", body=json.dumps(document).encode())


def test_every_page_is_asked_for_in_one_new_session() -> None:
    platform = Platform(
        result(tools=[{"name": "a"}], nextCursor=""), result(tools=[{"name": "b"}], nextCursor="2"), result(tools=[])
    )
    assert [tool["name"] for tool in platform.conversation().tools()] == ["a", "b"]
    cursors = [json.loads(sent.body)["params"] for sent in platform.sent]
    assert cursors == [{}, {"cursor": ""}, {"cursor": "2"}]
    (session,) = {sent.session for sent in platform.sent}
    assert 33 <= len(session) <= 256
    another = Platform(result(tools=[]))
    another.conversation().tools()
    assert another.sent[0].session != session


def test_a_list_that_does_not_end_is_an_error() -> None:
    with pytest.raises(DeployError, match="does not end"):
        Platform(result(tools=[], nextCursor="again")).conversation().tools()


def test_an_answer_in_events_is_read() -> None:
    def events(number: Any) -> Answer:
        notice = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}
        answer = {"jsonrpc": "2.0", "id": number, "result": {"tools": [{"name": "a"}]}}
        lines = "".join(f"event: message\r\ndata: {json.dumps(each)}\r\n\r\n" for each in (notice, answer))
        return Answer(status=200, kind="text/event-stream; charset=utf-8", body=lines.encode())

    assert len(Platform(events).conversation().tools()) == 1


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (bare(424), "did not start within its 30 s"),
        (bare(402), "quota"),
        (bare(403, "not authorized to perform: bedrock-agentcore:InvokeAgentRuntime"), "AWS said: not authorized"),
        (bare(406), "Accept"),
        (bare(413), "larger than AgentCore lets through"),
        (bare(500), "did not answer with MCP (500)"),
        (bare(200), "did not answer with MCP (200)"),
        (error(-32001, status=401), "did not accept the caller's credentials (-32001)"),
        (error(-32002, status=403), "InvokeAgentRuntime is needed"),
        (error(-32006), "not valid"),
        (
            error(-32010, "Received an error (424)"),
            "its log group shows why (-32010); AWS said: Received an error (424)",
        ),
        (error(-32011, status=406), "Accept"),
    ],
)
def test_what_the_platform_refuses_is_a_sentence_and_is_not_sent_again(
    answer: Callable[[Any], Answer], part: str
) -> None:
    platform = Platform(answer)
    with pytest.raises(RefusedError) as caught:
        platform.conversation().tools()
    assert part in str(caught.value)
    assert len(platform.sent) == 1


@pytest.mark.parametrize("busy", [error(-32003), error(-32005), bare(409), bare(429)])
def test_what_was_not_executed_is_sent_again_within_a_bound(busy: Callable[[Any], Answer]) -> None:
    assert Platform(busy, busy, result(tools=[{}])).conversation().tools() == [{}]
    platform = Platform(busy)
    with pytest.raises(RefusedError):
        platform.conversation().tools()
    assert 30 < platform.now <= 60
    assert len(platform.sent) < 20


@pytest.mark.parametrize("lost", [bare(404), error(-32004)])
def test_a_session_that_is_lost_is_begun_anew_once(lost: Callable[[Any], Answer]) -> None:
    platform = Platform(lost, result(tools=[]))
    platform.conversation().tools()
    assert len({sent.session for sent in platform.sent}) == 2
    platform = Platform(lost)
    with pytest.raises(RefusedError, match="no such runtime, endpoint or session"):
        platform.conversation().tools()
    assert len(platform.sent) == 2


def test_an_error_of_the_proxys_own_is_told_as_it_is() -> None:
    with pytest.raises(RpcAnswerError) as caught:
        Platform(error(-32602, "unknown tool")).conversation().request("tools/call", {"name": "x"})
    assert caught.value.error == {"code": -32602, "message": "unknown tool"}


class Door(BaseHTTPRequestHandler):
    """A runtime's door over HTTP. `seen` keeps the headers."""

    seen: list[dict[str, str]]
    location: str = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({**dict(self.headers), "path": self.path})
        answer = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": [{"name": "a"}]}}).encode()
        self.send_response(307 if self.location else 200)
        self.send_header("Location", self.location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Door]]:
    kind = type("OneDoor", (Door,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", f"http://127.0.0.1:{server.server_port}")
    yield kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_token_goes_in_the_header_of_an_encoded_url(door: type[Door]) -> None:
    assert Conversation(WithToken(ARN, "t0ken"), endpoint="prod").tools() == [{"name": "a"}]
    (seen,) = door.seen
    assert seen["Authorization"] == "Bearer t0ken"
    assert seen["path"].endswith("runtime%2Fshop-0123456789/invocations?qualifier=prod")
    assert seen["Accept"] == "application/json, text/event-stream"
    assert len(seen["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]) >= 33


def test_a_redirect_is_not_followed_with_the_token(door: type[Door]) -> None:
    door.location = "/elsewhere"
    Conversation(WithToken(ARN, "t0ken")).tools()
    assert len(door.seen) == 1


def test_a_token_is_not_sent_over_plain_http_to_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://example.com")
    with pytest.raises(DeployError, match="https:// alone"):
        Conversation(WithToken(ARN, "t0ken")).tools()


def test_a_token_is_read_from_a_file_or_the_environment(tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert token(f"file:{file}", {}) == "abc"
    assert token("env:T", {"T": "abc"}) == "abc"


@pytest.mark.parametrize("reference", ["s3cret", "env:NONE", "file:/none/such", "env:EMPTY", "env:SPACES"])
def test_a_reference_that_gives_no_token_is_not_repeated_when_it_may_be_one(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        token(reference, {"EMPTY": "", "SPACES": "a s3cret"})
    assert "s3cret" not in str(caught.value)
    assert caught.value.findings[0].startswith("--token: ")
