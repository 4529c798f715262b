"""The `agentcore` CLI's own schema, out of its npm package, with zod and nothing else of what the CLI needs."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .installs import LONGEST_INSTALL, PINS, ROOT, InstallError

CHECK = """
const fs = require('fs');
const { AgentCoreProjectSpecSchema } = require('./package/dist/schema/schemas/agentcore-project.js');
const found = AgentCoreProjectSpecSchema.safeParse(JSON.parse(fs.readFileSync(0, 'utf8')));
const issues = found.success ? [] : found.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
console.log(JSON.stringify({ issues, parsed: found.success ? found.data : null }));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentcoreCli:
    """Its package as published, by `npm pack`, held against the digest in the pins."""

    name: str = "agentcore"

    @property
    def pins(self) -> Sequence[Path]:
        return [PINS / self.name / "package.json", PINS / self.name / "package-lock.json"]

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    def build(self) -> None:
        self.folder.mkdir()
        for pin in self.pins:
            shutil.copy(pin, self.folder)
        wanted = json.loads(self.pins[0].read_text())["agentcore"]
        self._npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
        self._npm("pack", f"@aws/agentcore@{wanted['version']}", "--loglevel=error")
        (packed,) = self.folder.glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != wanted["integrity"]:
            raise InstallError("the package of the agentcore CLI is not the pinned one")
        with tarfile.open(packed) as archive:
            archive.extractall(self.folder, filter="data")
        (self.folder / "check.js").write_text(CHECK)

    def issues(self, project: dict[str, Any]) -> list[str]:
        """What the CLI would say of this `agentcore.json`."""
        return list(self._asked(project)["issues"])

    def read(self, project: dict[str, Any]) -> dict[str, Any]:
        """The project as the CLI reads it, its defaults filled in."""
        parsed = self._asked(project)["parsed"]
        assert isinstance(parsed, dict)
        return parsed

    def _asked(self, project: dict[str, Any]) -> Any:
        node = subprocess.run(
            ["node", "check.js"], cwd=self.folder, input=json.dumps(project), capture_output=True, text=True, timeout=60
        )
        assert node.returncode == 0, node.stderr
        return json.loads(node.stdout)

    def _npm(self, *arguments: str) -> None:
        done = subprocess.run(
            ["npm", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_INSTALL,
        )
        if done.returncode:
            raise InstallError(f"npm {arguments[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
