"""A deployed proxy, as agents see it: the emulated Runtime's data plane, with a real proxy process behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from proxy.arns import ENDPOINT_VARIABLE
from tests.agentcore import runtime_plane
from tests.agentcore.runtime_plane_serving import runtime_in, serving, user_keys
from tests.agentcore.world import REGION, Runtime, World

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/execution"
LONGEST_S = 60.0

_NO_MOTO = "http://127.0.0.1:9"
"""The one principal here may do everything, so nobody asks for its policies."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Code that runs already. Implements `Started`."""

    url: str

    def alive(self) -> bool:
        return True

    async def stop(self) -> None:
        """Whoever started it stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`environment` is all that an agent needs to call `arn`."""

    world: World
    runtime: Runtime
    environment: Mapping[str, str]

    @property
    def arn(self) -> str:
        return self.runtime.arn


@contextlib.asynccontextmanager
async def deployed(proxy: str, **authorizer: Any) -> AsyncIterator[Deployed]:
    """The proxy with origin `proxy` on a Runtime, whose inbound auth is IAM unless a JWT `authorizer` is given."""

    async def start(runtime: Runtime, endpoint: str, version: int) -> Behind:
        return Behind(proxy)

    world = World()
    inbound = {"authorizerConfiguration": {"customJWTAuthorizer": authorizer}} if authorizer else {}
    runtime = runtime_in(world, "policy_proxy", ROLE, **inbound)
    application: web.Application = runtime_plane.app(world, _NO_MOTO, start=start)
    keys = user_keys(world)
    async with serving(application) as url:
        environment = {
            ENDPOINT_VARIABLE: url,
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
        }
        yield Deployed(world=world, runtime=runtime, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


async def run(*command: str, environ: Mapping[str, str], python: str = sys.executable, stdin: str = "") -> Ran:
    """A process of its own, in an environment without settings of AWS or of the proxy but those given."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MCP_PROXY_", "PROXY_"))}
    process = await asyncio.create_subprocess_exec(
        python,
        *command,
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), LONGEST_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(code=process.returncode or 0, out=out.decode(), err=err.decode())
