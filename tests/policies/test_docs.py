"""Every snippet of the manual runs: modules are imported, their tests run, policy files loaded."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.loading import load
from policies.testing import services

MANUAL = Path(__file__).parents[2] / "docs" / "policies.md"
BLOCK = re.compile(r"^```(\w+)\n# ([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```\w+$", re.MULTILINE)

BLOCKS = BLOCK.findall(MANUAL.read_text(encoding="utf-8"))
MODULES = [(name, text) for kind, name, text in BLOCKS if kind == "python"]
FILES = [text for kind, _, text in BLOCKS if kind == "toml"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in MODULES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before & {Path(name).stem for name, _ in MODULES}:
        del sys.modules[name]


def test_every_snippet_names_its_file() -> None:
    assert len(BLOCKS) == len(ANY_BLOCK.findall(MANUAL.read_text(encoding="utf-8"))) > 0


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
    assert len(load(path, services())) == text.count("[[policy]]")
