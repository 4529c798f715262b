"""KMS on loopback: what `Decrypt` answers, in the service's JSON protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Kms:
    """Holds `plain` by key ARN and ciphertext. `error` is the code that it answers instead."""

    plain: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    error: str | None = None
    slow_s: float = 0
    calls: int = 0
    url: str = ""

    async def decrypt(self, request: web.Request) -> web.Response:
        self.calls += 1
        await asyncio.sleep(self.slow_s)
        assert request.headers["X-Amz-Target"] == "TrentService.Decrypt"
        assert "/kms/aws4_request" in request.headers["Authorization"]
        asked = json.loads(await request.read())
        known = {blob: plain for (arn, blob), plain in self.plain.items() if arn == asked["KeyId"]}
        blob = base64.b64decode(asked["CiphertextBlob"])
        code = self.error or (None if blob in known else "IncorrectKeyException")
        if code:
            return self._json({"__type": code, "message": "CANARY"}, 400)
        plain = base64.b64encode(known[blob]).decode()
        return self._json({"KeyId": asked["KeyId"], "Plaintext": plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})

    def _json(self, answer: object, status: int = 200) -> web.Response:
        return web.Response(body=json.dumps(answer), status=status, content_type="application/x-amz-json-1.1")


@contextlib.asynccontextmanager
async def running(kms: Kms) -> AsyncIterator[Kms]:
    app = web.Application()
    app.router.add_post("/", kms.decrypt)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    kms.url = f"http://{host}:{port}"
    try:
        yield kms
    finally:
        await runner.cleanup()
