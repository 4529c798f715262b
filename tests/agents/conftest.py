"""An environment in which an agent finds the credentials of `front.KEYS` and nothing of the machine's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.arns import ENDPOINT_VARIABLE
from tests.agents.front import KEYS
from tests.interop.running import proxy as serving


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a proxy process as a Runtime starts it, in front of its embedded demo."""
    with serving(tmp_path_factory.mktemp("proxy"), "--inbound", "platform") as url:
        yield url.removesuffix("/mcp")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("AWS_", "MCP_PROXY_")) and name != "AWS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(ENDPOINT_VARIABLE, raising=False)
    return monkeypatch
