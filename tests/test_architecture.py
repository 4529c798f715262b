"""The shape of the code: what may import what, how large a file may be, which words are not used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 400

FOREIGN = {"proxy", "fastmcp", "mcp", "aiohttp", "httpx", "httpx2", "botocore", "boto3", "starlette", "uvicorn"}
"""What the policies never import: they run without I/O of their own, in any host."""

WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "interceptor", "guardrail", "plugin", "plugins"}
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of every import, those inside functions and by `import_module("…")` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and _named(node.func) in {"import_module", "__import__"}:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value).partition(".")[0]


def _named(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def declared(tree: ast.AST) -> Iterator[str]:
    """Names that this code gives: classes, functions, arguments, variables and attributes of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def parts(name: str) -> set[str]:
    return {part.lower() for part in _PART.findall(name)}


@pytest.mark.parametrize("path", files("policies"), ids=str)
def test_the_policies_import_nothing_of_the_io_half(path: Path) -> None:
    assert not FOREIGN & set(imported(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", files("policies", "proxy"), ids=str)
def test_what_runs_imports_nothing_of_what_deploys_it(path: Path) -> None:
    assert not {"deployment", "boto3"} & set(imported(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", files("policies", "proxy", "deployment"), ids=str)
def test_a_file_stays_readable_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", files("policies", "proxy", "deployment"), ids=str)
def test_the_words_of_the_project_are_used(path: Path) -> None:
    assert not WORDS & parts("_".join(path.relative_to(ROOT).with_suffix("").parts))
    assert not {name for name in declared(ast.parse(path.read_text())) if WORDS & parts(name)}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import mcp.types", {"mcp"}),
        ("def f():\n    from aiohttp import web", {"aiohttp"}),
        ("if x:\n    import importlib\n    importlib.import_module('boto3.session')", {"importlib", "boto3"}),
        ("from . import mcp", set()),
    ],
)
def test_imports_are_found_wherever_they_hide(source: str, names: set[str]) -> None:
    assert set(imported(ast.parse(source))) == names


@pytest.mark.parametrize("name", ["SessionManager", "text_utils", "PluginHTTP", "helpers"])
def test_a_forbidden_word_is_found_in_a_name(name: str) -> None:
    assert WORDS & parts(name)
