"""An AWS endpoint on loopback that verifies signatures for real.

It reads requests off the socket by itself, so that nothing tidies them up on the way, and has botocore build the
canonical request from exactly what arrived.
"""

from __future__ import annotations

import asyncio
import calendar
import contextlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
)
SKEW_S = 300


@dataclass
class Verifier:
    """Accepts what is signed with `secrets[access_key]` (secret key, session token) for its service and region."""

    service: str
    region: str
    secrets: dict[str, tuple[str, str | None]]
    clock: Callable[[], float] = time.time
    port: int = 0
    lines: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def judge(self, line: str, headers: dict[str, str], body: bytes) -> str:
        """`ok`, or why the request is refused."""
        method, target, _ = line.split(" ")
        found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if not found:
            return "unsigned"
        access_key, day, region, service, names, signature = found.groups()
        stamp = headers.get("x-amz-date", "")
        if (region, service) != (self.region, self.service) or not stamp.startswith(day):
            return "scope"
        if abs(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - self.clock()) > SKEW_S:
            return "clock"
        signed = names.split(";")
        if access_key not in self.secrets or not {"host", "x-amz-date"} <= set(signed):
            return "unknown"
        secret, token = self.secrets[access_key]
        if headers.get("x-amz-security-token") != token or (token and "x-amz-security-token" not in signed):
            return "token"
        request = AWSRequest(method, f"http://{headers['host']}{target}", data=body)
        for name in signed:
            request.headers[name] = headers.get(name, "")
        request.context["timestamp"] = stamp
        oracle = SigV4Auth(Credentials(access_key, secret, token), service, region)
        expected = oracle.signature(oracle.string_to_sign(request, oracle.canonical_request(request)), request)
        return "ok" if hmac.compare_digest(expected, signature) else "signature"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest[:-2])
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.lines.append(line)
                verdict = self.judge(line, headers, body)
                self.verdicts.append(verdict)
                answer = json.dumps({"verdict": verdict}).encode()
                status = "200 OK" if verdict == "ok" else "403 Forbidden"
                head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(head.encode() + answer)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def running(verifier: Verifier) -> AsyncIterator[Verifier]:
    server = await asyncio.start_server(verifier.serve, "127.0.0.1", 0)
    verifier.port = server.sockets[0].getsockname()[1]
    try:
        yield verifier
    finally:
        server.close()
