"""Streamable HTTP to the upstream, in both eras, on one pooled client.

One POST a request. Redirects, cookies, and the proxies and netrc of the environment are not followed. The caller's
headers do not come here except by `Origin.headers`. Nothing of the upstream's text enters an error or a log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from policies.model import Json, JsonObject
from proxy.address import address, endpoint_of, mark_of
from proxy.answers import REFUSAL_BYTES, Answers
from proxy.beside import Beside
from proxy.bodies import whole
from proxy.errors import AuthError, ConfigError
from proxy.http1 import Client
from proxy.http1_errors import HttpError
from proxy.http1_response import Response
from proxy.http_faults import fault, status_fault
from proxy.wire import (
    MAX_REFUSALS,
    Auth,
    ForeignError,
    Origin,
    Outgoing,
    Reply,
    WireError,
    implementation,
    refusal,
    written,
)

_LOG: Final = logging.getLogger("proxy.upstream")
_DRAIN_S: Final = 1.0
_DRAIN_BYTES: Final = 64 * 2**10
_RESERVED: Final = frozenset(
    {
        *("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"),
        *("last-event-id", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"),
    }
)


class HttpWire:
    """`url` is used as it is written: an encoded ARN in its path stays encoded. Raises ConfigError for a bad one."""

    shared = False
    probe_s: float | None = None

    def __init__(
        self, url: str, auth: Auth, *, answer_bytes: int, depth: int, connect_s: float, in_flight: int
    ) -> None:
        self._url = address(url)
        if self._url.scheme not in ("http", "https"):
            raise ConfigError(["setting upstream: not an http:// or https:// URL"])
        self.endpoint = endpoint_of(self._url)
        self._auth = auth
        self._connect_s = connect_s
        self._pool = 2 * in_flight
        self._answers = Answers(cap=answer_bytes, depth=depth, resume=self._resume, refuse=self._refuse)
        self._client: Client | None = None
        self._beside = Beside(2 * connect_s)
        self._fixed = {
            "User-Agent": "{name}/{version}".format(**implementation()) + f" {mark_of(self.endpoint)}",
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }

    async def open(self) -> None:
        self._client = Client(self._url, limit=self._pool, connect_s=self._connect_s)

    async def close(self) -> None:
        await self._beside.stop()
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ready(self) -> None:
        """HTTP connects by itself."""

    async def send(self, out: Outgoing) -> Reply:
        """One try, or two when the first one's credential was refused. Raises WireError."""
        body = written({"jsonrpc": "2.0", "id": out.id, "method": out.method, "params": out.params})
        response = await self._request("POST", self._headers(out), body, out.origin, out.gap_s, out.deadline)
        try:
            reply = await self._answers.read(response, out)
        except BaseException as error:
            response.close()
            if isinstance(error, ForeignError):
                response.distrust()
            if isinstance(error, Exception):
                raise fault(error) from None
            raise
        if not response.complete:
            self._beside.start(_drain(response))
        return reply

    async def tell(self, message: JsonObject, *, version: str, session: str | None, origin: Origin) -> None:
        """Post a notification or a response; the answer is read and ignored. Raises WireError."""
        await self._finish("POST", version, session, written(message), origin)

    async def end(self, session: str, *, version: str, origin: Origin) -> None:
        """DELETE a session. Raises WireError."""
        await self._finish("DELETE", version, session, b"", origin)

    async def _finish(self, method: str, version: str, session: str | None, body: bytes, origin: Origin) -> None:
        headers = {**self._fixed, "MCP-Protocol-Version": version}
        if session is not None:
            headers["Mcp-Session-Id"] = session
        headers = _with(headers, _allowed(origin.headers))
        deadline = asyncio.get_running_loop().time() + 2 * self._connect_s
        response = await self._request(method, headers, body, origin, None, deadline)
        try:
            await whole(response, REFUSAL_BYTES)
        except Exception as error:  # noqa: BLE001
            raise fault(error) from None
        finally:
            response.close()
        if response.status >= 400:
            _LOG.debug("upstream answered HTTP %d to a %s beside the calls", response.status, method)

    async def _resume(self, out: Outgoing, last_id: str) -> Response:
        """The rest of a broken stream of the handshake era, by GET. Raises WireError unless it is a stream."""
        headers = {**self._headers(out), "Last-Event-ID": last_id}
        response = await self._request("GET", headers, b"", out.origin, out.gap_s, out.deadline)
        if response.status != 200 or response.content_type != "text/event-stream":
            response.close()
            raise status_fault(response)
        return response

    def _headers(self, out: Outgoing) -> dict[str, str]:
        headers = {**self._fixed, **out.headers}
        if out.method != "initialize":
            headers["MCP-Protocol-Version"] = out.version
        if out.session is not None:
            headers["Mcp-Session-Id"] = out.session
        return _with(headers, _allowed(out.origin.headers)) if out.origin.headers else headers

    async def _request(
        self,
        method: str,
        headers: dict[str, str],
        body: bytes,
        origin: Origin,
        gap_s: float | None,
        deadline: float | None,
    ) -> Response:
        """Sign and send; once more with a fresh credential when the first is refused. Raises WireError."""
        try:
            response = await self._signed(method, headers, body, origin, gap_s, deadline)
            if response.status in (401, 403) and await self._refused(response, origin):
                response.close()
                response = await self._signed(method, headers, body, origin, gap_s, deadline)
        except AuthError as error:
            # Files, ARNs and hosts of ours are for whoever reads the log, not for the caller.
            _LOG.warning("no credential for the upstream: %s", error)
            text = "the proxy could not get its credential for the upstream"
            raise WireError("auth", f"{text}: {error.told}" if error.told else text, sent=False) from None
        except Exception as error:  # noqa: BLE001
            raise fault(error) from None
        return response

    async def _refused(self, response: Response, origin: Origin) -> bool:
        """Whether a fresh credential is worth one more try. Who leaves meanwhile leaves no connection behind."""
        try:
            return await self._auth.refused(response.status, origin.workload)
        except BaseException:
            response.close()
            raise

    async def _signed(
        self,
        method: str,
        headers: dict[str, str],
        body: bytes,
        origin: Origin,
        gap_s: float | None,
        deadline: float | None,
    ) -> Response:
        if self._client is None:
            raise WireError("closed", "the connection to the upstream is closed", sent=False)
        signature = await self._auth.sign(method, self._url, headers, body, origin.authorization, origin.workload)
        signed = _with(signature, headers) if signature else headers
        return await self._client.request(method, signed, body, gap_s=gap_s, deadline=deadline)

    def _refuse(self, message: Mapping[str, Json], out: Outgoing) -> None:
        answer = refusal(message)
        if answer is not None and self._beside.busy < MAX_REFUSALS:
            self._beside.start(self.tell(answer, version=out.version, session=out.session, origin=out.origin))


def _with(headers: Mapping[str, str], below: Mapping[str, str]) -> dict[str, str]:
    """`headers`, and those of `below` that bear another name, whatever the case."""
    taken = {name.lower() for name in headers}
    return {**headers, **{name: value for name, value in below.items() if name.lower() not in taken}}


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers to pass on, without those that are for the wire to set."""
    return {name: value for name, value in headers.items() if name.lower() not in _RESERVED}


async def _drain(response: Response) -> None:
    """Wait for the end of an answered stream, so that its connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            left = _DRAIN_BYTES
            while left > 0 and (piece := await response.read()):
                left -= len(piece)
    except (TimeoutError, HttpError):
        pass
    finally:
        response.close()
