"""The lane: the door for plain messages, a small ASGI app that needs neither FastMCP nor the SDK.

It answers `tools/call`, `tools/list`, `initialize`, `server/discover`, `ping` and `notifications/initialized`, when
they are plain (`proxy/plain.py`), by the same exchange as the relay. Everything else goes on to the door, untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from policies.jsontext import dumps
from policies.model import JsonObject
from proxy.asgi import ARRIVED, App, Arrived, Receive, Scope, Send, answer, replayed
from proxy.eras import MODERN
from proxy.errors import RpcError
from proxy.exchange import Exchanges
from proxy.inbound import CheckHeaders, Inbound, session_of
from proxy.plain import negotiated, protocol_of
from proxy.stream import Stream, Watch

_NOTIFIED: Final = "notifications/initialized"


class Lane:
    """An ASGI app for POSTs to /mcp that the guards let in. `door` answers what is not plain.

    `check_headers` judges a call of a tool whose schema annotates parameters with `x-mcp-header`.
    """

    def __init__(self, exchanges: Exchanges, door: App, check_headers: CheckHeaders) -> None:
        self._exchanges = exchanges
        self._door = door
        self._check_headers = check_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived: Arrived = scope[ARRIVED]
        protocol = protocol_of(arrived)
        if protocol is None:
            await self._door(scope, replayed(arrived.body, receive), send)
        elif arrived.message["method"] == _NOTIFIED:
            await answer(send, 202, b"")
        elif arrived.message["method"] == "ping":
            await answer(send, 200, dumps({"jsonrpc": "2.0", "id": arrived.message["id"], "result": {}}))
        else:
            await self._exchange(arrived, protocol, receive, send)

    async def _exchange(self, arrived: Arrived, protocol: str, receive: Receive, send: Send) -> None:
        stream = Stream(send, arrived.message["id"], modern=protocol == MODERN)
        watch = Watch(stream, receive)
        try:
            body = await self._exchanges.run(self._inbound(arrived, protocol, stream))
        except RpcError as error:
            watch.stop()
            await stream.error(error)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        else:
            watch.stop()
            await stream.result(body)
        finally:
            watch.stop()

    def _inbound(self, arrived: Arrived, protocol: str, stream: Stream) -> Inbound:
        message = arrived.message
        params: JsonObject = message.get("params") or {}
        first = message["method"] == "initialize"
        return Inbound(
            method=message["method"],
            params=message.get("params"),
            protocol=negotiated(params) if first else protocol,
            door="lane",
            request_id=message["id"],
            headers=Texts(arrived.headers),
            caller=arrived.caller,
            session=session_of(arrived.caller),
            notify=stream.notify,
            answer={"protocolVersion": negotiated(params)} if first else None,
            check_headers=self._check_headers if protocol == MODERN else None,
        )


class Texts(Mapping[str, str]):
    """Headers as text, decoded when they are asked for: of most calls nobody asks."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        return self._raw[name.encode()].decode("latin-1")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode() in self._raw

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)
