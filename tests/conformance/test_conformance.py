"""The official suite, directly and through the proxy: no check may be lost on either leg."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from .comparison import allowed, losses, stale, summary, unexpected
from .processes import fixture, proxy
from .suite import (
    OUT,
    SPEC_VERSIONS,
    SuiteUnavailableError,
    Verdicts,
    count,
    install,
    run_client_suite,
    run_server_suite,
)

pytestmark = pytest.mark.conformance

DIRECT = {
    ("server", "2025-11-25"): (63, 4),
    ("server", "2026-07-28"): (152, 0),
    ("client", "2025-11-25"): (20, 0),
    ("client", "2026-07-28"): (62, 0),
}
"""Passed and failed directly. The four are requests pushed to the client, which need a session to travel on."""

CLIENT = f"exec {sys.executable} -m tests.conformance.client_command"
"""Through `exec`, so that the suite's SIGTERM for a scenario that takes too long reaches it and not a shell."""


@pytest.fixture(scope="module", autouse=True)
def _suite() -> None:
    """Node and the suite. Without them there is nothing to compare: a failure in CI, else a skip that says so."""
    try:
        install()
    except SuiteUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"conformance suite: {error}")
        pytest.skip(f"conformance suite: {error}")


@pytest.fixture(scope="module")
def upstream(_suite: None) -> Iterator[str]:
    with fixture() as url:
        yield url


def compare(side: str, version: str, direct: Verdicts, proxied: Verdicts) -> None:
    lost = losses(direct, proxied)
    print("\n" + summary(f"{side} {version}", direct, proxied, lost))
    assert (count(direct, "SUCCESS"), count(direct, "FAILURE")) == DIRECT[side, version]
    lines = allowed(side, version)
    assert not unexpected(lost, lines)
    assert not stale(lost, lines)


@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_no_server_check_is_lost_through_the_proxy(version: str, upstream: str) -> None:
    direct = run_server_suite(upstream, version, OUT / version / "direct")

    with proxy(upstream, OUT / version / "proxy.log") as url:
        proxied = run_server_suite(url, version, OUT / version / "proxied")

    compare("server", version, direct, proxied)


@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_no_client_check_is_lost_on_the_upstream_leg(version: str) -> None:
    out = OUT / version / "client"
    with ThreadPoolExecutor(2) as pool:
        direct = pool.submit(run_client_suite, CLIENT, version, out / "direct")
        proxied = pool.submit(run_client_suite, f"{CLIENT} --proxied", version, out / "proxied")

    compare("client", version, direct.result(), proxied.result())
