"""AWS on loopback: Secrets Manager's JSON protocol, and a container's credentials."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Aws:
    """Holds `secrets` by ARN (text or bytes), and gives container credentials `ASIA-1`, `ASIA-2` …"""

    secrets: dict[str, str | bytes] = field(default_factory=dict)
    error: str | None = None
    slow_s: float = 0
    lasts: float = 3600
    loads: int = 0
    reads: int = 0
    fixed: bool = False
    down: bool = False
    url: str = ""

    async def read(self, request: web.Request) -> web.Response:
        self.reads += 1
        await asyncio.sleep(self.slow_s)
        assert request.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        assert "/secretsmanager/aws4_request" in request.headers["Authorization"]
        arn = json.loads(await request.read())["SecretId"]
        code = self.error or (None if arn in self.secrets else "ResourceNotFoundException")
        if code:
            return self.json({"__type": code, "message": "CANARY"}, status=400)
        value = self.secrets[arn]
        if isinstance(value, bytes):
            return self.json({"ARN": arn, "SecretBinary": base64.b64encode(value).decode()})
        return self.json({"ARN": arn, "SecretString": value})

    async def credentials(self, request: web.Request) -> web.Response:
        self.loads += 1
        await asyncio.sleep(self.slow_s)
        if self.down:
            return self.json({"code": "CANARY"}, status=500)
        number = 1 if self.fixed else self.loads
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lasts)
        keys = {"AccessKeyId": f"ASIA-{number}", "SecretAccessKey": "CANARY-secret", "Token": "CANARY-token"}
        return self.json({**keys, "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def json(self, answer: object, status: int = 200) -> web.Response:
        return web.Response(body=json.dumps(answer), status=status, content_type="application/x-amz-json-1.1")


@contextlib.asynccontextmanager
async def running(aws: Aws) -> AsyncIterator[Aws]:
    app = web.Application()
    app.router.add_post("/", aws.read)
    app.router.add_get("/credentials", aws.credentials)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    aws.url = f"http://{host}:{port}"
    try:
        yield aws
    finally:
        await runner.cleanup()
