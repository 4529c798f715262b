"""`check` inside what ships: the twin of the artifact for this machine, with the deployment's own environment."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deployment import bundle
from deployment.bundle_contents import Inputs, Tell
from deployment.bundle_target import interpreter
from deployment.errors import ConfigError, DeployError

_CHECK_S: Final = 120


def check(inputs: Inputs, environment: Mapping[str, str], tell: Tell = lambda _: None) -> None:
    """Raises ConfigError with what the proxy's own check finds. Done once for the same content and environment."""
    tree = bundle.tree(inputs, "host", tell)
    passed = tree.parent.parent / "checked" / _key(tree, environment)
    if passed.exists():
        return
    tell("checking the chain inside the artifact")
    done = run(tree, inputs.python, ["-m", "proxy", "check", "--offline"], environment)
    if done.returncode:
        raise ConfigError(findings(done.stderr) or [f"the proxy's check ended with code {done.returncode}"])
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()


def run(
    tree: Path, python: str, arguments: list[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Python of that version in the tree, with nothing else on its path, and no variable but these."""
    own = {"PATH": os.defpath, "PYTHONPATH": str(tree / "lib"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            [interpreter(python).path, "-S", "-P", *arguments],
            cwd=tree,
            env={**own, **environment},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CHECK_S,
        )
    except subprocess.TimeoutExpired:
        raise DeployError(
            f"the proxy's check did not end within {_CHECK_S} s: does a module of yours do work when it is imported?"
        ) from None


def findings(told: str) -> list[str]:
    """The findings among the lines of `check`: not its notes, nor its last line, which counts them."""
    lines = [line for line in told.splitlines() if line.strip() and not line.startswith("note: ")]
    return [f"in the artifact: {line}" for line in lines[:-1]] or lines


def _key(tree: Path, environment: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([tree.name, sorted(environment.items())]).encode()).hexdigest()[:32]
