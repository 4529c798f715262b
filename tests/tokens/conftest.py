"""KMS and Secrets Manager on loopback, and nothing of the machine's own AWS configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.auth.conftest import aws, bare
from tests.tokens.kms import Kms, running

__all__ = ["aws", "bare", "kms"]


@pytest.fixture
async def kms(bare: pytest.MonkeyPatch) -> AsyncIterator[Kms]:
    """KMS; the environment points botocore to it."""
    async with running(Kms()) as kms:
        bare.setenv("AWS_ENDPOINT_URL_KMS", kms.url)
        bare.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
        bare.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-secret")
        yield kms
