"""A deployment with users' files, and one run of the deployer over it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deployment.account import Account
from deployment.config import DeployConfig
from deployment.report import Report
from deployment.run import Run
from deployment.waiting import Waits
from tests.deployment.built import PYTHON, alone, project, reachable, users

REGION = "us-east-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The artifact is built in it once, for all of these tests."""
    made = project(tmp_path_factory.mktemp("project"))
    users(made)
    yield made
    shutil.rmtree(made)


def config(folder: Path, **more: Any) -> DeployConfig:
    settings = {
        "agent_name": "shop_proxy",
        "gateway_endpoint": f"https://shop-0123456789.gateway.bedrock-agentcore.{REGION}.amazonaws.com/mcp",
        "region": REGION,
        "runtime": f"PYTHON_{PYTHON.replace('.', '_')}",
        "folder": folder,
        "policies": folder / "policies.toml",
        "include": (folder / "shouting.py",),
        "requirements": folder / "requirements.txt",
    }
    return DeployConfig(**{**settings, **more})


def run_of(folder: Path, **more: Any) -> Run:
    made = config(folder, **more)
    report = Report(as_json=False)
    return Run(config=made, account=Account(made.region), report=report, waits=Waits(report.tell, first_s=0.01))


@contextmanager
def building() -> Iterator[None]:
    with alone(), reachable():
        yield
