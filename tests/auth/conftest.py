"""An environment without any AWS configuration of the machine's own, and an AWS on loopback."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from botocore.utils import ContainerMetadataFetcher

from tests.auth.secrets_manager import Aws, running


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No AWS variable, no profile, no instance metadata."""
    for name in list(os.environ):
        if name.startswith("AWS_") and name != "AWS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
async def aws(bare: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    """Secrets Manager and container credentials; the environment points botocore to them."""
    bare.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    async with running(Aws()) as aws:
        bare.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.url)
        bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/credentials")
        yield aws
