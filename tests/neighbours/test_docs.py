"""What docs/neighbours.md shows is run, and what comes of it is what the page says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proxy.settings import load
from tests.mcp_wire import MODERN
from tests.neighbours.registry_rules import FIELDS, rewritten, shape_of
from tests.neighbours.test_registry import ROOT, cli
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

PAGE = (ROOT / "docs" / "neighbours.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [text.strip() for kind, text in BLOCK.findall(PAGE) if kind == "sh"]
EXPORTS = [shlex.split(command) for command in COMMANDS if " export " in command]


def words_of(*parts: str, without: str = "") -> list[str]:
    """The words of the page's command that has these parts, up to where its output goes."""
    (words,) = [words for words in EXPORTS if set(parts) <= set(words) and without not in words]
    return words[2 : words.index(">")]


async def exported(tmp_path: Path, words: list[str], **environ: str) -> dict[str, Any]:
    """What the command writes with a proxy at the URL that it names, or an upstream that it can list."""
    import asyncio

    async with RichUpstream(MODERN).running() as upstream, proxy_before(upstream.url, tmp_path) as running:
        if "--arn" in words and "registry" in words:
            environ |= {"MCP_PROXY_UPSTREAM": upstream.url, "MCP_PROXY_POLICIES": str(tmp_path / "policies.toml")}
        there = [running.url if word == "http://127.0.0.1:8000/mcp" else word for word in words]
        ran = await asyncio.to_thread(cli, *there, **environ)
    assert ran.returncode == 0, ran.stderr
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


async def test_the_entry_of_a_proxy_of_ones_own_is_as_the_page_says(tmp_path: Path) -> None:
    document = await exported(tmp_path, words_of("http://127.0.0.1:8000/mcp"))
    shape_of(document)
    assert (document["server_name"], document["path"], document["auth_type"]) == ("shop", "/shop", "none")
    assert rewritten(document)[0] == "/shop/"


async def test_the_entry_of_a_deployed_proxy_is_as_the_page_says(tmp_path: Path) -> None:
    document = await exported(tmp_path, words_of("env:TOKEN"), TOKEN="t")
    shape_of(document)
    assert document["proxy_pass_url"].endswith("/invocations")
    assert rewritten(document)[1].endswith("/invocations/")


def test_each_field_of_the_entry_is_told() -> None:
    table = PAGE.partition("| field | value |")[2].partition("Some releases")[0]
    assert set(FIELDS) - {"description"} <= set(re.findall(r"`([a-z_]+)`", table))


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not on the path")
@pytest.mark.parametrize("headers", [[], [{"A": "x"}, {"B": "y"}]], ids=["none", "two"])
def test_the_jq_of_the_page_makes_an_entry_for_the_stricter_releases(headers: list[Any], tmp_path: Path) -> None:
    (command,) = [command for command in COMMANDS if command.startswith("jq ")]
    (tmp_path / "gateway-config.json").write_text(json.dumps(dict.fromkeys(FIELDS, 0) | {"headers": headers}))
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=20)
    made = json.loads((tmp_path / "gateway-config.new.json").read_text())
    assert set(FIELDS) - set(made) == {"auth_type", "num_stars", "is_python"}
    assert made["headers"] == {name: value for header in headers for name, value in header.items()}


def test_the_settings_of_the_page_are_settings() -> None:
    (block,) = [text for kind, text in BLOCK.findall(PAGE) if not kind]
    settings = load(dict(line.split("=", 1) for line in block.split()))
    assert (settings.inbound_header, settings.auth_mode) == ("X-Authorization", "passthrough")
    for name in set(re.findall(r"MCP_PROXY_[A-Z_]+", PAGE)):
        load({name: ""})


async def test_the_projects_of_the_page_are_as_it_says(tmp_path: Path) -> None:
    before = await exported(tmp_path, words_of("agentcore", without="--arn"))
    after = await exported(tmp_path, words_of("agentcore", "--arn"))
    assert before["agentCoreGateways"] == []
    assert before["runtimes"] == after["runtimes"]
    (runtime,) = after["runtimes"]
    assert runtime["codeLocation"] == "app/shop-proxy/"
    assert after["agentCoreGateways"][0]["targets"][0]["outboundAuth"] == {"type": "NONE"}
