"""The command line, run as its users run it: real processes, their output and their exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from proxy.__main__ import main
from proxy.client import Client
from proxy.commands import counted
from proxy.errors import ProxyError, RpcError
from proxy.parser import FLAGS, SECRETS, UsageError, command, parsed

ROOT = Path(__file__).resolve().parent.parent
VERBS = ("serve", "check", "tools", "call", "explain", "redact", "keys", "export")
CANARY = "canary-7f3a"
TIMEOUT_S = 60

POLICIES_PY = """
from policies.model import ALLOW, Allow, Change, Deny, Modify, Respond, Result
from policies.policy import Policy

class Refuse(Policy):
    def on_call(self, call):
        return Deny("not_allowed", "the detail is for the audit")

class Mask(Policy):
    def on_result(self, call, result):
        return Modify(result.with_body({"content": []}), [Change("$.content[0].text", "NAME")])

class Compose(Policy):
    def on_call(self, call):
        return Respond(Result(body={"content": []}))

class Hide(Policy):
    def on_tool(self, tool, caller):
        return Deny("hidden")

class Owned(Policy):
    per_caller = True

class Broken(Policy):
    def on_call(self, call):
        raise ValueError(call.arguments)

class Unopened(Policy):
    async def open(self):
        raise ValueError("canary-7f3a")

class Wants(Policy):
    async def open(self):
        await self.services.secrets.get("env:ABSENT_FOR_TESTS")

class Speaks(Policy):
    async def open(self):
        self.services.sinks.write("a record")
"""

CALL = {"call": {"name": "lookup", "arguments": {"id": CANARY}}}
RESULT = {"content": [{"type": "text", "text": CANARY}]}


def run(*args: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "proxy", *args],
        input=stdin,
        env=_environ(environ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without anything that configures the proxy."""
    aliases = ("GATEWAY_ENDPOINT", "AUTH_MODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MCP_PROXY_", "OTEL_", "COGNITO_", "AWS_"))}
    return {key: value for key, value in kept.items() if key not in aliases} | dict(more)


@pytest.fixture
def chain(tmp_path: Path) -> Any:
    """Writes a policies.toml of the classes above, returning its path."""
    (tmp_path / "mine_cli.py").write_text(POLICIES_PY)

    def write(*tables: str) -> str:
        path = tmp_path / "policies.toml"
        path.write_text("\n".join(f"[[policy]]\nuse = {table}" for table in tables))
        return str(path)

    return write


def test_help_names_every_verb_and_each_verb_has_an_example() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    assert all(f"    {verb} " in ran.stdout for verb in VERBS)
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            parsed([verb, "--help"])
        assert ended.value.code == 0


def test_each_verbs_help_ends_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit):
            parsed([verb, "--help"])
        assert f"Example:\n  {command()} {verb} " in capsys.readouterr().out


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a `bin` that holds an interpreter and the script, as the current one."""
    (tmp_path / "bin").mkdir()
    for name in ("python", "mcp-policy-proxy"):
        (tmp_path / "bin" / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def test_a_command_to_type_names_the_installed_script(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(installed / "bin" / "mcp-policy-proxy"), "serve"])
    assert command() == "bin/mcp-policy-proxy"
    monkeypatch.setattr(sys, "argv", [str(ROOT / "proxy" / "__main__.py"), "serve"])
    assert command() == "bin/mcp-policy-proxy"
    monkeypatch.chdir(installed / "bin")
    assert command() == "mcp-policy-proxy" or command() == str(installed / "bin" / "mcp-policy-proxy")
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", str(installed / "bin"))
    assert command() == "mcp-policy-proxy"


def test_a_command_to_type_names_the_module_where_no_script_is_installed(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(ROOT / "proxy" / "__main__.py"), "serve"])
    (installed / "bin" / "mcp-policy-proxy").unlink()
    assert command() == "bin/python -m proxy"


def test_the_version_is_said() -> None:
    ran = run("--version")
    assert (ran.returncode, ran.stdout.split()[0]) == (0, "mcp-policy-proxy")


@pytest.mark.parametrize("argv", [[], ["--port", "0"], ["serve", "--port=0"]], ids=str)
def test_serve_is_the_default_verb(argv: list[str]) -> None:
    verb, options = parsed(argv)
    assert verb == "serve"
    assert options.port == ("0" if argv else None)


WRONG = [
    ["nonsense-" + CANARY],
    ["serve", f"--nonsense={CANARY}"],
    ["serve", CANARY],
    ["call"],
    ["call", "lookup", "{}", CANARY],
    ["call", "lookup", '{"a": ' + CANARY],
    ["call", "lookup", f'["{CANARY}"]'],
    ["call", "lookup", "--port", CANARY],
    ["call", "lookup", "--qualifier", CANARY],
    ["tools", "--token", CANARY],
    ["tools", "--arn", CANARY, "--url", CANARY],
    ["explain"],
    *([verb, f"--{name}", CANARY] for verb in ("serve", "call") for name in SECRETS),
]


@pytest.mark.parametrize("argv", WRONG, ids=lambda argv: " ".join(argv).replace(CANARY, "X"))
def test_a_wrong_command_line_is_exit_2_with_a_reason_that_repeats_no_value(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("mcp-policy-proxy")
    assert CANARY not in said.err


def test_a_prefix_of_an_option_is_not_that_option() -> None:
    with pytest.raises(UsageError, match="--ups"):
        parsed(["serve", "--ups", "http://example.com"])


def test_every_flag_is_a_setting_and_none_of_them_holds_a_secret() -> None:
    from proxy.settings import Settings

    assert set(FLAGS) <= set(Settings.model_fields)
    assert not set(FLAGS) & {"client_secret", "api_key"}


def test_a_call_needs_neither_fastmcp_nor_pydantic_nor_an_http_library() -> None:
    script = (
        "import sys\n"
        "from proxy.__main__ import main\n"
        "code = main(['call', 'lookup', '--url', 'http://127.0.0.1:9/mcp'])\n"
        "heavy = {'fastmcp', 'mcp', 'pydantic', 'pydantic_settings', 'aiohttp', 'uvicorn', 'opentelemetry', 'httpx2'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ran.stdout.strip() == "1 []"
    assert "start the proxy with: " in ran.stderr
    assert ran.stderr.strip().endswith((".venv/bin/mcp-policy-proxy serve", " -m proxy serve"))


def test_check_shows_the_effective_default_chain() -> None:
    ran = run("check", "--offline")
    assert ran.returncode == 0
    assert "embedded demo" in ran.stdout
    assert [line.split()[1] for line in ran.stdout.splitlines() if line[:2] == "  "] == [
        "sanitize:",
        "redact:",
        "secrets:",
        "tokenize:",
        "audit:",
    ]
    assert "on_call on_result" in ran.stdout


def test_check_reports_all_findings_of_settings_and_policies_at_once(chain: Any) -> None:
    path = chain('"redcat"', '"audit"\nmdoe = "shadow"')
    ran = run("check", "--policies", path, "--port", "x", MCP_PROXY_UPSTRAEM="u", OTEL_TRACES_EXPORTER="zipkin")
    assert ran.returncode == 1
    for told in ("MCP_PROXY_UPSTREAM?", "setting port", "'redact'", "'mode'", "OTEL_TRACES_EXPORTER", "5 findings"):
        assert told in ran.stderr
    assert "Traceback" not in ran.stderr


def test_check_finds_globs_that_match_no_tool_of_the_upstream(chain: Any) -> None:
    path = chain('"sanitize"\ntools = ["get_*", "gte_*"]', '"audit"\non_failure = "open"')
    ran = run("check", "--policies", path)
    assert ran.returncode == 1
    assert "policy sanitize: tools: 'gte_*' matches no tool" in ran.stderr
    assert "'get_*'" not in ran.stderr
    assert "audit fails open" in ran.stderr
    assert run("check", "--policies", path, "--offline").returncode == 0


def test_check_says_when_the_upstream_could_not_be_asked(chain: Any) -> None:
    path = chain('"sanitize"\ntools = ["gte_*"]')
    ran = run("check", "--policies", path, "--upstream", f"http://127.0.0.1:9/mcp?key={CANARY}")
    assert ran.returncode == 0
    assert "note: upstream: could not be asked: the upstream cannot be connected to" in ran.stderr.splitlines()
    assert "were not compared" in ran.stderr
    assert "http://127.0.0.1:9/mcp" in ran.stdout
    assert CANARY not in ran.stdout + ran.stderr
    assert ran.stderr.count("cannot be connected to") == 1
    assert "could not be asked" not in run("check", "--offline", "--upstream", "http://127.0.0.1:9/mcp").stderr


UNSTARTABLE = [
    ("the variable of a secret", ["--auth-mode", "api_key", "--upstream", "http://127.0.0.1:9/mcp"],
     {"MCP_PROXY_API_KEY": "env:ABSENT_FOR_TESTS"},
     "setting api_key: env:ABSENT_FOR_TESTS: the environment has no variable of this name"),
    ("the file of a secret", ["--auth-mode", "jwt", "--upstream", "http://127.0.0.1:9/mcp"],
     {"MCP_PROXY_CLIENT_SECRET": "file:/nowhere/secret", "MCP_PROXY_CLIENT_ID": "a",
      "MCP_PROXY_TOKEN_URL": "http://127.0.0.1:9/token"},
     "setting client_secret: file:/nowhere/secret: No such file or directory"),
    ("a command", ["--stdio", f"nosuch-for-tests {CANARY}"], {},
     "setting stdio: the command 'nosuch-for-tests' cannot be found"),
    ("a shell's assignment", ["--stdio", f"KEY={CANARY} npx"], {}, "setting stdio: the command 'KEY' cannot be found"),
    ("a URL without a password", ["--upstream", f"http://user:{CANARY}@127.0.0.1:9/mcp"], {},
     "setting upstream: holds a user or password; take it out and set auth_mode"),
    ("half a command", ["--stdio", f"'{CANARY}"], {}, "setting stdio: not a command (are its quotes balanced?)"),
    ("the folder of a snapshot", ["--snapshot", "/nowhere/here/tools.json"], {},
     "setting snapshot: there is no folder /nowhere/here"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "environ", "told"), [row[1:] for row in UNSTARTABLE], ids=[row[0] for row in UNSTARTABLE]
)
def test_check_finds_what_is_not_there(flags: list[str], environ: dict[str, str], told: str) -> None:
    ran = run("check", "--offline", *flags, **environ)
    assert (ran.returncode, told in ran.stderr.splitlines()) == (1, True), ran.stderr
    assert ran.stderr.splitlines()[-1] == "1 finding"
    assert CANARY not in ran.stdout + ran.stderr


def test_check_opens_the_policies_unless_it_is_offline(chain: Any) -> None:
    path = chain('"mine_cli:Unopened"', '"mine_cli:Wants"', '"mine_cli:Speaks"', '"mine_cli:Unopened"\nmode = "off"')
    ran = run("check", "--policies", path)
    assert ran.returncode == 1
    assert "policy 'unopened' cannot be opened: ValueError at mine_cli.py:30" in ran.stderr.splitlines()
    assert (
        "policy 'wants' cannot be opened: env:ABSENT_FOR_TESTS: the environment has no variable of this name "
        "(mine_cli.py:34)"
    ) in ran.stderr.splitlines()
    assert ran.stderr.splitlines()[-1] == "2 findings"
    assert CANARY not in ran.stderr
    assert "a record" not in ran.stdout + ran.stderr
    assert run("check", "--policies", path, "--offline").returncode == 0


def test_what_is_missing_of_the_default_chain_is_said_by_check_and_at_the_start(chain: Any) -> None:
    path = chain('"mine_cli:Refuse"', '"audit"')
    told = "sanitize, redact and secrets are not in the chain: a policy file replaces the default chain"
    assert f"note: {told}" in run("check", "--offline", "--policies", path).stderr.splitlines()
    serving = Serving("--policies", path)
    serving.stop()
    assert f"  note      {told}" in serving.said
    assert "not in the chain" not in run("check", "--offline").stderr


def test_check_refuses_a_policy_by_caller_where_no_caller_is_verified(chain: Any) -> None:
    ran = run("check", "--offline", "--policies", chain('"mine_cli:Owned"'))
    assert ran.returncode == 1
    assert "policy owned: decides by verified caller" in ran.stderr
    assert run("check", "--offline", "--policies", chain('"mine_cli:Owned"\nmode = "off"')).returncode == 0


def test_check_reports_auth_settings_that_cannot_work() -> None:
    ran = run("check", "--offline", "--upstream", "https://example.com/mcp", "--auth-mode", "jwt", "--host", "0.0.0.0")
    assert ran.returncode == 1
    assert "client_id" in ran.stderr
    assert "not loopback" in ran.stderr


EXPLAINED = [
    ("a call", '"mine_cli:Refuse"', CALL, ["on_call", "refuse", "reason not_allowed", "outcome: denied by refuse"]),
    ("a denial passes the policies before it", '"mine_cli:Mask"\n[[policy]]\nuse = "mine_cli:Refuse"', CALL,
     ["$.content[0].text  NAME", ("outcome: denied by refuse (not_allowed); the upstream does not see the call; "
      "the denial goes back changed")]),
    ("a denial that nobody changes has no result", '"mine_cli:Refuse"', {**CALL, "result": RESULT},
     ["outcome: denied by refuse (not_allowed); the upstream does not see the call\n"]),
    ("an answer that goes back", '"mine_cli:Mask"\n[[policy]]\nuse = "mine_cli:Compose"', CALL,
     ["outcome: answered by a policy; the upstream does not see the call; the answer goes back changed"]),
    ("a request", '"mine_cli:Refuse"', {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL["call"]},
     ["outcome: denied by refuse"]),
    ("a result", '"mine_cli:Mask"', RESULT, ["mask", "$.content[0].text  NAME", "the result goes back changed"]),
    ("a response", '"mine_cli:Mask"', {"jsonrpc": "2.0", "id": 1, "result": RESULT}, ["the result goes back changed"]),
    ("both", '"mine_cli:Mask"', {**CALL, "result": RESULT},
     ["outcome: the call goes upstream unchanged; the result goes back changed"]),
    ("an answer of the policy", '"mine_cli:Compose"', CALL, ["respond", "outcome: answered by a policy"]),
    ("a hidden tool", '"mine_cli:Hide"', {**CALL, "tool": {}}, ["outcome: denied, as a tool that does not exist"]),
    ("a policy that breaks", '"mine_cli:Broken"', CALL, ["error", "outcome: denied by broken (policy_error)"]),
    ("shadow", '"mine_cli:Refuse"\nmode = "shadow"', CALL, ["(shadow: not done)", "the call goes upstream"]),
    ("another tool", '"mine_cli:Refuse"\ntools = ["other"]', CALL, ["no policy has anything to say"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "document", "told"), [row[1:] for row in EXPLAINED], ids=[row[0] for row in EXPLAINED]
)
def test_explain_shows_each_decision_and_no_value(
    chain: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, table: str, document: object, told: list[str]
) -> None:
    (tmp_path / "case.json").write_text(json.dumps(document))
    assert main(["explain", str(tmp_path / "case.json"), "--policies", chain(table)]) == 0
    shown = capsys.readouterr()
    for text in told:
        assert text in shown.out
    assert "outcome: " in shown.out.splitlines()[-1]
    assert CANARY not in shown.out + shown.err


@pytest.mark.parametrize(
    "text",
    [f'{{"a": {CANARY}', f'["{CANARY}"]', f'{{"{CANARY}": 1}}', '{"call": 7}'],
    ids=["JSON", "array", "key", "call"],
)
def test_explain_refuses_what_is_neither_call_nor_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "case.json").write_text(text)
    assert main(["explain", str(tmp_path / "case.json")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("explain: ")
    assert CANARY not in said


def test_explain_reads_a_file_and_names_one_that_is_missing(chain: Any, tmp_path: Path) -> None:
    document = tmp_path / "call.json"
    document.write_text(json.dumps(CALL))
    path = chain('"mine_cli:Refuse"')
    assert run("explain", str(document), "--policies", path).returncode == 0
    missing = run("explain", str(tmp_path / "none.json"), "--policies", path)
    assert (missing.returncode, "none.json: No such file" in missing.stderr) == (1, True)


def test_a_policy_that_cannot_open_is_a_plain_message(chain: Any) -> None:
    path = chain('"mine_cli:Unopened"')
    for argv in (["explain", "-"], ["serve", "--port", "0"], ["tools"]):
        ran = run(*argv, "--policies", path, stdin=json.dumps(CALL))
        assert ran.returncode == 1
        assert "policy 'unopened' cannot be opened: ValueError at mine_cli.py:30" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert CANARY not in ran.stderr


@pytest.mark.parametrize("verb", ["serve", "tools"])
def test_wrong_configuration_ends_a_verb_with_all_findings(chain: Any, verb: str) -> None:
    ran = run(verb, "--policies", chain('"redcat"', '"adit"'), "--port", "0")
    assert ran.returncode == 1
    assert "'redact'" in ran.stderr
    assert "'audit'" in ran.stderr
    assert "Traceback" not in ran.stderr


class Serving:
    """`serve` in a process of its own on a free port."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proxy", *args, "--port", "0"],
            env=_environ({}),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said: list[str] = []
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if line.startswith("  try"):
                break
        self.url = next((line.split()[-1] for line in self.said if line.startswith("MCP policy proxy on ")), "")

    def stop(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, out


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    found = Serving()
    yield found
    found.stop()


def test_a_served_demo_announces_itself_and_answers_the_call_it_suggests() -> None:
    serving = Serving()
    assert serving.url.startswith("http://127.0.0.1:"), serving.said
    announced = "\n".join(serving.said)
    assert "embedded demo" in announced
    assert "sanitize → redact → secrets → tokenize → audit" in announced
    assert f'call get_customer_profile \'{{"customer_id":"CUST001"}}\' --url {serving.url}' in announced
    ran = run("call", "get_customer_profile", '{"customer_id":"CUST001"}', "--url", serving.url)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    structured = result["structuredContent"]
    assert structured["customer_id"] == "CUST001"
    assert json.loads(result["content"][0]["text"]) == structured
    for private in ("maria.gonzalez", "536-22-8726", "4111 1111", "425-882-8080"):
        assert private not in ran.stdout
    code, audit = serving.stop()
    assert code == 0
    (line,) = [line for line in audit.splitlines() if "get_customer_profile" in line]
    assert json.loads(line)
    assert "maria" not in line


def test_a_call_says_by_its_exit_code_whether_it_worked(serving: Serving) -> None:
    failed = run("call", "get_customer_profile", "-", "--url", serving.url, stdin='{"customer_id":"CUST999"}')
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["isError"] is True
    unknown = run("call", "no_such_tool", "--url", serving.url)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert json.loads(unknown.stderr)["error"]["code"] == -32602


def test_tools_lists_what_is_published_here_and_by_a_running_proxy(serving: Serving) -> None:
    here, there = run("tools", "--json"), run("tools", "--json", "--url", serving.url)
    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert json.loads(here.stdout) == json.loads(there.stdout)
    assert len(json.loads(here.stdout)) == 5
    plain = run("tools", "--url", serving.url.replace("//", f"//user:{CANARY}@") + f"?key={CANARY}")
    assert len(plain.stdout.splitlines()) == 5
    assert plain.stdout.startswith("get_customer_profile ")
    assert plain.stderr == f"5 tools of {serving.url}\n"


def test_tools_says_whose_they_are_and_writes_no_audit() -> None:
    ran = run("tools")
    assert len(ran.stdout.splitlines()) == 5
    assert ran.stderr == "5 tools of the embedded demo (customer support, made-up data)\n"


def test_the_times_of_explain_hold_no_loading(tmp_path: Path) -> None:
    """What Presidio takes to load is a second or more; to look through a line, a thousandth of it."""
    ran = run("explain", "-", stdin=json.dumps({**CALL, "result": {"content": [{"type": "text", "text": "a@b.com"}]}}))
    assert ran.returncode == 0, ran.stderr
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("on_result  redact")]
    assert int(line.split()[3]) < 300_000


@pytest.mark.parametrize(("number", "said"), [(0, "0 tools"), (1, "1 tool"), (2, "2 tools")])
def test_one_is_not_told_as_many(number: int, said: str) -> None:
    assert counted(number, "tool") == said


class Handshake(ThreadingHTTPServer):
    """An MCP server of 2025-11-25 with sessions, that answers in server-sent events and knows no other era."""

    daemon_threads = True
    answers: Mapping[str, object] = {
        "initialize": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "serverInfo": {"name": "x", "version": "1"},
        },
        "tools/call": {"content": [{"type": "text", "text": "a\u202eb\u0085"}], "n": 2**70},
    }

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/mcp"
        self.methods: list[str] = []


class _Answering(BaseHTTPRequestHandler):
    server: Handshake

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method = message["method"]
        self.server.methods.append(method)
        begun = self.headers["mcp-session-id"] == "s1" and self.headers["mcp-protocol-version"] == "2025-11-25"
        if method != "initialize" and not begun:
            return self._send(400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}')
        if "id" not in message:
            return self._send(202, b"")
        note = b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\r\n\r\n'
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": self.server.answers[method]}
        return self._send(
            200, b"data: \n\n" + note + b"data: " + json.dumps(answer).encode() + b"\n\n", "text/event-stream"
        )

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("content-length", str(len(body))), ("mcp-session-id", "s1")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """The server keeps quiet."""


@pytest.fixture
def handshake() -> Iterator[Handshake]:
    with Handshake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_call_shakes_hands_with_a_server_of_the_older_era(
    handshake: Handshake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "anything", "--url", handshake.url]) == 0
    assert handshake.methods == ["server/discover", "initialize", "notifications/initialized", "tools/call"]
    shown = capsys.readouterr().out
    assert json.loads(shown) == handshake.answers["tools/call"]
    assert "\u202e" not in shown
    assert "\u0085" not in shown


def test_the_client_asks_a_modern_server_in_the_modern_way(serving: Serving) -> None:
    client = Client(serving.url)
    assert {tool["name"] for tool in client.tools()} >= {"send_update", "update_order"}
    assert client.call("search_knowledge", {"query": "return"})["resultType"] == "complete"
    with pytest.raises(RpcError):
        client.call("näme", {})
    client.close()


@pytest.mark.parametrize("url", ["ftp://example.com", "127.0.0.1:8000", "http://"], ids=str)
def test_a_url_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(ProxyError, match="http"):
        Client(url)


def test_interrupting_serve_is_quiet() -> None:
    serving = Serving()
    with urllib.request.urlopen(serving.url.removesuffix("mcp") + "ping", timeout=TIMEOUT_S) as answer:
        assert answer.status == 200
    serving.process.send_signal(signal.SIGINT)
    _, err = serving.process.communicate(timeout=TIMEOUT_S)
    assert serving.process.returncode == 0
    assert "Traceback" not in err
