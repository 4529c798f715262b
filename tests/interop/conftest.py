"""Environments for the interop suite: all are installed at once, each test waits for its own alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from .installs import ALL, NODE, Environment, NodeEnvironment, PythonEnvironment, install

Installed = Callable[[Environment], None]


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """Waits until an environment is there. Without npm its tests are skipped, or fail where CI is true."""
    npm = shutil.which("npm") is not None
    with ThreadPoolExecutor(len(ALL)) as pool:
        started: dict[str, Future[None]] = {
            environment.name: pool.submit(install, environment) for environment in ALL if npm or environment is not NODE
        }

        def wait_for(environment: NodeEnvironment | PythonEnvironment) -> None:
            if environment.name not in started:
                _without_npm()
            started[environment.name].result()

        yield wait_for


def _without_npm() -> None:
    message = "npm is not on the path: install Node.js with npm to run this"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every test that did not run for want of npm, so that nobody takes a partial run for a whole one."""
    skipped = [
        each for each in terminalreporter.stats.get("skipped", []) if "npm is not on the path" in str(each.longrepr)
    ]
    if skipped:
        terminalreporter.section("interop: not run, because npm is missing", red=True, bold=True)
        for report in skipped:
            terminalreporter.write_line(report.nodeid, red=True)
