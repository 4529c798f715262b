"""Asks the project's own `check`, in a process of its own, about the settings and policies that are to be shipped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deployment.config import DeployConfig
from deployment.variables import variables

CHECK_S: Final = 60.0

_ROOT: Final = Path(__file__).parents[1]
_KEPT: Final = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")
_STANDIN: Final = "arn:aws:secretsmanager:us-east-1:000000000000:secret:standin"


def findings(config: DeployConfig, *, settings: bool) -> list[str]:
    """What the proxy would refuse at its start. With `settings` false only the policies are asked about.

    Policies that need the users' own requirements cannot be loaded here: they are checked in the artifact, where
    those are.
    """
    policies = None if config.requirements else config.policies
    if not settings and policies is None:
        return []
    environment = variables(config, config.client_secret_arn or _STANDIN) if settings else {}
    environment.pop("MCP_PROXY_POLICIES", None)
    if policies is not None:
        environment["MCP_PROXY_POLICIES"] = str(policies)
    return [_mapped(line, policies) for line in _checked(config, environment)]


def _checked(config: DeployConfig, environment: Mapping[str, str]) -> list[str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    beside = [str(each.parent) for each in config.include]
    paths = {"PYTHONPATH": os.pathsep.join([str(_ROOT), *dict.fromkeys(beside)]), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "proxy", "check", "--offline"],
            cwd=config.folder,
            env={**kept, **environment, **paths},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"the check of settings and policies did not end within {CHECK_S:g} s"]
    if done.returncode == 0:
        return []
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("note: ")]
    return lines[:-1] if len(lines) > 1 else lines or ["the check of settings and policies failed without a word"]


def _mapped(line: str, policies: Path | None) -> str:
    """A finding about the policies file begins with its path already."""
    return line if policies is not None and line.startswith(str(policies)) else f"the proxy's own check: {line}"
