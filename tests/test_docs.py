"""Every command and snippet of the README and of the docs runs."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from policies.loading import load as load_policies
from policies.testing import call, run, services
from policies.watchdog import EXIT_CODE
from proxy.catalog import State
from proxy.demo_messages import reply
from proxy.settings import load as load_settings
from tests.running import make_environ

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for kind, text in BLOCK.findall(README)
    if kind == "sh"
    for line in text.splitlines()
    if line.strip()
]


def blocks(text: str, kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text) if found == kind]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make run`'s proxy writes to standard output."""
    return tmp_path_factory.mktemp("run") / "audit.jsonl"


@pytest.fixture(scope="module")
def proxy(audit: Path) -> Iterator[str]:
    """`make run`'s proxy, on a port of its own."""
    with running(audit) as url:
        yield url


@contextlib.contextmanager
def running(audit: Path, *flags: str) -> Iterator[str]:
    """A served proxy in front of the demo, by its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "proxy", "serve", "--port", str(port), *flags]
    with audit.open("w") as out:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out)
    try:
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        child.terminate()
        child.wait(20)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the proxy does not listen")


def cli(*arguments: str, cwd: Path = ROOT, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "proxy", *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60
    )


def test_the_readme_shows_every_command_that_this_file_runs() -> None:
    assert {shlex.split(command)[0] for command in COMMANDS} == {
        "make",
        ".venv/bin/mcp-policy-proxy",
        ".venv/bin/python",  # tests/deployment/test_docs.py
    }
    assert [command for command in COMMANDS if command.endswith(("make run", "make test"))] == ["make run", "make test"]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_a_make_command_of_the_readme_starts_what_it_says(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    plan = subprocess.run(
        [words[0], "-n", "--no-print-directory", *words[1:]],
        cwd=ROOT,
        env=make_environ(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    last = shlex.split(plan.strip().splitlines()[-1])
    assert last[1:3] == (["-m", "proxy"] if words[1] == "run" else ["-m", "pytest"])
    if words[1] == "run":
        checked = cli("check", "--offline", *last[4:], cwd=_clone_beside_smallest_policy(tmp_path))
        # npx of the example need not be installed here.
        assert checked.returncode == 0 or "the command 'npx' cannot be found\n1 finding\n" in checked.stderr


def test_the_call_of_the_readme_redacts_as_the_readme_shows(proxy: str) -> None:
    command = next(command for command in COMMANDS if " call " in command)
    answered = cli(*shlex.split(command)[1:], "--url", proxy)
    assert answered.returncode == 0, answered.stderr
    got = json.loads(answered.stdout)
    before, after = (json.loads(text)["structuredContent"] for text in blocks(README, "json")[:2])
    raw = _demo_profile()
    assert {key: raw["structuredContent"][key] for key in before} == before
    assert [key for key in after if not shown(after[key], got["structuredContent"][key])] == []
    assert json.loads(got["content"][0]["text"]) == got["structuredContent"]


def test_the_token_of_the_readme_opens_in_send_update_and_nowhere_else(proxy: str, audit: Path) -> None:
    profile = cli("call", "get_customer_profile", '{"customer_id":"CUST001"}', "--url", proxy)
    token = json.loads(profile.stdout)["structuredContent"]["email"]
    sent = cli("call", "send_update", json.dumps({"to": token, "message": "Hello"}), "--url", proxy)
    assert sent.returncode == 0, sent.stdout
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    (step,) = [
        step
        for line in lines
        if line.get("name") == "send_update"
        for step in line["policies"]
        if step["action"] == "modify" and step["hook"] == "on_call"
    ]
    assert step["changes"] == [{"path": "$.arguments.to", "kind": "opened:EMAIL_ADDRESS"}]
    searched = cli("call", "search_knowledge", json.dumps({"query": token}), "--url", proxy)
    assert json.loads(searched.stdout)["_meta"]["mcp-policy-proxy/denied"]["reason"] == "token_not_allowed"


def test_the_audit_line_of_the_readme_is_part_of_the_one_that_is_written(proxy: str, audit: Path) -> None:
    cli("call", "get_customer_profile", '{"customer_id":"CUST001"}', "--url", proxy)
    told = json.loads(blocks(README, "json")[2])
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    line = next(line for line in lines if line.get("name") == told["name"])
    assert {key: line[key] for key in ("method", "name", "outcome")} == {
        key: told[key] for key in told if key in ("method", "name", "outcome")
    }
    (step,) = told["policies"]
    (written,) = [each for each in line["policies"] if (each["policy"], each["hook"]) == (step["policy"], step["hook"])]
    assert written["action"] == step["action"]
    assert step["changes"][0] in written["changes"]


def shown(told: object, got: object) -> bool:
    """Whether a page shows what there is; `…` in a text stands for any characters."""
    if isinstance(told, str) and isinstance(got, str) and "…" in told:
        return re.fullmatch(".+".join(map(re.escape, told.split("…"))), got) is not None
    return told == got


def _demo_profile() -> Any:
    params = {"name": "get_customer_profile", "arguments": {"customer_id": "CUST001"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return reply({}, json.dumps(asked).encode())[1]["result"]


def _clone_beside_smallest_policy(folder: Path) -> Path:
    """The two files of the README in the folder that it names, beside a stand-in for the clone, which is returned."""
    policy, chain = blocks(README, "python")[0], blocks(README, "toml")[0]
    clone, mine = folder / "clone", folder / "my-policies"
    clone.mkdir()
    mine.mkdir()
    (mine / "our_customers.py").write_text(policy)
    (mine / "policies.toml").write_text(chain)
    for name in ("proxy", "policies"):
        (clone / name).symlink_to(ROOT / name)
    return clone


def test_the_smallest_policy_denies_addresses_that_are_not_ours(tmp_path: Path) -> None:
    _clone_beside_smallest_policy(tmp_path)
    entries = load_policies(tmp_path / "my-policies" / "policies.toml", services())
    for to, denied in (
        ("maria@example.com", False),
        ("eve@example.net", True),
        ("maria@example.com, eve@example.net", True),
        ("eve@example.net, maria@example.com", True),
        ("maria@example.com\n", True),
    ):
        went = run(entries, call("send_update", {"to": to, "message": "Hello"}))
        assert (went.denied is not None) is denied, to
    assert not run(entries, call("search_knowledge")).denied


def test_the_chain_of_the_readme_is_the_default_chain_and_the_smallest_policy(tmp_path: Path) -> None:
    clone = _clone_beside_smallest_policy(tmp_path)
    (command,) = [command for command in COMMANDS if " check " in command]
    checked = cli(*shlex.split(command)[1:], cwd=clone)
    assert checked.returncode == 0, checked.stderr
    assert "our_customers" in checked.stdout
    assert checked.stderr == "note: the upstream lists 5 tools\nok\n"


def test_the_second_call_of_the_readme_is_denied_as_the_readme_says(tmp_path: Path) -> None:
    _clone_beside_smallest_policy(tmp_path)
    (command,) = [command for command in COMMANDS if " call send_update " in command]
    (said,) = re.findall(r"`(Denied: \w+ \(exchange) …\)`", README)
    with running(tmp_path / "audit.jsonl", "--policies", str(tmp_path / "my-policies" / "policies.toml")) as url:
        answered = cli(*shlex.split(command)[1:], "--url", url)
        assert answered.returncode == 1
        assert json.loads(answered.stdout)["content"][0]["text"].startswith(said)
        sent = cli("call", "send_update", '{"to":"maria@example.com","message":"Hello"}', "--url", url)
        assert sent.returncode == 0, sent.stdout


def test_the_fields_of_readyz_are_all_in_the_docs(proxy: str) -> None:
    with urllib.request.urlopen(proxy.removesuffix("mcp") + "readyz", timeout=5) as answered:
        assert answered.status == 200
        state = json.load(answered)
    names = {f"{key}.{inner}" for key, value in state.items() if isinstance(value, dict) for inner in value}
    names |= {key for key, value in state.items() if not isinstance(value, dict)}
    told = (ROOT / "docs" / "operations.md").read_text().partition("## Exit codes")[0]
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", told, re.MULTILINE)) == names


def test_the_states_of_the_catalog_and_the_code_of_the_watchdog_are_in_the_docs() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert all(f"`{state}`" in text for state in get_args(State))
    assert f"| {EXIT_CODE} | a policy blocked the event loop" in text


def test_commands_of_the_pages_are_typed_in_one_form() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == "sh":
                assert not re.search(r"(?<!\.venv/bin/)mcp-policy-proxy |-m proxy", text), page


def test_the_policies_toml_at_the_top_is_the_built_in_default_spelt_out() -> None:
    named = [entry.name for entry in load_policies(ROOT / "policies.toml", services())]
    assert named == [entry.name for entry in load_policies(None, services())]


def test_the_policy_file_of_the_built_ins_page_loads(tmp_path: Path) -> None:
    for number, text in enumerate(blocks((ROOT / "docs" / "builtin-policies.md").read_text(), "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        assert len(load_policies(file, services())) == text.count("[[policy]]")


@pytest.mark.parametrize("text", blocks((ROOT / "docs" / "configuration.md").read_text(), "json"))
def test_what_the_configuration_page_gives_to_explain_is_explained(text: str) -> None:
    explained = cli("explain", "-", stdin=text)
    assert explained.returncode == 0, explained.stderr
    assert "sanitize" in explained.stdout


def test_each_variable_of_the_readme_is_a_setting() -> None:
    named = set(re.findall(r"MCP_PROXY_[A-Z_]+", README))
    assert named
    load_settings(dict.fromkeys(named, ""))


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
