"""The official conformance suite, run against a URL and read back as checks.

    python -m tests.conformance.suite --url http://127.0.0.1:8000/mcp --spec-version 2026-07-28

prints the totals for any server. Node and the suite come from npm, at pinned versions, into `.node/`.
"""

import argparse
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
OUT: Final = Path(__file__).resolve().parent / "out"
NODE_MODULES: Final = ROOT / ".node" / "node_modules"
SUITE: Final = NODE_MODULES / "@modelcontextprotocol" / "conformance"
NODE_VERSION: Final = "22"
SUITE_VERSION: Final = "0.2.0-alpha.12"
SPEC_VERSIONS: Final = ("2025-11-25", "2026-07-28")

UNSTABLE: Final = frozenset({"server-sse-polling"})
"""Scenarios left out: polling closes streams by the clock, and answers differ between two identical runs."""

OUT_OF_SCOPE: Final = "auth/"
"""Client scenarios left out: they drive a person's OAuth login, and the proxy logs in as a machine."""

COMMAND: Final = (str(NODE_MODULES / ".bin" / "node"), str(SUITE / "dist" / "index.js"))
INSTALL_SECONDS: Final = 300
RUN_SECONDS: Final = 300


class SuiteUnavailableError(Exception):
    """The suite cannot be installed here: npm is missing, or it failed. The text says which."""


class SuiteFailedError(Exception):
    """The suite ran and left no results. The text holds the end of what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One check of one scenario. An id may occur many times in it, under several names and even the same one:
    `occurrence` counts id and name from 0."""

    scenario: str
    check: str
    name: str
    occurrence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the suite says of a check: SUCCESS, FAILURE, WARNING, SKIPPED or INFO, and why."""

    status: str
    message: str


Verdicts = dict[Key, Verdict]


def count(verdicts: Verdicts, status: str) -> int:
    return sum(verdict.status == status for verdict in verdicts.values())


def installed() -> bool:
    if not (NODE_MODULES / ".bin" / "node").exists() or not (SUITE / "package.json").exists():
        return False
    version: str = json.loads((SUITE / "package.json").read_text())["version"]
    return version == SUITE_VERSION


def install() -> None:
    """Bring Node and the suite into `.node/` unless they are there. Raises SuiteUnavailableError."""
    if installed():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SuiteUnavailableError("npm is not on the PATH; install Node.js with npm to run the conformance suite")
    wanted = [f"node@{NODE_VERSION}", f"@modelcontextprotocol/conformance@{SUITE_VERSION}"]
    command = [npm, "install", "--prefix", str(ROOT / ".node"), "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([*command, *wanted], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode or not installed():
        raise SuiteUnavailableError(f"npm could not install {' and '.join(wanted)}: {done.stderr[-500:]}")


def run(arguments: Sequence[str], out: Path) -> Verdicts:
    """Run the suite with `arguments` (`server` or `client` first), its files going to `out`, emptied before.

    The exit code only says whether anything failed, so the files are read instead. Raises SuiteUnavailableError
    and SuiteFailedError.
    """
    install()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    command = [*COMMAND, *arguments, "-o", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    files = sorted(out.rglob("checks.json"))
    if not files:
        raise SuiteFailedError(f"the suite left no results: {(done.stdout + done.stderr)[-2000:]}")
    return read(files, out)


def run_server_suite(url: str, spec_version: str, out: Path) -> Verdicts:
    """Every server scenario that applies to `spec_version`, against the server at `url`."""
    return run(["server", "--url", url, "--suite", "all", "--spec-version", spec_version], out)


def client_scenarios(spec_version: str) -> list[str]:
    """The client scenarios that apply to `spec_version`, as the suite lists them, without OUT_OF_SCOPE."""
    install()
    listing = subprocess.run(
        [*COMMAND, "list", "--client", "--spec-version", spec_version],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=True,
    )
    names: list[str] = re.findall(r"^ +- (\S+)", listing.stdout, re.MULTILINE)
    return [name for name in names if not name.startswith(OUT_OF_SCOPE)]


def run_client_suite(command: str, spec_version: str, out: Path) -> Verdicts:
    """Every client scenario in scope, one after the other, `command` being started with each one's URL."""
    verdicts: Verdicts = {}
    for name in client_scenarios(spec_version):
        arguments = ["client", "--command", command, "--scenario", name, "--spec-version", spec_version]
        verdicts |= run(arguments, out / name)
    return verdicts


def read(files: Iterable[Path], out: Path) -> Verdicts:
    """The checks of the suite's result files, one folder per scenario, named after it and the time."""
    verdicts: Verdicts = {}
    for file in files:
        scenario = scenario_of(file.parent.relative_to(out).as_posix())
        if scenario in UNSTABLE:
            continue
        seen: Counter[tuple[str, str]] = Counter()
        for check in json.loads(file.read_text()):
            id_, name = check["id"], check["name"]
            key = Key(scenario=scenario, check=id_, name=name, occurrence=seen[id_, name])
            seen[id_, name] += 1
            verdicts[key] = Verdict(status=check["status"], message=check.get("errorMessage") or "")
    return verdicts


def scenario_of(folder: str) -> str:
    """`server-ping-2026-07-28T10-00-00-000Z` is the scenario `ping`; client scenarios have no prefix."""
    return re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", folder).removeprefix("server-")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--spec-version", choices=SPEC_VERSIONS, default=SPEC_VERSIONS[-1])
    options = parser.parse_args()
    verdicts = run_server_suite(options.url, options.spec_version, OUT / "manual" / options.spec_version)
    for key, verdict in verdicts.items():
        if verdict.status == "FAILURE":
            print(f"{key.scenario}: {key.check}: {verdict.message}")
    print(f"{count(verdicts, 'SUCCESS')} passed, {count(verdicts, 'FAILURE')} failed, {len(verdicts)} checks")


if __name__ == "__main__":
    main()
