"""Whoever runs the deployer: writes a config, runs verbs in this process, reads what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.cli import main

UPSTREAM = "https://tools-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a verb left: its exit code, the JSON on standard output, and what it told meanwhile."""

    code: int
    document: Any
    out: str
    told: str

    @property
    def actions(self) -> dict[str, str]:
        """Kind of resource → what was done to it, of a plan or a deployment."""
        changes = self.document.get("changes", self.document.get("changed", self.document.get("destroyed")))
        return {each["resource"].split(" ")[0]: each["action"] for each in changes}


class Person:
    """`config` is written before each verb; `said` holds all that was ever printed."""

    def __init__(self, folder: Path, read: Callable[[], tuple[str, str]]) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {"agent_name": "shop", "gateway_endpoint": UPSTREAM, "region": "us-east-1"}
        self.config["gateway_api_id"] = "tools-abcdefghij"
        self.said = ""
        self._read = read

    def run(self, verb: str, *flags: str, code: int | None = 0) -> Outcome:
        """Run a verb with --json and check its exit code; None checks nothing."""
        path = self.folder / "deploy_config.json"
        path.write_text(json.dumps(self.config))
        self._read()
        found = main([verb, "--config", str(path), "--json", *flags])
        out, told = self._read()
        self.said += out + told
        assert code is None or found == code, out + told
        return Outcome(code=found, document=json.loads(out), out=out, told=told)
