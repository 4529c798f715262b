"""Every snippet of the manual runs: modules are imported, their tests run, policy files loaded."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.loading import announcements, load
from policies.model import Exchange
from policies.policy import Services
from policies.testing import services
from tests.running import make_environ

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "policies.md"
BLOCK = re.compile(r"^```(\w+)\n# ([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```\w+$", re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLOCKS = BLOCK.findall(MANUAL.read_text(encoding="utf-8"))
MODULES = [(name, text) for kind, name, text in BLOCKS if kind == "python"]
FILES = [text for kind, _, text in BLOCKS if kind == "toml"]
COMMANDS = [line for text in SHELL.findall(MANUAL.read_text(encoding="utf-8")) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in MODULES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before & {Path(name).stem for name, _ in MODULES}:
        del sys.modules[name]


def test_every_snippet_names_its_file_or_is_commands() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    assert len(BLOCKS) + len(SHELL.findall(text)) == len(ANY_BLOCK.findall(text)) > 0


def test_the_commands_of_the_manual_check_the_first_chain_and_run_its_tests(folder: Path) -> None:
    (folder / "policies.toml").write_text(FILES[0], encoding="utf-8")
    check, serve, install, tests = [shlex.split(line.replace("FOLDER", str(folder))) for line in COMMANDS]
    assert (check[0], serve[0], tests[0]) == (*[".venv/bin/mcp-policy-proxy"] * 2, ".venv/bin/python")
    checked = _ran([sys.executable, "-m", "proxy", *check[1:], "--offline"])
    assert checked.returncode == 0, checked.stderr
    assert (serve[1], serve[2:]) == ("serve", check[2:])
    assert "pip install" in _ran([install[0], "-n", "-B", "--no-print-directory", *install[1:]]).stdout
    tested = _ran([sys.executable, *tests[1:]])
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def _ran(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=make_environ(), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_fields_of_an_exchange_are_all_in_the_manual() -> None:
    told = MANUAL.read_text(encoding="utf-8").partition("gets the `Exchange`")[2].partition("\n\nA call's")[0]
    named = [name for row in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", told, re.MULTILINE) for name in row.split(", ")]
    fields = [f"`{name}`" for name in Exchange.__dataclass_fields__]
    assert sorted(named) == sorted(fields)


def test_the_services_are_all_in_the_manual() -> None:
    told = MANUAL.read_text(encoding="utf-8").partition("| service | does |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) != []
    assert set(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)) == set(Services.__dataclass_fields__)


@pytest.mark.parametrize("name", [name for name, _ in MODULES])
@pytest.mark.usefixtures("folder")
def test_a_module_of_the_manual_runs_and_its_tests_pass(name: str) -> None:
    module = importlib.import_module(Path(name).stem)
    tests = [value for key, value in vars(module).items() if key.startswith("test_")]
    assert bool(tests) is name.startswith("test_")
    for test in tests:
        test()


@pytest.mark.parametrize("text", FILES)
def test_a_policy_file_of_the_manual_loads(folder: Path, text: str) -> None:
    path = folder / "policies.toml"
    path.write_text(text, encoding="utf-8")
    entries = load(path, services())
    assert len(entries) == text.count("[[policy]]")
    assert not [said for said in announcements(entries) if "not in the chain" in said]
