"""The official suite directly against the fixture server and through the proxy: nothing may be lost."""

import os
from collections.abc import Iterator

import pytest

from .comparison import allowed, losses, stale, summary, unexpected
from .processes import fixture, proxy
from .suite import (
    OUT,
    SPEC_VERSIONS,
    SuiteUnavailableError,
    count,
    install,
    run_server_suite,
)

pytestmark = pytest.mark.conformance

DIRECT = {"2025-11-25": (63, 4), "2026-07-28": (152, 0)}
"""Passed and failed directly. The four are requests pushed to the client, which need a session to travel on."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    try:
        install()
    except SuiteUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"conformance suite: {error}")
        pytest.skip(f"conformance suite: {error}")
    with fixture() as url:
        yield url


@pytest.mark.parametrize("version", SPEC_VERSIONS)
def test_no_check_is_lost_through_the_proxy(version: str, upstream: str) -> None:
    direct = run_server_suite(upstream, version, OUT / version / "direct")
    assert (count(direct, "SUCCESS"), count(direct, "FAILURE")) == DIRECT[version]

    with proxy(upstream, OUT / version / "proxy.log") as url:
        proxied = run_server_suite(url, version, OUT / version / "proxied")

    lost = losses(direct, proxied)
    print("\n" + summary(version, direct, proxied, lost))
    lines = allowed("server", version)
    assert not unexpected(lost, lines)
    assert not stale(lost, lines)
