"""What the README and docs/deploying.md say of a deployment holds, and its commands run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployment.cli import main
from deployment.config import DeployConfig
from deployment.parser import MODULES
from deployment.reading import FLAGS, REQUIRED
from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import SmallArtifact
from tests.deployment.people import Person
from tests.deployment.served import archive

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    lines = [line for kind, block in BLOCK.findall(text) if kind == "sh" for line in block.splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


def deployments(text: str) -> list[list[str]]:
    """Verb and flags of each command that deploys."""
    return [words[2:] for words in commands(text) if words[:2] == [".venv/bin/python", "setup_and_deploy.py"]]


def rows(columns: int) -> dict[str, list[str]]:
    """First cell → the others, of tables with so many columns whose first cell is code."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0]: row[1:] for row in found if len(row) == columns}


@pytest.mark.parametrize("text", [README, PAGE], ids=["README", "page"])
def test_the_commands_of_a_page_run_in_the_order_in_which_they_stand(
    text: str, person: Person, small: type[SmallArtifact], deployer: Emulator
) -> None:
    small.body = archive()
    person.config["auth_mode"] = "none"
    asked = [words for words in deployments(text) if words[0] in ("plan", "deploy", "verify")]
    assert asked[:2] == [["plan"], ["deploy"]]
    for verb, *flags in asked:
        person.run(verb, *flags)


def test_the_config_that_the_page_shows_is_one_and_can_be_planned(
    person: Person, small: type[SmallArtifact], deployer: Emulator
) -> None:
    shown: dict[str, Any] = {}
    for kind, block in BLOCK.findall(PAGE):
        shown |= json.loads(block) if kind == "json" else {}
    (person.folder / shown["policies"]).write_text('[[policy]]\nuse = "sanitize"\n')
    (person.folder / shown["requirements"]).write_text("")
    (person.folder / shown["include"][0]).write_text("")
    person.config = shown
    assert person.run("plan").document["changes"]


def test_the_file_at_the_top_lacks_but_an_upstream_and_a_region(capsys: pytest.CaptureFixture[str]) -> None:
    given = json.loads((ROOT / "deploy_config.json").read_text())
    assert set(given) <= set(DeployConfig.model_fields)
    assert main(["plan", "--config", str(ROOT / "deploy_config.json"), "--json"]) == 2
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [re.findall(r"json: (\w+) is missing", finding) for finding in findings] == [
        ["gateway_endpoint"],
        ["region"],
    ]


def test_the_table_of_keys_has_every_key_with_its_flag() -> None:
    expected = {
        f"`{key}`": f"`--{key.replace('_', '-')}`" if key in FLAGS else "—"
        for key in DeployConfig.model_fields
        if key != "folder"
    }
    found = rows(4)
    assert {key: row[0] for key, row in found.items()} == expected
    assert {key for key, row in found.items() if row[1] == "required"} == {
        f"`{key}`" for key in (*REQUIRED, "gateway_endpoint")
    }


def test_the_table_of_verbs_has_every_verb() -> None:
    told = {word for key in rows(2) for word in re.findall(r"`([a-z]+)[^`]*`", key)}
    told |= {word for key, row in rows(2).items() for word in re.findall(r"`([a-z]+)`", key)}
    assert told >= set(MODULES)
    assert told <= set(MODULES) | {"create", "delete"}


def test_a_python_without_boto3_is_told_which_one_has_it() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "setup_and_deploy.py"), "status"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "boto3 is missing: `make run` builds .venv; use .venv/bin/python setup_and_deploy.py\n"
