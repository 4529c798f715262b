"""The command line: verbs, exit codes, one JSON document on standard output, and errors in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from deployment import cli, parser, status
from deployment.account import Account, UnannouncedError
from deployment.run import Run, carry_out
from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import NoArtifact
from tests.deployment.people import UPSTREAM, Person

ROOT = Path(__file__).parents[2]


def main(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.main(argv)
    out, told = capsys.readouterr()
    return code, out, told


def test_deploy_is_the_verb_when_none_is_given() -> None:
    assert parser.parsed([])[0] == "deploy"
    assert parser.parsed(["--agent-name", "x"])[0] == "deploy"
    assert parser.parsed(["plan"])[0] == "plan"


def test_the_published_flags_are_there() -> None:
    published = {
        "--agent-name": "a",
        "--gateway-endpoint": "b",
        "--region": "c",
        "--iam-role-name": "d",
        "--gateway-api-id": "e",
        "--auth-mode": "f",
        "--cognito-user-pool-id": "g",
        "--cognito-client-id": "h",
        "--cognito-domain": "i",
        "--cognito-client-secret": "j",
        "--config": "k",
    }
    _, options = parser.parsed([word for pair in published.items() for word in pair])
    assert [getattr(options, flag[2:].replace("-", "_")) for flag in published] == list("abcdefghijk")


@pytest.mark.parametrize("line", ["create", "delete", *(verb for verb in parser.MODULES if verb != "gateway")])
def test_every_verb_has_a_function_and_an_own_help(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["gateway", line] if line in ("create", "delete") else [line]
    verb, options = parser.parsed([*words, "tool"] if line == "invoke" else words)
    assert callable(cli.verb_of(verb, options))
    with pytest.raises(SystemExit):
        parser.parsed([words[0], "--help"])
    assert "--config" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["deplyo"], "deplyo"),
        (["deploy", "--clinet-secret=s3cret"], "unknown --clinet-secret"),
        (["deploy", "s3cret"], "too many words"),
        (["logs", "--minutes", "0"], "must be a number from 1"),
        (["gateway", "x"], "choose from"),
        (["invoke"], "TOOL"),
        (["deploy", "--cognito-client-secret", "s3cret", "--cognito-client-secret-file", "x"], "exclude each other"),
    ],
)
def test_a_wrong_line_is_2_and_repeats_no_secret(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, told = main(argv, capsys)
    assert (code, out) == (2, "")
    assert said in told
    assert "s3cret" not in told
    code, out, _ = main([*argv, "--json"], capsys)
    document = json.loads(out)
    assert (code, set(document), document["findings"]) == (2, {"error", "findings"}, [])
    assert "s3cret" not in out


def test_a_wrong_config_is_2_with_all_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deploy_config.json"
    path.write_text(json.dumps({"agent_name": "a-b", "region": "mars-1", "gateway_endpoint": UPSTREAM}))
    code, out, told = main(["plan", "--config", str(path)], capsys)
    assert (code, out, len(told.splitlines())) == (2, "", 2)
    code, out, _ = main(["plan", "--config", str(path), "--json"], capsys)
    assert code == 2
    assert len(json.loads(out)["findings"]) == 2


def test_answers_without_json_are_lines_for_people(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    person.run("plan")
    path = str(person.folder / "deploy_config.json")
    code, out, _ = main(["deploy", "--config", path], capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["arn", "url", "version", "3"]
    assert "3 resources changed" in out
    _, out, _ = main(["deploy", "--config", path], capsys)
    assert "nothing to change: everything is as the config says" in out
    _, out, _ = main(["status", "--config", path], capsys)
    assert "READY, version 2" in out


def test_status_says_what_is_there(person: Person, deployer: Emulator) -> None:
    before = person.run("status").document
    assert (before["runtime"], before["role"], before["secret"]) == (None, None, None)
    person.config["endpoint"] = "prod"
    person.run("deploy")
    document = person.run("status").document
    (runtime,) = deployer.world.runtimes.values()
    found = document["runtime"]
    assert (found["arn"], found["status"], found["mmdsv2"]) == (runtime.arn, "READY", True)
    assert found["versions"] == ["2", "1"]
    assert [(each["name"], each["version"]) for each in found["endpoints"]] == [("DEFAULT", "2"), ("prod", "2")]
    assert found["artifact"]["codeConfiguration"]["entryPoint"] == ["main.py"]
    assert document["role"].endswith(":role/shop-execution")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIANOTKNOWN00000000"}, "AWS does not know these credentials"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "there are no AWS credentials"),
        ({"AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL": "http://127.0.0.1:9"}, "AWS cannot be reached"),
    ],
)
def test_what_is_wrong_with_aws_is_a_sentence(
    person: Person, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], said: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in changes.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    outcome = person.run("status", code=1)
    assert said in outcome.document["error"]


def test_a_mistake_of_ours_is_one_document_too_without_its_text(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(run: Run, options: Namespace) -> int:
        raise ValueError("terc3s"[::-1])

    monkeypatch.setattr(status, "status", broken)
    outcome = person.run("status", code=1)
    assert outcome.document["error"] == "unexpected ValueError; please report this"
    assert "s3cret" not in person.said


def test_a_call_that_no_plan_announced_is_not_made(deployer: Emulator) -> None:
    class Sly(NoArtifact):
        def apply(self) -> None:
            account.client("iam").create_role(RoleName="sly", AssumeRolePolicyDocument="{}")

    account = Account("us-east-1")
    run: Any = Namespace(account=account, report=Namespace(changes=lambda _: None))
    with pytest.raises(UnannouncedError, match="iam:CreateRole was not announced"):
        carry_out(run, [Sly(run)])
    assert account.client("iam").list_roles()["Roles"] == []


def test_the_entry_says_what_to_do_without_boto3() -> None:
    script = "import sys; sys.modules['boto3'] = None; sys.argv = ['x']\nimport runpy\n"
    script += "import importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    script += f"runpy.run_path({str(ROOT / 'setup_and_deploy.py')!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "boto3 is missing: `make run` builds .venv; use .venv/bin/python setup_and_deploy.py"
    )


def test_the_entry_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "setup_and_deploy.py"), "plan", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["findings"]) == 3
