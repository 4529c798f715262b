"""The command `redact`: what it shows of a file, what it answers to lines, and how it ends."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from policies.jsontext import loads
from proxy.__main__ import main
from proxy.parser import command, parsed
from proxy.redact_diff import CONTEXT, changed, diff, indented, printable
from proxy.redact_document import coloured, document

ROOT = Path(__file__).resolve().parent.parent
CANARY = "canary-7f3a"
TIMEOUT_S = 60

POLICIES_PY = '''
import asyncio
import time

from policies.detect.detecting import Detecting
from policies.jsontext import dumps, loads
from policies.model import ALLOW, Change, Deny, Modify
from policies.policy import Policy

CANARY = "canary-7f3a"


class Take(Detecting):
    """Takes the word out of every string, and says where it stood in the first text or under `word`."""

    async def open(self): ...
    async def close(self): ...

    def on_result(self, call, result):
        raw = dumps(result.body)
        if CANARY.encode() not in raw:
            return ALLOW
        places = [("$.structuredContent.word", b'"word"'), ("$.content[0].text", b'"text"')]
        changes = [Change(path, "WORD", "shape") for path, sign in places if sign in raw]
        return Modify(result.with_body(loads(raw.replace(CANARY.encode(), b"<WORD>"))), changes)


class Again(Take):
    """A second one finds other places."""

    def on_result(self, call, result):
        return Modify(result.with_body({**result.body, "more": 1}), [Change("$", "MORE", call.name)])


class Refuse(Take):
    def on_result(self, call, result):
        return Deny("not_this", "WORD at $.structuredContent.word") if b"word" in dumps(result.body) else ALLOW


class Spoil(Take):
    """Breaks the output schema."""

    def on_result(self, call, result):
        if "structuredContent" not in result.body:
            return ALLOW
        return Modify(result.with_body({**result.body, "structuredContent": {"n": "x"}}), [Change("$", "N", "key")])


class Broken(Take):
    def on_result(self, call, result):
        raise ValueError(CANARY)


class BreaksLater(Take):
    def on_result(self, call, result):
        if CANARY.encode() in dumps(result.body):
            raise ValueError(CANARY)
        return ALLOW


class Works(Take):
    """For 30 ms of processor time, then waits for 100 ms."""

    async def on_result(self, call, result):
        until = time.process_time() + 0.03
        while time.process_time() < until:
            pass
        await asyncio.sleep(0.1)
        return ALLOW


class Spins(Take):
    """For 30 ms, and waits for nothing."""

    def on_result(self, call, result):
        until = time.process_time() + 0.03
        while time.process_time() < until:
            pass
        return ALLOW


class Unopened(Take):
    async def open(self):
        raise ValueError(CANARY)


class Other(Policy):
    """Looks for nothing; opening it would show."""

    async def open(self):
        raise ValueError("opened")
'''

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def chain(tmp_path: Path) -> Callable[..., str]:
    """Writes a policies.toml of the classes above, returning its path."""
    (tmp_path / "mine_redact.py").write_text(POLICIES_PY)

    def write(*tables: str) -> str:
        path = tmp_path / "policies.toml"
        path.write_text("\n".join(f'[[policy]]\nuse = "mine_redact:{table}' for table in tables))
        return str(path)

    return write


@pytest.fixture
def file(tmp_path: Path) -> Callable[[object], str]:
    """Writes a file of text, of bytes, or of a value as JSON, returning its path."""

    def write(content: object) -> str:
        path = tmp_path / "given"
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return write


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MCP_PROXY_")]:
        monkeypatch.delenv(name)


def start(*args: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MCP_PROXY_", "PYTHONUNBUFFERED"))}
    return subprocess.Popen(
        [sys.executable, "-m", "proxy", "redact", *args],
        cwd=ROOT,
        env=kept,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def asked(key: object, body: object, **more: object) -> str:
    return json.dumps({"id": key, "result": body, **more})


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def structured(value: object) -> dict[str, Any]:
    return {"content": [], "structuredContent": value}


SHOWN = [
    ("text", f"one\nhas {CANARY}\nthree\n",
     ["@@ -1,3 +1,3 @@", "-has canary-7f3a", "+has <WORD>", " three", "$     WORD    shape"]),
    ("JSON", {"word": CANARY, "n": [1, {}]},
     ['-  "word": "canary-7f3a",', '+  "word": "<WORD>",', "$.word  WORD    shape"]),
    ("a result", text(CANARY), ['-      "text": "canary-7f3a"', "$.content[0].text  WORD    shape"]),
    ("JSON with a key of results", {"content": CANARY, "word": 1},
     ['+  "content": "<WORD>",', "$.word  WORD    shape"]),
    ("an array", [CANARY, {"word": 1}], ['-  "canary-7f3a",', "$.word  WORD    shape"]),
    ("a string is text", f'"{CANARY}"', ['-"canary-7f3a"', "$     WORD    shape"]),
    ("broken JSON is text", f'{{"a": {CANARY}', ['-{"a": canary-7f3a', "$     WORD    shape"]),
    ("Windows' line ends", f"one\r\n{CANARY}\r\n", ["-canary-7f3a", " one"]),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps({"word": CANARY}).encode(), ['-  "word": "canary-7f3a"']),
]  # fmt: skip


@pytest.mark.parametrize(("content", "told"), [row[1:] for row in SHOWN], ids=[row[0] for row in SHOWN])
def test_what_would_go_is_shown_as_a_diff_and_a_table(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str], content: object, told: list[str]
) -> None:
    assert main(["redact", file(content), "--policies", chain('Take"')]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("--- ")
    assert lines[1] == "+++ redacted"
    assert [line for line in told if line not in lines] == [], shown.out
    assert "path" in lines[-2]
    assert shown.err.splitlines()[-1] == "1 finding"
    assert CANARY not in shown.err
    assert "\x1b" not in shown.out


@pytest.mark.parametrize("content", ["", "nothing here\n", {}, [], {"content": []}, text("fine")], ids=str)
def test_a_file_in_which_nothing_is_found_is_exit_0(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str], content: object
) -> None:
    assert main(["redact", file(content), "--policies", chain('Take"')]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == "0 findings"
    assert ("note: there is nothing in it" in shown.err) is (content == "")


def test_broken_json_and_deep_json_are_said_to_be_read_as_text(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain('Take"')
    for content, why in (("[1, 2", "not valid JSON at character 5"), ("[" * 201 + "]" * 201, "nested deeper than 200")):
        assert main(["redact", file(content), "--policies", path]) == 0
        assert f"note: read as plain text: {why}" in capsys.readouterr().err
    assert main(["redact", file("[" * 100_000), "--policies", path]) == 0


def test_numbers_are_shown_as_they_were_written() -> None:
    given = '{"n": [1180591620717411303424, 3.14159265358979323846, 1e5, -0.0, 7]}'
    assert "".join(line.strip() for line in indented(loads(given))) == (
        '{"n": [1180591620717411303424,3.14159265358979323846,100000.0,-0.0,7]}'
    )


def test_json_is_written_in_lines_like_the_standard_librarys() -> None:
    values: list[Any] = [{}, [], {"a": []}, [{}, {"b": [1, [2, None]], "c": "x\ny"}], "é", 1, True, {"": {"": 0}}]
    for value in values:
        assert indented(value) == json.dumps(value, indent=2, ensure_ascii=False).split("\n")


def test_findings_of_all_policies_are_told_the_last_of_the_list_first(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain('Take"', 'Other"', 'Again"')
    assert main(["redact", file({"word": CANARY}), "--policies", path, "--tool", "look"]) == 1
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-2:]]
    assert rows == [["$", "MORE", "look"], ["$.word", "WORD", "shape"]]


def test_a_denied_result_is_told_with_its_reason_and_nothing_comes_out(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["redact", file({"word": CANARY}), "--policies", chain('Refuse"')]) == 1
    shown = capsys.readouterr()
    assert shown.out == "denied by refuse (not_this): WORD at $.structuredContent.word\n"
    assert CANARY not in shown.err


def test_shadow_shows_the_findings_and_takes_nothing_out(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain('Take"\nmode = "shadow"', 'Refuse"\nmode = "shadow"', 'Take"\nmode = "off"\nname = "third"')
    assert main(["redact", file({"word": CANARY}), "--policies", path]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-2:] == ["$.word  WORD    shape", "would be denied by refuse (not_this)"]
    assert "---" not in shown.out
    assert "note: policy take is in shadow mode" in shown.err
    assert "note: policy third is off" in shown.err


def test_a_policy_of_other_tools_is_told_of(chain: Any, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = chain('Take"\ntools = ["crm_*"]')
    assert main(["redact", file(CANARY), "--policies", path]) == 0
    assert "note: policy take looks only at results of crm_*" in capsys.readouterr().err
    assert main(["redact", file(CANARY), "--policies", path, "--tool", "crm_get"]) == 1
    assert "note" not in capsys.readouterr().err


def test_a_policy_that_fails_open_is_no_clean_result(chain: Any, file: Any) -> None:
    assert main(["redact", file(CANARY), "--policies", chain('BreaksLater"\non_failure = "open"')]) == 1


NO_ANSWER = [
    ("no such file", None, 'Take"', "given: No such file or directory"),
    ("a binary file", b"\xff\xfe\x00canary-7f3a", 'Take"', "not text in UTF-8 (at byte 0)"),
    ("no policy that looks", CANARY, 'Other"', "no policy of the chain looks for anything"),
    ("only one that is off", CANARY, 'Take"\nmode = "off"', "no policy of the chain looks for anything"),
    ("a wrong policy file", CANARY, 'Tkae"', "'Tkae'"),
    ("a policy that does not open", CANARY, 'Unopened"', "policy 'unopened' cannot be opened: ValueError"),
    ("a policy that does not load", CANARY, 'Broken"', "policy 'broken' cannot work: on_result: ValueError"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "table", "told"), [row[1:] for row in NO_ANSWER], ids=[row[0] for row in NO_ANSWER]
)
def test_where_there_is_no_answer_the_exit_code_is_2_and_no_value_is_repeated(
    chain: Any, file: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, table: str, told: str
) -> None:
    path = str(tmp_path / "given") if content is None else file(content)
    assert main(["redact", path, "--policies", chain(table)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert said.err.splitlines()[-1].startswith("mcp-policy-proxy redact: ")
    assert CANARY not in said.err


def test_a_folder_and_a_file_that_is_too_large_are_refused(
    chain: Any, file: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chain('Take"')
    assert main(["redact", str(tmp_path), "--policies", path]) == 2
    assert "Is a directory" in capsys.readouterr().err
    monkeypatch.setenv("MCP_PROXY_BOUNDS__ANSWER_BYTES", "100")
    assert main(["redact", file("x" * 100), "--policies", path]) == 0
    assert main(["redact", file("x" * 101), "--policies", path]) == 2
    assert "longer than 100 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("closed", ["stdin", "stdout"])
def test_a_closed_stream_is_told(
    chain: Any, file: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    monkeypatch.setattr(sys, closed, None)
    assert main(["redact", "-" if closed == "stdin" else file(CANARY), "--policies", chain('Take"')]) == 2
    assert capsys.readouterr().err == "mcp-policy-proxy redact: standard input or output is closed\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told(chain: Any, file: Any) -> None:
    with open("/dev/full", "wb") as full:
        args = ["redact", "--jsonl", file(asked(1, {})), "--policies", chain('Take"')]
        ran = subprocess.run([sys.executable, "-m", "proxy", *args], cwd=ROOT, stdout=full, stderr=subprocess.PIPE)
    assert ran.stderr == b"mcp-policy-proxy redact: No space left on device\n"


@pytest.mark.parametrize("argv", [["redact"], ["redact", "a", "b"], ["redact", "a", "--color", CANARY]], ids=str)
def test_a_wrong_command_line_is_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert CANARY not in said
    assert "not a verb" not in said


def test_the_help_ends_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(["redact", "--help"])
    assert ended.value.code == 0
    assert f"Example:\n  {command()} redact " in capsys.readouterr().out


LINES = [
    (asked(1, text(CANARY)), {"id": 1, "result": text("<WORD>"), "denied": None,
     "findings": [{"path": "$.content[0].text", "entity": "WORD", "why": "shape"}]}),
    (asked("b", text("fine"), expected=[1], tool="t"),
     {"id": "b", "result": text("fine"), "findings": [], "denied": None}),
    ('{"id": 1180591620717411303424, "result": {"n": 3.14159265358979323846}}',
     {"id": 2**70, "result": {"n": "3.14159265358979323846"}, "findings": [], "denied": None}),
    ("", None),
    ("   ", None),
    (f'{{"id": 4, "result": {CANARY}', {"id": None, "error": "line 6: not valid JSON at character 20"}),
    (f'["{CANARY}"]', {"id": None, "error": "line 7: not a JSON object"}),
    (json.dumps({"result": text(CANARY)}), {"id": None, "error": "line 8: it has no id"}),
    (json.dumps({"id": "9"}), {"id": "9", "error": "line 9: it has no result"}),
    (asked(10, CANARY), {"id": 10, "error": "line 10: result is not an object"}),
    (asked(11, {}, outputSchema=CANARY), {"id": 11, "error": "line 11: outputSchema is not a schema"}),
    (asked(12, {}, tool=[CANARY]), {"id": 12, "error": "line 12: tool is not a string"}),
    (asked([CANARY], {}), {"id": None, "error": "line 13: id is not a string, a number or null"}),
    ('{"id": 14, "result": ' + '{"a":' * 201 + "1" + "}" * 202,
     {"id": None, "error": "line 14: nested deeper than 200 levels"}),
    ('{"id": 15, "result": {"s": "\\ud800"}}', {"id": None, "error": "line 15: not valid JSON at character 28"}),
    (asked(None, structured({"word": 1})),
     {"id": None, "result": structured({"word": 1}), "findings": [], "denied": None}),
]  # fmt: skip


def answered(argv: Sequence[str], capfd: Any) -> tuple[int, list[Any]]:
    code = main(["redact", "--jsonl", *argv])
    return code, [json.loads(line, parse_float=str) for line in capfd.readouterr().out.splitlines()]


def test_each_line_is_answered_and_a_bad_one_stops_nothing(chain: Any, file: Any, capfd: Any) -> None:
    code, answers = answered([file("\n".join(line for line, _ in LINES)), "--policies", chain('Take"')], capfd)
    assert code == 1
    expected = [answer for _, answer in LINES if answer]
    for answer, wanted in zip(answers, expected, strict=True):
        assert ("ms" in answer) is ("error" not in answer)
        if "ms" in answer:
            assert float(answer.pop("ms")) >= 0
        assert answer == wanted
    assert CANARY not in json.dumps([answer for answer in answers if "error" in answer])


@pytest.mark.parametrize("content", ["", "\n\n", asked(1, text("fine")), asked(1, text(CANARY)) + "\r\n"], ids=len)
def test_lines_that_were_all_answered_are_exit_0_whatever_was_found(
    chain: Any, file: Any, capfd: Any, content: str
) -> None:
    code, answers = answered([file(content), "--policies", chain('Take"')], capfd)
    assert (code, len(answers)) == (0, bool(content.strip()))


def test_a_denied_line_has_no_result_and_the_reason(chain: Any, file: Any, capfd: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    lines = [
        asked(1, structured({"word": CANARY})),
        asked(2, structured({"n": 1}), outputSchema=schema),
        asked(3, structured({"n": 1})),
        asked(4, {"resultType": "odd"}),
        asked(5, text(CANARY)),
    ]
    path = chain('Spoil"', 'BreaksLater"', 'Refuse"')
    code, answers = answered([file("\n".join(lines)), "--policies", path], capfd)
    assert code == 0
    reasons = ["not_this", "invalid_after_modify", None, "unknown_result_type", "policy_error"]
    assert [answer["denied"] for answer in answers] == reasons
    assert [answer["result"] is None for answer in answers] == [bool(answer["denied"]) for answer in answers]


def test_the_tool_of_a_line_is_named_by_it_or_else_by_the_option(chain: Any, file: Any, capfd: Any) -> None:
    lines = "\n".join((asked(1, {}, tool="mine"), asked(2, {}), asked(3, {}, tool="")))
    _, answers = answered([file(lines), "--policies", chain('Again"'), "--tool", "usual"], capfd)
    assert [answer["findings"][0]["why"] for answer in answers] == ["mine", "usual", ""]


def test_the_time_of_a_line_is_what_its_policies_worked(chain: Any, file: Any, capfd: Any) -> None:
    _, (answer,) = answered([file(asked(1, {})), "--policies", chain('Works"')], capfd)
    assert 29 <= float(answer["ms"]) < 90


def test_a_line_that_is_too_long_is_refused_and_the_next_is_answered(
    chain: Any, file: Any, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_PROXY_BOUNDS__ANSWER_BYTES", "1000")
    fits = asked(1, text("x" * 900))
    fits += " " * (1000 - len(fits))
    lines = [fits, fits + " ", asked(3, text(CANARY * 100_000)), asked(4, text("fine")), fits + " "]
    code, answers = answered([file("\n".join(lines)), "--policies", chain('Take"')], capfd)
    assert code == 1
    assert [answer["id"] for answer in answers] == [1, None, None, 4, None]
    assert [answer["error"] for answer in answers if "error" in answer] == [
        f"line {number}: longer than 1000 bytes" for number in (2, 3, 5)
    ]


def test_lines_are_answered_at_once_and_an_interruption_ends_quietly(chain: Any) -> None:
    child = start("--jsonl", "-", "--policies", chain('Take"'))
    assert child.stdin
    assert child.stdout
    for key in range(3):
        child.stdin.write(asked(key, text(CANARY)).encode() + b"\n")
        child.stdin.flush()
        if not select.select([child.stdout], [], [], TIMEOUT_S)[0]:
            child.kill()
        assert json.loads(child.stdout.readline())["id"] == key
    child.send_signal(signal.SIGINT)
    assert child.wait(TIMEOUT_S) == 130
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert err == b""


@pytest.mark.parametrize("policy", ["Works", "Spins"])
def test_an_interruption_in_the_middle_of_the_work_ends_quietly(chain: Any, file: Any, policy: str) -> None:
    child = start("--jsonl", file("\n".join([asked(1, text("fine"))] * 500)), "--policies", chain(f'{policy}"'))
    assert child.stdout
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert (child.returncode, err) == (130, b"")


@pytest.mark.parametrize(
    ("argv", "content", "reads"),
    [
        (["--jsonl"], "\n".join([asked(1, text(CANARY * 50))] * 2_000), True),
        ([], f"{CANARY}\n" * 50_000, True),
        ([], CANARY, False),
    ],
    ids=["lines", "large", "small"],
)
def test_a_reader_that_goes_away_ends_it_quietly(
    chain: Any, file: Any, argv: list[str], content: str, reads: bool
) -> None:
    child = start(*argv, file(content), "--policies", chain('Take"'))
    assert child.stdout
    assert child.stderr
    if reads:
        child.stdout.readline()
    child.stdout.close()
    assert child.wait(TIMEOUT_S) == 1
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.stdin
    child.stdin.close()


DIFFS = [
    ("", ""), ("abc", "abc"), ("abc", "aXc"), ("abc", "ac"), ("ac", "abc"), ("", "ab"), ("ab", ""), ("aaaa", "aXaa"),
    ("aaaaaaaaaa", "aaaaaaaaa"), ("abcdefghijklmnop", "abXdefghijklYmnop"), ("abcdefghij", "acdefghXij"),
    ("ababab", "bababa"), ("abcd", "wxyz"), ("abcd", "dcba"), ("a--k--k--kb", "aXb"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), DIFFS, ids=str)
def test_a_diff_applied_to_the_old_text_gives_the_new_one(old: str, new: str) -> None:
    made, at = [], 0
    for block in changed(old, new):
        made += [*old[at : block.start], *new[block.new_start : block.new_end]]
        assert len("".join(made)) == block.new_end
        assert old[block.start : block.end] != new[block.new_start : block.new_end]
        at = block.end
    assert "".join([*made, *old[at:]]) == new


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("aaaaaaaaaa", "aaaaaaaaa", 1), ("kkXYkk", "kkkk", 2), ("akbkc", "akXkc", 2), ("kkkkXkkk", "kkkkYYkkk", 3),
        ("abcdXefghYijkl", "abcdefghZijkl", 3), ("kakbkckd", "kakckd", 2), ("abcab", "abXab", 2),
    ],
)  # fmt: skip
def test_a_diff_shows_few_lines(old: str, new: str, lines: int) -> None:
    assert sum(block.end - block.start + block.new_end - block.new_start for block in changed(old, new)) == lines


@pytest.mark.parametrize(("between", "hunks"), [(2 * CONTEXT, 1), (2 * CONTEXT + 1, 2)])
def test_changes_whose_surroundings_touch_are_shown_together(between: int, hunks: int) -> None:
    same = [str(number) for number in range(between)]
    shown = list(diff(["a", *same, "b"], ["A", *same, "B"], ("a", "b"), colour=False))
    assert sum(line.startswith("@@") for line in shown) == hunks
    assert sum(line.startswith(" ") for line in shown) == 2 * CONTEXT


def test_a_diff_is_what_the_tools_write() -> None:
    old = [f"line {number}" for number in range(30)]
    new = [*old[:4], "X", *old[5:6], *old[9:20], "Y", *old[20:]]
    shown = list(diff(old, new, ("a", "b"), colour=False))
    assert shown[:4] == ["--- a", "+++ b", "@@ -2,11 +2,8 @@", " line 1"]
    assert "@@ -18,6 +15,7 @@" in shown
    assert shown.count("-line 4") == shown.count("+X") == shown.count("+Y") == 1
    assert sum(line[0] == " " for line in shown) == 3 * CONTEXT + 1 + CONTEXT
    assert list(diff(["a"], ["a"], ("a", "b"), colour=True)) == []
    assert list(diff([], ["a"], ("a", "b"), colour=True))[2:] == ["\x1b[36m@@ -0,0 +1,1 @@\x1b[0m", "\x1b[32m+a\x1b[0m"]


@pytest.mark.parametrize("kind", ["all changed", "all alike", "one gone", "shuffled"])
def test_a_diff_takes_linear_time(kind: str) -> None:
    def sides(size: int) -> tuple[list[str], list[str]]:
        old = ["same" if kind == "all alike" else str(number) for number in range(size)]
        new = {"all changed": [line + "x" for line in old], "one gone": old[1:], "shuffled": old[::-1]}
        return old, new.get(kind, [*old[: size // 2], "other", *old[size // 2 + 3 :]])

    def seconds(size: int) -> float:
        old, new = sides(size)
        began = time.process_time()
        list(diff(old, new, ("a", "b"), colour=False))
        return time.process_time() - began

    assert min(seconds(40_000) for _ in range(3)) < 3 * min(seconds(20_000) for _ in range(3)) + 0.05


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a\tb é", "a\tb é"),
        ("\x1b[2J\x7f", "\\u001b[2J\\u007f"),
        ("a\u202eb\u200b\U000e0041", "a\\u202eb\\u200b\\ue0041"),
        ("\r\n\\", "\\u000d\\u000a\\"),
    ],
    ids=["plain", "escape", "hidden", "line end"],
)
def test_nothing_that_a_terminal_might_obey_is_shown(value: str, told: str) -> None:
    assert printable(value) == told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


COLOURS = [
    (None, Terminal(), {}, True), (None, io.StringIO(), {}, False), (None, Terminal(), {"NO_COLOR": "1"}, False),
    (None, Terminal(), {"NO_COLOR": ""}, True), (None, Terminal(), {"TERM": "dumb"}, False),
    ("always", io.StringIO(), {"NO_COLOR": "1"}, True), ("never", Terminal(), {}, False),
]  # fmt: skip


@pytest.mark.parametrize(("choice", "out", "environ", "expected"), COLOURS)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    choice: str | None, out: io.StringIO, environ: dict[str, str], expected: bool
) -> None:
    assert coloured(choice, out, environ) is expected


def test_the_option_colours_the_diff(chain: Any, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["redact", file(CANARY), "--policies", chain('Take"'), "--color", "always"])
    assert "\x1b[31m-canary-7f3a\x1b[0m" in capsys.readouterr().out


RESULTS: Sequence[tuple[object, bool]] = [
    (text("x"), True), ({"content": [], "structuredContent": 1}, True), ({"structuredContent": {}}, True),
    ({"content": [{"type": "resource_link", "uri": "x"}], "isError": True}, True),
    ({"content": []}, False), ({"content": [{"type": "article"}]}, False), ({"content": {"type": "text"}}, False),
    ({"content": "x", "structuredContent": 1}, False), ({"text": "x"}, False), ([text("x")], False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), RESULTS, ids=str)
def test_a_tools_result_is_told_from_other_json(value: object, expected: bool) -> None:
    given = document(json.dumps(value).encode())
    assert (given.result.body == value) is expected
    assert expected or given.result.structured == value


@pytest.fixture(scope="module")
def default() -> Iterator[subprocess.Popen[bytes]]:
    """The default chain, waiting for lines."""
    child = start("--jsonl", "-")
    yield child
    child.communicate(timeout=TIMEOUT_S)


def test_the_default_chain_takes_personal_data_out_and_keeps_numbers(default: subprocess.Popen[bytes]) -> None:
    assert default.stdin
    assert default.stdout
    body = '{"content":[],"structuredContent":{"email":"maria@example.com","n":1180591620717411303424}}'
    default.stdin.write(f'{{"id":7,"result":{body}}}\n'.encode())
    default.stdin.flush()
    answer = loads(default.stdout.readline())
    assert answer["id"] == 7
    assert answer["denied"] is None
    assert "maria@example.com" not in json.dumps(answer)
    assert answer["result"]["structuredContent"]["n"] == 2**70
    assert ("$.structuredContent.email", "EMAIL_ADDRESS") in {
        (found["path"], found["entity"]) for found in answer["findings"]
    }
